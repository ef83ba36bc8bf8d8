"""What the peer declared becomes what is sent to it: one pure function.

Source: RFC 7587 section 6.1 (Opus), RFC 2198 section 5 (RED), draft-ietf-mlcodec-opus-dred (`ext32-dred-duration`).
"""

from dataclasses import dataclass, replace

from dred.rtp.sdp import OpusParameters
from dred.sender import Bandwidth, ControllerConfig, SenderConfig, limits_of
from dred.sender.controller import LEAST_MAIN_BPS, TOLERANCE
from dred.webrtc.config import WebRtcConfig

__all__ = ["SendSettings", "settle"]

# Highest playback rate and the bandwidth that fills it. Source: RFC 7587 section 6.1, RFC 6716 section 2.1.3.
_BANDWIDTHS: tuple[tuple[int, Bandwidth], ...] = (
    (8_000, "narrow"),
    (12_000, "medium"),
    (16_000, "wide"),
    (24_000, "superwide"),
)
_FRAMES_MS = (20, 40, 60, 10)
_LEAST_DRED_MS = 20
_MOST_DRED_MS = 1_040
# Below, a stream of one rate has no room for redundancy: it is constant Opus alone.
_LEAST_CONSTANT_BPS = 8_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSettings:
    """How to send to one peer.

    Attributes:
        sender: Of the stream.
        opus_payload_type: 0 to 127.
        red_payload_type: That of RED, or None if the peer does not take it.
        controller: What redundancy may take and be; None to send as `sender` says.
    """

    sender: SenderConfig
    opus_payload_type: int
    red_payload_type: int | None = None
    controller: ControllerConfig | None = None


def settle(
    config: WebRtcConfig, peer: OpusParameters, *, opus_payload_type: int, red_payload_type: int | None
) -> SendSettings:
    """Narrow a configuration down to what the peer declares that it wants.

    Args:
        config: What the application asks for.
        peer: The format parameters of Opus in the peer's description.
        opus_payload_type: That of Opus.
        red_payload_type: That of RED, or None without it.
    """
    sender = config.sender
    dred = sender.dred
    if config.use_dred == "never" or (config.use_dred == "negotiated" and not peer.dred_duration_ms):
        dred = None
    elif dred is not None and peer.dred_duration_ms is not None:
        if peer.dred_duration_ms < _LEAST_DRED_MS:
            dred = None
        else:
            dred = replace(dred, duration_ms=min(dred.duration_ms, peer.dred_duration_ms, _MOST_DRED_MS))
    bounds_bps = [bps for bps in (config.total_bps, peer.max_average_bitrate_bps) if bps is not None]
    is_constant = sender.total_bitrate_bps is not None
    constant_bps = None if sender.total_bitrate_bps is None else min([sender.total_bitrate_bps, *bounds_bps])
    if constant_bps is not None and constant_bps < _LEAST_CONSTANT_BPS:
        constant_bps, dred = None, None
    has_lbrr = sender.in_band_fec and bool(peer.use_in_band_fec)
    settled = replace(
        sender,
        channels=sender.channels if peer.stereo else 1,
        bitrate_bps=min([sender.bitrate_bps, *bounds_bps]),
        total_bitrate_bps=constant_bps,
        frame_ms=_frame_ms(sender.frame_ms, peer),
        vbr=sender.vbr and not peer.cbr and not is_constant,
        bandwidth=_bandwidth(sender.bandwidth, peer.max_playback_rate_hz),
        in_band_fec=has_lbrr,
        dtx=sender.dtx or bool(peer.use_dtx),
        dred=dred,
    )
    limits = None
    # A stream of one rate has nothing to divide.
    if bounds_bps and not is_constant:
        limits = limits_of(
            settled,
            total_bps=_budget_bps(config.total_bps, peer.max_average_bitrate_bps),
            # SDP limits the rate of Opus's packets, without headers. Source: RFC 7587 section 6.1.
            header_bytes=0,
            allow_lbrr=has_lbrr,
            max_red_copies=config.max_red_copies if red_payload_type is not None else 0,
        )
    return SendSettings(
        sender=settled, opus_payload_type=opus_payload_type, red_payload_type=red_payload_type, controller=limits
    )


def _budget_bps(wanted_bps: int | None, peers_bps: int | None) -> int:
    """Return what may be spent. The peer's rate is a limit, beyond which no plan is followed."""
    bounds_bps = [] if wanted_bps is None else [wanted_bps]
    if peers_bps is not None:
        bounds_bps.append(int(peers_bps / (1 + TOLERANCE)))
    return max(min(bounds_bps), LEAST_MAIN_BPS)


def _frame_ms(wanted_ms: int, peer: OpusParameters) -> int:
    low, high = peer.min_ptime_ms or 0, peer.max_ptime_ms or max(_FRAMES_MS)
    fitting = [frame_ms for frame_ms in (peer.ptime_ms, wanted_ms, *_FRAMES_MS) if frame_ms in _FRAMES_MS]
    return next((frame_ms for frame_ms in fitting if frame_ms is not None and low <= frame_ms <= high), wanted_ms)


def _bandwidth(wanted: Bandwidth | None, max_rate_hz: int | None) -> Bandwidth | None:
    for rate_hz, bandwidth in _BANDWIDTHS:
        if wanted == bandwidth or (max_rate_hz is not None and max_rate_hz <= rate_hz):
            return bandwidth
    return wanted
