"""What the network loses, by what can be done about it.

    patterns (XR Loss RLE) --count--.    quick and slow mean, the larger of both --> how much --.
                                    +-->                                                       +--> LossPicture
    fractions (RTCP reports) -------'    long mean, and bursts as they usually are --> by age --'

A lost packet's age is its distance to the next packet that arrives: 1 for the last one of a burst. LBRR repairs age 1,
n copies repair ages up to n, DRED as far as it reaches. A burst of n packets has one of each age up to n, so that the
shares by age are the burst statistics: share[a] / share[1] of all bursts last at least a packets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, isfinite
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from dred.errors import UsageError
from dred.sender.controller.reports import ReceiverReport

__all__ = ["MAX_AGE", "LossEstimator", "LossPicture", "burst_in_packets", "shares_of_bursts"]

MAX_AGE = 105
"""Ages are told apart up to here; whatever is older counts as one more. It is more than DRED can reach back, 1040 ms,
with packets of 10 ms."""

_MAX_PACKETS_PER_PATTERN = 100_000
# A pattern tells all that a fraction does, for so long and so many reports: one may be lost itself.
_PATTERN_LASTS_MS, _PATTERN_LASTS_REPORTS = 5_000.0, 3
# Of the worst jitter so much is still reckoned with a second later.
_JITTER_KEPT_PER_S = 0.8
# Fractions alone do not show bursts. Until their variance does, a burst has so many packets of 20 ms, as sure as so
# many reports: recorded calls have 1.5 to 4 (docs/channel.md).
_PRIOR_BURST = 2.5
_PRIOR_FRAME_MS = 20.0
_PRIOR_REPORTS = 5.0
# To reach too far costs a little, not to reach far enough costs much: what is only guessed is taken longer.
_SAFETY = 1.5
_REPORT_MEMORY = 20
# A burst says little about bursts: ages are those of many, and of some that were not seen. These are geometric.
_BURST_MEMORY_MS = 30_000.0
_PRIOR_BURSTS = 4.0
_MAX_BURST = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LossPicture:
    """How packets are lost.

    Attributes:
        shares: Of all packets, those that are lost with age 1, 2 ... MAX_AGE, and with any older one.
        jitter_ms: Interarrival jitter.
        heard_from: "patterns", "reports" or "nobody".
    """

    shares: tuple[float, ...]
    jitter_ms: float
    heard_from: str

    @property
    def loss_rate(self) -> float:
        """Share of lost packets, 0 to 1."""
        return min(sum(self.shares), 1.0)

    @property
    def mean_burst(self) -> float:
        """Mean number of packets lost in a row; 0 without loss."""
        return sum(self.shares) / self.shares[0] if self.shares[0] > 0 else 0.0

    def age_quantile(self, share: float) -> int:
        """Return the age that so great a share of the lost packets does not exceed; 0 without loss."""
        total = sum(self.shares)
        if total <= 0:
            return 0
        return int(np.searchsorted(np.cumsum(self.shares), share * total - 1e-12)) + 1


def shares_of_bursts(loss_rate: float, mean_burst: float) -> Float64[np.ndarray, " ages"]:
    """Return shares by age of bursts whose lengths are geometric, as a Gilbert model has them."""
    stays = 1 - 1 / max(mean_burst, 1.0)
    shares = loss_rate * (1 - stays) * stays ** np.arange(MAX_AGE + 1)
    shares[-1] = loss_rate * stays**MAX_AGE
    return shares


def burst_in_packets(mean_burst: float, frame_ms: float) -> float:
    """Return what a mean burst in packets of 20 ms is in packets of another length: networks fail for a time."""
    stays: float = (1 - 1 / mean_burst) ** (frame_ms / _PRIOR_FRAME_MS)
    return 1 / (1 - stays)


class LossEstimator:
    """One stream's losses, from what listeners report."""

    def __init__(self, *, frame_ms: float, rise_ms: float, fall_ms: float) -> None:
        """Start knowing nothing.

        Args:
            frame_ms: Length of a packet.
            rise_ms: Time constant of the quick mean.
            fall_ms: Time constant of the slow one.
        """
        self._frame_ms = frame_ms
        self._means = (_Mean(rise_ms / frame_ms), _Mean(fall_ms / frame_ms))
        self._long_mean = _Mean(max(_BURST_MEMORY_MS, fall_ms) / frame_ms)
        self._all_means = (*self._means, self._long_mean)
        self._burst = 0
        self._prior_burst = burst_in_packets(_PRIOR_BURST, frame_ms)
        self._spread = _Spread(self._prior_burst)
        self._jitter_ms = 0.0
        self._report_ms: float | None = None
        self._report_interval_ms = 0.0
        self._pattern_ms: float | None = None
        # What was known before the last fraction was counted, in case a pattern tells the same losses better.
        self._before_fraction: tuple[list[_Counted], int] | None = None
        self._heard_ms: float | None = None

    def observe_report(self, report: ReceiverReport, num_packets: int, now: float) -> None:
        """Take in a report about so many packets."""
        self._report_interval_ms = 0.0 if self._report_ms is None else now - self._report_ms
        self._heard_ms = self._report_ms = now
        kept = _JITTER_KEPT_PER_S ** (self._report_interval_ms / 1000)
        self._jitter_ms = max(report.jitter_ms, kept * self._jitter_ms)
        num_packets = max(num_packets, 1)
        self._spread.add(report.fraction_lost, num_packets)
        self._before_fraction = None
        if not self._has_patterns(now):
            self._before_fraction = [mean.counted for mean in self._all_means], self._burst
            # A burst that no pattern ends is in the fractions.
            self._burst = 0
            shares = shares_of_bursts(report.fraction_lost, 1 + _SAFETY * (self._spread.mean_burst - 1))
            self._add(shares * num_packets, num_packets)

    def observe_losses(self, lost: Sequence[bool], now: float) -> None:
        """Take in which packets were lost, each packet once, in their order.

        Raises:
            UsageError: There are more than 100,000.
        """
        if len(lost) > _MAX_PACKETS_PER_PATTERN:
            raise UsageError(f"a pattern has at most {_MAX_PACKETS_PER_PATTERN} packets, got {len(lost)}")
        if not len(lost):
            return
        self._heard_ms = self._pattern_ms = now
        if self._before_fraction is not None:
            # The report that it came with was about the same packets.
            counted, self._burst = self._before_fraction
            self._before_fraction = None
            for mean, known in zip(self._all_means, counted, strict=True):
                mean.counted = known
        counts = np.zeros(MAX_AGE + 1)
        num_waiting = self._burst
        for is_lost in lost:
            if is_lost:
                self._burst += 1
            elif self._burst:
                counts += _counts_of(self._burst)
                self._burst = 0
        # A burst that goes on waits for its end: its packets' ages are not known yet.
        num_packets = num_waiting + len(lost) - self._burst
        if num_packets:
            self._add(counts, num_packets)

    def silent_ms(self, now: float) -> float | None:
        """Return for how long nobody has reported; None if nobody ever has."""
        return None if self._heard_ms is None else now - self._heard_ms

    def picture(self, now: float) -> LossPicture:
        """Return what is known. Losses rise quickly and fall slowly; what bursts are like is remembered longer."""
        # What has not come back yet is taken to come back now.
        waiting = _counts_of(self._burst)
        loss_rate = max(mean.value_after(waiting, self._burst).sum() for mean in self._means)
        shares = min(loss_rate, 1.0) * self._ages(waiting)
        return LossPicture(shares=tuple(shares.tolist()), jitter_ms=self._jitter_ms, heard_from=self._source(now))

    def _ages(self, waiting: Float64[np.ndarray, " ages"]) -> Float64[np.ndarray, " ages"]:
        """Return how lost packets are spread over ages."""
        seen = self._long_mean.counts_after(waiting, self._burst)
        num_bursts = seen[0]
        mean_burst = (seen.sum() + _PRIOR_BURSTS * self._prior_burst) / (num_bursts + _PRIOR_BURSTS)
        supposed = shares_of_bursts(_PRIOR_BURSTS * mean_burst, mean_burst)
        ages: Float64[np.ndarray, " ages"] = seen + supposed
        return ages / ages.sum()

    def _add(self, counts: Float64[np.ndarray, " ages"], num_packets: int) -> None:
        for mean in self._all_means:
            mean.add(counts, num_packets)

    def _source(self, now: float) -> str:
        if self._heard_ms is None:
            return "nobody"
        return "patterns" if self._has_patterns(now) else "reports"

    def _has_patterns(self, now: float) -> bool:
        lasts_ms = max(_PATTERN_LASTS_MS, _PATTERN_LASTS_REPORTS * self._report_interval_ms)
        return self._pattern_ms is not None and now - self._pattern_ms <= lasts_ms


