"""The one recording that dred brings along, for examples, demonstrations and tests."""

from importlib.resources import files
from pathlib import Path

__all__ = ["bundled_clip"]


def bundled_clip() -> Path:
    """Find the bundled clip: 11 s of wideband speech, a woman's and a man's voice, 16 kHz mono FLAC."""
    return Path(str(files("dred.data"))) / "speech.flac"
