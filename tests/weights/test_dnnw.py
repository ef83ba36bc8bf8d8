import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dred.errors import ModelError
from dred.weights import WeightSet
from dred.weights.dnnw import parse_dnnw, write_dnnw

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,42}", fullmatch=True)
ARRAYS = st.sampled_from([np.float32, np.int8, np.int32]).flatmap(
    lambda dtype: hnp.arrays(dtype, st.integers(1, 40), elements={"allow_nan": False} if dtype is np.float32 else None)
)


LAYER_BIAS = b"layer_bias".ljust(44, b"\0")


def record(*, magic=b"DNNw", version=0, kind=3, size=3, block=64, name=LAYER_BIAS, data=b"abc", pad=b"\0") -> bytes:
    return struct.pack("<4s4i44s", magic, version, kind, size, block, name) + data + pad * (64 - len(data))


@given(st.dictionaries(NAMES, ARRAYS, min_size=1, max_size=5))
def test_what_is_written_is_parsed_again(tensors):
    parsed = parse_dnnw(write_dnnw(tensors))
    assert list(parsed) == list(tensors)
    for name, tensor in tensors.items():
        assert parsed[name].dtype == tensor.dtype
        assert parsed[name].tobytes() == tensor.tobytes()


def test_a_record_is_64_bytes_of_header_and_blocks_of_64():
    assert parse_dnnw(record())["layer_bias"].tobytes() == b"abc"
    assert write_dnnw({"layer_bias": np.frombuffer(b"abc", np.int8)}) == record()


@pytest.mark.parametrize(
    ("fields", "rule", "offset"),
    [
        ({"magic": b"DNNx"}, "starts with DNNw", 0),
        ({"version": 1}, "the version is 0", 4),
        ({"kind": 2}, "the type is", 8),
        ({"kind": -1}, "the type is", 8),
        ({"size": -1}, "positive multiple of 1", 12),
        ({"size": 0}, "positive multiple of 1", 12),
        ({"kind": 0, "size": 6}, "positive multiple of 4", 12),
        ({"size": -(1 << 31)}, "positive multiple of 1", 12),
        ({"block": 0}, "size padded to 64", 16),
        ({"block": -64}, "size padded to 64", 16),
        ({"block": 128}, "size padded to 64", 16),
        ({"size": 65, "block": 64}, "size padded to 64", 16),
        ({"size": 65, "block": 128}, "ends within the data", 16),
        ({"size": (1 << 31) - 64, "block": (1 << 31) - 64}, "ends within the data", 16),
        ({"name": b"n" * 44}, "ends in NUL", 20),
        ({"name": b"layer\0junk".ljust(44, b"\0")}, "ends in NUL", 20),
        ({"name": bytes(44)}, "identifier", 20),
        ({"name": b"a b".ljust(44, b"\0")}, "identifier", 20),
        ({"name": b"\xe9t\xe9".ljust(44, b"\0")}, "identifier", 20),
        ({"pad": b"\1"}, "padding is zero", 67),
    ],
)
def test_a_record_that_breaks_a_rule_is_refused_with_its_offset(fields, rule, offset):
    good = record(name=b"first_bias".ljust(44, b"\0"))
    with pytest.raises(ModelError, match=rule) as caught:
        parse_dnnw(good + record(**fields))
    assert f"at byte {len(good) + offset}," in str(caught.value)


def test_two_records_of_one_name_are_refused():
    with pytest.raises(ModelError, match="names differ"):
        parse_dnnw(record() + record())


def test_no_record_at_all_is_refused():
    with pytest.raises(ModelError, match="at least one record"):
        parse_dnnw(b"")


def test_a_name_that_no_record_holds_is_not_written():
    with pytest.raises(ModelError, match="at most 43"):
        write_dnnw({"n" * 44: np.zeros(1, np.int8)})


def test_every_truncation_but_between_records_is_refused(tiny_weights: WeightSet):
    blob = write_dnnw(tiny_weights.tensors)
    ends = {0}
    for tensor in tiny_weights.tensors.values():
        ends.add(max(ends) + 64 + -(-tensor.nbytes // 64) * 64)
    for length in range(len(blob)):
        if length not in ends:
            with pytest.raises(ModelError):
                parse_dnnw(blob[:length])


@given(st.data())
def test_a_flipped_bit_is_refused_or_reproduced(tiny_weights, data):
    blob = bytearray(write_dnnw(tiny_weights.tensors))
    position = data.draw(st.integers(0, len(blob) - 1))
    blob[position] ^= 1 << data.draw(st.integers(0, 7))
    assert_refused_or_reproduced(bytes(blob))


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(lambda rest: record() + b"DNNw" + rest)))
def test_any_bytes_are_refused_or_reproduced(data):
    assert_refused_or_reproduced(data)


def assert_refused_or_reproduced(data: bytes) -> None:
    try:
        tensors = parse_dnnw(data)
    except ModelError:
        return
    assert write_dnnw(tensors) == data


@pytest.mark.reference
@pytest.mark.parametrize(("release", "num_records"), [("1.6.1", 343), ("1.5.2", 290)])
def test_libopus_blobs_come_back_byte_for_byte(shared: Path, release, num_records):
    blob = (shared / "weights" / f"libopus-{release}.dnnw").read_bytes()
    tensors = parse_dnnw(blob)
    assert len(tensors) == num_records
    assert write_dnnw(tensors) == blob
