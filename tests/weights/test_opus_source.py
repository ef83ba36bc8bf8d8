import bz2
import gzip
import io
import lzma
import os
import random
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from dred.errors import ModelError
from dred.weights import TABLE_NAMES, import_weights, opus_source
from dred.weights.opus_source import is_archive, read_opus_source


def write_tar(files: dict[str, str | bytes], path: Path, mode: str, folder: str = "opus-1.6.1/") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, text in files.items():
            data = text.encode() if isinstance(text, str) else text
            info = tarfile.TarInfo(folder + name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def write_zip(files: dict[str, str], path: Path, folder: str = "opus-1.6.1/") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(folder + name, text)
    return path


WRITERS = {
    "tar": lambda files, path, folder: write_tar(files, path, "w", folder),
    "tar.gz": lambda files, path, folder: write_tar(files, path, "w:gz", folder),
    "tar.xz": lambda files, path, folder: write_tar(files, path, "w:xz", folder),
    "tar.bz2": lambda files, path, folder: write_tar(files, path, "w:bz2", folder),
    "zip": write_zip,
}


@pytest.mark.parametrize("folder", ["opus-1.6.1/", "./opus-1.6.1/", "", "./"])
@pytest.mark.parametrize("kind", WRITERS)
def test_every_kind_of_archive_is_read(kind, folder, source_files, tiny_weights, tmp_path: Path):
    path = WRITERS[kind](source_files, tmp_path / "archive", folder)
    assert is_archive(path.read_bytes()[:512])
    source = read_opus_source(path)
    assert (source.libopus, source.bitstream_version) == ("1.6.1", 12)
    assert list(source.tensors) == list(tiny_weights.tensors)
    for name, tensor in tiny_weights.tensors.items():
        assert source.tensors[name].tobytes() == tensor.tobytes()
    for name, table in tiny_weights.tables.items():
        assert source.tables[name].tolist() == table.tolist()


def test_a_source_tree_is_read(source_files, tiny_weights, tmp_path: Path, write_tree):
    source = read_opus_source(write_tree(source_files, tmp_path))
    assert list(source.tensors) == list(tiny_weights.tensors)


def test_a_tree_without_a_release_is_read(source_files, tmp_path: Path, write_tree):
    write_tree(source_files, tmp_path)
    (tmp_path / "package_version").unlink()
    assert read_opus_source(tmp_path).libopus == ""


@pytest.mark.parametrize(
    "name",
    ["dnn/fargan_data.c", "dnn/dred_rdovae_stats_data.c", "dnn/dred_config.h", "dnn/dred_rdovae_constants.h"],
)
@pytest.mark.parametrize("kind", ["tree", "tar.gz", "zip"])
def test_a_missing_file_is_named(kind, name, source_files, tmp_path: Path, write_tree):
    files = {key: text for key, text in source_files.items() if key != name}
    path = write_tree(files, tmp_path / "t") if kind == "tree" else WRITERS[kind](files, tmp_path / "a", "opus/")
    with pytest.raises(ModelError, match=f"no {name}"):
        read_opus_source(path)


def test_members_outside_the_tree_or_deeper_are_not_taken(source_files, tmp_path: Path):
    poison = {f"{folder}{name}": "poison" for name in source_files for folder in ("../a/", "/etc/", "opus/extra/")}
    path = write_tar(poison | {f"opus/{name}": text for name, text in source_files.items()}, tmp_path / "a", "w", "")
    assert read_opus_source(path).libopus == "1.6.1"


def test_links_are_not_followed(source_files, tmp_path: Path):
    path = tmp_path / "a"
    write_tar({name: text for name, text in source_files.items() if name != "dnn/plc_data.c"}, path, "w")
    secret = tmp_path / "secret"
    secret.write_text(source_files["dnn/plc_data.c"])
    with tarfile.open(path, "a") as archive:
        info = tarfile.TarInfo("opus-1.6.1/dnn/plc_data.c")
        info.type, info.linkname = tarfile.SYMTYPE, str(secret)
        archive.addfile(info)
    with pytest.raises(ModelError, match=r"no dnn/plc_data\.c"):
        read_opus_source(path)


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("dnn/dred_config.h", "", "defines no DRED_EXPERIMENTAL_VERSION"),
        ("dnn/dred_config.h", "#define DRED_EXPERIMENTAL_VERSION 0x0c", "defines no DRED_EXPERIMENTAL_VERSION"),
        ("dnn/dred_rdovae_constants.h", "#define DRED_LATENT_DIM 4\n#define DRED_STATE_DIM 2", "16 times 4"),
        ("dnn/dred_rdovae_constants.h", "#define DRED_LATENT_DIM 3\n", "defines no DRED_STATE_DIM"),
        ("dnn/dred_rdovae_stats_data.c", "", "no table dred_latent_quant_scales_q8"),
        ("dnn/plc_data.c", "const int a[2] = {1};", "declared with 2"),
        (
            "dnn/plc_data.c",
            'const int conv2d_1_bias[1] = {1}; const WeightArray x[] = {{"conv2d_1_bias", T}};',
            "listed twice",
        ),
    ],
)
def test_a_file_that_says_something_else_is_refused(name, text, complaint, source_files, tmp_path: Path, write_tree):
    with pytest.raises(ModelError, match=complaint):
        read_opus_source(write_tree({**source_files, name: text}, tmp_path))


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "tar.xz", "tar.bz2", "zip"])
def test_a_damaged_archive_is_read_or_refused(kind, source_files, tmp_path: Path):
    whole = WRITERS[kind](source_files, tmp_path / "whole", "opus/").read_bytes()
    draw = random.Random(3)
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(draw.choice([0, 1, 1, 20])):
            damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
        path = tmp_path / "damaged"
        path.write_bytes(damaged[: draw.choice([len(damaged), draw.randrange(len(damaged))])])
        with suppress(ModelError):
            assert tuple(read_opus_source(path).tables) == TABLE_NAMES


