"""The quantiser in training is the sender's, its rates are codes that exist, and its tables say what symbols cost."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch, the extra `train`")

from dred.bitstream import NUM_LEVELS, SymbolTables, dequantise, quantise  # noqa: E402
from dred.errors import ModelError  # noqa: E402
from dred.training.quantisation import Quantiser, hard_bits, soft_bits  # noqa: E402
from dred.training.symbol_statistics import count_symbols  # noqa: E402


@pytest.mark.parametrize("decay", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("zero", [0.1, 0.9])
def test_hard_bits_are_those_of_a_distribution(decay: float, zero: float) -> None:
    symbols = torch.arange(-2000.0, 2001.0)
    bits = hard_bits(symbols, torch.full_like(symbols, decay), torch.full_like(symbols, zero))
    assert float((2**-bits).sum()) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("decay", [0.05, 0.5, 0.95])
def test_soft_bits_are_those_of_a_distribution_on_whole_numbers(decay: float) -> None:
    symbols = torch.arange(-2000.0, 2001.0)
    assert float((2 ** -soft_bits(symbols, torch.full_like(symbols, decay))).sum()) == pytest.approx(1, abs=1e-4)


def test_the_hard_form_rounds_as_the_sender_does(rng: np.random.Generator) -> None:
    quantiser = Quantiser(6)
    with torch.no_grad():
        quantiser.log_scale.copy_(torch.from_numpy(np.log(rng.uniform(0.05, 0.99, (16, 6)))))
        quantiser.dead_zone.copy_(torch.from_numpy(rng.standard_normal((16, 6))))
    coded = np.full((16, 6), 128, np.uint8)
    scale_q8, dead_zone_q8 = (
        np.rint(256 * part.detach().numpy()).astype(np.uint8) for part in (quantiser.scales(), quantiser.dead_zones())
    )
    with torch.no_grad():
        quantiser.log_scale.copy_(torch.from_numpy(np.log(scale_q8 / 256)))
        share = torch.from_numpy(dead_zone_q8 / 256 / 0.49).clamp(1e-6, 1 - 1e-6)
        quantiser.dead_zone.copy_(torch.log(share / (1 - share)))
    tables = SymbolTables(scale_q8=scale_q8, dead_zone_q8=dead_zone_q8, r_q8=coded, p0_q8=coded)
    values = (8 * rng.standard_normal((500, 6))).astype(np.float32)
    levels = rng.integers(NUM_LEVELS, size=500)
    found, _ = quantiser.hard(torch.from_numpy(values), torch.from_numpy(levels))
    symbols = quantise(values, levels.astype(np.int32), tables)
    expected = dequantise(symbols, levels.astype(np.int32), tables)
    # A value at the very edge between two symbols may fall to either side.
    assert np.mean(np.abs(found.detach().numpy() - expected) < 1e-3) > 0.998


def test_gradients_pass_the_rounding_by() -> None:
    quantiser = Quantiser(3)
    values = torch.full((1, 3), 2.3, requires_grad=True)
    found, rate = quantiser.hard(values, torch.zeros(1, dtype=torch.long))
    found.sum().backward(retain_graph=True)
    assert values.grad is not None
    assert torch.all(values.grad > 0.5)
    values.grad = None
    rate.sum().backward()
    assert torch.all(values.grad > 0)


def laplace(rng: np.random.Generator, sizes: tuple[float, ...]) -> np.ndarray:
    return (rng.laplace(size=(20_000, len(sizes))) * np.array(sizes)).astype(np.float32)


def test_tables_cost_what_symbols_are_worth(rng: np.random.Generator) -> None:
    values = laplace(rng, (3.0, 0.8))
    statistics = count_symbols(values, np.full((16, 2), 2.0, np.float32), np.full((16, 2), 0.05, np.float32))
    tables = statistics.tables
    symbols = quantise(values * statistics.gains, 3, tables)
    for d in range(2):
        _, counts = np.unique(symbols[:, d], return_counts=True)
        entropy = -np.sum(counts / 20_000 * np.log2(counts / 20_000))
        zero, decay = tables.p0_q8[3, d] / 256, tables.r_q8[3, d] / 256
        size = torch.from_numpy(np.abs(symbols[:, d])).double()
        whole = torch.full_like(size, decay), torch.full_like(size, zero)
        assert entropy <= float(hard_bits(size, *whole).mean()) < 1.02 * entropy + 0.01


def test_dimensions_that_carry_nothing_are_cut(rng: np.random.Generator) -> None:
    values = laplace(rng, (2.0, 1e-4, 2.0))
    scales = np.ones((16, 3), np.float32)
    # The third dimension is too coarse from level 8 on.
    scales[8:, 2] = 1e-2
    statistics = count_symbols(values, scales, np.zeros((16, 3), np.float32))
    assert statistics.is_kept.tolist() == [True, False, True]
    assert [statistics.tables.num_coded(level) for level in (0, 7, 8, 15)] == [2, 2, 1, 1]


def test_a_model_that_carries_nothing_is_refused() -> None:
    with pytest.raises(ModelError, match="not trained"):
        count_symbols(np.zeros((100, 2), np.float32), np.ones((16, 2), np.float32), np.zeros((16, 2), np.float32))
