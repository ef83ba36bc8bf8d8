"""Many streams played together: what they ask of the vocoder at a time is spoken in one go.

    receive(stream, packet) -> that stream          play -> every stream, the vocoder once for all that wait

Each stream sounds and tells as it would alone.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from dred.errors import UsageError
from dred.receiver.events import Event
from dred.receiver.receiver import ReceiveStream
from dred.receiver.speaking import let_speak
from dred.rtp import RedBlock


class ReceiveBank:
    """Streams that share their networks and are played in step. One thread at a time may use a bank."""

    def __init__(self, streams: Sequence[ReceiveStream]) -> None:
        """Take streams that keep their order; they may be at any point of their lives.

        Raises:
            UsageError: They have different vocoders or numbers of channels.
        """
        self.streams = tuple(streams)
        self._channels = self.streams[0].config.channels if streams else 1
        self._vocoder = next((stream.vocoder for stream in streams if stream.vocoder is not None), None)
        for stream in streams:
            if stream.vocoder not in (None, self._vocoder) or stream.config.channels != self._channels:
                raise UsageError("the streams of a bank share one vocoder and one number of channels")

    def __len__(self) -> int:
        return len(self.streams)

    def receive(
        self, stream: int, packet: bytes, sequence: int, timestamp: int, now: float, copies: Sequence[RedBlock] = ()
    ) -> None:
        """Take in a packet for a stream, by its place, as `ReceiveStream.receive` does."""
        self.streams[stream].receive(packet, sequence, timestamp, now, copies)

    def play(
        self, num_samples: int, now: float
    ) -> tuple[Float32[np.ndarray, "streams samples channels"], list[list[Event]]]:
        """Return exactly the next samples of every stream, and what has happened to each since the last call.

        Raises:
            UsageError: num_samples is negative.
        """
        played = let_speak([stream.playing(num_samples, now) for stream in self.streams], self._vocoder)
        samples = np.empty((len(played), num_samples, self._channels), np.float32)
        for row, (block, _) in zip(samples, played):
            row[:] = block
        return samples, [events for _, events in played]
