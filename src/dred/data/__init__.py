"""What dred brings along: a recording for examples, demonstrations and tests, and networks of its own."""

from importlib.resources import files
from pathlib import Path

__all__ = ["bundled_clip", "bundled_weights"]


def bundled_clip() -> Path:
    """Find the bundled clip: 11 s of wideband speech, a woman's and a man's voice, 16 kHz mono FLAC."""
    return Path(str(files("dred.data"))) / "speech.flac"


def bundled_weights() -> tuple[Path, ...]:
    """Find the bundled weight sets, by name."""
    return tuple(sorted(Path(str(files("dred.data"))).glob("*.safetensors")))
