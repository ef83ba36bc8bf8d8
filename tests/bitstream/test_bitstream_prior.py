"""Payloads with a prior: they come back, whatever it says; its integers are fixed; what it foresees costs less."""

import decimal
import hashlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dred.bitstream import DredHeader, LatentPrior, PayloadTables, parse_payload, write_payload
from dred.bitstream.prior import probabilities_q15
from dred.bitstream.prior_kernels import SIGNED_SIZES, UNSIGNED_SIZES
from dred.errors import ModelError

DIM, HIDDEN = 6, 5
BEHIND = np.arange(DIM)[:, None] < np.tile(np.arange(DIM), 3)


def invent(seed: int, reach: int = 600) -> LatentPrior:
    rng = np.random.default_rng(seed)

    def weights(*shape: int) -> np.ndarray:
        return rng.integers(-reach, reach + 1, shape).astype(np.int16)

    def biases(*shape: int) -> np.ndarray:
        return (rng.integers(-reach, reach + 1, shape) * 256).astype(np.int32)

    return LatentPrior(
        hidden_bias=biases(16, HIDDEN),
        first_bias=biases(HIDDEN),
        inputs=weights(DIM, 2, HIDDEN),
        outputs=weights(HIDDEN, 3 * DIM),
        odds=biases(16, 3 * DIM),
        inside=(weights(DIM, 2, 3 * DIM) * BEHIND[:, None]).astype(np.int16),
    )


