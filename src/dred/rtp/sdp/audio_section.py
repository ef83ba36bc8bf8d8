"""The audio section of a session description: codecs in order of preference, and everything else line by line.

```
 m=audio 9 UDP/TLS/RTP/SAVPF 63 111      port, protocol, payload types: the preferred one first
 a=rtpmap:111 opus/48000/2               codec, clock, channels
 a=fmtp:111 minptime=10;useinbandfec=1   what `OpusParameters` reads
 a=rtcp-mux                              kept as it is
```

Source: RFC 8866 sections 5.14 (m=), 6.6 (rtpmap) and 6.15 (fmtp).
"""

import re
from dataclasses import dataclass, replace

from dred.errors import SdpFormatError, UsageError
from dred.rtp.sdp.opus_parameters import OpusParameters, parse_opus_parameters, write_opus_parameters
from dred.rtp.sdp.red_parameters import RedParameters, parse_red_parameters, write_red_parameters

__all__ = ["AudioSection", "Codec", "parse_audio_section", "write_audio_section"]

# Browsers offer a dozen codecs and a few dozen lines. Our choice, so that a page of text costs no more than its size.
_MAX_LINES = 1000
_MEDIA = re.compile(r"audio ([0-9]{1,5})(?:/[0-9]{1,5})? (\S+)((?: [0-9]{1,3})+)")
_RTPMAP = re.compile(r"([0-9]{1,3}) ([^\s/]+)/([0-9]{1,9})(?:/([0-9]{1,3}))?")
_FMTP = re.compile(r"([0-9]{1,3}) (.*\S)")
_LINE = re.compile(r"[a-z]=.*", re.ASCII)
_MAX_PAYLOAD_TYPE = 127


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """One payload type.

    Attributes:
        payload_type: 0-127.
        name: As in SDP, such as opus or red; empty if only the number is told, as with the static types.
        clock_hz: RTP clock; 0 without a name.
        channels: 1 to 255.
        parameters: Those of Opus or RED, or for other codecs the text of `a=fmtp`; None if nothing is told.
    """

    payload_type: int
    name: str = ""
    clock_hz: int = 0
    channels: int = 1
    parameters: OpusParameters | RedParameters | str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.payload_type <= _MAX_PAYLOAD_TYPE:
            raise UsageError(f"a payload type must lie in 0-{_MAX_PAYLOAD_TYPE}, got {self.payload_type}")
        if self.name and re.fullmatch(r"[!-.0-~]+", self.name) is None:
            raise UsageError(f"a codec's name has no spaces or slashes, got {self.name!r}")
        if not 0 <= self.clock_hz < 10**9 or (self.clock_hz > 0) != bool(self.name):
            raise UsageError(f"a codec with a name has a clock below 10**9 Hz, got {self.clock_hz}")
        if not 1 <= self.channels <= 255 or (self.channels > 1 and not self.name):
            raise UsageError(f"channels must lie in 1-255, got {self.channels}")
        kind = OpusParameters if self.is_opus else RedParameters if self.is_red else str
        text = self.parameters
        if text is not None and (not isinstance(text, kind) or text == OpusParameters()):
            raise UsageError(f"the parameters of {self.name or 'this codec'} are {kind.__name__}, got {text!r}")
        if isinstance(text, str) and (not text or text != text.strip() or not text.isprintable()):
            raise UsageError(f"parameters are one line of text, got {text!r}")

    @property
    def is_opus(self) -> bool:
        """Whether this is Opus. Source: RFC 7587 section 7: always 48 kHz and two channels, whatever is sent."""
        return (self.name.lower(), self.clock_hz, self.channels) == ("opus", 48_000, 2)

    @property
    def is_red(self) -> bool:
        """Whether this is RED for Opus, with its clock and channels."""
        return (self.name.lower(), self.clock_hz, self.channels) == ("red", 48_000, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSection:
    """One audio section.

    Attributes:
        port: 0-65535; 0 refuses the section, 9 leaves it to ICE.
        protocol: Such as RTP/AVP or UDP/TLS/RTP/SAVPF.
        codecs: In order of preference, at least one, no payload type twice.
        lines: All other lines, such as `c=IN IP4 0.0.0.0` and `a=rtcp-mux`, in their order.
    """

    port: int
    protocol: str = "RTP/AVP"
    codecs: tuple[Codec, ...]
    lines: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 0xFFFF:
            raise UsageError(f"port must lie in 0-65535, got {self.port}")
        if not re.fullmatch(r"[!-~]+", self.protocol):
            raise UsageError(f"a protocol has no spaces, got {self.protocol!r}")
        payload_types = [codec.payload_type for codec in self.codecs]
        if not payload_types or len(set(payload_types)) != len(payload_types):
            raise UsageError(f"payload types are at least one, and none twice, got {payload_types}")
        for line in self.lines:
            if not _is_other_line(line):
                raise UsageError(f"not a line that can stand in an audio section: {line!r}")

    def find(self, name: str) -> Codec | None:
        """Return the preferred codec of a name, whatever its case, or None."""
        return next((codec for codec in self.codecs if codec.name.lower() == name.lower()), None)


def parse_audio_section(text: str) -> AudioSection:
    """Read the first audio section of a session description, or a section alone.

    Parameters of payload types that the section does not list are dropped.

    Raises:
        SdpFormatError: There is no audio section, or one of its lines breaks the format.
    """
    media, section = _find_section(text)
    match = _MEDIA.fullmatch(media)
    if match is None:
        raise SdpFormatError("m=audio tells port, protocol and payload types", value=media)
    names: dict[int, tuple[str, int, int]] = {}
    parameters: dict[int, str] = {}
    lines: list[str] = []
    for line in section:
        if line.startswith("a=rtpmap:"):
            found = _match(_RTPMAP, line)
            names.setdefault(int(found[1]), (found[2], int(found[3]), int(found[4] or 1)))
        elif line.startswith("a=fmtp:"):
            found = _match(_FMTP, line)
            parameters.setdefault(int(found[1]), found[2].strip())
        elif _is_other_line(line):
            lines.append(line)
        else:
            raise SdpFormatError("a line is a letter, = and text", value=line)
    payload_types = dict.fromkeys(map(int, match[3].split()))
    try:
        codecs = [_read_codec(number, names.get(number), parameters.get(number)) for number in payload_types]
        return AudioSection(port=int(match[1]), protocol=match[2], codecs=tuple(codecs), lines=tuple(lines))
    except UsageError as error:
        raise SdpFormatError(str(error), value=media) from error


def write_audio_section(section: AudioSection) -> str:
    """Write a section; lines end in CR LF."""
    payload_types = " ".join(str(codec.payload_type) for codec in section.codecs)
    lines = [f"m=audio {section.port} {section.protocol} {payload_types}"]
    # Connection and bandwidth come before attributes. Source: RFC 8866 section 5.
    lines += section.lines
    for codec in section.codecs:
        if codec.name:
            channels = f"/{codec.channels}" if codec.channels > 1 else ""
            lines.append(f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.clock_hz}{channels}")
        text = _parameters_text(codec)
        if text:
            lines.append(f"a=fmtp:{codec.payload_type} {text}")
    return "".join(f"{line}\r\n" for line in lines)


def _find_section(text: str) -> tuple[str, list[str]]:
    """Return what follows `m=` and the lines behind it, up to the next section."""
    media = None
    section: list[str] = []
    for number, ended_line in enumerate(text.split("\n")):
        if number >= _MAX_LINES:
            raise SdpFormatError(f"a description has at most {_MAX_LINES} lines", value=number)
        line = ended_line.strip()
        if line.startswith("m="):
            if media is not None:
                break
            if line.startswith("m=audio "):
                media = line.removeprefix("m=")
        elif media is not None and line:
            section.append(line)
    if media is None:
        raise SdpFormatError("a description has an audio section", value=len(text))
    return media, section


def _match(pattern: re.Pattern[str], line: str) -> re.Match[str]:
    match = pattern.fullmatch(line.partition(":")[2])
    if match is None:
        raise SdpFormatError(f"{line.partition(':')[0]} names a payload type and what it is", value=line)
    return match


def _read_codec(payload_type: int, names: tuple[str, int, int] | None, text: str | None) -> Codec:
    name, clock_hz, channels = names or ("", 0, 1)
    codec = Codec(payload_type=payload_type, name=name, clock_hz=clock_hz, channels=channels)
    if text is None:
        return codec
    if codec.is_opus:
        parameters = parse_opus_parameters(text)
        return codec if parameters == OpusParameters() else replace(codec, parameters=parameters)
    return replace(codec, parameters=parse_red_parameters(text) if codec.is_red else text)


def _parameters_text(codec: Codec) -> str | None:
    match codec.parameters:
        case OpusParameters():
            return write_opus_parameters(codec.parameters)
        case RedParameters():
            return write_red_parameters(codec.parameters)
    return codec.parameters


def _is_other_line(line: str) -> bool:
    is_special = line.startswith(("m=", "a=rtpmap:", "a=fmtp:"))
    return bool(_LINE.fullmatch(line)) and line == line.strip() and line.isprintable() and not is_special
