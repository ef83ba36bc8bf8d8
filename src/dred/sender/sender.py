"""The send path of one stream: PCM in, Opus packets with redundancy out.

    pcm -> frame -> Opus encoder ----------------------> extension -> packet
                '-> features -> RDO-VAE -> payload ----'

Networks come in by Protocol; `dred.assembly.Sender` names them.
"""

from collections.abc import Iterator

import numpy as np

from dred.sender.config import SenderConfig
from dred.sender.parts import RedundancyEncoder
from dred.sender.plan import RedundancyPlan
from dred.sender.send_path import SendPath, SentPacket


class SendStream:
    """Speech to packets, block by block.

    Feed it with `push` and send what it yields; `finish` sends what is left, the codec's delay included.
    """

    def __init__(self, config: SenderConfig, redundancy_encoder: RedundancyEncoder | None) -> None:
        """Start a stream; the encoder may be None only if the configuration asks for no redundancy."""
        self.config = config
        self._encoder = redundancy_encoder
        self._path = SendPath(config, redundancy_encoder.tables if redundancy_encoder else None)

    @property
    def lookahead_samples(self) -> int:
        """How far a decoder's output lags the input, at the codec's rate."""
        return self._path.lookahead_samples

    def push(self, pcm: np.ndarray) -> Iterator[SentPacket]:
        """Take in samples and yield the packets they complete.

        Args:
            pcm: float32 or float64 in -1 to 1, or int16; [samples] or [samples, channels]; any number of samples.

        Raises:
            UsageError: The samples are not finite, or their type or channels do not fit.
        """
        self._path.feed(pcm)
        return self._send()

    def apply(self, plan: RedundancyPlan) -> None:
        """Send the packets after those that were yielded as a plan says, without a break.

        While a plan has no redundancy the networks still hear the stream, so that the next one covers the past at once.

        Raises:
            UsageError: The stream has one rate for everything (total_bitrate_bps), the plan asks for redundancy and the
                stream began without, or for another version.
        """
        self._path.apply(plan)

    def finish(self) -> Iterator[SentPacket]:
        """Yield the last packets: what is left, followed by silence until the codec's delay has run out."""
        self._path.feed_end()
        return self._send()

    def _send(self) -> Iterator[SentPacket]:
        while (steps := self._path.start_packet()) is not None:
            if self._encoder is not None:
                for step in steps:
                    self._path.remember(*self._encoder.encode(step))
            yield self._path.finish_packet()
