"""SDP: Chromium's offer is understood, what is written parses back, any text is a section or a format error."""

import contextlib

import pytest
from drawn import build, drawn
from hypothesis import given
from hypothesis import strategies as st

from dred.errors import SdpFormatError, UsageError
from dred.rtp.sdp import (
    AudioSection,
    Codec,
    OpusParameters,
    RedParameters,
    parse_audio_section,
    parse_opus_parameters,
    parse_red_parameters,
    write_audio_section,
    write_opus_parameters,
    write_red_parameters,
)

# The audio section of an offer by Chromium 156, its candidates and keys shortened.
CHROMIUM_OFFER = """v=0
o=- 4611732987 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=msid-semantic: WMS
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=sendrecv
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:1234 cname:xyz
m=video 9 UDP/TLS/RTP/SAVPF 96
a=rtpmap:96 VP8/90000
""".replace("\n", "\r\n")


def test_the_offer_of_chromium_is_understood() -> None:
    section = parse_audio_section(CHROMIUM_OFFER)
    assert (section.port, section.protocol) == (9, "UDP/TLS/RTP/SAVPF")
    assert [codec.payload_type for codec in section.codecs] == [111, 63, 9, 0, 8, 13, 110, 126]
    opus, red = section.find("opus"), section.find("RED")
    assert opus is not None
    assert opus.is_opus
    assert opus.parameters == OpusParameters(min_ptime_ms=10, use_in_band_fec=True)
    assert red is not None
    assert red.is_red
    assert red.parameters == RedParameters(payload_types=(111, 111))
    assert "a=rtcp-mux" in section.lines
    assert not any("VP8" in line for line in section.lines)


def test_the_offer_of_chromium_survives_being_written() -> None:
    section = parse_audio_section(CHROMIUM_OFFER)
    assert parse_audio_section(write_audio_section(section)) == section


def test_an_answer_that_prefers_red_is_these_lines() -> None:
    opus = OpusParameters(
        use_in_band_fec=True, max_average_bitrate_bps=32_000, dred_duration_ms=1000, sprop_dred_duration_ms=500
    )
    section = AudioSection(
        port=5004,
        codecs=(
            Codec(
                payload_type=63,
                name="red",
                clock_hz=48_000,
                channels=2,
                parameters=RedParameters(payload_types=(111, 111)),
            ),
            Codec(payload_type=111, name="opus", clock_hz=48_000, channels=2, parameters=opus),
        ),
        lines=("c=IN IP4 127.0.0.1", "a=rtcp-mux"),
    )
    assert write_audio_section(section).split("\r\n") == [
        "m=audio 5004 RTP/AVP 63 111",
        "c=IN IP4 127.0.0.1",
        "a=rtcp-mux",
        "a=rtpmap:63 red/48000/2",
        "a=fmtp:63 111/111",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 maxaveragebitrate=32000;useinbandfec=1;ext32-dred-duration=1000;sprop-ext32-dred-duration=500",
        "",
    ]


def test_every_parameter_of_opus_has_its_name() -> None:
    text = (
        "minptime=3;ptime=20;maxptime=60;maxplaybackrate=16000;sprop-maxcapturerate=24000;maxaveragebitrate=20000;"
        "stereo=1;sprop-stereo=0;cbr=1;useinbandfec=0;usedtx=1;ext32-dred-duration=1040;sprop-ext32-dred-duration=100"
    )
    parameters = parse_opus_parameters(text)
    assert parameters.others == ()
    assert parameters.max_playback_rate_hz == 16_000
    assert parameters.sprop_stereo is False
    assert parse_opus_parameters(write_opus_parameters(parameters)) == parameters
    assert set(write_opus_parameters(parameters).split(";")) == set(text.split(";"))


def test_unknown_parameters_are_kept_in_their_order_and_case_does_not_matter() -> None:
    parameters = parse_opus_parameters(" x-google-min-bitrate=10 ; UseInbandFec=1; flag;empty= ;; useinbandfec=0")
    assert parameters.use_in_band_fec is True
    assert parameters.others == (("x-google-min-bitrate", "10"), ("flag", None), ("empty", ""))
    assert write_opus_parameters(parameters) == "useinbandfec=1;x-google-min-bitrate=10;flag;empty="


@pytest.mark.parametrize("bps", ["0", "5999", "510001", "9" * 5000])
def test_a_rate_out_of_range_counts_as_not_told(bps: str) -> None:
    parameters = parse_opus_parameters(f"maxaveragebitrate={bps};stereo=1")
    assert parameters == OpusParameters(stereo=True)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("maxaveragebitrate=-1", "maxaveragebitrate is a whole number"),
        ("useinbandfec=yes", "useinbandfec is 0 or 1"),
        ("useinbandfec", "useinbandfec is 0 or 1"),
        ("maxplaybackrate=-1", "maxplaybackrate is a whole number"),
        ("ptime=٢٠", "ptime is a whole number"),
        ("ptime=1_0", "ptime is a whole number"),
        ("ext32-dred-duration=65536", "must lie in 0-65535"),
        ("maxptime=" + "9" * 5000, "maxptime is a whole number"),
    ],
)
def test_known_parameters_out_of_range_are_told(text: str, rule: str) -> None:
    with pytest.raises(SdpFormatError, match=rule):
        parse_opus_parameters(text)