def _counts_of(burst: int) -> Float64[np.ndarray, " ages"]:
    """Count the packets of one burst by age."""
    counts = np.zeros(MAX_AGE + 1)
    counts[: min(burst, MAX_AGE)] = 1
    counts[MAX_AGE] = max(burst - MAX_AGE, 0)
    return counts


class _Counted(NamedTuple):
    """Lost packets by age, and how many there were in all."""

    counts: Float64[np.ndarray, " ages"]
    weight: float


class _Mean:
    """Shares by age, averaged over about so many packets; before that, over those that there were."""

    def __init__(self, memory_packets: float) -> None:
        self._memory = max(memory_packets, 1.0)
        self.counted = _Counted(np.zeros(MAX_AGE + 1), 0.0)

    def add(self, counts: Float64[np.ndarray, " ages"], num_packets: int) -> None:
        self.counted = self._after(counts, num_packets)

    def value_after(self, counts: Float64[np.ndarray, " ages"], num_packets: int) -> Float64[np.ndarray, " ages"]:
        """Return the mean as it would be with some more packets."""
        total, weight = self._after(counts, num_packets)
        return total / weight if weight else total

    def counts_after(self, counts: Float64[np.ndarray, " ages"], num_packets: int) -> Float64[np.ndarray, " ages"]:
        """Return what is remembered as it would be with some more packets."""
        return self._after(counts, num_packets).counts

    def _after(self, counts: Float64[np.ndarray, " ages"], num_packets: int) -> "_Counted":
        known, weight = self.counted
        if not num_packets:
            return self.counted
        keep = exp(-num_packets / self._memory)
        # What comes in one piece weighs no more than what a mean remembers.
        taken = self._memory * (1 - keep) / num_packets
        return _Counted(keep * known + taken * counts, keep * weight + taken * num_packets)


