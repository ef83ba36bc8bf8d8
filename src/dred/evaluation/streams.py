"""What a scheme puts on the wire, and how many bits each part of it takes.

PCM -> Sender -> packets -> RED copies -> WirePacket: measured, then lost or delivered
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from dred.assembly import Sender, payload_tables
from dred.bitstream import PayloadTables, parse_payload, split_prefix
from dred.offline import ArrivedPacket
from dred.opus import OpusDecoder, find_extension, has_lbrr, strip_extensions
from dred.rtp import DEFAULT_RED_PAYLOAD_TYPE, RedBlock, RedSender, parse_red
from dred.sender import SenderConfig, SentPacket
from dred.timebase import DOUBLE_FRAME_MS
from dred.weights import WeightSet

__all__ = [
    "PACKET_MS",
    "Coverage",
    "Rates",
    "WirePacket",
    "arrivals",
    "encode",
    "measure_coverage",
    "measure_rates",
    "repeat",
]

PACKET_MS = DOUBLE_FRAME_MS
_PROBE_RATE_HZ = 16_000
_PROBE_SAMPLES = _PROBE_RATE_HZ * PACKET_MS // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class WirePacket:
    """A packet with the RED copies that travel with it.

    Attributes:
        sent: The Opus packet.
        copies: Earlier packets.
        red_bytes: What the copies and RED's headers add.
    """

    sent: SentPacket
    copies: tuple[RedBlock, ...] = ()
    red_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Mean rates in kb/s, without the headers of RTP and below.

    Attributes:
        main: The Opus frames without LBRR.
        lbrr: In-band FEC, to within a byte per packet.
        red: RED copies and headers.
        dred: Deep redundancy with its framing.
    """

    main: float
    lbrr: float
    red: float
    dred: float

    @property
    def total(self) -> float:
        """All together."""
        return self.main + self.lbrr + self.red + self.dred


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How far before its own start a packet's deep redundancy reaches, over all packets."""

    mean_ms: float
    max_ms: float


def encode(pcm: Float32[np.ndarray, "samples channels"], config: SenderConfig, weights: WeightSet) -> list[SentPacket]:
    """Encode a whole signal at the configuration's rate.

    Raises:
        LibopusError: There is no libopus, or it refuses a setting.
    """
    sender = Sender(config, weights)
    return [*sender.push(pcm), *sender.finish()]


def repeat(packets: Sequence[SentPacket], num_copies: int) -> list[WirePacket]:
    """Add RED copies of the previous packets, none with 0."""
    if not num_copies:
        return [WirePacket(sent=packet) for packet in packets]
    # A copy of the past's redundancy says nothing that the packet's own does not.
    red = RedSender(num_copies, strip=strip_extensions)
    repeated = []
    for packet in packets:
        payload_type, payload = red.send(packet.payload, packet.timestamp)
        # A packet that is too large for RED travels alone, under the codec's own payload type.
        copies = parse_red(payload)[0] if payload_type == DEFAULT_RED_PAYLOAD_TYPE else ()
        repeated.append(WirePacket(sent=packet, copies=copies, red_bytes=len(payload) - len(packet.payload)))
    return repeated


def arrivals(packets: Sequence[WirePacket], lost: Bool[np.ndarray, " packets"]) -> list[ArrivedPacket]:
    """Return what is left of the packets."""
    return [
        ArrivedPacket(
            payload=packet.sent.payload,
            sequence=packet.sent.sequence,
            timestamp=packet.sent.timestamp,
            copies=packet.copies,
        )
        for packet, is_lost in zip(packets, lost, strict=True)
        if not is_lost
    ]


def measure_rates(packets: Sequence[WirePacket]) -> Rates:
    """Measure at least one packet of 20 ms, lost or not."""
    probe = OpusDecoder(_PROBE_RATE_HZ, 2)
    lbrr = _kbps([_lbrr_bytes(strip_extensions(packet.sent.payload), probe) for packet in packets])
    return Rates(
        main=_kbps([packet.sent.main_bytes for packet in packets]) - lbrr,
        lbrr=lbrr,
        red=_kbps([packet.red_bytes for packet in packets]),
        dred=_kbps([packet.sent.dred_bytes for packet in packets]),
    )


def measure_coverage(packets: Sequence[WirePacket], weights: WeightSet) -> Coverage:
    """Parse the deep redundancy of at least one packet."""
    tables = payload_tables(weights)
    reaches_ms = [_reach_ms(packet.sent.payload, tables) for packet in packets]
    return Coverage(mean_ms=sum(reaches_ms) / len(reaches_ms), max_ms=max(reaches_ms))


def _lbrr_bytes(packet: bytes, probe: OpusDecoder) -> int:
    """Find the shortest beginning of a one-frame packet that still gives the same LBRR.

    Source: RFC 6716 section 4.2: LBRR frames lie at the start of the range coder's data.
    """
    if not has_lbrr(packet):
        return 0
    whole = _decode_lbrr(packet, probe)
    too_short, long_enough = 1, len(packet)
    while long_enough - too_short > 1:
        middle = (too_short + long_enough) // 2
        if np.array_equal(_decode_lbrr(packet[:middle], probe), whole):
            long_enough = middle
        else:
            too_short = middle
    return long_enough - 1  # Without the TOC byte.


def _decode_lbrr(packet: bytes, probe: OpusDecoder) -> Float32[np.ndarray, "samples channels"]:
    probe.reset()
    return probe.decode_fec(packet, _PROBE_SAMPLES)


def _reach_ms(packet: bytes, tables: PayloadTables) -> float:
    extension = find_extension(packet, tables.version.extension_id, tables.version.prefix)
    if extension is None:
        return 0.0
    return parse_payload(split_prefix(extension.payload, tables.version), tables).history_ms


def _kbps(sizes_bytes: Sequence[int]) -> float:
    return sum(sizes_bytes) * 8 / (len(sizes_bytes) * PACKET_MS)
