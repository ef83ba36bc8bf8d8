"""A few seconds of the bundled clip through the schemes, for the tests of simulation and report."""

from functools import cache
from pathlib import Path

from dred.audio import Audio, read_audio
from dred.data import bundled_clip
from dred.evaluation.losses import LossConfig
from dred.evaluation.simulate import Simulation, SimulationConfig, simulate
from dred.weights import load

SECONDS = 2.5
# 24 of 126 packets, in bursts of one to seven; the first and the last arrive.
LOSS = LossConfig(loss_percent=25, mean_burst=3, seed=6)


def short_clip() -> Audio:
    """The start of the bundled clip."""
    audio = read_audio(bundled_clip())
    return Audio(samples=audio.samples[: round(SECONDS * audio.rate_hz)], rate_hz=audio.rate_hz)


@cache
def small_simulation(weights_directory: Path) -> Simulation:
    """All schemes over the same losses; computed once for all test files."""
    return simulate(short_clip(), SimulationConfig(loss=LOSS), weights=load(directory=weights_directory))
