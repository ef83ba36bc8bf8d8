"""Packets with gaps in their timestamps enter, packets without leave: concealment is asked for in between.

Ogg has no way to say that a packet is missing. A packet whose one frame has no bytes says it to the decoder.

Source: RFC 7845 section 4.1, RFC 6716 section 3.2.1 (a frame of length 0).
"""

from collections.abc import Sequence

from dred.errors import UsageError
from dred.opus import Toc, packet_duration_rtp, parse_toc, write_packet

__all__ = ["fill_gaps"]

# Ten minutes, and 11.6 hours of 20 ms packets. Our choice: what exceeds them is a broken timestamp.
_MAX_GAP_RTP = 48_000 * 600
_MAX_PACKETS = 1 << 21
_SHORTEST_RTP = 120
# Configurations of 2.5 ms frames; there are none of medium band.
_SHORTEST_CONFIGS = {"narrow": 16, "medium": 20, "wide": 20, "superwide": 24, "full": 28}


def fill_gaps(packets: Sequence[tuple[int, bytes]], *, num_rtp: int | None = None) -> list[bytes]:
    """Put empty packets where timestamps leave a gap, and at the end until `num_rtp` ticks are filled.

    An empty packet has the mode and frame duration of the one before it; 2.5 ms packets fill what that leaves. Less
    than 2.5 ms stays open, and the next gap makes up for it.

    Args:
        packets: Timestamps, rising, and Opus packets; time begins with the first.
        num_rtp: Ticks to reach at least, if any.

    Raises:
        UsageError: A packet begins before the end of the one before it, a gap exceeds ten minutes, or the result 2
            million packets.
        OpusFormatError: A packet that tells no duration.
    """
    filled: list[bytes] = []
    toc = Toc(config=0)
    elapsed = 0
    for timestamp, packet in packets:
        at = timestamp - packets[0][0]
        # Packets may begin up to 2.5 ms early, by what an earlier gap left open.
        if at <= elapsed - _SHORTEST_RTP:
            raise UsageError(f"packets must not overlap, but the one at timestamp {timestamp} does")
        elapsed += _append_gap(filled, toc, at - elapsed)
        toc = parse_toc(packet)
        filled.append(packet)
        elapsed += packet_duration_rtp(packet)
    if num_rtp is not None and num_rtp > elapsed:
        # Round up, so that the end is reached.
        _append_gap(filled, toc, num_rtp - elapsed + _SHORTEST_RTP - 1)
    return filled


def _append_gap(filled: list[bytes], toc: Toc, gap_rtp: int) -> int:
    """Append empty packets, and return their ticks."""
    if gap_rtp < _SHORTEST_RTP:
        return 0
    if gap_rtp > _MAX_GAP_RTP:
        raise UsageError(f"a gap of at most {_MAX_GAP_RTP} RTP ticks can be filled, got {gap_rtp}")
    num_frames, rest_rtp = divmod(gap_rtp, toc.frame_duration_rtp)
    num_shortest = rest_rtp // _SHORTEST_RTP
    if len(filled) + num_frames + num_shortest > _MAX_PACKETS:
        raise UsageError(f"with its gaps filled, a stream holds at most {_MAX_PACKETS} packets")
    shortest = Toc(config=_SHORTEST_CONFIGS[toc.bandwidth], stereo=toc.stereo)
    filled += [write_packet(toc, [b""])] * num_frames + [write_packet(shortest, [b""])] * num_shortest
    return num_frames * toc.frame_duration_rtp + num_shortest * _SHORTEST_RTP
