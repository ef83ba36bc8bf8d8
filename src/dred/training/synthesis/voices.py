"""Kokoro's voices: a package's archive or a folder enters, voices and mixes of them leave.

A voice is a table of vectors, one per length of what is said. Any point between two voices is a voice, too.

Source: package kokoro-js 1.2.1 (Apache-2.0), voices/*.bin: float32, [510, 1, 256], little-endian.
"""

import io
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from jaxtyping import Float32

from dred.errors import FileFormatError, UsageError

__all__ = ["MAX_TOKENS", "Voices", "read_voices"]

MAX_TOKENS = 510
"""The most phonemes that are said at once."""

_NUM_DIMS = 256
_VOICE_BYTES = 4 * MAX_TOKENS * _NUM_DIMS
_MAX_ARCHIVE_MEMBERS = 10_000
_MAX_VOICES = 1_000
# Of the first voice: neither is to be hardly there.
_MIXED_SHARES = (0.3, 0.7)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Voices:
    """Tables by name, sorted."""

    tables: Mapping[str, Float32[np.ndarray, "lengths dims"]]

    def draw(self, rng: np.random.Generator, mixed_share: float) -> str:
        """Draw a voice, or with a probability a mix of two, as `a+b:0.40`: so much of a, the rest of b."""
        names = list(self.tables)
        if len(names) < 2 or rng.random() >= mixed_share:
            return names[rng.integers(len(names))]
        first, second = rng.choice(len(names), 2, replace=False)
        return f"{names[first]}+{names[second]}:{rng.uniform(*_MIXED_SHARES):.2f}"

    def style(self, speaker: str, num_tokens: int) -> Float32[np.ndarray, " dims"]:
        """Return the vector of a voice or mix for so many phonemes, 1 to 510.

        Raises:
            UsageError: There is no such voice.
        """
        names, _, share = speaker.partition(":")
        missing = [name for name in names.split("+") if name not in self.tables]
        if missing:
            raise UsageError(f"there is no voice {missing[0]}; there are {', '.join(self.tables)}")
        vectors = [self.tables[name][num_tokens - 1] for name in names.split("+")]
        if len(vectors) == 1:
            return vectors[0]
        return (float(share) * vectors[0] + (1 - float(share)) * vectors[1]).astype(np.float32)


def read_voices(path: Path) -> Voices:
    """Read the voices of an archive of kokoro-js, or of a folder of `.bin` files.

    Raises:
        UsageError: The path is missing or holds no voice.
        FileFormatError: The archive is broken, or a voice has another size or numbers that are not finite.
    """
    try:
        files = dict(_in_folder(path) if path.is_dir() else _in_archive(path))
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise FileFormatError("a package's archive, .tgz", value=path.name) from error
    except OSError as error:
        # gzip says so, too, when what it reads is not its own.
        if error.errno is None:
            raise FileFormatError("a package's archive, .tgz", value=path.name) from error
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if not files:
        raise UsageError(f"{path} holds no voices")
    return Voices(tables={name: _table(name, files[name]) for name in sorted(files)})


def _table(name: str, data: bytes) -> np.ndarray:
    if len(data) != _VOICE_BYTES:
        raise FileFormatError(f"voice {name}: {_VOICE_BYTES} bytes", value=len(data))
    table = np.frombuffer(data, "<f4").reshape(MAX_TOKENS, _NUM_DIMS).astype(np.float32)
    if not np.isfinite(table).all():
        raise FileFormatError(f"voice {name}: finite numbers", value=name)
    return table


def _in_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.glob("*.bin"))[:_MAX_VOICES]:
        with path.open("rb") as file:
            yield path.stem, file.read(_VOICE_BYTES + 1)


def _in_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the voices in an archive, in memory: nothing is unpacked to disk."""
    with path.open("rb") as file, tarfile.open(fileobj=io.BufferedReader(file), mode="r|*") as archive:
        num_voices = 0
        for number, member in enumerate(archive):
            if number >= _MAX_ARCHIVE_MEMBERS or num_voices >= _MAX_VOICES:
                break
            name = PurePosixPath(member.name)
            data = archive.extractfile(member) if name.suffix == ".bin" and name.parent.name == "voices" else None
            if data is not None:
                num_voices += 1
                yield name.stem, data.read(_VOICE_BYTES + 1)
