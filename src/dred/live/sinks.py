"""Where speech goes: a file at the pace of a clock, or speakers at their own."""

import contextlib
import secrets
import threading
import wave
from collections import deque
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from dred.audio import float_to_int16
from dred.errors import UsageError
from dred.live.devices import open_stream

__all__ = ["SpeakerSink", "SpeechSink", "WavSink"]

# The length fields of a wav file have 32 bits: six hours of 48 kHz mono.
_MAX_WAV_SAMPLES = (1 << 31) - (1 << 16)
# What waits at the device: two blocks of its own and one of ours.
_WAITING_MS = 30


@runtime_checkable
class SpeechSink(Protocol):
    """Takes speech when it wants some."""

    def wanted_samples(self, now: float) -> int:
        """Return how many samples are due."""
        ...

    def write(self, samples: Float32[np.ndarray, "samples channels"]) -> None:
        """Take them."""
        ...


class WavSink(AbstractContextManager["WavSink"]):
    """A 16-bit wav file, written as time passes under a temporary name, and renamed in the end, however that comes.

    It begins with the first call of `wanted_samples`.
    """

    def __init__(self, path: Path, *, rate_hz: int, channels: int = 1) -> None:
        """Begin a file.

        Raises:
            UsageError: The folder is missing or may not be written, or the name belongs to something else than a file.
        """
        self._path = path
        self._temporary = path.with_name(f".{secrets.token_hex(8)}.part")
        self._rate_hz = rate_hz
        self._start_ms: float | None = None
        self.num_samples = 0
        if path.exists() and not path.is_file():
            raise UsageError(f"cannot write {path}: it exists and is not a regular file")
        self._open = ExitStack()
        try:
            file = self._open.enter_context(self._temporary.open("xb"))
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}") from error
        self._sound = self._open.enter_context(wave.Wave_write(file))
        self._sound.setnchannels(channels)
        self._sound.setsampwidth(2)
        self._sound.setframerate(rate_hz)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Give the file its name; what was heard until an interrupt is kept, an empty file is not."""
        try:
            # Writes the lengths into the header.
            self._open.close()
            if self.num_samples:
                self._temporary.replace(self._path)
        except OSError as failure:
            raise UsageError(f"cannot write {self._path}: {failure.strerror}") from failure
        finally:
            self._temporary.unlink(missing_ok=True)

    def wanted_samples(self, now: float) -> int:
        """Return how many samples are due by the clock."""
        if self._start_ms is None:
            self._start_ms = now
        due = round((now - self._start_ms) * self._rate_hz / 1000)
        return max(min(due, _MAX_WAV_SAMPLES) - self.num_samples, 0)

    def write(self, samples: Float32[np.ndarray, "samples channels"]) -> None:
        """Append samples.

        Raises:
            UsageError: The disk is full.
        """
        try:
            self._sound.writeframesraw(float_to_int16(samples).astype("<i2").tobytes())
        except OSError as error:
            raise UsageError(f"cannot write {self._path}: {error.strerror}") from error
        self.num_samples += len(samples)


class SpeakerSink(AbstractContextManager["SpeakerSink"]):
    """A sound device that plays. Its own clock sets the pace: a little waits for it, never more."""

    def __init__(self, device: str | None, *, rate_hz: int, channels: int = 1) -> None:
        """Open a device, by its number or a part of its name; None for the usual one.

        Raises:
            UsageError: There is no such device, or sounddevice is not installed.
        """
        self.num_missing = 0
        self._channels = channels
        self._target_samples = rate_hz * _WAITING_MS // 1000
        self._waiting: deque[np.ndarray] = deque()
        self._num_waiting = 0
        self._lock = threading.Lock()
        self._stream: Any = open_stream(
            "OutputStream",
            device=device,
            samplerate=rate_hz,
            channels=channels,
            dtype="float32",
            blocksize=rate_hz // 100,
            latency="low",
            callback=self._play,
        )

    def __enter__(self) -> "SpeakerSink":
        self._stream.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._stream.stop()
        self._stream.close()

    def wanted_samples(self, now: float) -> int:
        """Return what the device lacks."""
        with self._lock:
            return max(self._target_samples - self._num_waiting, 0)

    def write(self, samples: Float32[np.ndarray, "samples channels"]) -> None:
        """Let samples wait for the device."""
        with self._lock:
            self._waiting.append(samples)
            self._num_waiting += len(samples)

    def _play(self, out: np.ndarray, *_: object) -> None:
        # On the device's thread.
        at = 0
        with self._lock:
            while at < len(out) and self._waiting:
                block = self._waiting.popleft()
                taken = block[: len(out) - at]
                out[at : at + len(taken)] = taken
                at += len(taken)
                if len(taken) < len(block):
                    self._waiting.appendleft(block[len(taken) :])
            self._num_waiting -= at
        out[at:] = 0
        self.num_missing += len(out) - at
