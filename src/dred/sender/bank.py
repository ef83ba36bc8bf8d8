"""Many streams stepped together, so that their networks run once per 20 ms for all of them.

    pcm of each stream -> its SendPath -> steps --stacked--> the networks --split--> its SendPath -> packets of each

A stream's packets are those of a `SendStream` of its own, as far as the networks give the same numbers.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from dred.audio import as_block
from dred.errors import UsageError
from dred.sender.config import SenderConfig
from dred.sender.parts import RedundancyEncoderBank
from dred.sender.send_path import SendPath, SentPacket

__all__ = ["SendBank"]

Steps = list[Float32[np.ndarray, " 320"]]


class SendBank:
    """Speech of many streams to packets, block by block.

    The streams need not be alike, nor in step: each may have its own configuration, blocks of its own size, and pauses.
    """

    def __init__(self, configs: Sequence[SenderConfig], encoders: RedundancyEncoderBank | None) -> None:
        """Start one stream per configuration.

        Args:
            configs: What each stream is to send.
            encoders: The networks of as many streams; None only if no configuration asks for redundancy.
        """
        self._encoders = encoders
        self._paths = [self._start(config) for config in configs]

    def __len__(self) -> int:
        """Return the number of streams."""
        return len(self._paths)

    def push(self, pcm: Sequence[np.ndarray | None] | np.ndarray) -> list[list[SentPacket]]:
        """Take in samples of all streams and return the packets that they complete, per stream.

        Args:
            pcm: For each stream float32 or float64 in -1 to 1, or int16; [samples] or [samples, channels], any number
                of samples; or None for none. An array [streams, samples] or [streams, samples, channels] will do.

        Raises:
            UsageError: There are not as many as streams, samples are not finite, or their type or channels do not fit;
                then no stream has taken in anything.
        """
        if len(pcm) != len(self._paths):
            raise UsageError(f"the bank has {len(self._paths)} streams, got samples of {len(pcm)}")
        blocks = [
            None if block is None else as_block(block, path.config.channels) for path, block in zip(self._paths, pcm)
        ]
        for path, block in zip(self._paths, blocks):
            if block is not None:
                path.feed(block)
        return self._send(range(len(self._paths)))

    def finish(self, streams: Sequence[int] | None = None) -> list[list[SentPacket]]:
        """Return the last packets of streams, by default of all: what is left, and silence for the codec's delay."""
        ending = range(len(self._paths)) if streams is None else streams
        for stream in ending:
            self._paths[stream].feed_end()
        return self._send(ending)

    def restart(self, stream: int, config: SenderConfig | None = None) -> None:
        """Begin a new stream in the place of one, with the same configuration unless another is given."""
        self._paths[stream] = self._start(config or self._paths[stream].config)
        if self._encoders is not None:
            self._encoders.restart(stream)

    def _start(self, config: SenderConfig) -> SendPath:
        return SendPath(config, self._encoders.tables if self._encoders else None)

    def _send(self, streams: Sequence[int]) -> list[list[SentPacket]]:
        sent: dict[int, list[SentPacket]] = {stream: [] for stream in streams}
        waiting = list(sent)
        while waiting:
            begun = {stream: steps for stream in waiting if (steps := self._paths[stream].start_packet()) is not None}
            self._describe(begun)
            for stream in begun:
                sent[stream].append(self._paths[stream].finish_packet())
            waiting = list(begun)
        return [sent[stream] for stream in streams]

    def _describe(self, begun: dict[int, Steps]) -> None:
        """Let the networks hear the steps of the packets that have begun: the first of each, then the second ones."""
        for number in range(max(map(len, begun.values()), default=0)):
            chosen = [stream for stream, steps in begun.items() if len(steps) > number]
            assert self._encoders is not None, "only redundancy has steps"
            samples = np.stack([begun[stream][number] for stream in chosen])
            latents, states = self._encoders.encode(np.array(chosen), samples)
            for stream, latent, state in zip(chosen, latents, states):
                self._paths[stream].remember(latent, state)
