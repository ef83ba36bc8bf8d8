"""Compiled code on disk: used while it is of these sources, never after; no folder and a bad disk do no harm."""

import importlib
import json
import logging
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numba
import pytest
from small_package import SmallPackage, clean_environment, nowhere_to_write, outcome

import dred

SOURCE = Path(dred.__file__).parent


@pytest.fixture
def small(tmp_path: Path) -> SmallPackage:
    return SmallPackage(tmp_path / "project")


def test_the_second_process_finds_what_the_first_compiled(small: SmallPackage) -> None:
    first, second = small.call(), small.call()
    assert (first.result, first.came_from_disk) == (21, False)
    assert (second.result, second.came_from_disk) == (21, True)
    assert second.folder is not None
    assert Path(second.folder).is_relative_to(small.cache)


def test_a_change_of_what_is_compiled_in_from_another_file_is_seen(small: SmallPackage) -> None:
    small.call()
    (small.package / "sizes.py").write_text("FACTOR = 3\n")
    changed = small.call()
    assert (changed.result, changed.came_from_disk) == (31, False)
    assert small.call().came_from_disk


def test_a_change_elsewhere_in_the_package_compiles_nothing_anew(small: SmallPackage) -> None:
    small.call()
    (small.package / "bystander.py").write_text("UNUSED = 1\n")
    assert small.call().came_from_disk


def test_code_of_an_older_source_is_replaced_and_not_collected(small: SmallPackage) -> None:
    small.call()
    files = sorted(small.cache.rglob("*"))
    (small.package / "sizes.py").write_text("FACTOR = 3\n")
    small.call()
    assert sorted(small.cache.rglob("*")) == files


def test_a_damaged_file_is_compiled_again(small: SmallPackage) -> None:
    small.call()
    for file in small.cache.rglob("*.nbc"):
        file.write_bytes(file.read_bytes()[:-1])
    damaged = small.call()
    assert (damaged.result, damaged.came_from_disk) == (21, False)
    assert small.call().came_from_disk


def test_processes_that_compile_at_once_all_succeed(small: SmallPackage) -> None:
    processes = [small.start(NUMBA_CACHE_DIR=str(small.cache)) for _ in range(4)]
    assert [outcome(process).result for process in processes] == [21] * 4
    assert small.call().came_from_disk
    assert not list(small.cache.rglob("*.part"))


def test_without_any_folder_to_write_the_function_works_and_says_so(small: SmallPackage, tmp_path: Path) -> None:
    # The package's own folder for compiled code is a file, too.
    (small.package / "__pycache__").write_text("")
    called = small.call(**nowhere_to_write(tmp_path / "blocker"))
    assert (called.result, called.folder) == (21, None)


def import_here(small: SmallPackage, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import the outer function into this process, which forgets the package after the test."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(small.cache))
    monkeypatch.syspath_prepend(str(small.package.parent))
    for module in ("small", "small.sizes", "small.callee", "small.caller"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return importlib.import_module("small.caller")


def test_a_numba_that_is_built_in_another_way_keeps_code_as_it_can(
    small: SmallPackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("numba.core.caching.FunctionCache")
    caller = import_here(small, monkeypatch)
    assert caller.scaled_and_one(10) == 21
    assert list(small.cache.rglob("*.nbi"))


def test_a_folder_that_vanishes_costs_nothing_but_a_warning(
    small: SmallPackage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caller = import_here(small, monkeypatch)
    shutil.rmtree(small.cache)
    small.cache.write_text("a file where the folder was")
    with caplog.at_level(logging.WARNING):
        assert caller.scaled_and_one(10) == 21
    assert "compiled code is not kept" in caplog.text


def installed_read_only(folder: Path) -> Path:
    """Copy the package to where nothing can be added: each folder for compiled code is a file."""
    copy = shutil.copytree(SOURCE, folder / "dred", ignore=shutil.ignore_patterns("__pycache__"))
    for directory in [copy, *(path for path in copy.rglob("*") if path.is_dir())]:
        (directory / "__pycache__").write_text("")
    return folder


def run_read_only(folder: Path, *arguments: str, **environment: str) -> str:
    """Run a command of an installation that cannot be written, where no other place can be written either."""
    everything = clean_environment() | nowhere_to_write(folder / "blocker")
    everything |= {"PYTHONPATH": str(installed_read_only(folder / "read-only")), **environment}
    command = [sys.executable, "-B", "-m", "dred", *arguments]
    return subprocess.run(command, env=everything, capture_output=True, text=True, check=True).stdout


def test_doctor_tells_where_a_read_only_installation_keeps_its_code(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    findings = json.loads(run_read_only(tmp_path, "doctor", "--json", NUMBA_CACHE_DIR=str(cache)))
    assert Path(findings["dred"]["path"]).is_relative_to(tmp_path)
    assert "problem" not in findings["kernels"]
    assert Path(findings["kernels"]["cache"]).is_relative_to(cache)


def test_doctor_tells_what_to_do_where_no_code_can_be_kept(tmp_path: Path) -> None:
    findings = json.loads(run_read_only(tmp_path, "doctor", "--json"))
    assert Path(findings["dred"]["path"]).is_relative_to(tmp_path)
    assert findings["kernels"]["cache"] is None
    assert "$NUMBA_CACHE_DIR" in findings["kernels"]["problem"]


def test_warmup_says_that_nothing_is_kept(tmp_path: Path) -> None:
    told = run_read_only(tmp_path, "warmup", DRED_WEIGHTS=str(tmp_path / "no-weights"))
    assert told.startswith("compiled in ")
    assert "for nothing: name a folder that can be written in $NUMBA_CACHE_DIR" in told