def test_a_member_of_absurd_size_is_refused(source_files, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(opus_source, "_MAX_MEMBER_BYTES", 1 << 20)
    bomb = {**source_files, "dnn/plc_data.c": " " * (2 << 20)}
    for kind in ("tar.gz", "zip"):
        with pytest.raises(ModelError, match="larger than 1 MiB"):
            read_opus_source(WRITERS[kind](bomb, tmp_path / kind, "opus/"))


def test_an_archive_that_unpacks_to_absurd_lengths_is_refused(source_files, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(opus_source, "_MAX_ARCHIVE_BYTES", 1 << 20)
    bomb = {"doc/zeros": bytes(2 << 20), **source_files}
    with pytest.raises(ModelError, match="unpacks to more than 1 MiB"):
        read_opus_source(write_tar(bomb, tmp_path / "a", "w:xz"))


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress])
def test_packed_noise_is_refused(pack, tmp_path: Path):
    (tmp_path / "a").write_bytes(pack(b"noise" * 500))
    with pytest.raises(ModelError, match="a: "):
        read_opus_source(tmp_path / "a")


@pytest.mark.parametrize("head", [b"", b"PK", b"DNNw", b"\x1f", bytes(512)])
def test_other_files_are_no_archives(head):
    assert not is_archive(head)


@pytest.mark.reference
def test_a_release_of_opus_gives_what_its_blob_gives(shared: Path, assert_equal):
    named = os.environ.get("DRED_TEST_OPUS_SOURCE")
    if not named:
        pytest.skip("$DRED_TEST_OPUS_SOURCE names no release archive or source tree of Opus 1.6.1 or 1.5.2")
    weights = import_weights(Path(named))
    blob = import_weights(shared / "weights" / f"libopus-{weights.card.libopus}.dnnw")
    assert_equal(weights, blob)
    assert weights.name == blob.name
    assert weights.tensors_sha256 == blob.tensors_sha256
