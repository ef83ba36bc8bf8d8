"""A simulation as plain numbers, for `summary.json` and for the page."""

import platform
from dataclasses import asdict
from typing import Any

import numpy as np

from dred import __version__
from dred.evaluation.simulate import SchemeResult, Simulation
from dred.opus import load_libopus
from dred.weights import is_built_in

__all__ = ["summarise", "wav_name"]

# Enough to recompute any share from rates without visible error.
_DIGITS = 3


def wav_name(result: SchemeResult) -> str:
    """Name the file of a scheme's speech."""
    return f"{result.scheme.name}.wav"


def summarise(simulation: Simulation, *, input_name: str) -> dict[str, Any]:
    """Collect what JSON can hold: settings, versions, and per scheme rates, repairs, coverage and scores.

    Args:
        simulation: The results.
        input_name: What to call the input.
    """
    config, audio, network = simulation.config, simulation.audio, simulation.network
    trace, preset = config.loss.trace, config.loss.network
    has_model = trace is None and preset is None
    return {
        "input": input_name,
        "seconds": round(len(audio.samples) / audio.rate_hz, _DIGITS),
        "rate_hz": audio.rate_hz,
        "channels": audio.samples.shape[1],
        "loss": {
            "trace": trace.name if trace else None,
            "network": preset,
            "loss_percent": config.loss.loss_percent if has_model else None,
            "mean_burst": config.loss.mean_burst if has_model else None,
            "seed": None if trace else config.loss.seed,
        },
        "loss_percent": round(100 * network.loss_rate, _DIGITS),
        "mean_burst": round(network.mean_burst, _DIGITS),
        "longest_burst": network.longest_burst,
        "expected_loss_percent": simulation.expected_loss_percent,
        "bitrate_bps": config.bitrate_bps,
        "red_copies": config.num_red_copies,
        "dred": asdict(config.dred),
        "weights": simulation.weights.name,
        "weights_are_built_in": is_built_in(simulation.weights),
        "interoperable_with_libopus": simulation.weights.card.is_interoperable,
        "versions": {
            "dred": __version__,
            "libopus": load_libopus().capabilities.version,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "schemes": {result.scheme.name: _summarise_scheme(result) for result in simulation.results},
    }


def _summarise_scheme(result: SchemeResult) -> dict[str, Any]:
    rates = {"total": result.rates.total, **asdict(result.rates)}
    summary: dict[str, Any] = {
        "title": result.scheme.title,
        "wav": wav_name(result),
        "kbps": {name: round(rate, _DIGITS) for name, rate in rates.items()},
        "frames": {"total": len(result.sources), "lost": result.num_lost},
        "repaired": {
            source.value: {"count": count, "percent": round(100 * count / max(1, result.num_lost), _DIGITS)}
            for source, count in result.repairs.items()
        },
        "coverage": None,
    }
    if result.coverage is not None:
        summary["coverage"] = {name: round(reach, _DIGITS) for name, reach in asdict(result.coverage).items()}
    if result.scores:
        summary["scores"] = {
            name: None if score.value is None else round(score.value, _DIGITS) for name, score in result.scores.items()
        }
    return summary
