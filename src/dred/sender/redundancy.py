"""The send side of redundancy around its networks: PCM at the codec's rate in, one payload per packet out.

    samples --take_in--> 16 kHz, in steps of 20 ms --the networks--> remember --> history --protect--> packet

One compiled call on either side of the networks.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float32

from dred.bitstream import MAX_PAYLOAD_BYTES, DredVersion, PayloadTables, WrittenPayload
from dred.compilation import compiled
from dred.errors import UsageError
from dred.opus.lone_extension import MAX_OVERHEAD_BYTES, NOT_SIMPLE, UNSAFE, extend_packet, lone_item
from dred.opus.packet import MAX_FRAME_BYTES
from dred.opus.silk_frame import SCRATCH_SHAPE
from dred.sender.config import DredConfig
from dred.sender.guard import attach_payload
from dred.sender.history import LatentHistory, check_finite, check_packet_samples
from dred.sender.history_kernel import advance_history, encode_history, make_room
from dred.sender.intake import hear, initial_intake_state
from dred.sender.level_bits import LevelBits
from dred.timebase import SAMPLE_RATE_HZ, TICK_SAMPLES

PACKETS_PER_MEASUREMENT = 10
"""One packet of so many is measured at all levels."""

_TICKS_PER_S = SAMPLE_RATE_HZ // TICK_SAMPLES


class Redundancy:
    """One stream's redundancy, in step with the packets of its main codec."""

    def __init__(self, config: DredConfig, tables: PayloadTables, *, rate_hz: int, lookahead_samples: int) -> None:
        """Start a stream.

        Args:
            config: How much and how fine.
            tables: Those of the networks.
            rate_hz: The rate of the samples: one of Opus's.
            lookahead_samples: The main codec's look-ahead at that rate, up to 40 ms.

        Raises:
            UsageError: The rate is none of Opus's, or the look-ahead is out of range.
        """
        self._config: DredConfig | None = config
        self.version: DredVersion = tables.version
        self._tick_samples = rate_hz // _TICKS_PER_S
        self._intake = initial_intake_state(rate_hz)
        self._history = LatentHistory(tables, lookahead_samples=lookahead_samples * SAMPLE_RATE_HZ // rate_hz)
        self._levels = self._history.level_meter()
        self._num_packets = 0
        self.change(config)
        self._item = lone_item(tables.version.extension_id, tables.version.prefix)
        self._scratch = np.empty(SCRATCH_SHAPE, np.int64)
        self._packet = np.empty(MAX_FRAME_BYTES + MAX_PAYLOAD_BYTES + MAX_OVERHEAD_BYTES, np.uint8)

    def change(self, config: DredConfig | None) -> None:
        """Take a payload's extent and quality from another configuration; None for no payloads.

        The networks go on hearing the stream, so that redundancy covers the past as soon as it is wanted again.

        Raises:
            UsageError: The configuration has another version: other networks.
        """
        if config is not None and config.version not in (None, self.version.name):
            raise UsageError(f"a stream keeps its version {self.version.name}, got {config.version}")
        self._config = config
        if config is not None:
            self._payload_arguments = self._history.payload_arguments(config, config.max_bytes)

    def take_in(self, samples: Float32[np.ndarray, "samples channels"]) -> list[Float32[np.ndarray, " 320"]]:
        """Take in the samples of the next packet, -1 to 1, and return what the networks have to hear, oldest first.

        Raises:
            UsageError: The samples are no multiple of 2.5 ms up to 120 ms.
        """
        check_packet_samples(len(samples), self._tick_samples)
        return self._history.steps(*_take_in(samples, self._tick_samples, self._intake, self._history.intake))

    def remember(self, latent: Float32[np.ndarray, " latent"], state: Float32[np.ndarray, " state"]) -> None:
        """Take what the networks made of the next step; all steps of a packet before its redundancy is written."""
        self._history.remember(latent, state)

    @property
    def is_active(self) -> bool:
        """Whether the newest 20 ms hold more than silence or faint noise."""
        return self._history.is_active

    def measure_levels(self) -> LevelBits | None:
        """Tell for some packets, one in ten, what the newest speech costs at each level; to be called for each."""
        is_due = self._num_packets % PACKETS_PER_MEASUREMENT == 0
        self._num_packets += 1
        return self._levels.measure() if is_due else None

    def protect(self, packet: bytes) -> tuple[bytes, int]:
        """Write the payload of the packet whose samples were taken in last, and attach it.

        Returns:
            The packet and the latents in it; as it was and 0, if there is nothing to say or that would not be safe.

        Raises:
            UsageError: The networks gave values that are not finite.
            OpusFormatError: The packet breaks a rule of its format.
            ExtensionFormatError: Its padding is broken.
        """
        if self._config is None:
            return packet, 0
        num_bytes, num_latents, size = _protect(
            self._packet, packet, self._item, self._scratch, self._payload_arguments
        )
        check_finite(num_bytes)
        if num_bytes == 0 or size == UNSAFE:
            return packet, 0
        if size == NOT_SIMPLE:
            protected = self.attach(packet, self._history.written(num_bytes, num_latents))
            return protected, 0 if protected is packet else num_latents
        return self._packet[:size].tobytes(), num_latents

    def write(self, *, max_bytes: int) -> WrittenPayload | None:
        """Write the payload of the packet whose samples were taken in last, or None if there is nothing to say.

        Raises:
            UsageError: The networks gave values that are not finite.
        """
        if self._config is None:
            return None
        return self._history.write(self._config, max_bytes=min(max_bytes, self._config.max_bytes))

    def attach(self, packet: bytes, written: WrittenPayload) -> bytes:
        """Return the packet with the payload in it, or as it is if that is not safe.

        Raises:
            OpusFormatError: The packet breaks a rule of its format.
            ExtensionFormatError: Its padding is broken.
        """
        return attach_payload(packet, self.version, written.data)


@compiled(makes_arrays=False)
@no_type_check
def _take_in(pcm, tick_samples, intake, history):
    samples, counters, activity, lookahead_samples = history
    num_samples = len(pcm) // tick_samples * TICK_SAMPLES
    at = make_room(samples, counters, num_samples)
    is_active = hear(samples[at : at + num_samples], pcm, intake)
    return advance_history(counters, activity, num_samples, is_active, lookahead_samples)


@compiled(makes_arrays=False)
@no_type_check
def _protect(out, packet, item, scratch, arguments):
    num_bytes, num_latents = encode_history(*arguments)
    size = 0
    if num_bytes > 0:
        size = extend_packet(out, packet, item, arguments[0][:num_bytes], scratch)
    return num_bytes, num_latents, size
