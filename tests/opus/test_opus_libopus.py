"""Which libopus is loaded, what it can do, and how our packets, extensions and LBRR flags agree with it."""

import copy
import ctypes
import gc
import pickle
import subprocess
import sys
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.errors import ExtensionFormatError, LibopusError, OpusFormatError, UsageError
from dred.opus import (
    Extension,
    Libopus,
    OpusDecoder,
    OpusEncoder,
    OpusEncoderConfig,
    Toc,
    add_extension,
    find_extension,
    has_lbrr,
    load_libopus,
    pad_to_size,
    parse_extensions,
    parse_packet,
    strip_extensions,
    write_extensions,
    write_packet,
)
from dred.opus.libopus import _find_default

PREFIX = b"D\x0c"


def packets() -> st.SearchStrategy[bytes]:
    """Bytes that are packets more often than chance would have it."""
    code3 = st.tuples(
        st.sampled_from([0x4B, 0x0F, 0xE7, 0xFB]), st.sampled_from([1, 2, 3, 0x41, 0x42, 0x81, 0x82, 0xC3])
    )
    return st.one_of(
        st.binary(max_size=30),
        st.builds(lambda head, tail: bytes(head) + tail, code3, st.binary(max_size=30)),
        st.builds(
            lambda head, length, tail: bytes(head) + length + tail,
            code3,
            st.sampled_from([b"\x00", b"\x05", b"\xff\x00", b"\xfc\x01"]),
            st.binary(max_size=300),
        ),
    )


def areas() -> st.SearchStrategy[bytes]:
    """Padding that is rich in separators, repeats and DRED."""
    framing = [b"\x00", b"\x01", b"\x02", b"\x03\x00", b"\x03\x01", b"\x04", b"\x05"]
    others = [b"\x06", b"\x07a", b"\x41\x02ab", b"\x43\x00", b"\x40c", b"\x41", b"a", b"\x01b"]
    dred = [
        b"\xfd\x06D\x0cabcd",
        b"\xfd\x03D\x0ax",
        b"\xfd\x02D\x0c",
        b"\xfcD\x0cxyz",
        b"\x04D\x0cxyz",
        b"\x05\x03D\x0cx",
    ]
    item = st.sampled_from([*framing, *others, *dred])
    return st.one_of(st.lists(item, max_size=12).map(b"".join), st.binary(max_size=20))


def by_frame(extensions: list[Extension]) -> list[Extension]:
    return sorted(extensions, key=lambda extension: extension.frame)


@pytest.fixture(scope="module")
def library() -> Libopus:
    return load_libopus()


@pytest.fixture(scope="module")
def rewriting_library(library: Libopus) -> Libopus:
    """One that parses and rewrites extensions with repeats when it pads a packet, as libopus does from 1.6 on."""
    if not library.capabilities.ignore_extensions:
        pytest.skip(f"{library.capabilities.version} is older than 1.6")
    return library


def test_without_a_name_pyavs_libopus_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DRED_LIBOPUS", raising=False)
    library = load_libopus()
    assert library is load_libopus() is load_libopus(library.capabilities.path)
    assert library.capabilities.path.is_absolute()
    assert library.capabilities.path.parent.name in ("av.libs", ".dylibs")
    assert library.capabilities.version.startswith("libopus 1.")


