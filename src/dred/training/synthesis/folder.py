"""Synthesised speech as a folder: files and their rows are added one by one, so that work that was stopped goes on.

Utterance n is drawn from the seed and n alone. A file is there before its row, a row before the next file.
"""

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from dred.audio import float_to_int16
from dred.errors import FileFormatError, UsageError
from dred.timebase import SAMPLE_RATE_HZ
from dred.training.data.clips import MANIFEST_NAME
from dred.training.data.json_lines import number_of, read_json_lines
from dred.training.data.level import limit_peak
from dred.training.synthesis.sentences import draw_sentence
from dred.training.synthesis.voices import Voices
from dred.whole_file import read_whole_file, write_whole_file

__all__ = ["SynthesisConfig", "synthesise"]

_SETTINGS_NAME = "synthesis.json"
_MAX_SETTINGS_BYTES = 1 << 20
_LICENCE = "Apache-2.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthesisConfig:
    """What is said and how.

    Attributes:
        seed: Of sentences, voices and speeds.
        mixed_share: Share of utterances in a mix of two voices.
        speed: Range of the speed, 0.5 to 2.
        sentences: What to say; empty to draw from the grammar.
    """

    seed: int = 0
    mixed_share: float = 0.5
    speed: tuple[float, float] = (0.85, 1.15)
    sentences: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UsageError(f"seed must be at least 0, got {self.seed}")
        if not 0 <= self.mixed_share <= 1:
            raise UsageError(f"mixed_share lies in 0 to 1, got {self.mixed_share}")
        if not 0.5 <= self.speed[0] <= self.speed[1] <= 2:
            raise UsageError(f"speed is a range within 0.5 to 2, got {self.speed}")


@runtime_checkable
class Synthesiser(Protocol):
    """What speaks, as `Kokoro` does."""

    def speak(self, text: str, style: Callable[[int], np.ndarray], *, speed: float) -> np.ndarray:
        """Speak a text at 16 kHz."""
        ...


def synthesise(
    folder: Path,
    synthesiser: Synthesiser,
    voices: Voices,
    config: SynthesisConfig,
    *,
    minutes: float,
    report: Callable[[float], None] = lambda _: None,
) -> float:
    """Speak until a folder holds so many minutes, or go on with one that holds fewer. Return the minutes it holds.

    All of it is for training: a mix is as close to two speakers as they are to themselves.

    Raises:
        UsageError: The minutes are not above 0, or the folder was begun with other settings or voices.
        FileFormatError: The folder's manifest breaks its format.
    """
    if not 0 < minutes < 1e6:
        raise UsageError(f"minutes must be above 0 and below a million, got {minutes}")
    folder.mkdir(parents=True, exist_ok=True)
    _check_settings(folder / _SETTINGS_NAME, config, voices)
    manifest = folder / MANIFEST_NAME
    rows = _rows(manifest)
    seconds = sum(number_of(row, "seconds", number) for number, row in enumerate(rows, start=1))
    with manifest.open("a", encoding="utf-8") as file:
        for number in range(len(rows), 1 << 40):
            if seconds >= 60 * minutes:
                break
            row, pcm = _utterance(number, synthesiser, voices, config)
            write_whole_file(folder / row["path"], _flac(pcm))
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            file.flush()
            seconds += row["seconds"]
            report(min(1.0, seconds / (60 * minutes)))
    return seconds / 60


def _utterance(
    number: int, synthesiser: Synthesiser, voices: Voices, config: SynthesisConfig
) -> tuple[dict[str, Any], np.ndarray]:
    rng = np.random.default_rng([config.seed, number])
    speaker = voices.draw(rng, config.mixed_share)
    speed = round(float(rng.uniform(*config.speed)), 3)
    text = config.sentences[number % len(config.sentences)] if config.sentences else draw_sentence(rng)
    speech = synthesiser.speak(text, lambda num_tokens: voices.style(speaker, num_tokens), speed=speed)
    pcm = float_to_int16(limit_peak(speech))
    row = {
        "path": f"{config.seed}-{number:06d}.flac",
        "split": "train",
        "speaker": speaker,
        "licence": _LICENCE,
        "source": "synthesised",
        "synthetic": True,
        "seconds": round(pcm.size / SAMPLE_RATE_HZ, 3),
        "speed": speed,
        "text": text,
    }
    return row, pcm


def _check_settings(path: Path, config: SynthesisConfig, voices: Voices) -> None:
    about = asdict(config)
    about["sentences"] = _digest(config.sentences)
    about["voices"] = list(voices.tables)
    text = json.dumps(about, indent=1)
    if not path.is_file():
        if any(path.parent.iterdir()):
            raise UsageError(f"{path.parent} holds something else; speech goes into a folder of its own")
        write_whole_file(path, text.encode())
    elif read_whole_file(path, max_bytes=_MAX_SETTINGS_BYTES) != text.encode():
        raise UsageError(f"{path.parent} was begun with other settings, see {path.name}")


def _digest(sentences: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(sentences).encode()).hexdigest() if sentences else ""


def _rows(manifest: Path) -> list[dict[str, Any]]:
    """Read the rows that are there; what a kill left of a last one is cut off."""
    if not manifest.is_file():
        return []
    data = manifest.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data:
        write_whole_file(manifest, whole)
    rows = [row for _, row in read_json_lines(manifest)]
    missing = [row for row in rows if not (manifest.parent / str(row.get("path"))).is_file()]
    if missing:
        raise FileFormatError("rows of files that are there", value=str(missing[0].get("path")))
    return rows


def _flac(pcm: np.ndarray) -> bytes:
    import soundfile  # Here, not above, as everywhere in dred.

    buffer = io.BytesIO()
    soundfile.write(buffer, pcm, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()
