"""What an evaluation has found so far, in a folder, by content: an interrupted run goes on where it was.

    cache/ab/abcd....flac    speech, 16 bits, 16 kHz mono
    cache/ab/abcd....json    what was sent, lost and repaired for it, and the scores so far

A key is a digest of all that its entry depends on. Scores join their entry as they come; each tells which version of
its metric it comes from. Files appear whole or not at all.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Int16

from dred.audio import int16_to_float
from dred.errors import FileFormatError, UsageError
from dred.evaluation.finding import Finding, describe_finding, parse_finding
from dred.evaluation.score import Score
from dred.timebase import SAMPLE_RATE_HZ
from dred.whole_file import read_whole_file, write_whole_file

__all__ = ["Cache", "VersionedScore", "content_key"]

_MAX_BYTES = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionedScore:
    """A score and the version of the metric, and of the text, that gave it."""

    version: str
    score: Score


def content_key(facts: Mapping[str, Any]) -> str:
    """Return a digest of facts that JSON can hold."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


class Cache:
    """One folder of findings. Several runs may fill it at once: what they find under a key is the same.

    Of scores that two add to one entry at the same time, one's are lost, and computed when they are wanted again.
    """

    def __init__(self, folder: Path) -> None:
        """Use a folder, which may not exist yet."""
        self.folder = folder

    def read_speech(self, key: str) -> Float32[np.ndarray, " samples"]:
        """Read speech, -1 to 1 at 16 kHz.

        Raises:
            UsageError: It is not there.
            FileFormatError: The file is broken.
        """
        import soundfile  # Here, not above: it is slow to import.

        data = read_whole_file(self._path(key, ".flac"), max_bytes=_MAX_BYTES)
        try:
            pcm, _ = soundfile.read(io.BytesIO(data), dtype="int16")
        except soundfile.SoundFileError as error:
            raise FileFormatError("a cached FLAC file", value=key) from error
        return int16_to_float(pcm)

    def write_speech(self, key: str, pcm: Int16[np.ndarray, " samples"]) -> None:
        """Keep speech at 16 kHz.

        Raises:
            UsageError: The folder cannot be written.
        """
        import soundfile  # Here, not above: it is slow to import.

        buffer = io.BytesIO()
        soundfile.write(buffer, pcm, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16")
        self._write(key, ".flac", buffer.getvalue())

    def has_speech(self, key: str) -> bool:
        """Tell whether there is speech."""
        return self._path(key, ".flac").is_file()

    def read_finding(self, key: str) -> tuple[Finding, dict[str, VersionedScore]] | None:
        """Read what is known; None if there is nothing, or nothing whole."""
        path = self._path(key, ".json")
        if not path.is_file() or not self.has_speech(key):
            return None
        try:
            return _parse(json.loads(read_whole_file(path, max_bytes=_MAX_BYTES)))
        except (ValueError, KeyError, TypeError, RecursionError):
            # Of another version of this program: found anew.
            return None

    def write_finding(self, key: str, finding: Finding, scores: Mapping[str, VersionedScore]) -> None:
        """Keep what is known, in place of what was.

        Raises:
            UsageError: The folder cannot be written.
        """
        self._write(key, ".json", json.dumps(_describe(finding, scores)).encode())

    def _path(self, key: str, suffix: str) -> Path:
        return self.folder / key[:2] / f"{key}{suffix}"

    def _write(self, key: str, suffix: str, data: bytes) -> None:
        path = self._path(key, suffix)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot write {path.parent}: {error.strerror}") from error
        write_whole_file(path, data)


def _describe(finding: Finding, scores: Mapping[str, VersionedScore]) -> dict[str, Any]:
    given = {name: [entry.version, entry.score.total, entry.score.weight] for name, entry in scores.items()}
    return {**describe_finding(finding), "scores": given}


def _parse(entry: Any) -> tuple[Finding, dict[str, VersionedScore]]:
    scores = {
        name: VersionedScore(version=version, score=Score(total, weight))
        for name, (version, total, weight) in entry["scores"].items()
    }
    return parse_finding(entry), scores
