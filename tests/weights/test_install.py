import hashlib
import io
import tarfile
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from dred.errors import ModelError, UsageError
from dred.weights import RELEASES, Release, WeightSet, install, load


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def archive(source_files, tmp_path: Path) -> Path:
    path = tmp_path / "site" / "opus-1.6.1.tar.gz"
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as file:
        for name, text in source_files.items():
            info = tarfile.TarInfo(f"opus-1.6.1/{name}")
            info.size = len(text.encode())
            file.addfile(info, io.BytesIO(text.encode()))
    return path


@pytest.fixture
def release(archive: Path, monkeypatch: pytest.MonkeyPatch):
    """A release on a web server of this machine; nothing here reaches apt unless a test says so."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(archive.parent)))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Release(
        name="opus-1.6.1",
        url=f"http://127.0.0.1:{server.server_port}/opus-1.6.1.tar.gz",
        sha256=hashlib.sha256(archive.read_bytes()).hexdigest(),
        debian_suite="sid",
        debian_sha256="0" * 64,
    )
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def no_etc(tmp_path: Path) -> Path:
    return tmp_path / "no-etc"


@pytest.fixture
def debian_etc(tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The /etc of a Debian machine whose apt-get delivers the archive."""
    etc = tmp_path / "etc"
    (etc / "apt").mkdir(parents=True)
    (etc / "os-release").write_text("ID=debian\n")
    (etc / "apt" / "sources.list").write_text("deb http://mirror.invalid/debian bookworm main\n")
    apt_get = tmp_path / "bin" / "apt-get"
    apt_get.parent.mkdir()
    apt_get.write_text(f"#!/bin/sh\ncase $4 in source) cp '{archive}' opus_1.6.1.orig.tar.gz;; esac\n")
    apt_get.chmod(0o755)
    monkeypatch.setenv("PATH", str(apt_get.parent), prepend=":")
    return etc


def test_the_official_archive_becomes_an_installed_set(
    release: Release, tmp_path: Path, tiny_weights: WeightSet, assert_equal, no_etc: Path
):
    stages: list[str] = []
    seen: list[tuple[int, int | None]] = []
    path = install(
        release,
        directory=tmp_path / "sets",
        on_stage=stages.append,
        on_progress=lambda *step: seen.append(step),
        imported="2026-02-03",
        etc=no_etc,
    )
    assert path == tmp_path / "sets" / "opus-1.6.1.safetensors"
    weights = load(directory=tmp_path / "sets")
    assert_equal(weights, tiny_weights)
    assert (weights.card.source, weights.card.imported) == ("opus-1.6.1.tar.gz", "2026-02-03")
    assert stages == ["downloading opus-1.6.1.tar.gz", "importing opus-1.6.1.tar.gz"]
    assert seen[-1][0] == seen[-1][1]


def test_the_archive_is_not_kept(release: Release, tmp_path: Path, no_etc: Path):
    path = install(release, directory=tmp_path / "sets", etc=no_etc)
    assert [file for file in (tmp_path / "sets").rglob("*") if file.is_file()] == [path]


def test_an_interrupted_install_goes_on(release: Release, archive: Path, tmp_path: Path, no_etc: Path):
    part = tmp_path / "sets" / "downloads" / "opus-1.6.1.tar.gz.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(archive.read_bytes()[:1000])
    assert install(release, directory=tmp_path / "sets", etc=no_etc).is_file()


def test_without_a_directory_the_environments_is_taken(
    release: Release, tmp_path: Path, no_etc: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DRED_WEIGHTS", str(tmp_path / "mine"))
    assert install(release, etc=no_etc).parent == tmp_path / "mine"


def test_a_wrong_hash_stops_and_installs_nothing(release: Release, tmp_path: Path, debian_etc: Path):
    with pytest.raises(ModelError, match="nothing was installed"):
        install(replace(release, sha256="0" * 64), directory=tmp_path / "sets", etc=debian_etc)
    assert not [file for file in (tmp_path / "sets").rglob("*") if file.is_file()]


@pytest.mark.parametrize("pin", ["sha256", "debian_sha256"])
def test_debians_package_serves_where_the_official_host_does_not(
    release: Release, tmp_path: Path, tiny_weights: WeightSet, assert_equal, debian_etc: Path, pin
):
    hashes = {"sha256": "0" * 64, "debian_sha256": "0" * 64, pin: release.sha256}
    stages: list[str] = []
    gone = replace(release, url=release.url + ".gone", **hashes)
    install(gone, directory=tmp_path / "sets", on_stage=stages.append, etc=debian_etc)
    weights = load("opus-1.6.1", directory=tmp_path / "sets")
    assert_equal(weights, tiny_weights)
    assert weights.card.source == "opus_1.6.1.orig.tar.gz"
    assert stages == [
        "downloading opus-1.6.1.tar.gz.gone",
        "asking apt for Debian's source package opus of sid",
        "importing opus_1.6.1.orig.tar.gz",
    ]


def test_out_of_reach_is_one_line_with_both_reasons_and_three_ways_out(release: Release, tmp_path: Path, no_etc: Path):
    with pytest.raises(ModelError) as caught:
        install(replace(release, url=release.url + ".gone"), directory=tmp_path / "sets", etc=no_etc)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith("opus-1.6.1 is out of reach (")
    for part in (
        "HTTP status 404",
        "not Debian-like",
        "`dred weights install`",
        "`dred weights import ARCHIVE`",
        "$DRED_WEIGHTS",
    ):
        assert part in text


def test_an_unknown_release_is_the_callers_mistake(tmp_path: Path):
    with pytest.raises(UsageError, match=r"one of opus-1\.6\.1, opus-1\.5\.2, not 'opus-9'"):
        install("opus-9", directory=tmp_path)


def test_the_known_releases_are_pinned_and_come_over_https():
    for name, release in RELEASES.items():
        assert release.name == name
        assert release.file_name == f"{name}.tar.gz"
        assert release.url.startswith("https://")
        assert len(bytes.fromhex(release.sha256)) == len(bytes.fromhex(release.debian_sha256)) == 32