def test_importing_the_package_loads_neither_libopus_nor_pyav() -> None:
    script = (
        "import sys, ctypes; loaded = []; original = ctypes.CDLL.__init__\n"
        "def record(self, name, *rest, **more): loaded.append(str(name)); original(self, name, *rest, **more)\n"
        "ctypes.CDLL.__init__ = record\n"
        "import dred.opus; assert not [name for name in loaded if 'opus' in name]\n"
        "dred.opus.load_libopus(); assert [name for name in loaded if 'opus' in name]; assert 'av' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_environment_names_a_library_and_an_argument_overrules_it(
    library: Libopus, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DRED_LIBOPUS", str(tmp_path / "libopus.so"))
    with pytest.raises(LibopusError, match="no usable libopus"):
        load_libopus()
    assert load_libopus(library.capabilities.path) is library


def test_what_is_no_libopus_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "libopus.so"
    text.write_text("not a library")
    for path in (text, tmp_path / "absent.so", ctypes.util.find_library("c") or "libc.so.6"):
        with pytest.raises(LibopusError, match="no usable libopus"):
            load_libopus(Path(path))


@pytest.fixture
def no_bundled_library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("DRED_LIBOPUS", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    _find_default.cache_clear()
    yield
    _find_default.cache_clear()


@pytest.mark.usefixtures("no_bundled_library")
def test_without_any_libopus_the_ways_out_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    with pytest.raises(LibopusError, match=r"no libopus found: run `pip install av`.*\$DRED_LIBOPUS"):
        load_libopus()


@pytest.mark.usefixtures("no_bundled_library")
def test_the_systems_libopus_is_the_last_resort(library: Libopus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.util.find_library", lambda name: str(library.capabilities.path))
    assert load_libopus() is library


def test_a_codec_can_be_neither_copied_nor_pickled_and_frees_its_memory(library: Libopus) -> None:
    for codec in (OpusEncoder(OpusEncoderConfig(), library), OpusDecoder(16_000, 1, library)):
        for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(UsageError, match="neither copied nor pickled"):
                duplicate(codec)
    assert codec.library is library
    reference = weakref.ref(codec)
    del codec
    gc.collect()
    assert reference() is None


def test_what_a_libopus_lacks_is_told_not_tried(library: Libopus) -> None:
    old = Libopus(library.capabilities.path)
    old.capabilities = replace(
        library.capabilities, version="libopus 1.0", decoder_complexity=False, native_dred=False, has_lbrr=False
    )
    with pytest.raises(LibopusError, match=r"libopus 1\.0 cannot tell whether a packet carries LBRR"):
        old.has_lbrr(b"\x48a")
    with pytest.raises(LibopusError, match=r"libopus 1\.0 is built without DRED"):
        OpusEncoder(OpusEncoderConfig(), old).set_dred_duration(100)
    with pytest.raises(LibopusError, match=r"libopus 1\.0 knows no decoder complexity"):
        OpusDecoder(16_000, 1, old, complexity=5)
    assert OpusDecoder(16_000, 1, old).decode(b"\x48a").shape == (320, 1)


@given(data=packets())
def test_libopus_takes_the_same_bytes_for_packets_and_strips_them_alike(library: Libopus, data: bytes) -> None:
    try:
        stripped = strip_extensions(data)
    except OpusFormatError:
        with pytest.raises(OpusFormatError):
            library.unpad_packet(data)
        return
    assert library.unpad_packet(data) == stripped


@given(data=packets())
def test_libopus_sees_lbrr_in_the_same_packets(library: Libopus, data: bytes) -> None:
    if not library.capabilities.has_lbrr:
        pytest.skip(f"{library.capabilities.version} cannot tell")
    try:
        expected = has_lbrr(data)
        first_frame = parse_packet(data).frames[0]
    except OpusFormatError:
        return
    # libopus 1.5 reads behind an empty frame.
    assert not first_frame or library.has_lbrr(data) == expected


@given(area=areas(), num_frames=st.integers(1, 6))
def test_libopus_reads_the_same_extensions(rewriting_library: Libopus, area: bytes, num_frames: int) -> None:
    packet = write_packet(Toc(config=16), [b"x"] * num_frames, area)
    try:
        extensions = parse_extensions(area, num_frames)
    except ExtensionFormatError:
        with pytest.raises(OpusFormatError, match="internal error"):
            rewriting_library.pad_packet(packet, len(packet) + 2000)
        return
    # libopus pads by parsing all extensions and writing them again.
    rewritten = parse_packet(rewriting_library.pad_packet(packet, len(packet) + 2000))
    assert by_frame(parse_extensions(rewritten.padding, num_frames)) == by_frame(extensions)
    assert len(write_extensions(extensions, num_frames)) <= len(rewritten.padding.lstrip(b"\x01")) or not extensions


@pytest.mark.parametrize("size", [4, 5, 6, 7, 100, 257, 258, 259, 260, 261, 1000])
def test_libopus_pads_a_packet_alike(rewriting_library: Libopus, size: int) -> None:
    assert pad_to_size(b"\x48abc", size) == rewriting_library.pad_packet(b"\x48abc", size)
    packet = add_extension(b"\x48abc", 126, b"D\x0cpayload")
    assert pad_to_size(packet, 14 + size) == rewriting_library.pad_packet(packet, 14 + size)


def test_packet_functions_refuse_what_is_no_packet(library: Libopus) -> None:
    calls = [library.unpad_packet, lambda data: library.pad_packet(data, 65_535)]
    if library.capabilities.has_lbrr:
        calls.append(library.has_lbrr)
    for call in calls:
        with pytest.raises(OpusFormatError, match="1 to 65535 bytes"):
            call(b"")
        with pytest.raises(OpusFormatError, match="1 to 65535 bytes"):
            call(bytes(65_536))
        with pytest.raises(OpusFormatError, match="R3"):
            call(b"\x49abc")
    for size in (2, 65_536):
        with pytest.raises(UsageError, match=f"not to {size}"):
            library.pad_packet(b"\x48ab", size)


class DredParser:
    """The oracle's own search for DRED, through its public function."""

    def __init__(self, path: Path) -> None:
        self.functions = ctypes.CDLL(str(path))
        for name in ("opus_dred_decoder_create", "opus_dred_alloc"):
            getattr(self.functions, name).restype = ctypes.c_void_p
        error = ctypes.c_int()
        self.decoder = ctypes.c_void_p(self.functions.opus_dred_decoder_create(ctypes.byref(error)))
        self.dred = ctypes.c_void_p(self.functions.opus_dred_alloc(ctypes.byref(error)))

    def parse(self, packet: bytes) -> tuple[int, int]:
        """Return the samples covered, or an error, and where they end before the packet."""
        end = ctypes.c_int()
        covered = self.functions.opus_dred_parse(
            self.decoder, self.dred, packet, len(packet), 48_000, 48_000, ctypes.byref(end), 1
        )
        return covered, end.value


@pytest.fixture(scope="module")
def dred_parser(oracle_path: Path) -> DredParser:
    return DredParser(oracle_path)


@pytest.mark.oracle
@given(area=areas(), num_frames=st.integers(1, 6))
def test_libopus_finds_the_same_dred(dred_parser: DredParser, area: bytes, num_frames: int) -> None:
    packet = write_packet(Toc(config=9), [b"x"] * num_frames, area)
    covered, end = dred_parser.parse(packet)
    try:
        found = find_extension(packet, 126, PREFIX)
    except ExtensionFormatError:
        assert covered < 0
        return
    if found is None:
        assert (covered, end) == (0, 0)
        return
    alone = add_extension(strip_extensions(packet), 126, found.payload, frame=found.frame)
    assert dred_parser.parse(alone) == (covered, end)


@pytest.mark.oracle
def test_an_oracle_has_dred_and_neural_concealment(oracle_path: Path) -> None:
    oracle = load_libopus(oracle_path)
    assert oracle.capabilities.native_dred
    assert oracle.capabilities.deep_plc
    assert oracle.capabilities.path == oracle_path.resolve()


@pytest.mark.oracle
def test_an_oracle_adds_dred_that_is_found(oracle_path: Path, rng: np.random.Generator) -> None:
    encoder = OpusEncoder(
        OpusEncoderConfig(bitrate_bps=48_000, expected_loss_percent=20, force_mode="silk"), load_libopus(oracle_path)
    )
    encoder.set_dred_duration(100)
    speech = (0.1 * rng.standard_normal((50, 320))).astype(np.float32)
    packets = [encoder.encode(frame) for frame in speech]
    assert find_extension(packets[-1], 126, PREFIX) is not None
    encoder.set_dred_duration(0)
    assert find_extension(encoder.encode(speech[0]), 126) is None
