"""Recordings out of a package of Debian: what is taken, and that any bytes are a package or an error."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.audio import write_wav
from dred.errors import FileFormatError, UsageError
from dred.training.data import festvox_ru, find_clips
from dred.training.data.deb_archive import read_deb_files
from dred.training.data.festvox_ru import fetch_festvox_ru, unpack_festvox_ru
from dred.weights.download import SourceUnreachableError

VOICE = "./usr/share/festival/voices/russian/msu_ru_nsh_clunits"
TEXTS = '( ru_0001 "Корреспондент, американской газеты." )\n( ru_0002 "Она ушла." )\n'


def pack(files: dict[str, bytes], *, packing: str = "xz") -> bytes:
    """Make a .deb; a name that ends in a slash is a folder, one with an arrow a link."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=f"w:{packing}") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name.partition("->")[0].rstrip("/"))
            member.size = len(content)
            if name.endswith("/"):
                member.type = tarfile.DIRTYPE
            if "->" in name:
                member.type, member.linkname = tarfile.SYMTYPE, name.partition("->")[2]
            archive.addfile(member, io.BytesIO(content))
    members = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", f"data.tar.{packing}": data.getvalue()}
    return b"!<arch>\n" + b"".join(
        f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content + b"\n" * (len(content) % 2)
        for name, content in members.items()
    )


@pytest.fixture
def package(tmp_path: Path) -> Path:
    files = {f"{VOICE}/": b"", f"{VOICE}/etc/txt.done.data": TEXTS.encode()}
    for number in (2, 1):
        write_wav(tmp_path / "x.wav", np.full(160 * number, 0.25, np.float32), 16_000)
        files[f"{VOICE}/wav/ru_000{number}.wav"] = (tmp_path / "x.wav").read_bytes()
    files |= {
        f"{VOICE}/dict/large.scm": b"of no interest",
        f"{VOICE}/wav/../../escape.wav": b"no",
        f"{VOICE}/wav/link.wav->/etc/passwd": b"",
        "./usr/share/doc/festvox-ru/copyright": b"Copyright 2005",
    }
    (tmp_path / "x.wav").unlink()
    path = tmp_path / "festvox-ru_1_all.deb"
    path.write_bytes(pack(files))
    return path


def test_recordings_their_texts_and_the_notice_are_unpacked_and_nothing_else(package: Path, tmp_path: Path) -> None:
    assert unpack_festvox_ru(package, tmp_path / "out") == 2
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["copyright", "manifest.jsonl", "ru_0001.wav", "ru_0002.wav"]
    clips = find_clips([tmp_path / "out"])
    assert [(clip.name, clip.speaker, clip.split, clip.is_synthetic) for clip in clips] == [
        ("ru_0001.wav", "festvox-ru", "train", False),
        ("ru_0002.wav", "festvox-ru", "train", False),
    ]
    assert clips[1].read().size == 320
    assert "BSD" in clips[0].licence
    rows = [json.loads(line) for line in (tmp_path / "out/manifest.jsonl").read_text().splitlines()]
    assert [row["text"] for row in rows] == ["Корреспондент, американской газеты.", "Она ушла."]


def test_a_package_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.deb").write_bytes(pack({"./usr/bin/x": b"x"}))
    with pytest.raises(FileFormatError, match="the package festvox-ru"):
        unpack_festvox_ru(tmp_path / "x.deb", tmp_path / "out")
    assert not (tmp_path / "out/manifest.jsonl").exists()


@pytest.mark.parametrize("packing", ["xz", "gz", "bz2"])
def test_files_are_read_whatever_packs_them(tmp_path: Path, packing: str) -> None:
    (tmp_path / "x.deb").write_bytes(pack({"./a": b"1", "./b": b"2"}, packing=packing))
    assert list(read_deb_files(tmp_path / "x.deb", lambda name: name == "./b")) == [("./b", b"2")]


@given(data=st.binary(max_size=80), place=st.floats(0, 1))
def test_any_bytes_are_files_or_an_error_of_format(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, place: float
) -> None:
    whole = pack({f"./{number}": bytes(range(200)) for number in range(4)}, packing="gz")
    at = int(place * len(whole))
    path = tmp_path_factory.getbasetemp() / "any.deb"
    path.write_bytes(whole[:at] + data + whole[at + len(data) :])
    try:
        list(read_deb_files(path, lambda name: True))
    except FileFormatError:
        return


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_cut_package_is_refused(package: Path, tmp_path: Path, share: float) -> None:
    data = package.read_bytes()
    (tmp_path / "cut.deb").write_bytes(data[: int(share * len(data))])
    with pytest.raises(FileFormatError):
        unpack_festvox_ru(tmp_path / "cut.deb", tmp_path / "out")


def fetcher(package: Path, has: str, asked: list[str]) -> Callable[..., Path]:
    def fetch(name: str, suite: str, directory: Path, **_: object) -> Path:
        asked.append(suite)
        if suite != has:
            raise SourceUnreachableError("not here")
        directory.mkdir(exist_ok=True)
        return Path(package.replace(directory / package.name))

    return fetch


def test_suites_are_asked_in_turn_and_what_is_there_is_not_fetched_again(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(festvox_ru, "fetch_debian_package", fetcher(package, "sid", asked))
    assert fetch_festvox_ru(tmp_path / "out") == 2
    assert asked == ["stable", "sid"]
    assert not list((tmp_path / "out").glob("*.deb"))
    assert fetch_festvox_ru(tmp_path / "out") == 2
    assert asked == ["stable", "sid"]


def test_a_package_that_an_earlier_call_left_is_used(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(festvox_ru, "_SHA256", hashlib.sha256(package.read_bytes()).hexdigest())
    (tmp_path / "out").mkdir()
    package.replace(tmp_path / "out" / package.name)
    assert fetch_festvox_ru(tmp_path / "out", etc=tmp_path / "nowhere") == 2


def test_where_no_suite_has_it_all_reasons_are_told(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(festvox_ru, "fetch_debian_package", fetcher(package, "none", []))
    with pytest.raises(SourceUnreachableError, match=r"out of reach \(stable: not here; sid: not here\)"):
        fetch_festvox_ru(tmp_path / "out")


def test_a_folder_that_cannot_be_made_is_told(package: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="cannot write"):
        unpack_festvox_ru(package, tmp_path / "file" / "out")