@pytest.mark.parametrize("text", ["", "111/", "111/128", "a/b", "/".join(["111"] * 33)])
def test_red_without_a_row_of_payload_types_is_told(text: str) -> None:
    with pytest.raises(SdpFormatError, match="payload type"):
        parse_red_parameters(text)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "has an audio section"),
        ("m=video 9 RTP/AVP 96\r\n", "has an audio section"),
        ("m=audio x RTP/AVP 0\r\n", "port, protocol and payload types"),
        ("m=audio 9 RTP/AVP\r\n", "port, protocol and payload types"),
        ("m=audio 9 RTP/AVP 200\r\n", "0-127"),
        ("m=audio 99999 RTP/AVP 0\r\n", "0-65535"),
        ("m=audio 9 RTP/AVP 111\r\na=rtpmap:111 opus\r\n", "a=rtpmap names"),
        ("m=audio 9 RTP/AVP 111\r\na=fmtp:111\r\n", "a=fmtp names"),
        ("m=audio 9 RTP/AVP 111\r\nnonsense\r\n", "a letter, = and text"),
        ("m=audio 9 RTP/AVP 111\r\n" + "a=x\r\n" * 1000, "at most 1000 lines"),
        ("m=audio 9 RTP/AVP 63\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 opus\r\n", "payload types and slashes"),
    ],
)
def test_a_section_that_breaks_the_format_is_told(text: str, rule: str) -> None:
    with pytest.raises(SdpFormatError, match=rule):
        parse_audio_section(text)


def test_the_first_description_of_a_payload_type_counts() -> None:
    text = "m=audio 9 RTP/AVP 96 96\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:96 other/8000\r\n"
    assert [codec.name for codec in parse_audio_section(text).codecs] == ["opus"]


@pytest.mark.parametrize(
    "settings",
    [
        {"payload_type": 128},
        {"name": "a b", "clock_hz": 8000},
        {"name": "opus"},
        {"clock_hz": 8000},
        {"channels": 2},
        {"name": "opus", "clock_hz": 48_000, "channels": 2, "parameters": "stereo=1"},
        {"name": "opus", "clock_hz": 48_000, "channels": 2, "parameters": OpusParameters()},
        {"name": "PCMU", "clock_hz": 8_000, "parameters": "two\nlines"},
    ],
)
def test_an_impossible_codec_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Codec(**({"payload_type": 96} | settings))  # type: ignore[arg-type]


TOKEN = st.from_regex(r"[a-zA-Z][a-zA-Z0-9-]{0,15}", fullmatch=True)
VALUE = st.text(st.characters(categories=["L", "N", "P"], exclude_characters=";"), max_size=10)
FLAG = st.none() | st.booleans()
PARAMETERS = drawn(
    OpusParameters,
    min_ptime_ms=st.none() | st.integers(1, 120),
    max_playback_rate_hz=st.none() | st.integers(8_000, 48_000),
    max_average_bitrate_bps=st.none() | st.integers(6_000, 510_000),
    stereo=FLAG,
    cbr=FLAG,
    use_in_band_fec=FLAG,
    use_dtx=FLAG,
    dred_duration_ms=st.none() | st.integers(0, 65_535),
    # Told always: parameters that tell nothing are none.
    sprop_dred_duration_ms=st.integers(0, 65_535),
    others=st.lists(st.tuples(TOKEN.map("x-{}".format), st.none() | VALUE), max_size=3),
)
RED = drawn(RedParameters, payload_types=st.lists(st.integers(0, 127), min_size=1, max_size=32))
BIG = {"clock_hz": st.just(48_000), "channels": st.just(2)}
# But for the payload type.
CODECS = st.one_of(
    st.fixed_dictionaries({}),
    st.fixed_dictionaries({"name": st.just("opus"), "parameters": st.none() | PARAMETERS} | BIG),
    st.fixed_dictionaries({"name": st.just("red"), "parameters": st.none() | RED} | BIG),
    st.fixed_dictionaries(
        {"name": TOKEN, "clock_hz": st.just(8_000), "channels": st.integers(1, 2), "parameters": st.none() | TOKEN}
    ),
)
OTHER_LINES = st.lists(st.sampled_from(["c=IN IP4 0.0.0.0", "a=rtcp-mux", "a=mid:0", "a=ptime:20"]), max_size=4)
SECTIONS = drawn(
    AudioSection,
    port=st.integers(0, 65535),
    codecs=st.lists(
        st.tuples(st.integers(0, 127), CODECS).map(lambda pair: (Codec, {"payload_type": pair[0]} | pair[1])),
        min_size=1,
        max_size=6,
        unique_by=lambda recipe: recipe[1]["payload_type"],
    ),
    lines=OTHER_LINES,
)


@given(PARAMETERS)
def test_written_parameters_parse_back(recipe: object) -> None:
    parameters = build(recipe)
    assert parse_opus_parameters(write_opus_parameters(parameters)) == parameters


@given(RED)
def test_written_red_parameters_parse_back(recipe: object) -> None:
    parameters = build(recipe)
    assert parse_red_parameters(write_red_parameters(parameters)) == parameters


@given(SECTIONS)
def test_a_written_section_parses_back(recipe: object) -> None:
    section = build(recipe)
    assert parse_audio_section(write_audio_section(section)) == section


LINES = st.lists(st.sampled_from(CHROMIUM_OFFER.splitlines()) | st.text(max_size=30), max_size=20)


@given(LINES.map("\n".join) | st.text(max_size=200))
def test_any_text_is_a_section_or_a_format_error(text: str) -> None:
    with contextlib.suppress(SdpFormatError):
        section = parse_audio_section(text)
        assert parse_audio_section(write_audio_section(section)) == section
