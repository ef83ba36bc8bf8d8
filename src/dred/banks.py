"""Many streams in one process: stepped together, their networks run as one, spread over threads if asked.

For conferencing servers, corpora and evaluation. A stream's packets or samples are those that it would have alone,
whatever the number of threads.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from jaxtyping import Float32

from dred.assembly import Receiver, build_encoder_bank
from dred.errors import UsageError
from dred.receiver import Event, PrimingConfig, ReceiveBank, ReceiverConfig
from dred.rtp import RedBlock
from dred.sender import SendBank, SenderConfig, SentPacket
from dred.weights import WeightSet

Bank = TypeVar("Bank", bound="_Bank")
Result = TypeVar("Result")


class _Bank:
    """Streams in as many parts as there are threads; the interpreter lock is free while kernels and libopus work."""

    def __init__(self, num_streams: int, num_threads: int) -> None:
        if num_streams < 1 or num_threads < 1:
            raise UsageError(f"a bank has at least 1 stream and 1 thread, not {num_streams} and {num_threads}")
        num_parts = min(num_threads, num_streams)
        self._bounds = [num_streams * part // num_parts for part in range(num_parts + 1)]
        self._pool = ThreadPoolExecutor(num_parts) if num_parts > 1 else None

    def __len__(self) -> int:
        return self._bounds[-1]

    def __enter__(self: Bank) -> Bank:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the threads go."""
        if self._pool is not None:
            self._pool.shutdown()

    @property
    def _sizes(self) -> list[int]:
        return [stop - start for start, stop in zip(self._bounds, self._bounds[1:])]

    def _find(self, stream: int) -> tuple[int, int]:
        """Return a stream's part and its place in it."""
        if not 0 <= stream < len(self):
            raise UsageError(f"the stream must be 0 to {len(self) - 1}, got {stream}")
        part = next(number for number, stop in enumerate(self._bounds[1:]) if stream < stop)
        return part, stream - self._bounds[part]

    def _run(self, function: Callable[..., Result], *arguments: Sequence[object]) -> list[Result]:
        """Call a function for each part, with one of each sequence's items."""
        if self._pool is None:
            return list(map(function, *arguments))
        return list(self._pool.map(function, *arguments))


class ReceiverBank(_Bank):
    """Receivers that are played in step."""

    def __init__(
        self,
        num_streams: int,
        config: ReceiverConfig | None = None,
        weights: Sequence[WeightSet] | None = None,
        *,
        priming: PrimingConfig | None = None,
        activation_bytes: int = 2,
        num_threads: int = 1,
    ) -> None:
        """Start streams without any packet; the arguments are those of `Receiver`.

        Raises:
            ModelError: Networks are needed and there are no weights.
            UsageError: There is no stream or no thread.
        """
        super().__init__(num_streams, num_threads)
        self._parts = [
            ReceiveBank(
                [Receiver(config, weights, priming=priming, activation_bytes=activation_bytes) for _ in range(size)]
            )
            for size in self._sizes
        ]

    def receive(
        self, stream: int, packet: bytes, sequence: int, timestamp: int, now: float, copies: Sequence[RedBlock] = ()
    ) -> None:
        """Take in a packet for one of the streams, as `Receiver.receive` does.

        Raises:
            UsageError: There is no such stream.
        """
        part, place = self._find(stream)
        self._parts[part].receive(place, packet, sequence, timestamp, now, copies)

    def play(
        self, num_samples: int, now: float
    ) -> tuple[Float32[np.ndarray, "streams samples channels"], list[list[Event]]]:
        """Return exactly the next samples of every stream, and what has happened to each since the last call.

        Raises:
            UsageError: num_samples is negative.
        """
        played = self._run(lambda part: part.play(num_samples, now), self._parts)
        samples = np.concatenate([block for block, _ in played])
        return samples, [events for _, parts in played for events in parts]


class SenderBank(_Bank):
    """Senders that are fed in step."""

    def __init__(
        self,
        num_streams: int,
        config: SenderConfig | None = None,
        weights: WeightSet | None = None,
        *,
        num_threads: int = 1,
    ) -> None:
        """Start streams; the arguments are those of `Sender`.

        Raises:
            ModelError: There are no weights that speak the configuration's version.
            UsageError: There is no stream or no thread.
        """
        super().__init__(num_streams, num_threads)
        config = config or SenderConfig()
        self._parts = [
            SendBank([config] * size, build_encoder_bank(config.dred, size, weights) if config.dred else None)
            for size in self._sizes
        ]

    def push(self, pcm: Sequence[np.ndarray] | np.ndarray) -> list[list[SentPacket]]:
        """Take in samples of every stream, as `Sender.push` does, and return the packets that they complete.

        Raises:
            UsageError: There is not one block per stream, or a block does not fit.
        """
        if len(pcm) != len(self):
            raise UsageError(f"a bank of {len(self)} streams takes as many blocks, got {len(pcm)}")
        blocks = [pcm[start:stop] for start, stop in zip(self._bounds, self._bounds[1:])]
        return [packets for part in self._run(SendBank.push, self._parts, blocks) for packets in part]

    def finish(self) -> list[list[SentPacket]]:
        """Return the last packets of every stream, as `Sender.finish` does."""
        return [packets for part in self._run(SendBank.finish, self._parts) for packets in part]
