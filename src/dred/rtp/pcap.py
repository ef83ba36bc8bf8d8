"""RTP in captures: a capture's bytes enter, the packets of its largest RTP stream leave; and back.

```
 bytes -> pcap_records | pcapng_records -> frames -> udp -> datagrams -> packet -> RTP packets of one stream
```
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from dred.errors import FileFormatError, RtpFormatError
from dred.rtp.packet import RtpPacket, parse_rtp, write_rtp
from dred.rtp.pcap_records import CapturedFrame, iter_pcap_frames, write_pcap_frames
from dred.rtp.pcapng_records import PCAPNG_MAGIC, iter_pcapng_frames
from dred.rtp.udp import ETHERNET, LINK_TYPES, parse_udp_frame, write_udp_frame

__all__ = ["CapturedRtp", "parse_pcap", "write_pcap"]

# Our choice; even, as RFC 3550 section 11 asks.
RTP_PORT = 5004
_RTP_HEADER_BYTES = 12
# With RTP and RTCP on one port, these second bytes mean RTCP. Source: RFC 5761 section 4.
_RTCP_SECOND_BYTES = range(192, 224)
_MAX_FRAMES = 1 << 21
# Source and destination, as in UdpDatagram, and SSRC.
StreamKey = tuple[bytes, bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedRtp:
    """An RTP packet and when it was seen, in microseconds since 1970."""

    time_us: int
    packet: RtpPacket


def parse_pcap(data: bytes, *, ssrc: int | None = None) -> tuple[CapturedRtp, ...]:
    """Read one RTP stream from a pcap or pcapng file, in the order of capture.

    A stream is what goes from one address and port to another under one SSRC. The one with the most packets is taken;
    RTCP, TCP, IPv6, fragments and everything else is passed over.

    Args:
        data: The file.
        ssrc: Only look at streams with this SSRC.

    Raises:
        FileFormatError: The file is no capture, ends within a record, holds more than 2 million frames, holds no RTP,
            or the stream's packets were not captured whole.
    """
    frames = iter_pcapng_frames(data) if data.startswith(PCAPNG_MAGIC) else iter_pcap_frames(data)
    link_types: set[int] = set()
    num_packets: Counter[StreamKey] = Counter()
    whole: dict[StreamKey, list[CapturedRtp]] = {}
    cut_at: dict[StreamKey, int] = {}
    for num_frames, frame in enumerate(frames, start=1):
        if num_frames > _MAX_FRAMES:
            raise FileFormatError(f"a capture of at most {_MAX_FRAMES} frames", offset=frame.offset, value=num_frames)
        link_types.add(frame.link_type)
        datagram = parse_udp_frame(frame.data, frame.link_type)
        if datagram is None or not _looks_like_rtp(datagram.payload, ssrc):
            continue
        key = (datagram.source, datagram.destination, datagram.payload[8:12])
        if datagram.is_cut:
            cut_at.setdefault(key, frame.offset)
        else:
            try:
                packet = parse_rtp(datagram.payload)
            except RtpFormatError:
                continue
            whole.setdefault(key, []).append(CapturedRtp(time_us=frame.time_us, packet=packet))
        num_packets[key] += 1
    if not num_packets:
        kinds = ", ".join(name for name, _, _ in LINK_TYPES.values())
        raise FileFormatError(
            f"RTP over UDP over IPv4 over one of: {kinds}", offset=len(data), value=f"link types {sorted(link_types)}"
        )
    largest = num_packets.most_common(1)[0][0]
    if largest in cut_at:
        raise FileFormatError("RTP packets captured whole", offset=cut_at[largest], value=num_packets[largest])
    return tuple(whole[largest])


def write_pcap(packets: Iterable[CapturedRtp]) -> bytes:
    """Write RTP packets as UDP over IPv4 over Ethernet, port 5004 to port 5004.

    Raises:
        UsageError: A packet is too large for UDP, or a time lies outside the years 1970 to 2106.
    """
    frames = (
        CapturedFrame(
            time_us=captured.time_us,
            link_type=ETHERNET,
            data=write_udp_frame(write_rtp(captured.packet), source_port=RTP_PORT, destination_port=RTP_PORT),
        )
        for captured in packets
    )
    return write_pcap_frames(frames, ETHERNET)


def _looks_like_rtp(payload: bytes, ssrc: int | None) -> bool:
    if len(payload) < _RTP_HEADER_BYTES or payload[0] >> 6 != 2 or payload[1] in _RTCP_SECOND_BYTES:
        return False
    return ssrc is None or int.from_bytes(payload[8:12]) == ssrc
