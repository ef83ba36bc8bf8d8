"""A benchmark with hardly any effort, run once for all tests of what it leaves."""

import pytest
from tiny_effort import TINY

from dred.benchmarking.material import Material, read_speech
from dred.benchmarking.results import Results
from dred.benchmarking.run import run_benchmark
from dred.data import bundled_clip
from dred.weights import WeightSet


@pytest.fixture(scope="session")
def material(weights_v12: WeightSet) -> Material:
    """The first seconds of the bundled clip."""
    return Material(speech=read_speech(bundled_clip(), seconds=TINY.speech_s), weights=weights_v12)


@pytest.fixture(scope="session")
def results(material: Material) -> Results:
    """What is found in a single round."""
    return run_benchmark(material, TINY, speech_name="speech.flac")
