"""`dred listen`: tests that are begun, gone on with and told about, and mistakes on the command line."""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tone_evaluation import tone_evaluation, write_tone_folder

from dred.cli import main
from dred.listening import Votes, make_steps
from dred.listening.plan_file import plan_digest
from dred.listening.serving import folder_plan, open_plan


def run(*words: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(word) for word in words])
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tone_folder(tmp_path, tone_evaluation())
    return tmp_path


@pytest.fixture
def voted(folder: Path) -> Path:
    """A folder in which three listeners have answered everything."""
    plan = open_plan(folder, {"per_rater": 2})
    votes = Votes(folder / "listening" / "votes.sqlite3", plan_digest(plan))
    items = {item.name: item for item in plan.items}
    opinions = {"clean": 4, "dred": 4, "lbrr": 3, "plc": 2, "(original)": 5, "(destroyed)": 1}
    for number in range(3):
        rater = votes.start_rater(str(number), 0.0, plan.num_rows, lambda row, rater: make_steps(plan, row, rater))
        for place, step in enumerate(votes.steps(rater)):
            item = items[step.item]
            answer = opinions[item.condition] if item.condition else (item.accepted or (1,))[0]
            votes.record(rater, place, answer, 1, 10.0 * (place + 1))
    votes.close()
    return folder


@pytest.mark.parametrize("words", [["listen", "--help"], ["listen"]])
def test_help_tells_both_commands(words: list[str]) -> None:
    out = "".join(run(*words)[1:])
    assert "serve" in out
    assert "results" in out


def test_a_folder_stands_for_serving_it(tmp_path: Path) -> None:
    code, _, err = run("listen", tmp_path)
    assert code == 2
    assert "holds no evaluation" in err
    assert run("listen", "--port", "0", tmp_path) == run("listen", "serve", tmp_path) == (code, "", err)


def test_results_before_a_test_are_a_mistake(folder: Path) -> None:
    code, _, err = run("listen", "results", folder)
    assert code == 2
    assert "there is no listening test" in err
    assert not (folder / "listening").exists()


def test_a_test_goes_on_with_its_own_plan(folder: Path) -> None:
    begun = open_plan(folder, {"clips": 3, "schemes": ("plc", "dred")})
    assert folder_plan(folder) == begun
    assert open_plan(folder, {}) == begun
    assert open_plan(folder, {"clips": 3}) == begun
    code, _, err = run("listen", folder, "--clips", "4")
    assert code == 2
    assert "has begun with clips = 3, got 4" in err


def test_a_mistaken_choice_leaves_no_plan(folder: Path) -> None:
    code, _, err = run("listen", folder, "--schemes", "opus")
    assert code == 2
    assert "no scheme 'opus'" in err
    assert not (folder / "listening").exists()


def test_speech_that_is_gone_is_told_before_anyone_listens(folder: Path) -> None:
    for path in (folder / "cache").rglob("250-*.flac"):
        path.unlink()
    code, _, err = run("listen", folder)
    assert code == 2
    assert "250-" in err
    assert not (folder / "listening").exists()


def test_a_silent_recording_is_told_before_anyone_meets_it(folder: Path) -> None:
    silent = folder / "cache" / "25" / "250-3.flac"
    assert silent.is_file()
    soundfile.write(silent, np.zeros(9_600, np.int16), 16_000, subtype="PCM_16")
    code, _, err = run("listen", folder)
    assert code == 2
    assert "is silent" in err
    assert "250-3.flac" in err
    assert not (folder / "listening").exists()


def test_an_address_that_is_not_ours_is_refused(folder: Path) -> None:
    code, _, err = run("listen", folder, "--host", "203.0.113.1")
    assert code == 2
    assert "cannot listen on 203.0.113.1, port 8410" in err


def test_results_tell_conditions_differences_and_listeners(voted: Path) -> None:
    code, out, err = run("listen", "results", voted)
    assert (code, err) == (0, "")
    assert "3 of 3 listeners count" in out
    for word in ("clean", "dred", "lbrr", "plc", "(original)", "(destroyed)"):
        assert word in out


def test_results_as_json_hold_the_means(voted: Path) -> None:
    found = json.loads(run("listen", "results", voted, "--json")[1])
    means = {entry["condition"]: entry["mean"] for entry in found["conditions"]}
    assert means == pytest.approx({"clean": 4, "plc": 2, "dred": 4, "lbrr": 3})
    assert {entry["votes"] for entry in found["conditions"]} == {6}
    pair = next(pair for pair in found["differences"] if {pair["better"], pair["worse"]} == {"lbrr", "plc"})
    assert (pair["better"], pair["difference"]) == ("lbrr", pytest.approx(1))
    assert {entry["condition"]: entry["mean"] for entry in found["anchors"]} == {"(original)": 5, "(destroyed)": 1}


def test_tables_are_written(voted: Path, tmp_path: Path) -> None:
    assert run("listen", "results", voted, "--csv", tmp_path / "mos.csv", "--votes", tmp_path / "votes.csv")[0] == 0
    mos, votes = ((tmp_path / name).read_text().splitlines() for name in ("mos.csv", "votes.csv"))
    assert mos[0] == ("condition,votes,mean,mean_low,mean_high,adjusted,adjusted_low,adjusted_high,p800_low,p800_high")
    assert len(mos) == 1 + 6
    assert mos[1].startswith("clean,6,4.0,")
    steps = 1 + 6 + 5 + 8 + 4
    assert len(votes) == 1 + 3 * steps
    assert sum(line.endswith(",1") for line in votes) == 3 * 8


def test_results_without_votes_are_empty_and_no_mistake(folder: Path) -> None:
    open_plan(folder, {})
    code, out, _ = run("listen", "results", folder, "--json")
    found = json.loads(out)
    assert code == 0
    assert [entry["mean"] for entry in found["conditions"]] == [None] * 4
    assert found["raters"] == []
    assert run("listen", "results", folder)[0] == 0


@pytest.mark.parametrize(
    "words",
    [("--csv", "mos.txt"), ("--min-correlation", "2"), ("--max-failed-traps", "-1")],
    ids=lambda words: words[0],
)
def test_mistakes_about_results_are_told(voted: Path, words: tuple[str, str]) -> None:
    code, out, err = run("listen", "results", voted, *words)
    assert (code, out) == (2, "")
    assert err.startswith("dred: ")


def test_files_that_were_broken_are_told(voted: Path) -> None:
    (voted / "listening" / "votes.sqlite3").write_bytes(b"broken" * 1000)
    assert "a file of votes" in run("listen", "results", voted)[2]
    (voted / "listening" / "plan.json").write_bytes(b"broken")
    assert "the plan of a listening test" in run("listen", "results", voted)[2]
