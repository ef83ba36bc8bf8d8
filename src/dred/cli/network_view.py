"""Networks in words and as a strip of characters, for `dred network`."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from math import ceil, isnan
from typing import Any

import numpy as np
from jaxtyping import Float64

from dred.channel import ChannelConfig, GilbertElliott, NetworkPreset, NetworkSummary, Observation, Uniform
from dred.channel.observation import QUANTILES
from dred.timebase import DOUBLE_FRAME_MS

__all__ = ["config_as_json", "describe", "strip_lines", "summary_as_json", "summary_lines"]

_BLOCKS = " ▁▂▃▄▅▆▇█"
_COLUMNS = 60
_SHAPES = {"uniform": "evenly", "normal": "normally"}


def describe(config: ChannelConfig) -> Mapping[str, str]:
    """Say what a network does, effect by effect; those that it lacks are left out."""
    told: dict[str, str] = {}
    match config.loss:
        case Uniform(loss=loss):
            told["loss"] = f"{100 * loss:g} %, each packet on its own"
        case GilbertElliott(loss=loss, mean_burst=mean_burst):
            told["loss"] = f"{100 * loss:g} %, {mean_burst:g} packets in a row on average"
    told["delay"] = f"{config.delay_ms:g} ms"
    if config.jitter_ms:
        told["delay"] += f" and up to {config.jitter_ms:g} ms more, {_SHAPES[config.jitter_shape]} distributed"
    if config.reorder:
        told["reordered"] = f"{100 * config.reorder:g} % held back for {config.reorder_delay_ms:g} ms"
    if config.duplicate:
        told["doubled"] = f"{100 * config.duplicate:g} %"
    if (link := config.bottleneck) is not None:
        told["bottleneck"] = f"{link.rate_bps / 1000:g} kb/s with a queue of up to {link.max_queue_ms:g} ms"
        if link.others_share:
            told["others"] = (
                f"use {100 * link.others_share:g} % of it, in bursts of {link.others_burst_ms / 1000:g} s on average"
            )
    if (outages := config.outages) is not None:
        told["outages"] = (
            f"every {outages.every_ms / 1000:g} s on average, for {outages.shortest_ms:g} to {outages.longest_ms:g} ms"
        )
        if outages.loss:
            told["outages"] += f"; {100 * outages.loss:g} % of what meets one is lost"
    return told


def config_as_json(preset: NetworkPreset) -> dict[str, Any]:
    """Return a preset's name and numbers for scripts."""
    config = asdict(preset.config)
    loss = {"model": type(preset.config.loss).__name__, **config.pop("loss")}
    return {"name": preset.name, "title": preset.title, "network": {"loss": loss, **config}}


def summary_as_json(summary: NetworkSummary) -> dict[str, Any]:
    """Return what was measured for scripts."""
    losses = summary.losses
    return {
        "packets": losses.num_packets,
        "lost": losses.num_lost,
        "loss_percent": round(100 * losses.loss_rate, 2),
        "mean_burst": round(losses.mean_burst, 2),
        "longest_burst": losses.longest_burst,
        "overtaking_percent": round(100 * summary.overtaking, 2),
        # Where nothing arrived there is no delay.
        "delay_ms": {name: None if isnan(value) else value for name, value in _named(summary.delays_ms).items()},
        "queue_ms": _named(summary.queue_ms),
    }


def summary_lines(summary: NetworkSummary) -> Iterator[str]:
    """Say what was measured, for people."""
    losses = summary.losses
    longest_ms = losses.longest_burst * DOUBLE_FRAME_MS
    yield (
        f"lost {100 * losses.loss_rate:.1f} %, {losses.mean_burst:.1f} packets in a row on average, "
        f"at most {losses.longest_burst} ({longest_ms} ms)"
    )
    told = {"delay": summary.delays_ms} | ({"queue": summary.queue_ms} if max(summary.queue_ms) else {})
    for name, quantiles in told.items():
        cells = [f"{quantile} {value:.0f} ms" for quantile, value in _named(quantiles).items()]
        yield f"{name} {', '.join(cells)}"


def strip_lines(observation: Observation) -> Iterator[str]:
    """Draw what became of packets, 60 columns of equally many; each row is scaled to its own largest value."""
    lost = observation.lost.astype(np.float64)
    rows = {
        "lost": [100 * float(part.mean()) for part in _columns(lost)],
        "delay": [
            float(np.nanmax(part)) if not np.isnan(part).all() else 0.0 for part in _columns(observation.delays_ms)
        ],
        "queue": [float(part.max()) for part in _columns(observation.queue_ms)],
    }
    for (name, values), unit in zip(rows.items(), ("%", "ms", "ms"), strict=True):
        most = max(values)
        if name != "queue" or most:
            # Whatever is not nothing is seen.
            steps = [ceil((len(_BLOCKS) - 1) * value / most) if value else 0 for value in values]
            yield f"{name:<6}{''.join(_BLOCKS[step] for step in steps)}  up to {most:.0f} {unit}"


def _columns(values: Float64[np.ndarray, " packets"]) -> list[Float64[np.ndarray, " part"]]:
    return np.array_split(values, min(_COLUMNS, len(values)))


def _named(quantiles: tuple[float, ...]) -> dict[str, float]:
    return {f"{100 * share:g} %": round(value, 1) for share, value in zip(QUANTILES, quantiles, strict=True)}