def draw_latents(tables: PayloadTables, header: DredHeader, num_latents: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = (num_latents, DIM)
    escapes = rng.integers(-60, 61, shape) * (rng.random(shape) < 0.05)
    symbols = rng.integers(-2, 3, shape) + escapes
    return (symbols * tables.latent.model.is_coded[header.levels(num_latents)]).astype(np.int32)


@settings(max_examples=200)
@given(
    st.integers(0, 15), st.integers(0, 7), st.integers(1, 26), st.integers(0, 2**32 - 1), st.sampled_from([600, 32_767])
)
def test_symbols_come_back_whatever_the_prior_says(
    small_tables: PayloadTables, q0: int, dq: int, num_latents: int, seed: int, reach: int
) -> None:
    tables = replace(small_tables, prior=invent(seed, reach))
    header = DredHeader(q0=q0, dq=dq, qmax=15, offset_ticks=0)
    latents = draw_latents(tables, header, num_latents, seed)
    state = np.zeros(tables.state.dim, np.int32)
    written = write_payload(header, state, latents, tables)
    parsed = parse_payload(written.data + bytes(26), tables, max_latents=written.num_latents)
    assert np.array_equal(parsed.latent_symbols, latents[: written.num_latents])
    assert np.array_equal(parsed.state_symbols, state)


@settings(max_examples=200)
@given(st.binary(min_size=1, max_size=1000), st.integers(0, 2**32 - 1))
def test_any_bytes_parse(small_tables: PayloadTables, data: bytes, seed: int) -> None:
    parsed = parse_payload(data, replace(small_tables, prior=invent(seed)))
    assert np.isfinite(parsed.latents).all()
    assert not parsed.latent_symbols[~small_tables.latent.model.is_coded[parsed.levels]].any()


def test_a_symbol_costs_what_the_network_gives_it(small_tables: PayloadTables) -> None:
    prior = invent(3, reach=200)
    tables = replace(small_tables, prior=prior)
    header = DredHeader(q0=4, dq=6, qmax=15, offset_ticks=0)
    latents = draw_latents(tables, header, 26, seed=1).clip(-6, 6)
    state = np.zeros(tables.state.dim, np.int32)
    levels = header.levels(26)
    bits = 0.0
    for number, (symbols, level) in enumerate(zip(latents, levels)):
        newer = (latents[number - 1], int(levels[number - 1])) if number else None
        bits += _ideal_bits(symbols, int(level), newer, tables)
    few = write_payload(header, state, latents[:1], tables)
    first = _ideal_bits(latents[0], int(levels[0]), None, tables)
    found = 8 * (len(write_payload(header, state, latents, tables).data) - len(few.data))
    assert found == pytest.approx(bits - first, abs=16)


def _ideal_bits(symbols: np.ndarray, level: int, newer: tuple[np.ndarray, int] | None, tables: PayloadTables) -> float:
    """The network in plain numbers, by what its documentation says."""
    prior = tables.prior
    assert prior is not None
    is_coded, scale = tables.latent.model.is_coded, tables.latent.scale_q8.astype(int)

    def sizes(value: int) -> np.ndarray:
        size = min(abs(value), 15)
        return np.array([np.sign(value) * SIGNED_SIZES[size], UNSIGNED_SIZES[size]], np.int64)

    hidden = prior.hidden_bias[level].astype(np.int64)
    if newer is None:
        hidden = hidden + prior.first_bias
    else:
        for d in np.flatnonzero(is_coded[newer[1]] & is_coded[level]):
            value = int(newer[0][d])
            scaled = int(np.sign(value)) * int(np.floor(abs(value) * scale[level, d] / scale[newer[1], d] + 0.5))
            hidden = hidden + sizes(scaled) @ prior.inputs[d]
    odds = prior.odds[level] + np.clip(hidden >> 10, 0, 1023) @ prior.outputs.astype(np.int64)
    bits = 0.0
    for d in np.flatnonzero(is_coded[level]):
        zero, decay, positive = 1 / (1 + np.exp(-np.clip(odds[[d, DIM + d, 2 * DIM + d]] / 65536, -8, 8)))
        value = int(symbols[d])
        if value == 0:
            bits -= np.log2(zero)
        else:
            bits -= np.log2(1 - zero) + np.log2(positive if value > 0 else 1 - positive)
            bits -= (abs(value) - 1) * np.log2(decay) + np.log2(1 - decay)
            odds = odds + sizes(value) @ prior.inside[d].astype(np.int64)
    return bits


def test_the_integers_are_the_same_everywhere(small_tables: PayloadTables) -> None:
    table = probabilities_q15()
    logistic = 32768 / (1 + np.exp(-(np.arange(256) - 127.5) / 16))
    assert np.abs(table - np.clip(logistic, 1, 32640)).max() <= 0.51
    assert hashlib.sha256(table.astype("<i4").tobytes()).hexdigest()[:16] == "bf4a5a93f5fb880d"
    # Whatever the application has decimals set to.
    with decimal.localcontext(decimal.Context(prec=5, rounding=decimal.ROUND_DOWN, traps=[decimal.Inexact])):
        assert np.array_equal(probabilities_q15.__wrapped__(), table)
    tables = replace(small_tables, prior=invent(1))
    header = DredHeader(q0=2, dq=4, qmax=15, offset_ticks=0)
    written = write_payload(header, np.zeros(9, np.int32), draw_latents(tables, header, 5, seed=2), tables)
    assert written.data.hex() == "288000040fb8c648229da2902a70"


def test_what_is_foreseen_costs_less(small_tables: PayloadTables) -> None:
    def zeros(*shape: int, dtype: type = np.int16) -> np.ndarray:
        return np.zeros(shape, dtype)

    # Each dimension has two hidden units, for either sign of the newer symbol, which expect that sign again.
    inputs, outputs = zeros(DIM, 2, 2 * DIM), zeros(2 * DIM, 3 * DIM)
    for d in range(DIM):
        inputs[d, 0, 2 * d : 2 * d + 2] = 1024, -1024
        outputs[2 * d : 2 * d + 2, 2 * DIM + d] = 16384, -16384
    odds = zeros(16, 3 * DIM, dtype=np.int32)
    odds[:, :DIM] = -3 << 16
    known = LatentPrior(
        hidden_bias=zeros(16, 2 * DIM, dtype=np.int32),
        first_bias=zeros(2 * DIM, dtype=np.int32),
        inputs=inputs,
        outputs=outputs,
        odds=odds,
        inside=zeros(DIM, 2, 3 * DIM),
    )
    unknown = replace(known, outputs=zeros(2 * DIM, 3 * DIM))
    header = DredHeader(q0=3, dq=0, qmax=15, offset_ticks=0)
    latents = np.tile(np.array([1, -1, 2, -1, 1, -2], np.int32), (26, 1))
    state = np.zeros(9, np.int32)
    long, short = (
        write_payload(header, state, latents, replace(small_tables, prior=prior)).data for prior in (unknown, known)
    )
    num_coded = small_tables.latent.num_coded(3)
    # A sign that is nearly sure saves nearly its bit.
    assert 8 * (len(long) - len(short)) > 0.85 * 25 * num_coded


def test_a_prior_is_checked(small_tables: PayloadTables) -> None:
    prior = invent(1)
    with pytest.raises(ModelError, match="dimensions behind it"):
        replace(prior, inside=np.ones((DIM, 2, 3 * DIM), np.int16))
    with pytest.raises(ModelError, match="outputs of a prior must be int16"):
        replace(prior, outputs=prior.outputs[:, 1:])
    narrow = LatentPrior(
        hidden_bias=prior.hidden_bias,
        first_bias=prior.first_bias,
        inputs=prior.inputs[:4],
        outputs=prior.outputs[:, :12],
        odds=prior.odds[:, :12],
        inside=np.zeros((4, 2, 12), np.int16),
    )
    with pytest.raises(ModelError, match="does not go with latents of 6"):
        replace(small_tables, prior=narrow)


def test_another_prior_is_another_version(small_tables: PayloadTables) -> None:
    hashes = {replace(small_tables, prior=prior).sha256 for prior in (None, invent(1), invent(2))}
    assert len(hashes) == 3
