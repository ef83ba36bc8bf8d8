"""Files of Opus packets: one face over captures and Ogg Opus.

```
 .pcap --parse_pcap--> RTP --parse_red--.
                                         +--> PacketStream --> write_packets --> .pcap | .opus
 .opus --parse_ogg_opus-----------------'
```

A capture keeps what a network does: times of arrival, gaps, reordering, RED. Ogg Opus keeps what a player needs:
pre-skip, length, gain. Writing either one drops what only the other can hold.
"""

from collections import Counter
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from dred.errors import FileFormatError, UsageError
from dred.opus import packet_duration_rtp, parse_toc
from dred.rtp.gap_filling import fill_gaps
from dred.rtp.ogg_opus import OggOpus, parse_ogg_opus, write_ogg_opus
from dred.rtp.ogg_pages import OGG_MAGIC
from dred.rtp.packet import RtpPacket
from dred.rtp.pcap import CapturedRtp, parse_pcap, write_pcap
from dred.rtp.pcap_records import PCAP_MAGICS
from dred.rtp.pcapng_records import PCAPNG_MAGIC
from dred.rtp.red import (
    DEFAULT_OPUS_PAYLOAD_TYPE,
    DEFAULT_RED_PAYLOAD_TYPE,
    RedBlock,
    parse_red,
    write_red,
)
from dred.rtp.sequence import SequenceUnwrapper, TimestampUnwrapper
from dred.timebase import rtp_to_ms
from dred.whole_file import read_whole_file, write_whole_file

__all__ = ["PacketStream", "TimedPacket", "read_packets", "write_packets"]

