"""What a receiver has done so far, by the names of webrtc-stats.

Source: W3C webrtc-stats, dictionaries RTCReceivedRtpStreamStats and RTCInboundRtpStreamStats; RFC 3550 section 6.4.1
and appendix A.8 for losses and jitter.
"""

from dataclasses import dataclass, fields
from typing import Final

from dred.receiver.events import Source
from dred.timebase import RTP_CLOCK_HZ, RTP_TICKS_PER_MS

_CONCEALED: Final = (Source.PLC, Source.SILENCE)
_FROM_REDUNDANCY: Final = (Source.RED, Source.LBRR, Source.DRED)
_JITTER_GAIN: Final = 1 / 16
# Source: RFC 3550 appendix A.1 for the first; a step in time of two seconds is no jitter, our choice.
_MAX_DROPOUT: Final = 3_000
_MAX_STEP_RTP: Final = 2 * RTP_CLOCK_HZ


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverStatistics:
    """Sums from the start of a stream on, in seconds and in samples at the rate that is played.

    Attributes:
        packets_received: Packets that arrived, also late, twice or broken.
        packets_lost: Packets expected by their numbers, less those received.
        packets_discarded: Packets not played since they came too late, or too early for the buffer.
        jitter: Smoothed deviation of the times between packets.
        jitter_buffer_delay: For each sample that was decoded from a packet, the time from the packet's arrival on.
        jitter_buffer_target_delay: For each of them, the delay aimed at.
        jitter_buffer_minimum_delay: The same: nothing but the network lengthens the delay aimed at.
        jitter_buffer_emitted_count: How many those are.
        total_samples_received: All samples from the first packet's on, concealed ones as well.
        concealed_samples: Those of them that were guessed, or silent for lack of a guess; not those of redundancy.
        silent_concealed_samples: The silent ones.
        concealment_events: How often concealing began.
        inserted_samples_for_deceleration: Samples repeated to play slower, or to wait.
        removed_samples_for_acceleration: Samples left out to play faster.
        fec_packets_received: Packets that brought something about the past: copies, in-band FEC or an extension.
        fec_packets_discarded: Those of which nothing of it was played.
        received_samples: Samples of the packets for their time. So far the names are webrtc-stats', from here on ours.
        red_samples: Of copies.
        lbrr_samples: Of in-band FEC.
        dred_samples: Of deep redundancy.
        plc_samples: Guessed.
        dtx_samples: Of pauses of the sender.
        silence_samples: Silent after too much guessing.
    """

    packets_received: int
    packets_lost: int
    packets_discarded: int
    jitter: float
    jitter_buffer_delay: float
    jitter_buffer_target_delay: float
    jitter_buffer_minimum_delay: float
    jitter_buffer_emitted_count: int
    total_samples_received: int
    concealed_samples: int
    silent_concealed_samples: int
    concealment_events: int
    inserted_samples_for_deceleration: int
    removed_samples_for_acceleration: int
    fec_packets_received: int
    fec_packets_discarded: int
    received_samples: int
    red_samples: int
    lbrr_samples: int
    dred_samples: int
    plc_samples: int
    dtx_samples: int
    silence_samples: int

    def as_webrtc(self) -> dict[str, int | float]:
        """Return the values by the names that webrtc-stats gives them."""
        return {_camel_case(field.name): getattr(self, field.name) for field in fields(self)}


