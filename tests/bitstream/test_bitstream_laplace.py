"""The Laplace coder: libopus's bytes, laws, and the cap of the escape loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dred.bitstream import range_kernels as kernels
from dred.bitstream.laplace import MAX_MAGNITUDE, LaplaceModel, build_laplace_model, decode_laplace, encode_laplace

VALUES = [0, 1, -1, 2, -3, 7, -8, 9, 20, -40, 0, 0]

# p0_q8, r_q8, bits told and bytes of VALUES: recorded from libopus 1.6.1 (celt/laplace.c).
GOLDEN = [
    (100, 150, 96, "30c4e12033a764da97f1ffca"),
    (1, 254, 98, "00018001fcfb3ea54f0f7e4380"),
    (254, 1, 285, "fd010006ee2fc69c21fc3ffffff107ffff3e83ffffffff1c3fffffffffffffffffffff90"),
]


def model_of(p0_q8: int, r_q8: int) -> LaplaceModel:
    return build_laplace_model(np.array(p0_q8, np.uint8), np.array(r_q8, np.uint8))


def encode_all(values: list[int], model: LaplaceModel) -> tuple[bytes, int]:
    state = kernels.start_encoder()
    out = np.zeros(100 + 100 * len(values), np.uint8)
    for value in values:
        state = encode_laplace(state, out, value, model.icdf, 0)
    tell_bits = kernels.tell_bits(state)
    num_bytes = (tell_bits + 7) // 8
    kernels.finish(state, out, num_bytes)
    return out[:num_bytes].tobytes(), tell_bits


def decode_all(data: bytes, num_values: int, model: LaplaceModel) -> list[int]:
    state = kernels.start_decoder(data)
    values = []
    for _ in range(num_values):
        value, state = decode_laplace(state, data, model.icdf, 0)
        values.append(value)
    return values


@pytest.mark.parametrize(("p0_q8", "r_q8", "tell", "data"), GOLDEN)
def test_values_give_the_bytes_of_libopus(p0_q8: int, r_q8: int, tell: int, data: str) -> None:
    model = model_of(p0_q8, r_q8)
    encoded, told = encode_all(VALUES, model)
    assert encoded.hex() == data
    assert told == tell
    assert decode_all(encoded, len(VALUES), model) == VALUES


@given(st.integers(1, 254), st.integers(1, 255), st.lists(st.integers(-300, 300), max_size=30))
def test_values_come_back(p0_q8: int, r_q8: int, values: list[int]) -> None:
    model = model_of(p0_q8, r_q8)
    assert decode_all(encode_all(values, model)[0], len(values), model) == values


def test_every_symbol_of_every_table_has_a_part_of_the_total() -> None:
    p0_q8, r_q8 = np.meshgrid(np.arange(1, 255, dtype=np.uint8), np.arange(1, 256, dtype=np.uint8))
    model = build_laplace_model(p0_q8, r_q8)
    assert model.is_coded.all()
    for icdf in (model.icdf[..., :3].astype(int), model.icdf[..., 3:].astype(int)):
        assert np.all(np.diff(icdf, axis=-1, prepend=1 << 15) < 0)
        assert np.all(icdf[..., -1] == 0)


@pytest.mark.parametrize(("p0_q8", "r_q8", "is_coded"), [(255, 100, False), (100, 0, False), (254, 1, True)])
def test_certain_zeros_are_not_coded(p0_q8: int, r_q8: int, is_coded: bool) -> None:
    assert model_of(p0_q8, r_q8).is_coded == is_coded


def test_values_of_the_model_cost_their_entropy_and_one_percent_at_most() -> None:
    rng = np.random.default_rng(11)
    model = model_of(90, 170)
    icdf = model.icdf.astype(int)
    sign_widths = -np.diff(icdf[:3], prepend=1 << 15) / 32768
    magnitude_widths = -np.diff(icdf[3:], prepend=1 << 15) / 32768
    values, ideal_bits = [], 0.0
    for sign in rng.choice(3, size=5000, p=sign_widths):
        ideal_bits -= np.log2(sign_widths[sign])
        magnitude = 0
        while sign:
            symbol = rng.choice(8, p=magnitude_widths)
            ideal_bits -= np.log2(magnitude_widths[symbol])
            magnitude += symbol
            if symbol < 7:
                magnitude += 1
                break
        values.append(int(magnitude if sign == 1 else -magnitude))
    data, _ = encode_all(values, model)
    assert ideal_bits <= 8 * len(data) < 1.01 * ideal_bits


def test_the_longest_payload_of_escapes_ends_before_the_cap() -> None:
    # All ones are the top of the interval: negative, then an escape for as long as the bytes last.
    model = model_of(1, 255)
    assert -MAX_MAGNITUDE < decode_all(b"\xff" * 1000, 1, model)[0] < -1_000_000


def test_more_escapes_than_a_payload_can_hold_are_cut() -> None:
    assert decode_all(b"\xff" * 2000, 1, model_of(1, 255)) == [-MAX_MAGNITUDE]
