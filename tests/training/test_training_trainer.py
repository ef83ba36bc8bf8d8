"""Runs: they resume as if nothing had happened, refuse what is not theirs, and bad gradients do no harm."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from synthetic_corpus import make_corpus

torch = pytest.importorskip("torch", reason="training needs torch, the extra `train`")

from dred.errors import ModelError, UsageError  # noqa: E402
from dred.training.checkpoint import read_checkpoint, restore  # noqa: E402
from dred.training.fargan import FarganWidths  # noqa: E402
from dred.training.optimiser import Adam, AdamConfig  # noqa: E402
from dred.training.redundancy import RedundancyCoding, RedundancyConfig  # noqa: E402
from dred.training.task import Task, task_tensors  # noqa: E402
from dred.training.trainer import CHECKPOINT, TrainerConfig, train  # noqa: E402
from dred.training.vocoding import (  # noqa: E402
    AdversarialConfig,
    AdversarialVocoding,
    SpectralVocoding,
    VocodingConfig,
)

CPU = torch.device("cpu")
CONFIG = TrainerConfig(num_steps=6, log_every=1, checkpoint_every=2)
VOCODING = VocodingConfig(
    batch=2,
    num_frames=2,
    adam=AdamConfig(rate=1e-3),
    widths=FarganWidths(condition_1=8, condition_conv=8, signal=16, grus=(8, 8, 8), skip=8),
)


def make_task(kind: str) -> Task:
    corpus = make_corpus(np.random.default_rng(5))
    if kind == "spectral":
        return SpectralVocoding(corpus, VOCODING, CPU)
    if kind == "adversarial":
        judging = AdversarialConfig(judges_width=2, judges_alone_steps=2)
        return AdversarialVocoding(corpus, VOCODING, judging, CPU)
    config = RedundancyConfig(latent_dim=4, state_dim=4, batch=2, num_frames=24, stretches=2, num_latents=3)
    return RedundancyCoding(corpus, config, CPU)


def read_log(folder: Path) -> list[dict[str, str]]:
    with (folder / "losses.csv").open() as file:
        return list(csv.DictReader(file))


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("kind", ["spectral", "adversarial", "redundancy"])
def test_a_run_that_was_stopped_goes_on_exactly(kind: str, tmp_path: Path) -> None:
    whole = make_task(kind)
    assert train(whole, CONFIG, tmp_path / "whole") == 6

    def stop(progress: object) -> None:
        if progress.step == 5:  # type: ignore[attr-defined]
            raise StoppedError

    with pytest.raises(StoppedError):
        train(make_task(kind), CONFIG, tmp_path / "stopped", report=stop)
    # The log is one step ahead of the checkpoint.
    assert [row["step"] for row in read_log(tmp_path / "stopped")] == list("12345")
    assert read_checkpoint(tmp_path / "stopped" / CHECKPOINT)[1] == 4
    resumed = make_task(kind)
    assert train(resumed, CONFIG, tmp_path / "stopped") == 6
    assert read_log(tmp_path / "stopped") == read_log(tmp_path / "whole")
    for name, value in task_tensors(whole).items():
        assert torch.equal(task_tensors(resumed)[name], value), name


def test_the_vocoder_waits_for_the_judges(tmp_path: Path) -> None:
    task = make_task("adversarial")
    before = {name: value.clone() for name, value in task.modules["fargan"].named_parameters()}
    for num_steps, waits in ((2, True), (3, False)):
        train(task, replace(CONFIG, num_steps=num_steps), tmp_path / str(num_steps))
        after = dict(task.modules["fargan"].named_parameters())
        assert all(torch.equal(value, before[name]) for name, value in after.items()) == waits


def test_judges_in_bfloat16_say_nearly_the_same() -> None:
    losses = []
    for has_bfloat16 in (False, True):
        judging = AdversarialConfig(judges_width=2, has_bfloat16=has_bfloat16)
        task = AdversarialVocoding(make_corpus(np.random.default_rng(5)), VOCODING, judging, CPU)
        drawn = task.draw(np.random.default_rng(0))
        losses.append({name: float(value) for name, value in task.step(*map(torch.from_numpy, drawn)).items()})
    for name in ("judges", "fooling", "matching"):
        assert losses[1][name] == pytest.approx(losses[0][name], rel=0.03), name
        assert losses[1][name] != losses[0][name]


def test_a_run_out_of_time_ends_with_a_checkpoint(tmp_path: Path) -> None:
    assert train(make_task("redundancy"), CONFIG, tmp_path, max_seconds=0) == 0
    assert read_checkpoint(tmp_path / CHECKPOINT)[1] == 0
    assert train(make_task("redundancy"), CONFIG, tmp_path) == 6


def test_a_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    train(make_task("redundancy"), CONFIG, tmp_path, settings={"recipe": "a"}, max_seconds=0)
    with pytest.raises(UsageError, match="other settings: recipe"):
        train(make_task("redundancy"), CONFIG, tmp_path, settings={"recipe": "b"})


def test_seeds_change_what_is_drawn(tmp_path: Path) -> None:
    for seed in (0, 1):
        config = TrainerConfig(num_steps=1, seed=seed, log_every=1)
        train(make_task("redundancy"), config, tmp_path / str(seed))
    assert read_log(tmp_path / "0") != read_log(tmp_path / "1")


def test_tensors_that_do_not_fit_are_refused() -> None:
    target = {"a": torch.zeros(2)}
    for found, words in (({}, "'a' is missing"), ({"a": torch.zeros(3)}, r"is \(3,\), not \(2,\)")):
        with pytest.raises(ModelError, match=words):
            restore(target, found)
    with pytest.raises(ModelError, match="'b' is unknown"):
        restore(target, {"a": torch.zeros(2), "b": torch.zeros(2)})


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"pickle")
    with pytest.raises(ModelError, match="no readable checkpoint"):
        read_checkpoint(tmp_path / "x")


def test_adam_is_adam(rng: np.random.Generator) -> None:
    """Against torch's own, with the same rate and betas and no limit to the gradient."""
    ours, theirs = (torch.nn.Linear(3, 2) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    adam = Adam(ours, AdamConfig(rate=0.1, warm_up_steps=0, final_share=1.0, largest_norm=1e9))
    expected = torch.optim.Adam(theirs.parameters(), lr=0.1, betas=(0.8, 0.95))
    for _ in range(5):
        x = torch.from_numpy(rng.standard_normal((4, 3)).astype(np.float32))
        adam.set_progress(0, 1)
        adam.minimise(ours(x).square().mean())
        expected.zero_grad()
        theirs(x).square().mean().backward()
        expected.step()
    torch.testing.assert_close(ours.weight, theirs.weight)


def test_a_gradient_that_is_not_finite_moves_nothing() -> None:
    layer = torch.nn.Linear(3, 2)
    adam = Adam(layer, AdamConfig(rate=0.1))
    adam.set_progress(0, 1)
    adam.minimise(layer(torch.ones(1, 3)).sum())
    before = {name: value.clone() for name, value in adam.tensors()} | {"weight": layer.weight.detach().clone()}
    adam.minimise(layer(torch.full((1, 3), torch.inf)).sum() * 0)
    assert all(torch.isfinite(value).all() for _, value in adam.tensors())
    assert torch.equal(before["weight"], layer.weight)
    assert torch.equal(before["count"], dict(adam.tensors())["count"])


def test_the_rate_rises_and_falls() -> None:
    layer = torch.nn.Linear(1, 1)
    adam = Adam(layer, AdamConfig(rate=1.0, warm_up_steps=10, final_share=0.1))
    rates = []
    for step in range(100):
        adam.set_progress(step, 100)
        rates.append(float(adam._rate))
    assert np.all(np.diff(rates[:10]) > 0)
    assert np.all(np.diff(rates[10:]) < 0)
    assert max(rates) > 0.9
    assert rates[-1] == pytest.approx(0.1, abs=0.01)