class _Spread:
    """How much more reported fractions differ from one to the next than those of single losses would.

    Windows of n packets of a Gilbert model have a variance of p (1 - p) / n times 2 m (1 - p) - 1, m being the mean
    burst. Differences between neighbours leave out slow changes of the network.
    """

    def __init__(self, prior_burst: float) -> None:
        self._prior_burst = prior_burst
        self._last: float | None = None
        self._measured = 0.0
        self._expected = 0.0
        self._loss = 0.0
        self._weight = 0.0

    def add(self, fraction: float, num_packets: int) -> None:
        keep = 1 - 1 / _REPORT_MEMORY
        last, self._last = self._last, fraction
        if last is None or fraction == last == 0:
            return
        mean = (fraction + last) / 2
        self._measured = keep * self._measured + (fraction - last) ** 2 / 2
        self._expected = keep * self._expected + mean * (1 - mean) / num_packets
        self._loss = keep * self._loss + mean
        self._weight = keep * self._weight + 1

    @property
    def mean_burst(self) -> float:
        if not self._expected > 0:
            return self._prior_burst
        loss = min(self._loss / self._weight, 0.9)
        found = min(max((self._measured / self._expected + 1) / (2 * (1 - loss)), 1.0), _MAX_BURST)
        found = found if isfinite(found) else self._prior_burst
        return (self._weight * found + _PRIOR_REPORTS * self._prior_burst) / (self._weight + _PRIOR_REPORTS)
