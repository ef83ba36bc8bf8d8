"""What the page's offer of a call must look like, before aiortc reads it.

aiortc takes descriptions on trust: broken ones leave a connection behind that cannot even be closed. One stream of
audio and one of data in a bundle are all that the studio answers.

Source: RFC 8866 (SDP), RFC 8843 (BUNDLE), RFC 8841 (data channels), RFC 8839 (ICE), RFC 8122 (fingerprints).
"""

import re
from typing import Final

from dred.errors import RemoteDataError

__all__ = ["check_offer"]

_LINE: Final = re.compile(r"[a-z]=\S.*")
_AUDIO: Final = re.compile(r"m=audio \d{1,5} UDP/TLS/RTP/SAVPF(?: \d{1,3})+")
_DATA: Final = re.compile(r"m=application \d{1,5} UDP/DTLS/SCTP webrtc-datachannel")
_PORT: Final = re.compile(r"a=sctp-port:\d{1,5}")
_OPUS: Final = re.compile(r"a=rtpmap:\d{1,3} opus/48000/2", re.IGNORECASE)
# Lines that every section has.
_SECTION_LINES: Final = {
    "a=mid": re.compile(r"a=mid:\S+"),
    "a=ice-ufrag": re.compile(r"a=ice-ufrag:[A-Za-z0-9+/]{4,256}"),
    "a=ice-pwd": re.compile(r"a=ice-pwd:[A-Za-z0-9+/]{22,256}"),
    "a=setup": re.compile(r"a=setup:(?:actpass|active)"),
    "c": re.compile(r"c=IN IP[46] \S+"),
}
# These may as well stand above all sections, and there may be others by other hashes.
_FINGERPRINT: Final = re.compile(r"a=fingerprint:\S+ (?:[0-9A-Fa-f]{2}:){15,63}[0-9A-Fa-f]{2}")


def check_offer(sdp: str) -> None:
    """Check an offer.

    Raises:
        RemoteDataError: It is not one of an audio stream and a data channel, bundled.
    """
    lines = sdp.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if lines[0] != "v=0":
        raise RemoteDataError("a session description begins with v=0", value=lines[0])
    for line in lines:
        if not _LINE.fullmatch(line):
            raise RemoteDataError("a line is a letter, = and a value", value=line)
    starts = [number for number, line in enumerate(lines) if line.startswith("m=")]
    if len(starts) != 2:
        raise RemoteDataError("one audio stream and one data channel", value=len(starts))
    session, audio, data = lines[: starts[0]], lines[starts[0] : starts[1]], lines[starts[1] :]
    if not _AUDIO.fullmatch(audio[0]) or not any(_OPUS.fullmatch(line) for line in audio):
        raise RemoteDataError("the first stream is Opus", value=audio[0])
    if "a=sendrecv" not in audio:
        raise RemoteDataError("sound goes both ways")
    if not _DATA.fullmatch(data[0]) or not any(_PORT.fullmatch(line) for line in data):
        raise RemoteDataError("the second stream is a data channel", value=data[0])
    names = [_check_section(session, section) for section in (audio, data)]
    if names[0] == names[1] or f"a=group:BUNDLE {' '.join(names)}" not in session:
        raise RemoteDataError("both streams are bundled under their names", value=" ".join(names))


def _check_section(session: list[str], section: list[str]) -> str:
    """Check the lines of a section and return its name."""
    found = {name: [line for line in section if line.partition(":")[0] == name] for name in _SECTION_LINES}
    found["c"] = [line for line in section if line.startswith("c=")]
    for name, form in _SECTION_LINES.items():
        if len(found[name]) != 1 or not form.fullmatch(found[name][0]):
            raise RemoteDataError(f"{section[0].split()[0]} has one line {name} of its form", value=found[name])
    prints = [line for line in (*session, *section) if line.startswith("a=fingerprint")]
    if not prints or not all(_FINGERPRINT.fullmatch(line) for line in prints):
        raise RemoteDataError("a fingerprint is a hash's name and bytes", value=prints)
    return found["a=mid"][0].removeprefix("a=mid:")
