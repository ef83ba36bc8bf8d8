"""What speech costs at each level is what a payload at that level takes."""

import numpy as np
import pytest

from dred.assembly import payload_tables
from dred.bitstream import NUM_LEVELS
from dred.data import bundled_weights
from dred.sender import DredConfig, LatentHistory
from dred.weights import WeightSet, read_safetensors

pytestmark = pytest.mark.reference

LEAST_HEADER_BITS, MOST_HEADER_BITS = 12, 19


def history_of(num_steps: int, weights: WeightSet, rng: np.random.Generator, *, size: float = 1.0) -> LatentHistory:
    """Let somebody speak whose latents are random."""
    tables = payload_tables(weights)
    history = LatentHistory(tables, lookahead_samples=104)
    for _ in range(num_steps):
        for _ in history.take_in(np.zeros(320, np.float32), active=True):
            latent, state = (size * rng.standard_normal(vector.dim) for vector in (tables.latent, tables.state))
            history.remember(latent.astype(np.float32), state.astype(np.float32))
    return history


@pytest.mark.parametrize("size", [0.1, 1.0, 4.0])
def test_levels_cost_what_payloads_of_one_latent_take(
    size: float, weights_v12: WeightSet, rng: np.random.Generator
) -> None:
    history = history_of(5, weights_v12, rng, size=size)
    found = history.level_meter().measure()
    assert found is not None
    for level in range(NUM_LEVELS):
        written = history.write(DredConfig(duration_ms=20, q0=level, dq=0), max_bytes=1_000)
        assert written is not None
        assert written.num_latents == 1
        counted_bits = found.latent[level] + found.state[level]
        # Whole bytes, and what the coder needs to end.
        assert counted_bits + LEAST_HEADER_BITS - 1 <= 8 * len(written.data) <= counted_bits + MOST_HEADER_BITS + 9


@pytest.mark.parametrize("size", [0.1, 1.0])
def test_with_a_prior_levels_cost_what_a_second_latent_adds(size: float, rng: np.random.Generator) -> None:
    built_in = read_safetensors(*bundled_weights())
    assert built_in.prior
    history = history_of(8, built_in, rng, size=size)
    found = history.level_meter().measure()
    assert found is not None
    for level in range(NUM_LEVELS):
        one, two = (
            history.write(DredConfig(duration_ms=duration_ms, q0=level, dq=0), max_bytes=1_000)
            for duration_ms in (20, 60)
        )
        assert one is not None
        assert two is not None
        assert (one.num_latents, two.num_latents) == (1, 2)
        assert 8 * (len(two.data) - len(one.data)) == pytest.approx(found.latent[level], abs=9)


def test_a_latent_without_a_newer_one_is_measured_too(rng: np.random.Generator) -> None:
    built_in = read_safetensors(*bundled_weights())
    history = history_of(2, built_in, rng)
    found = history.level_meter().measure()
    assert found is not None
    for level in range(NUM_LEVELS):
        written = history.write(DredConfig(duration_ms=20, q0=level, dq=0), max_bytes=1_000)
        assert written is not None
        counted_bits = found.latent[level] + found.state[level]
        assert counted_bits + LEAST_HEADER_BITS - 1 <= 8 * len(written.data) <= counted_bits + MOST_HEADER_BITS + 9


def test_coarser_levels_cost_less(weights_v12: WeightSet, rng: np.random.Generator) -> None:
    found = history_of(5, weights_v12, rng, size=2.0).level_meter().measure()
    assert found is not None
    assert found.latent[0] > found.latent[7] > found.latent[15] > 0


def test_measuring_leaves_what_is_sent_as_it_is(weights_v12: WeightSet) -> None:
    measured, left = (history_of(30, weights_v12, np.random.default_rng(5)) for _ in range(2))
    config = DredConfig(duration_ms=400)
    before = measured.write(config, max_bytes=1_000)
    assert measured.level_meter().measure() is not None
    assert measured.write(config, max_bytes=1_000) == before == left.write(config, max_bytes=1_000)


def test_without_speech_there_is_nothing_to_measure(weights_v12: WeightSet, rng: np.random.Generator) -> None:
    assert history_of(0, weights_v12, rng).level_meter().measure() is None
    history = history_of(5, weights_v12, rng)
    meter = history.level_meter()
    assert meter.measure() is not None
    history.take_in(np.zeros(320, np.float32), active=False)
    assert meter.measure() is None
    assert history_of(5, weights_v12, rng, size=np.nan).level_meter().measure() is None
