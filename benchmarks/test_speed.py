"""Each stage of the signal path and the yardstick, by pytest-benchmark: `make bench-speed`.

It times by the wall clock what `dred bench` times as CPU time in turns; its own options compare with earlier runs, such
as --benchmark-autosave and --benchmark-compare. A round does what its extra_info tells: seconds of speech, or calls.
"""

from collections.abc import Callable
from typing import Any

import pytest

from dred.benchmarking.material import Material, read_speech
from dred.benchmarking.rounds import Work
from dred.benchmarking.stages import STAGES, Stage
from dred.benchmarking.yardstick import yardstick
from dred.data import bundled_clip
from dred.weights import installed, load

SPEECH_S = 4
NUM_ROUNDS = 9


@pytest.fixture(scope="module")
def material() -> Material:
    if not any(entry.card for entry in installed()):
        pytest.skip("no weights are installed: run `dred weights install`")
    return Material(speech=read_speech(bundled_clip(), seconds=SPEECH_S), weights=load())


def time_work(benchmark: Any, work: Work) -> None:
    def prepare() -> tuple[tuple[Callable[[], object]], dict[str, object]]:
        return (work.prepare(),), {}

    benchmark.extra_info["amount"] = work.amount
    benchmark.pedantic(lambda run: run(), setup=prepare, rounds=NUM_ROUNDS, warmup_rounds=1)


def test_the_yardstick(benchmark: Any, material: Material) -> None:
    time_work(benchmark, yardstick(material.speech))


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_stage(benchmark: Any, material: Material, stage: Stage) -> None:
    time_work(benchmark, stage.work(material))
