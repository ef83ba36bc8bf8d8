"""Audio files: a path enters, checked float samples with their rate leave; and back as 16-bit wav."""

import io
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int16

from dred.audio.framing import float_to_int16
from dred.errors import FileFormatError, UsageError
from dred.whole_file import write_whole_file

__all__ = ["Audio", "read_audio", "write_wav"]

# A few bytes of FLAC can announce days of silence. 2 GiB of samples, 3.1 hours of mono at 48 kHz, is where we stop.
MAX_VALUES = 1 << 29
_BLOCK_SAMPLES = 1 << 16
# The length fields of a wav file have 32 bits and count the header too. Our choice: stay clear of the limit.
_MAX_WAV_BYTES = (1 << 32) - 4096


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Audio:
    """Samples in [-1, 1] and their rate. Files with float samples may exceed that range."""

    samples: Float32[np.ndarray, "samples channels"]
    rate_hz: int


def read_audio(path: Path | str, *, start_s: float = 0.0, duration_s: float | None = None) -> Audio:
    """Read a wav, flac, ogg, mp3 or other file that libsndfile knows, or a part of it.

    Args:
        path: The file.
        start_s: Where the part begins, rounded to a sample.
        duration_s: How long it is at most; None for the rest.

    Raises:
        UsageError: The file is missing, a folder, not readable, or headerless `.raw`, or the part begins before it.
        FileFormatError: The file is not audio, holds no samples there, too many, or NaN or infinite ones.
    """
    import soundfile  # Here, not above: it doubles the time that `import dred` takes.

    path = Path(path)
    if path.suffix.lower() == ".raw":
        raise UsageError(f"cannot read {path}: a headerless .raw file does not tell its rate; use wav or flac")
    if not start_s >= 0 or not (duration_s is None or duration_s > 0):
        raise UsageError(f"a part begins at 0 s or later and is longer than 0 s, got {start_s} and {duration_s} s")
    blocks: list[np.ndarray] = []
    num_values = 0
    try:
        with path.open("rb") as file, soundfile.SoundFile(file) as sound:
            rate_hz = sound.samplerate
            if start_s:
                sound.seek(min(round(start_s * rate_hz), sound.frames))
            missing = None if duration_s is None else round(duration_s * rate_hz)
            # By blocks, since the length that a header announces may be a lie that no memory can hold.
            while len(block := sound.read(_block_samples(missing), dtype="float32", always_2d=True)):
                blocks.append(block)
                num_values += block.size
                missing = None if missing is None else missing - len(block)
                if num_values > MAX_VALUES:
                    raise FileFormatError(f"audio of at most {MAX_VALUES} values", value=path.name)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except soundfile.SoundFileError as error:
        raise FileFormatError(f"a file that libsndfile can read: {_one_line(error)}", value=path.name) from error
    if not blocks:
        raise FileFormatError("audio of at least one sample", value=path.name)
    samples = np.concatenate(blocks)
    finite = np.isfinite(samples).all(axis=1)
    if not finite.all():
        raise FileFormatError(f"finite samples (sample {int(np.argmin(finite))} is not)", value=path.name)
    return Audio(samples=samples, rate_hz=rate_hz)


def write_wav(
    path: Path | str,
    samples: Float32[np.ndarray, "samples *channels"] | Int16[np.ndarray, "samples *channels"],
    rate_hz: int,
) -> None:
    """Write 16-bit PCM, all or nothing; float samples beyond [-1, 1] are clipped.

    Args:
        path: Where to write.
        samples: Mono `[samples]`, or `[samples, channels]`.
        rate_hz: At least 1.

    Raises:
        UsageError: Samples that are not finite or not of one or two axes, a bad rate, or a path that cannot be
            written.
    """
    if not 1 <= samples.ndim <= 2 or (samples.ndim == 2 and not 1 <= samples.shape[1] <= 65535):
        raise UsageError(f"samples of shape [samples] or [samples, channels], 1-65535 channels, got {samples.shape}")
    if rate_hz < 1:
        raise UsageError(f"rate_hz must be at least 1, got {rate_hz}")
    pcm = samples if samples.dtype == np.int16 else float_to_int16(samples)
    if pcm.nbytes > _MAX_WAV_BYTES:
        raise UsageError(f"a wav file holds at most {_MAX_WAV_BYTES} bytes of samples, got {pcm.nbytes}")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1 if pcm.ndim == 1 else pcm.shape[1])
        sound.setsampwidth(2)
        sound.setframerate(rate_hz)
        sound.writeframes(pcm.astype("<i2").tobytes())
    write_whole_file(Path(path), buffer.getvalue())


def _block_samples(missing: int | None) -> int:
    return _BLOCK_SAMPLES if missing is None else min(_BLOCK_SAMPLES, missing)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
