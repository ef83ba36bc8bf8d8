"""The latents of the last second, and the payload that a packet takes from them.

The network runs once per 20 ms and leaves a latent and an initial state; a packet takes the newest state and every
second latent, newest first, as many as its duration and its bytes allow. The cost of the network does not depend on how
much is taken.

Source: facts from libopus 1.6.1 dnn/dred_encoder.c (alignment, silence at both ends).
"""

from collections import deque
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from dred.bitstream import MAX_LATENTS, NUM_LEVELS, DredHeader, PayloadTables, WrittenPayload, quantise, write_payload
from dred.errors import UsageError
from dred.sender.config import DredConfig
from dred.timebase import DOUBLE_FRAME_SAMPLES, TICK_SAMPLES, TICKS_PER_DOUBLE_FRAME

# Delay of libopus's input, so that a 20 ms step ends where its step ends: 79 + 12 - 80 samples.
_INPUT_DELAY_SAMPLES = 11
# The vocoder looks 15 ms ahead: a newer latent than that is not needed.
_LOOKAHEAD_TICKS = 6
_ACTIVITY_FLAGS = 16
_HISTORY_STEPS = 2 * MAX_LATENTS


@runtime_checkable
@runtime_checkable
class RedundancyEncoder(Protocol):
    """The networks of the sender: 20 ms of 16 kHz samples to one latent and one initial state."""

    tables: PayloadTables

    def encode(
        self, samples: Float32[np.ndarray, " 320"]
    ) -> tuple[Float32[np.ndarray, " latent"], Float32[np.ndarray, " state"]]:
        """Encode the next 20 ms, on the int16 scale."""
        ...


@dataclass(frozen=True, slots=True)
class _Step:
    latent: np.ndarray
    state: np.ndarray


class LatentHistory:
    """What a stream's packets can take their redundancy from."""

    def __init__(self, encoder: RedundancyEncoder, *, lookahead_samples: int) -> None:
        """Start a stream.

        Args:
            encoder: The networks.
            lookahead_samples: The main codec's look-ahead at 16 kHz: 104 for libopus's voip and audio.
        """
        self._encoder = encoder
        self._lookahead_samples = lookahead_samples
        self._pending = np.zeros(_INPUT_DELAY_SAMPLES, np.float32)
        self._steps: deque[_Step] = deque(maxlen=_HISTORY_STEPS)
        self._active: deque[bool] = deque([False] * (_HISTORY_STEPS * 8), maxlen=_HISTORY_STEPS * 8)
        self._offset_ticks = 0
        self._first_step = 0
        self._skipped_steps = 0

    def push(self, samples: Float32[np.ndarray, " samples"], *, active: bool) -> None:
        """Take in one packet's worth of samples, 16 kHz on the int16 scale; active says whether anyone speaks.

        Raises:
            UsageError: The length is no multiple of 2.5 ms.
        """
        if samples.size % TICK_SAMPLES:
            raise UsageError(f"a packet must be a multiple of {TICK_SAMPLES} samples at 16 kHz, got {samples.size}")
        start_samples = self._lookahead_samples - self._pending.size
        self._offset_ticks = (start_samples + TICK_SAMPLES // 2) // TICK_SAMPLES
        self._first_step = 0
        for block in np.split(samples, range(DOUBLE_FRAME_SAMPLES, samples.size, DOUBLE_FRAME_SAMPLES)):
            self._pending = np.concatenate([self._pending, block])
            if self._pending.size >= DOUBLE_FRAME_SAMPLES:
                self._steps.appendleft(_Step(*self._encoder.encode(self._pending[:DOUBLE_FRAME_SAMPLES])))
                self._pending = self._pending[DOUBLE_FRAME_SAMPLES:]
                if self._offset_ticks < _LOOKAHEAD_TICKS:
                    self._offset_ticks += TICKS_PER_DOUBLE_FRAME
                else:
                    self._first_step += 1
        self._active.extendleft([active] * (samples.size // TICK_SAMPLES))

    def write(self, config: DredConfig, *, max_bytes: int) -> WrittenPayload | None:
        """Write the redundancy of the packet whose samples were pushed last, or None if there is nothing to say."""
        # Just out of silence the packet itself carries the onset: the redundancy stays where it was, once.
        coming_back = self._active[0] and self._skipped_steps > 0
        skipped_steps = self._skipped_steps if coming_back else 0
        first_step = self._first_step + skipped_steps
        while first_step < len(self._steps) and not self._is_active(first_step):
            first_step += 1
            skipped_steps += 1
        self._skipped_steps = 0 if coming_back else skipped_steps
        num_latents = min(config.num_latents, (len(self._steps) - first_step) // 2)
        if num_latents < 1:
            return None
        steps = [first_step + 2 * i for i in range(num_latents)]
        active = [self._is_active(step) for step in steps]
        # A latent is worth its bits if it or the next newer one holds speech.
        commit = np.array([now or newer for now, newer in zip(active, [False, *active])])
        tables = self._encoder.tables
        header = DredHeader(
            q0=config.q0,
            dq=config.dq,
            qmax=config.qmax if config.dq else NUM_LEVELS - 1,
            offset_ticks=self._offset_ticks - skipped_steps * TICKS_PER_DOUBLE_FRAME,
        )
        latents = np.stack([self._steps[step].latent for step in steps])
        written = write_payload(
            header,
            quantise(self._steps[first_step].state, config.q0, tables.state),
            quantise(latents, header.levels(num_latents), tables.latent),
            tables,
            max_bytes=max_bytes,
            commit=commit,
        )
        # A single chunk far back is not worth a packet's extension.
        if written.num_latents == 0 or (written.num_latents == 1 and skipped_steps):
            return None
        return written

    def _is_active(self, step: int) -> bool:
        """Tell whether any of the 40 ms that a step's latent describes was active."""
        first = TICKS_PER_DOUBLE_FRAME * step
        return any(self._active[i] for i in range(first, min(first + _ACTIVITY_FLAGS, len(self._active))))
