"""The latents of the last second, and the payload that a packet takes from them.

The network runs once per 20 ms and leaves a latent and an initial state; a packet takes the newest state and every
second latent, newest first, as many as its duration and its bytes allow. The cost of the network does not depend on how
much is taken.

    samples --take_in--> steps of 20 ms --the networks--> latent and state --remember--> rings --write--> payload
"""

from typing import Any

import numpy as np
from jaxtyping import Float32

from dred.bitstream import MAX_LATENTS, MAX_PAYLOAD_BYTES, NUM_LEVELS, PayloadTables, WrittenPayload
from dred.errors import UsageError
from dred.sender.config import DredConfig
from dred.sender.history_kernel import (
    END,
    NEWEST_ROW,
    NOT_FINITE,
    NUM_COUNTERS,
    encode_history,
    remember_step,
    take_in_samples,
)
from dred.sender.level_bits import LevelMeter
from dred.timebase import DOUBLE_FRAME_SAMPLES, TICK_SAMPLES

# Delay of libopus's input, so that a 20 ms step ends where its step ends: 79 + 12 - 80 samples.
_INPUT_DELAY_SAMPLES = 11
_HISTORY_STEPS = 2 * MAX_LATENTS
_MAX_PACKET_SAMPLES = 120 * 16
# Room for so many that they are seldom moved to the front.
_SAMPLES = 4 * _MAX_PACKET_SAMPLES
# Further ahead the payload's offset cannot say.
_MAX_LOOKAHEAD_SAMPLES = 40 * 16


class LatentHistory:
    """What a stream's packets can take their redundancy from.

    Attributes:
        intake: What compiled code needs to take in samples: room for them, counters, activity, the look-ahead.
    """

    def __init__(self, tables: PayloadTables, *, lookahead_samples: int) -> None:
        """Start a stream.

        Args:
            tables: Those of the networks.
            lookahead_samples: The main codec's look-ahead at 16 kHz: 104 for libopus's voip and audio, at most 640.

        Raises:
            UsageError: The look-ahead is out of range.
        """
        if not 0 <= lookahead_samples <= _MAX_LOOKAHEAD_SAMPLES:
            raise UsageError(f"a look-ahead is 0 to {_MAX_LOOKAHEAD_SAMPLES} samples, got {lookahead_samples}")
        self._samples = np.zeros(_SAMPLES, np.float32)
        self._counters = np.zeros(NUM_COUNTERS, np.int64)
        self._counters[END] = _INPUT_DELAY_SAMPLES
        self._counters[NEWEST_ROW] = -1
        self._activity = np.zeros(_HISTORY_STEPS + 1, np.uint8)
        self.intake = (self._samples, self._counters, self._activity, lookahead_samples)
        self._latents = np.zeros((_HISTORY_STEPS, tables.latent.dim), np.float32)
        self._states = np.zeros((_HISTORY_STEPS, tables.state.dim), np.float32)
        self._tables = (
            tables.latent.quantiser,
            tables.state.quantiser,
            tables.coding,
            tables.make_scratch(),
        )
        self._symbols = (np.empty((MAX_LATENTS, tables.latent.dim), np.int32), np.empty(tables.state.dim, np.int32))
        self._commit = np.empty(MAX_LATENTS, np.bool_)
        self._out = np.empty(MAX_PAYLOAD_BYTES, np.uint8)

    def take_in(self, samples: Float32[np.ndarray, " samples"], *, active: bool) -> list[Float32[np.ndarray, " 320"]]:
        """Take in one packet's worth of samples, and return the steps that the networks have to hear, oldest first.

        What they make of these steps is to be remembered before the next packet comes.

        Args:
            samples: 16 kHz on the int16 scale, a multiple of 2.5 ms up to 120 ms.
            active: Whether anyone speaks.

        Raises:
            UsageError: The number of samples is none of these.
        """
        check_packet_samples(len(samples), TICK_SAMPLES)
        return self.steps(*take_in_samples(*self.intake, samples, active))

    def steps(self, first_sample: int, num_steps: int) -> list[Float32[np.ndarray, " 320"]]:
        """Return the samples of steps that `advance_history` told of."""
        end = first_sample + num_steps * DOUBLE_FRAME_SAMPLES
        return [self._samples[at : at + DOUBLE_FRAME_SAMPLES] for at in range(first_sample, end, DOUBLE_FRAME_SAMPLES)]

    def remember(self, latent: Float32[np.ndarray, " latent"], state: Float32[np.ndarray, " state"]) -> None:
        """Take what the networks made of the next step."""
        remember_step(self._counters, self._latents, self._states, latent, state)

    def payload_arguments(self, config: DredConfig, max_bytes: int) -> tuple[Any, ...]:
        """Return what `encode_history` takes."""
        settings = (config.q0, config.dq, config.qmax if config.dq else NUM_LEVELS - 1, config.num_latents)
        rings = (self._latents, self._states)
        state = (self._counters, self._activity, rings, self._tables, self._symbols, self._commit)
        return (self._out, max_bytes, settings, *state)

    @property
    def is_active(self) -> bool:
        """Whether anyone speaks in the newest 20 ms."""
        return bool(self._activity[0])

    def level_meter(self) -> LevelMeter:
        """Return what measures the newest step at every level."""
        rings = (self._latents, self._states)
        return LevelMeter(self._counters, self._activity, rings, self._tables, self._symbols)

    def write(self, config: DredConfig, *, max_bytes: int) -> WrittenPayload | None:
        """Write the redundancy of the packet whose samples were taken in last, or None if there is nothing to say.

        Raises:
            UsageError: The networks gave values that are not finite.
        """
        num_bytes, num_latents = encode_history(*self.payload_arguments(config, max_bytes))
        check_finite(num_bytes)
        return self.written(num_bytes, num_latents) if num_bytes else None

    def written(self, num_bytes: int, num_latents: int) -> WrittenPayload:
        """Return the payload that `encode_history` wrote last."""
        return WrittenPayload(data=self._out[:num_bytes].tobytes(), num_latents=num_latents)


def check_packet_samples(num_samples: int, tick_samples: int) -> None:
    """Check that a packet is a multiple of 2.5 ms, so many samples, up to 120 ms.

    Raises:
        UsageError: It is not.
    """
    longest = _MAX_PACKET_SAMPLES // TICK_SAMPLES * tick_samples
    if num_samples % tick_samples or num_samples > longest:
        raise UsageError(f"a packet must be a multiple of {tick_samples} samples up to {longest}, got {num_samples}")


def check_finite(num_bytes: int) -> None:
    """Check what `encode_history` returned.

    Raises:
        UsageError: The networks gave values that are not finite.
    """
    if num_bytes == NOT_FINITE:
        raise UsageError("latents and states must be finite")
