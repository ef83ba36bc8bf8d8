"""What settings cost: measured bits of this very stream, not tables.

    SentPacket --level_bits--> mean bits of a latent and a state, by level --.
       |  '---- dred_bytes --> how much of that is really sent --------------+--> RateModel
       '------ main_bytes ---> how closely Opus keeps to its bitrate --------'

libopus decides by a table of 16 levels, which overestimates speech by 12 to 46 %; so what it could afford stays unsent.
"""

from dataclasses import dataclass
from math import exp

import numpy as np
from jaxtyping import Bool, Float64, Int64

from dred.sender.config import DredConfig
from dred.sender.controller.protections import Protections, protections_of
from dred.sender.plan import RedundancyPlan
from dred.sender.redundancy import PACKETS_PER_MEASUREMENT
from dred.sender.send_path import SentPacket

__all__ = ["RateEstimator", "RateModel"]

# Of the payload's header, 12 to 19; of the packet's framing: count, padding length, id, prefix, at times one of fill.
_HEADER_BITS = 15
_FRAMING_BITS = 5 * 8
# Of RED: 4 bytes per copy, one more.
_RED_COPY_BITS, _RED_BITS = 4 * 8, 8

# Speech in the mean: the first guess, until the stream's own is measured, which takes a second.
_FIRST_LATENT_BITS = (69.0, 61.0, 54.0, 47.0, 40.0, 33.0, 27.0, 21.0, 18.0, 11.0, 9.0, 7.0, 6.0, 5.0, 4.0, 4.0)
_FIRST_STATE_BITS = (
    *(164.0, 152.0, 140.0, 130.0, 119.0, 109.0, 101.0, 93.0),
    *(83.0, 89.0, 83.0, 78.0, 70.0, 59.0, 49.0, 41.0),
)
_MEMORY_MS = 15_000.0
# Packets of less than this share of what was asked for hold silence or faint noise, with DTX or without.
_LEAST_SPEECH = 0.5
# Encoders are wrong by less; the rest are oddities of a few packets, and of what is no speech.
_OPUS_BOUNDS, _DRED_BOUNDS = (0.85, 1.5), (0.5, 1.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateModel:
    """What a stream's bits are spent on.

    Attributes:
        frame_ms: Length of a packet.
        latent_bits: Of a latent of 40 ms, by level.
        state_bits: Of an initial state, by level.
        dred_ratio: Sent bits of redundancy to those of a payload whose latents are all sent: pauses save some.
        main_ratio: Sent bits of Opus to its bitrate without LBRR.
        lbrr_ratio: With LBRR.
    """

    frame_ms: float
    latent_bits: tuple[float, ...] = _FIRST_LATENT_BITS
    state_bits: tuple[float, ...] = _FIRST_STATE_BITS
    dred_ratio: float = 1.0
    main_ratio: float = 1.0
    lbrr_ratio: float = 1.0

    @property
    def packets_per_s(self) -> float:
        """How many packets are sent."""
        return 1000 / self.frame_ms

    def whole_bits(self, protections: Protections) -> Float64[np.ndarray, " options"]:
        """Return the bits that a packet's redundancy takes if all its latents are sent, framing included; 0 if none."""
        of_latents = np.array(self.latent_bits)[protections.levels]
        is_sent = np.arange(of_latents.shape[1]) < protections.num_latents[:, None]
        of_state = np.array(self.state_bits)[protections.levels[:, 0]]
        return protections.has_dred * (_HEADER_BITS + _FRAMING_BITS + of_state + (of_latents * is_sent).sum(axis=1))

    def dred_bps(self, protections: Protections) -> Float64[np.ndarray, " options"]:
        """Return the rate of redundancy, framing included."""
        return self.dred_ratio * self.packets_per_s * self.whole_bits(protections)

    def opus_bps(
        self, bitrates_bps: Float64[np.ndarray, "options rates"], in_band_fec: Bool[np.ndarray, "options one"]
    ) -> Float64[np.ndarray, "options rates"]:
        """Return the rates that Opus takes when it is asked for others."""
        return bitrates_bps * np.where(in_band_fec, self.lbrr_ratio, self.main_ratio)

    def red_bps(
        self, opus_bps: Float64[np.ndarray, "options rates"], num_copies: Int64[np.ndarray, "options one"]
    ) -> Float64[np.ndarray, "options rates"]:
        """Return the rate that copies of packets add."""
        framing_bits = num_copies * _RED_COPY_BITS + (num_copies > 0) * _RED_BITS
        return num_copies * opus_bps + self.packets_per_s * framing_bits


class RateEstimator:
    """Learns a stream's rates from its packets."""

    def __init__(self, *, frame_ms: float) -> None:
        """Start with a guess about speech in general."""
        self._frame_ms = frame_ms
        self._keep = exp(-frame_ms / _MEMORY_MS)
        keep_measurement = 1 - PACKETS_PER_MEASUREMENT * frame_ms / _MEMORY_MS
        self._latent = _MeanBits(_FIRST_LATENT_BITS, keep_measurement)
        self._state = _MeanBits(_FIRST_STATE_BITS, keep_measurement)
        self._main, self._lbrr = (_Ratio(self._keep, _OPUS_BOUNDS) for _ in range(2))
        self._dred = _Ratio(self._keep, _DRED_BOUNDS)
        self._expected_of: DredConfig | None = None
        self._expected_bits = 0.0

    def observe(self, sent: SentPacket, plan: RedundancyPlan) -> None:
        """Take note of a packet that was sent as a plan says."""
        if sent.level_bits is not None:
            self._latent.add(sent.level_bits.latent)
            self._state.add(sent.level_bits.state)
        # Pauses do not make speech cheaper: what they save is no rate to be counted on.
        if not sent.is_speech:
            return
        asked_bits = plan.bitrate_bps * self._frame_ms / 1000
        if 8 * sent.main_bytes >= _LEAST_SPEECH * asked_bits:
            opus = self._lbrr if plan.in_band_fec else self._main
            opus.add(8 * sent.main_bytes, asked_bits)
        if plan.dred is not None and sent.num_latents:
            # To be computed once per measurement, not once per packet.
            if sent.level_bits is not None or plan.dred != self._expected_of:
                self._expected_of, self._expected_bits = (
                    plan.dred,
                    float(self.model.whole_bits(protections_of([plan]))[0]),
                )
            self._dred.add(8 * sent.dred_bytes, self._expected_bits)

    @property
    def model(self) -> RateModel:
        """What is known so far."""
        return RateModel(
            frame_ms=self._frame_ms,
            latent_bits=self._latent.mean,
            state_bits=self._state.mean,
            dred_ratio=self._dred.value,
            main_ratio=self._main.value,
            lbrr_ratio=self._lbrr.value,
        )


class _MeanBits:
    """Bits by level, averaged over the last measurements; the first guess counts as one of them."""

    def __init__(self, first: tuple[float, ...], keep: float) -> None:
        self._keep = keep
        self._total = np.array(first, np.float64)
        self._weight = 1.0

    def add(self, bits: tuple[float, ...]) -> None:
        self._total = self._keep * self._total + bits
        self._weight = self._keep * self._weight + 1

    @property
    def mean(self) -> tuple[float, ...]:
        return tuple((self._total / self._weight).tolist())


class _Ratio:
    """What is sent to what was to be expected, over the last packets; one until there are some."""

    def __init__(self, keep: float, bounds: tuple[float, float]) -> None:
        self._keep = keep
        self._bounds = bounds
        self._sent = self._expected = 0.0

    def add(self, sent_bits: float, expected_bits: float) -> None:
        self._sent = self._keep * self._sent + sent_bits
        self._expected = self._keep * self._expected + expected_bits

    @property
    def value(self) -> float:
        if not self._expected:
            return 1.0
        return min(max(self._sent / self._expected, self._bounds[0]), self._bounds[1])
