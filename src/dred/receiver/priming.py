"""The door into a stock decoder: what the vocoder spoke is encoded and decoded in the place of the lost packets.

After a gap the next packet is predicted from the decoder's own past. A stock libopus has concealed that past; priming
puts the spoken speech there instead, so that the join is seamless, and what the decoder makes of it is played.

    played audio before the gap --> small local encoder --> packets, dropped: they only settle the encoder
    spoken audio, ahead by the encoder's look-ahead ------> packets --> the stream's decoder --> played

Source: our own method and measurements, docs/decisions/0002-decoder-priming.md.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from dred.errors import UsageError
from dred.opus import OpusEncoder, OpusEncoderConfig, Toc
from dred.timebase import RTP_TICKS_PER_MS, SAMPLE_RATE_HZ, rtp_to_samples

# Wideband's 16 kHz serve every narrower band as well; wider ones are encoded at 48 kHz.
_WIDE_RATE_HZ = 48_000
_WIDER = ("superwide", "full")
_UP = _WIDE_RATE_HZ // SAMPLE_RATE_HZ
_FILTER_HALF_SAMPLES = 12
_KAISER_BETA = 7.0
# What 150 ms of history hold, in the longest steps.
_MAX_SETTLING_FRAMES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PrimingConfig:
    """The local encoder's settings: the knee of cost against quality.

    Attributes:
        bitrate_bps: Its bitrate.
        complexity: Its complexity, 0 to 10.
        num_settling_frames: How many steps of what was played before the gap it encodes first, 0 to 5.
    """

    bitrate_bps: int = 40_000
    complexity: int = 0
    num_settling_frames: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.num_settling_frames <= _MAX_SETTLING_FRAMES:
            raise UsageError(f"num_settling_frames must be 0 to {_MAX_SETTLING_FRAMES}, got {self.num_settling_frames}")


class DecoderPrimer:
    """A local encoder in the mode and band of a stream's packets, for one gap after the other."""

    def __init__(self, config: PrimingConfig, toc: Toc, *, step_rtp: int) -> None:
        """Make the encoder for a stream coded like toc; packets will be step_rtp long, 2.5 to 60 ms."""
        is_wider = toc.bandwidth in _WIDER
        self._encoder = OpusEncoder(
            OpusEncoderConfig(
                rate_hz=_WIDE_RATE_HZ if is_wider else SAMPLE_RATE_HZ,
                channels=2 if toc.stereo else 1,
                application="voip",
                bitrate_bps=config.bitrate_bps,
                complexity=config.complexity,
                bandwidth=toc.bandwidth,
                force_mode=toc.mode,
                frame_duration_ms=step_rtp / RTP_TICKS_PER_MS,
            )
        )
        self.toc = toc
        self.step_rtp = step_rtp
        self._channels = self._encoder.config.channels
        self._up = _UP if is_wider else 1
        self._margin_samples = _FILTER_HALF_SAMPLES if is_wider else 0
        self._step_samples = rtp_to_samples(step_rtp)
        self._lookahead_samples = self._encoder.lookahead_samples // self._up
        self.reach_samples = self._step_samples + self._lookahead_samples + self._margin_samples
        """How many spoken samples from a packet's start on `encode` needs, at 16 kHz."""
        self._num_settling_samples = config.num_settling_frames * self._step_samples

    def settle(self, history: Float32[np.ndarray, " samples"], spoken: Float32[np.ndarray, " ahead"]) -> None:
        """Begin a gap: encode what was played before it, up to the look-ahead into it, and drop the packets."""
        self._encoder.reset()
        past = history[max(0, history.size - self._num_settling_samples - self._margin_samples) :]
        joined = np.concatenate([past, spoken[: self._lookahead_samples + self._margin_samples]])
        for start in range(past.size - self._num_settling_samples, past.size, self._step_samples):
            self._encode_block(joined, start + self._lookahead_samples)

    def encode(self, spoken: Float32[np.ndarray, " reach"]) -> bytes:
        """Encode the packet at the start of the spoken samples, of which there are at least `reach_samples`."""
        return self._encode_block(spoken, self._lookahead_samples)

    def _encode_block(self, samples: np.ndarray, start: int) -> bytes:
        margin = self._margin_samples
        block = samples[start - margin : start + self._step_samples + margin]
        pcm = _interpolate(block) if self._up > 1 else block
        return self._encoder.encode(pcm.repeat(self._channels).reshape(-1, self._channels))


def _interpolation_filter() -> np.ndarray:
    taps = np.arange(-_FILTER_HALF_SAMPLES * _UP, _FILTER_HALF_SAMPLES * _UP + 1)
    return (np.sinc(taps / _UP) * np.kaiser(taps.size, _KAISER_BETA)).astype(np.float32)


_FILTER = _interpolation_filter()


def _interpolate(block: Float32[np.ndarray, " samples"]) -> Float32[np.ndarray, " interpolated"]:
    """Triple the rate of all but the filter's reach at both ends, without delay."""
    spread = np.zeros(block.size * _UP, np.float32)
    spread[::_UP] = block
    reach = _FILTER_HALF_SAMPLES * _UP
    return np.convolve(spread, _FILTER, "same")[reach:-reach]