# An hour and a half of a call with DRED in both directions. Our choice.
MAX_FILE_BYTES = 1 << 27
_SSRC = 0x44524544


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedPacket:
    """One Opus packet on its way.

    Attributes:
        sequence: RTP sequence number, unwrapped.
        timestamp: RTP timestamp of its first sample at 48 kHz, unwrapped.
        arrival_ms: When it arrived, on any clock; for a file without that, the timestamp in milliseconds.
        payload: The Opus packet.
        redundant: Copies of earlier packets that came along by RED, oldest first.
    """

    sequence: int
    timestamp: int
    arrival_ms: float
    payload: bytes
    redundant: tuple[RedBlock, ...] = ()

    def __post_init__(self) -> None:
        if not isfinite(self.arrival_ms):
            raise UsageError(f"arrival_ms must be finite, got {self.arrival_ms}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketStream:
    """Opus packets of one sender, in order of arrival.

    Attributes:
        packets: At least one.
        channels: 1-2.
        pre_skip: Samples at 48 kHz to drop at the start.
        num_samples_48k: Samples at 48 kHz to play after that; None if the file does not tell.
        output_gain_q8: Gain for the player, in 1/256 dB.
    """

    packets: tuple[TimedPacket, ...]
    channels: int = 1
    pre_skip: int = 0
    num_samples_48k: int | None = None
    output_gain_q8: int = 0

    def __post_init__(self) -> None:
        if not self.packets:
            raise UsageError("a stream holds at least one packet, got 0")


def read_packets(
    path: Path | str, *, ssrc: int | None = None, red_payload_type: int = DEFAULT_RED_PAYLOAD_TYPE
) -> PacketStream:
    """Read a pcap, pcapng or Ogg Opus file, told apart by their first bytes.

    In a capture, RED is told by its payload type, and Opus is the commonest type beside it; other packets of the
    stream (comfort noise, telephone events) are left out.

    Args:
        path: The file.
        ssrc: For a capture with several streams: which one; the largest if None.
        red_payload_type: 0-127.

    Raises:
        UsageError: The file is missing, a folder, or not readable.
        FileFormatError: The file is of no known format, damaged, larger than 128 MiB, or without packets.
        RtpFormatError: A RED payload is damaged.
        OpusFormatError: A packet of an Ogg file tells no duration.
    """
    data = read_whole_file(Path(path), max_bytes=MAX_FILE_BYTES)
    if data.startswith(OGG_MAGIC):
        return _stream_from_ogg(parse_ogg_opus(data))
    if data[:4] in PCAP_MAGICS or data.startswith(PCAPNG_MAGIC):
        return _stream_from_capture(parse_pcap(data, ssrc=ssrc), red_payload_type)
    raise FileFormatError("a pcap, pcapng or Ogg Opus file", value=data[:4])


def write_packets(path: Path | str, stream: PacketStream) -> None:
    """Write `.pcap` or `.opus`, all or nothing.

    In `.pcap`, a packet with copies travels as RED (payload type 63), others as Opus (111). In `.opus`, packets are put
    in order, copies are left out, and gaps become packets that ask the decoder for concealment.

    Raises:
        UsageError: Another suffix, a path that cannot be written, a copy too large for RED, or for `.opus` timestamps
            that overlap or leave more than ten minutes open.
        OpusFormatError: For `.opus`, a packet that tells no duration.
    """
    path = Path(path)
    match path.suffix.lower():
        case ".pcap":
            data = _write_capture(stream)
        case ".opus":
            data = _write_ogg(stream)
        case suffix:
            raise UsageError(f"packets are written as .pcap or .opus, got {suffix!r}")
    write_whole_file(path, data)


def _stream_from_ogg(ogg: OggOpus) -> PacketStream:
    packets: list[TimedPacket] = []
    timestamp = 0
    for sequence, payload in enumerate(ogg.packets):
        packets.append(
            TimedPacket(sequence=sequence, timestamp=timestamp, arrival_ms=rtp_to_ms(timestamp), payload=payload)
        )
        timestamp += packet_duration_rtp(payload)
    return PacketStream(
        packets=tuple(packets),
        channels=ogg.channels,
        pre_skip=ogg.pre_skip,
        num_samples_48k=ogg.num_samples_48k,
        output_gain_q8=ogg.output_gain_q8,
    )


def _stream_from_capture(captured: tuple[CapturedRtp, ...], red_payload_type: int) -> PacketStream:
    blocks = [_parse_blocks(seen.packet, red_payload_type) for seen in captured]
    opus_payload_type = Counter(primary.payload_type for _, primary in blocks).most_common(1)[0][0]
    sequences, timestamps = SequenceUnwrapper(), TimestampUnwrapper()
    packets: list[TimedPacket] = []
    for seen, (redundant, primary) in zip(captured, blocks, strict=True):
        sequence = sequences.unwrap(seen.packet.sequence)
        timestamp = timestamps.unwrap(seen.packet.timestamp)
        if primary.payload_type != opus_payload_type or not primary.payload:
            continue
        packets.append(
            TimedPacket(
                sequence=sequence,
                timestamp=timestamp,
                arrival_ms=(seen.time_us - captured[0].time_us) / 1000,
                payload=primary.payload,
                redundant=tuple(
                    block for block in redundant if block.payload_type == opus_payload_type and block.payload
                ),
            )
        )
    if not packets:
        raise FileFormatError("an RTP stream with a payload", value=len(captured))
    is_stereo = any(parse_toc(packet.payload).stereo for packet in packets)
    return PacketStream(packets=tuple(packets), channels=2 if is_stereo else 1)


def _parse_blocks(packet: RtpPacket, red_payload_type: int) -> tuple[tuple[RedBlock, ...], RedBlock]:
    if packet.payload_type == red_payload_type and packet.payload:
        return parse_red(packet.payload)
    return (), RedBlock(payload_type=packet.payload_type, payload=packet.payload)


def _write_capture(stream: PacketStream) -> bytes:
    first_ms = min(packet.arrival_ms for packet in stream.packets)
    captured: list[CapturedRtp] = []
    for packet in stream.packets:
        payload_type, payload = DEFAULT_OPUS_PAYLOAD_TYPE, packet.payload
        if packet.redundant:
            primary = RedBlock(payload_type=payload_type, payload=payload)
            payload_type, payload = DEFAULT_RED_PAYLOAD_TYPE, write_red(packet.redundant, primary)
        rtp = RtpPacket(
            payload_type=payload_type,
            sequence=packet.sequence & 0xFFFF,
            timestamp=packet.timestamp & 0xFFFFFFFF,
            ssrc=_SSRC,
            payload=payload,
        )
        captured.append(CapturedRtp(time_us=round((packet.arrival_ms - first_ms) * 1000), packet=rtp))
    return write_pcap(captured)


def _write_ogg(stream: PacketStream) -> bytes:
    # Of duplicates, the first to arrive counts.
    by_sequence = {packet.sequence: packet for packet in reversed(stream.packets)}
    in_order = [by_sequence[sequence] for sequence in sorted(by_sequence)]
    end = None if stream.num_samples_48k is None else stream.pre_skip + stream.num_samples_48k
    payloads = fill_gaps([(packet.timestamp, packet.payload) for packet in in_order], num_rtp=end)
    return write_ogg_opus(
        OggOpus(
            packets=tuple(payloads),
            channels=stream.channels,
            pre_skip=stream.pre_skip,
            num_samples_48k=stream.num_samples_48k,
            output_gain_q8=stream.output_gain_q8,
        )
    )