class StatisticsCounter:
    """The sums of one stream while they grow."""

    def __init__(self, target_ms: float) -> None:
        """Start from nothing, with the delay aimed at."""
        self.target_ms = target_ms
        """The delay aimed at by now, in milliseconds."""
        self._samples = dict.fromkeys(Source, 0)
        self._num_packets = 0
        self._num_expected_before = 0
        self._first_sequence = 0
        self._highest_sequence = -1
        self._transit_rtp = 0.0
        self._jitter_rtp = 0.0
        self._num_concealments = 0
        self._is_concealing = False
        self._last_used: int | None = None
        self._num_fec_used = 0
        self._waited_ms = self._target_ms = 0.0
        self._num_emitted = 0
        self._num_inserted = 0
        self._num_removed = 0

    def arrive(self, sequence: int, timestamp: int, now: float) -> None:
        """Count a packet by its unwrapped numbers."""
        self._num_packets += 1
        if sequence == self._highest_sequence + 1:
            self._highest_sequence = sequence
        else:
            self._place(sequence)
        transit_rtp = now * RTP_TICKS_PER_MS - timestamp
        deviation = abs(transit_rtp - self._transit_rtp)
        if deviation < _MAX_STEP_RTP:
            self._jitter_rtp += (deviation - self._jitter_rtp) * _JITTER_GAIN
        self._transit_rtp = transit_rtp

    def play(
        self, num_samples: int, source: Source, sequence: int | None = None, waited_ms: float | None = None
    ) -> None:
        """Count what was produced for a stretch of time.

        Args:
            num_samples: Its samples.
            source: Where they came from.
            sequence: The packet that they came from.
            waited_ms: If they were decoded from it, the time from its arrival until they are heard, on average.
        """
        self._samples[source] += num_samples
        if waited_ms is not None:
            self._num_emitted += num_samples
            self._waited_ms += num_samples * waited_ms
            self._target_ms += num_samples * self.target_ms
        if source in _CONCEALED:
            self._num_concealments += not self._is_concealing
            self._is_concealing = True
            return
        self._is_concealing = False
        if source in _FROM_REDUNDANCY and sequence != self._last_used:
            self._num_fec_used += 1
            self._last_used = sequence

    def scale(self, num_more: int) -> None:
        """Count samples that were repeated, or if negative, left out."""
        self._num_inserted += max(0, num_more)
        self._num_removed += max(0, -num_more)

    def _place(self, sequence: int) -> None:
        """Note a packet that is not the next one."""
        highest = self._highest_sequence
        if self._num_packets == 1:
            self._first_sequence = self._highest_sequence = sequence
        elif highest < sequence <= highest + _MAX_DROPOUT:
            self._highest_sequence = sequence
        elif not highest - _MAX_DROPOUT < sequence <= highest:
            self._num_expected_before += highest - self._first_sequence + 1
            self._first_sequence = self._highest_sequence = sequence
        elif sequence < self._first_sequence:
            self._first_sequence = sequence

    def sum_up(self, *, num_discarded: int, num_fec: int) -> ReceiverStatistics:
        """Return the sums as they stand, with those of packets: discarded, and bringing something about the past."""
        samples = self._samples
        num_expected = self._num_expected_before + self._highest_sequence - self._first_sequence + 1
        return ReceiverStatistics(
            packets_received=self._num_packets,
            packets_lost=num_expected - self._num_packets,
            packets_discarded=num_discarded,
            jitter=self._jitter_rtp / RTP_CLOCK_HZ,
            jitter_buffer_delay=self._waited_ms / 1000,
            jitter_buffer_target_delay=self._target_ms / 1000,
            jitter_buffer_minimum_delay=self._target_ms / 1000,
            jitter_buffer_emitted_count=self._num_emitted,
            total_samples_received=sum(samples.values()) + self._num_inserted - self._num_removed,
            concealed_samples=sum(samples[source] for source in _CONCEALED),
            silent_concealed_samples=samples[Source.SILENCE],
            concealment_events=self._num_concealments,
            inserted_samples_for_deceleration=self._num_inserted,
            removed_samples_for_acceleration=self._num_removed,
            fec_packets_received=num_fec,
            fec_packets_discarded=max(0, num_fec - self._num_fec_used),
            received_samples=samples[Source.RECEIVED],
            red_samples=samples[Source.RED],
            lbrr_samples=samples[Source.LBRR],
            dred_samples=samples[Source.DRED],
            plc_samples=samples[Source.PLC],
            dtx_samples=samples[Source.DTX],
            silence_samples=samples[Source.SILENCE],
        )


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
