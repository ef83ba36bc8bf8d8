"""Where speech comes from: a file at the pace of a clock, or a microphone at its own.

Blocks of 20 ms leave.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, runtime_checkable

import numpy as np

from dred.audio import read_audio, to_mono
from dred.live.devices import open_stream

__all__ = ["BLOCK_MS", "FileSource", "MicrophoneSource", "SpeechSource"]

BLOCK_MS = 20
# A tenth of a second: beyond that, what was said longest ago is given up.
_MAX_WAITING_BLOCKS = 5


@runtime_checkable
class SpeechSource(Protocol):
    """Speech, block by block."""

    rate_hz: int
    channels: int

    async def read(self) -> np.ndarray | None:
        """Wait until the next block has been spoken, and return it; None at the end."""
        ...


class FileSource:
    """A file, as if it were spoken now."""

    channels = 1

    def __init__(self, path: Path, now: Callable[[], float], *, loop: bool = False) -> None:
        """Read a file.

        Args:
            path: Audio of any kind; several channels become one.
            now: The clock, in milliseconds.
            loop: Whether it begins again at its end.

        Raises:
            UsageError: It cannot be read.
            FileFormatError: It is no audio.
        """
        audio = read_audio(path)
        self.rate_hz = audio.rate_hz
        self._samples = to_mono(audio.samples)
        self._now = now
        self._loops = loop
        self._start_ms: float | None = None
        self._num_read = 0

    async def read(self) -> np.ndarray | None:
        """Wait until the next block is due by the clock, and return it; None at the end."""
        block_samples = self.rate_hz * BLOCK_MS // 1000
        start = self._num_read * block_samples
        if start >= len(self._samples) and not self._loops:
            return None
        if self._start_ms is None:
            self._start_ms = self._now()
        self._num_read += 1
        wait_ms = self._start_ms + self._num_read * BLOCK_MS - self._now()
        # Even when late: who waits for nothing lets nobody else run.
        await asyncio.sleep(max(wait_ms, 0) / 1000)
        if self._loops:
            return self._samples.take(range(start, start + block_samples), mode="wrap")
        return self._samples[start : start + block_samples]


class MicrophoneSource(AbstractContextManager["MicrophoneSource"]):
    """A sound device that records. Its own clock sets the pace."""

    channels = 1

    def __init__(self, device: str | None, *, rate_hz: int = 48_000) -> None:
        """Open a device, by its number or a part of its name; None for the usual one.

        Raises:
            UsageError: There is no such device, or sounddevice is not installed.
        """
        self.rate_hz = rate_hz
        self.num_missed = 0
        self._loop = asyncio.get_running_loop()
        self._blocks: asyncio.Queue[np.ndarray] = asyncio.Queue(_MAX_WAITING_BLOCKS)
        self._stream: Any = open_stream(
            "InputStream",
            device=device,
            samplerate=rate_hz,
            channels=1,
            dtype="float32",
            blocksize=rate_hz * BLOCK_MS // 1000,
            callback=self._record,
        )

    def __enter__(self) -> "MicrophoneSource":
        self._stream.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stream.stop()
        self._stream.close()

    async def read(self) -> np.ndarray | None:
        """Wait for the next block."""
        return await self._blocks.get()

    def _record(self, samples: np.ndarray, *_: object) -> None:
        # On the device's thread.
        self._loop.call_soon_threadsafe(self._keep, samples[:, 0].copy())

    def _keep(self, block: np.ndarray) -> None:
        if self._blocks.full():
            self._blocks.get_nowait()
            self.num_missed += 1
        self._blocks.put_nowait(block)
