"""`dred weights`: what is installed comes in and goes out."""

from datetime import date
from pathlib import Path

import pytest
from in_process import Run

from dred.weights import WeightSet

pytestmark = pytest.mark.reference


def test_list_tells_sets_best_first(dred: Run, weights: Path) -> None:
    listed = dred("weights", "list", "--json").json
    found = [(entry["name"], entry["bitstream_version"]) for entry in listed if not entry["built_in"]]
    assert found == [("opus-1.6.1", 12), ("opus-1.5.2", 10)]
    assert list(listed[0]) == [
        "name",
        "path",
        "bytes",
        "bitstream_version",
        "libopus",
        "licence",
        "built_in",
        "missing",
        "problem",
    ]
    lines = dred("weights", "list").out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == ["opus-1.6.1", "opus-1.5.2"]
    assert lines[0].endswith(" bitstream version 12, BSD-3-Clause")


def test_list_tells_a_built_in_set_from_installed_ones(dred: Run, weights: Path, built_in: WeightSet) -> None:
    assert [entry["built_in"] for entry in dred("weights", "list", "--json").json] == [False, False, True]
    last = dred("weights", "list").out.splitlines()[-1]
    assert last.startswith(f"{built_in.name} ")
    assert last.endswith(" bitstream version 201, BSD-3-Clause, built in, not interoperable with libopus")
    assert f"name:               {built_in.name}" in dred("weights", "show", built_in.name).out


def test_list_says_what_to_do_when_there_is_none(dred: Run, no_weights: Path) -> None:
    assert dred("weights", "list", "--json").json == []
    assert "dred weights install" in dred("weights", "list").out


def test_list_shows_a_broken_file_as_broken(dred: Run, no_weights: Path) -> None:
    no_weights.mkdir()
    (no_weights / "broken.safetensors").write_bytes(b"no weights")
    (entry,) = dred("weights", "list", "--json").json
    assert entry["name"] == "broken"
    assert entry["problem"]
    assert entry["problem"] in dred("weights", "list").out


def test_import_export_and_import_again_give_the_same_files(
    dred: Run, no_weights: Path, shared: Path, tmp_path: Path
) -> None:
    blob = shared / "weights/libopus-1.6.1.dnnw"
    assert dred("weights", "import", blob).out == f"installed {no_weights / 'opus-1.6.1.safetensors'}\n"
    assert dred("weights", "export", "opus-1.6.1", tmp_path / "mine.dnnw").code == 0
    assert (tmp_path / "mine.dnnw").read_bytes() == blob.read_bytes()
    assert dred("weights", "import", tmp_path / "mine.dnnw", "--name", "mine").code == 0
    assert [entry["name"] for entry in dred("weights", "list", "--json").json] == ["mine", "opus-1.6.1"]


def test_tables_can_lie_elsewhere(dred: Run, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blob, tables = tmp_path / "blob" / "a.dnnw", tmp_path / "tables" / "b.json"
    for path in (blob, tables):
        path.parent.mkdir()
    assert dred("weights", "export", "opus-1.6.1", blob, "--tables", tables).code == 0
    assert set(tmp_path.glob("*/*")) == {blob, tables}
    monkeypatch.setenv("DRED_WEIGHTS", str(tmp_path / "installed"))
    assert "--tables FILE" in dred("weights", "import", blob).err
    assert dred("weights", "import", blob, "--tables", tables).code == 0


def test_show_describes_the_best_set_or_the_one_that_is_named(dred: Run, weights: Path) -> None:
    assert "bitstream version:  12" in dred("weights", "show").out
    shown = dred("weights", "show", "opus-1.5.2").out
    assert "bitstream version:  10" in shown
    assert "FARGAN vocoder" in shown


def test_show_takes_a_file_and_tells_scripts_the_same(dred: Run, weights: Path, built_in: WeightSet) -> None:
    path = weights / "opus-1.5.2.safetensors"
    assert dred("weights", "show", path).out == dred("weights", "show", "opus-1.5.2").out
    shown = dred("weights", "show", path, "--json").json
    assert (shown["name"], shown["bitstream_version"], shown["interoperable_with_libopus"]) == ("opus-1.5.2", 10, True)
    assert (shown["latent_dim"], shown["state_dim"], shown["model"]) == (21, 19, None)
    assert {layer["component"] for layer in shown["layers"]} >= {"FARGAN vocoder", "pitch network", "PLC predictor"}
    own = dred("weights", "show", built_in.name, "--json").json
    assert own["interoperable_with_libopus"] is False
    assert "not interoperable with libopus" in dred("weights", "show", built_in.name).out
    assert "no readable safetensors" in dred("weights", "show", weights / "none.safetensors").err


def test_an_import_is_dated(dred: Run, no_weights: Path, shared: Path) -> None:
    assert dred("weights", "import", shared / "weights/libopus-1.5.2.dnnw").code == 0
    assert f"imported:           {date.today().isoformat()}" in dred("weights", "show").out


def test_remove_removes(dred: Run, no_weights: Path, shared: Path) -> None:
    assert dred("weights", "import", shared / "weights/libopus-1.5.2.dnnw").code == 0
    assert dred("weights", "remove", "opus-1.5.2").code == 0
    assert dred("weights", "list", "--json").json == []
    assert not list(no_weights.iterdir())


def test_install_passes_on_what_the_library_does(dred: Run, no_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def install(release: str, *, on_stage: object, on_progress: object, imported: str) -> Path:
        assert imported == date.today().isoformat()
        on_stage(f"downloading {release}")
        on_progress(10, None)
        on_progress(50, 100)
        return Path("somewhere")

    monkeypatch.setattr("dred.weights.install", install)
    outcome = dred("weights", "install", "opus-1.5.2")
    assert outcome.out == "installed somewhere\n"
    assert outcome.err == "downloading opus-1.5.2\n"
