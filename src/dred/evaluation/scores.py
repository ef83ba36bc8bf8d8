"""Estimates of how speech sounds, by packages of the extra `eval`. Each sees 16 kHz mono.

| name   | what it estimates                              | scale      | against the input | package             |
|--------|------------------------------------------------|------------|-------------------|---------------------|
| plcmos | listeners' opinion of concealed speech         | 1 to 5     | no                | speechmos           |
| pesq   | listeners' opinion, wideband (ITU-T P.862.2)   | 1 to 4.64  | yes               | pesq                |
| estoi  | intelligibility                                | up to 1    | yes               | pystoi              |
"""

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from jaxtyping import Float32

from dred.audio import resample, to_mono
from dred.errors import UsageError
from dred.timebase import SAMPLE_RATE_HZ

__all__ = ["Scores", "require_estimators", "score"]

Scores = Mapping[str, float | None]
"""By name of the estimator; None where it finds too little speech."""

_PACKAGES = ("speechmos", "onnxruntime", "pesq", "pystoi")
# PLCMOS averages over random listeners, ESTOI adds a trace of noise.
_SEED = 20


def require_estimators() -> None:
    """Make sure that all estimators are installed.

    Raises:
        UsageError: One is not.
    """
    missing = [package for package in _PACKAGES if find_spec(package) is None]
    if missing:
        raise UsageError(f"scores need {', '.join(missing)}: pip install 'dred[eval]'")


def score(
    reference: Float32[np.ndarray, "samples channels"], degraded: Float32[np.ndarray, "samples channels"], rate_hz: int
) -> Scores:
    """Rate speech that is aligned with its reference; the same speech gives the same scores."""
    original, heard = (
        np.clip(resample(to_mono(samples), from_hz=rate_hz, to_hz=SAMPLE_RATE_HZ), -1, 1)
        for samples in (reference, degraded)
    )
    estimators: Mapping[str, Callable[[np.ndarray, np.ndarray], float | None]] = {
        "plcmos": _plcmos,
        "pesq": _pesq,
        "estoi": _estoi,
    }
    # The packages draw from the global generator; its state is put back.
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(_SEED)  # noqa: NPY002
    try:
        return {name: estimate(original, heard) for name, estimate in estimators.items()}
    finally:
        np.random.set_state(state)  # noqa: NPY002


def _plcmos(original: np.ndarray, heard: np.ndarray) -> float | None:
    return float(_quietly(import_module("speechmos.plcmos").run, heard, sr=SAMPLE_RATE_HZ)["plcmos"])


def _pesq(original: np.ndarray, heard: np.ndarray) -> float | None:
    estimate = import_module("pesq").pesq
    errors = import_module("pesq").PesqError
    found = float(_quietly(estimate, SAMPLE_RATE_HZ, original, heard, "wb", on_error=errors.RETURN_VALUES))
    # Too short, or no utterance in it.
    return found if found > 0 else None


def _estoi(original: np.ndarray, heard: np.ndarray) -> float | None:
    return float(_quietly(import_module("pystoi").stoi, original, heard, SAMPLE_RATE_HZ, extended=True))


def _quietly(estimate: Callable[..., Any], *arguments: object, **named: object) -> Any:
    """Call a package that warns about its own code or about short speech."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimate(*arguments, **named)
