"""The codecs that aiortc offers and accepts, with RED among them and the peer's parameters kept.

aiortc negotiates by its own table and drops what the peer says in `a=fmtp`. Here the table gains `audio/red` and what
we can receive, and each codec that was agreed on remembers the peer's side.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiortc.rtcrtpparameters import ParametersDict, RTCRtpCodecParameters

from dred.errors import RemoteDataError
from dred.rtp import DEFAULT_RED_PAYLOAD_TYPE
from dred.rtp.sdp import OpusParameters, parse_opus_parameters
from dred.timebase import RTP_CLOCK_HZ
from dred.webrtc.config import WebRtcConfig
from dred.webrtc.negotiation import SendSettings, settle

__all__ = ["AgreedCodec", "agree", "is_opus", "is_red", "offered_codecs", "with_peer_parameters"]

_OPUS = "audio/opus"
_RED = "audio/red"
_LONGEST_DRED_MS = 1_040


@dataclass
class AgreedCodec(RTCRtpCodecParameters):
    """A codec that both sides know, and what the peer says of it."""

    peer_parameters: ParametersDict = field(default_factory=dict)


def offered_codecs(codecs: Sequence[RTCRtpCodecParameters], config: WebRtcConfig) -> list[RTCRtpCodecParameters]:
    """Return aiortc's audio codecs with what we can receive: LBRR, deep redundancy, RED behind Opus."""
    offered: list[RTCRtpCodecParameters] = []
    for codec in codecs:
        if not is_opus(codec):
            offered.append(codec)
            continue
        parameters: ParametersDict = {"minptime": 10, "useinbandfec": int(config.receiver.use_lbrr)}
        if config.receiver.use_dred:
            parameters["ext32-dred-duration"] = _LONGEST_DRED_MS
        offered.append(_copy(codec, parameters))
        if config.receiver.use_red:
            offered.append(
                RTCRtpCodecParameters(
                    mimeType=_RED,
                    clockRate=RTP_CLOCK_HZ,
                    channels=2,
                    payloadType=DEFAULT_RED_PAYLOAD_TYPE,
                    parameters=_red_parameters(codec.payloadType),
                )
            )
    return offered


def with_peer_parameters(
    common: Sequence[RTCRtpCodecParameters], remote: Sequence[RTCRtpCodecParameters]
) -> list[RTCRtpCodecParameters]:
    """Return the codecs that were agreed on, each with what the peer says, and RED with the peer's numbers."""
    opus = next((codec for codec in remote if is_opus(codec)), None)
    kept: list[RTCRtpCodecParameters] = []
    for codec in common:
        theirs = next((one for one in remote if one.mimeType.lower() == codec.mimeType.lower()), None)
        if theirs is None or not (is_opus(codec) or is_red(codec)):
            kept.append(codec)
        elif is_opus(codec):
            kept.append(_agreed(codec, codec.parameters, theirs))
        elif opus is not None:
            kept.append(_agreed(codec, _red_parameters(opus.payloadType), theirs))
    return kept


def agree(config: WebRtcConfig, codecs: Sequence[RTCRtpCodecParameters]) -> SendSettings | None:
    """Return how to send with the codecs that were agreed on; None if the first is neither Opus nor RED.

    A peer whose parameters break the format is sent what one without any parameters is sent.
    """
    opus = next((codec for codec in codecs if is_opus(codec)), None)
    if opus is None or opus.payloadType is None or not (is_opus(codecs[0]) or is_red(codecs[0])):
        return None
    red = next((codec for codec in codecs if is_red(codec)), None)
    return settle(
        config,
        _read(opus.peer_parameters) if isinstance(opus, AgreedCodec) else OpusParameters(use_in_band_fec=True),
        opus_payload_type=opus.payloadType,
        red_payload_type=red.payloadType if red is not None else None,
    )


def is_opus(codec: RTCRtpCodecParameters) -> bool:
    """Tell whether a codec is Opus."""
    return codec.mimeType.lower() == _OPUS


def is_red(codec: RTCRtpCodecParameters) -> bool:
    """Tell whether a codec is RED for audio."""
    return codec.mimeType.lower() == _RED


def _read(parameters: ParametersDict) -> OpusParameters:
    text = ";".join(name if value is None else f"{name}={value}" for name, value in parameters.items())
    try:
        return parse_opus_parameters(text)
    except RemoteDataError:
        return OpusParameters()


def _red_parameters(opus_payload_type: int | None) -> ParametersDict:
    return {f"{opus_payload_type}/{opus_payload_type}": None}


def _agreed(codec: RTCRtpCodecParameters, parameters: ParametersDict, theirs: RTCRtpCodecParameters) -> AgreedCodec:
    return AgreedCodec(
        **(_fields(codec) | {"parameters": parameters, "payloadType": theirs.payloadType}),
        peer_parameters=dict(theirs.parameters),
    )


def _copy(codec: RTCRtpCodecParameters, parameters: ParametersDict) -> RTCRtpCodecParameters:
    return RTCRtpCodecParameters(**(_fields(codec) | {"parameters": parameters}))


def _fields(codec: RTCRtpCodecParameters) -> dict[str, Any]:
    return {
        "mimeType": codec.mimeType,
        "clockRate": codec.clockRate,
        "channels": codec.channels,
        "payloadType": codec.payloadType,
        "rtcpFeedback": list(codec.rtcpFeedback),
        "parameters": dict(codec.parameters),
    }
