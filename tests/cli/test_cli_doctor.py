"""`dred doctor` and `dred warmup`."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from in_process import Run

from dred import Receiver, ReceiverConfig, Sender, SenderConfig, __version__
from dred.cli.doctor import EXTRAS
from dred.weights import WeightSet, save

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


@pytest.mark.reference
def test_a_healthy_machine_has_no_problems(dred: Run, weights: Path) -> None:
    findings = dred("doctor", "--json").json
    assert list(findings) == ["dred", "libopus", "cpu", "kernels", "weights", "extras", "problems"]
    assert findings["problems"] == []
    assert findings["dred"]["version"] == __version__
    assert findings["libopus"]["version"].startswith("libopus")
    assert Path(findings["libopus"]["path"]).is_file()
    assert findings["kernels"]["instructions"] in findings["kernels"]["usable"]
    assert findings["kernels"]["cache_is_writable"] is True
    assert list(findings["weights"]) == ["directory", "installed", "built_in", "in_use"]
    assert findings["weights"]["directory"] == str(weights)
    assert findings["weights"]["installed"] == {"opus-1.6.1": 12, "opus-1.5.2": 10}
    assert findings["weights"]["in_use"] == "opus-1.6.1"
    assert dred("doctor").out.endswith("all is well\n")


def test_missing_weights_are_a_problem_with_a_way_out(dred: Run, no_weights: Path) -> None:
    outcome = dred("doctor")
    assert outcome.code == 0
    assert outcome.out.endswith("problem: weights: none are installed: run `dred weights install`\n")
    assert dred("doctor", "--json").json["problems"] == ["weights: none are installed: run `dred weights install`"]


@pytest.mark.reference
def test_built_in_weights_are_no_problem_and_named_for_what_they_are(
    dred: Run, no_weights: Path, built_in: WeightSet
) -> None:
    findings = dred("doctor", "--json").json
    assert findings["problems"] == []
    assert findings["weights"]["installed"] == {}
    assert findings["weights"]["built_in"] == {built_in.name: 201}
    assert findings["weights"]["in_use"] == f"built-in {built_in.name}, not interoperable with libopus"
    assert findings["weights"]["in_use"] in dred("doctor").out


@pytest.mark.reference
def test_an_installed_set_that_lacks_networks_is_passed_over_and_named(
    dred: Run, no_weights: Path, built_in: WeightSet, weights_v12: WeightSet
) -> None:
    tensors = {name: array for name, array in weights_v12.tensors.items() if not name.startswith(("plc_", "dec_"))}
    save(replace(weights_v12, name="halved", tensors=tensors))
    found = dred("doctor", "--json").json["weights"]
    assert found["in_use"] == f"built-in {built_in.name}, not interoperable with libopus"
    assert found["passed_over"] == {"halved": "lacks RDO-VAE decoder and PLC predictor"}
    assert "halved lacks RDO-VAE decoder and PLC predictor" in dred("doctor").out
    assert "lacks RDO-VAE decoder and PLC predictor" in dred("weights", "list").out
    # Both ends speak all the same.
    Sender(SenderConfig())
    Receiver(ReceiverConfig())


def test_a_missing_libopus_is_a_problem_and_no_crash(
    dred: Run, no_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRED_LIBOPUS", str(tmp_path / "libopus.so"))
    outcome = dred("doctor", "--json")
    assert outcome.code == 0
    assert any(problem.startswith("libopus: ") for problem in outcome.json["problems"])


def test_kernels_that_this_machine_cannot_run_are_a_problem(
    dred: Run, no_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRED_KERNELS", "abacus")
    outcome = dred("doctor", "--json")
    assert outcome.code == 0
    assert any(problem.startswith("kernels: $DRED_KERNELS must be") for problem in outcome.json["problems"])


def module_of(requirement: str) -> str:
    name = re.split(r"[\[><=]", requirement)[0].lower().replace("-", "_")
    return {"visqol_python": "visqol", "phonemizer_fork": "phonemizer"}.get(name, name)


def test_the_extras_are_those_of_the_project() -> None:
    declared = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]
    modules = {
        extra: tuple(module_of(requirement) for requirement in requirements)
        for extra, requirements in declared.items()
        if extra != "dev"
    }
    assert modules == EXTRAS


@pytest.mark.reference
def test_warmup_passes_through_every_kernel(dred: Run, weights: Path) -> None:
    outcome = dred("warmup")
    assert outcome.code == 0
    assert outcome.out.startswith("compiled in ")
    assert outcome.out.endswith(" s, with the weights opus-1.6.1\n")


def test_warmup_without_weights_says_what_is_left(dred: Run, no_weights: Path) -> None:
    outcome = dred("warmup")
    assert outcome.code == 0
    assert outcome.out.count("\n") == 1
    assert "run `dred weights install` first" in outcome.out
