"""Sparse layers: which blocks stay, and that a run leaves the others zero."""

import numpy as np
import pytest
from synthetic_corpus import make_corpus

torch = pytest.importorskip("torch", reason="training needs torch, the extra `train`")

from dred.errors import UsageError  # noqa: E402
from dred.training.excitation import ExcitationCoding, ExcitationConfig  # noqa: E402
from dred.training.lpcnet import LpcnetWidths  # noqa: E402
from dred.training.redundancy import RedundancyCoding, RedundancyConfig  # noqa: E402
from dred.training.sparsity import SparsityConfig, kept_blocks, thin_out  # noqa: E402

CONFIG = SparsityConfig(densities=(0.1, 0.2, 0.5), first_step=10, last_step=30)


def make_weight(num_units: int = 64) -> torch.Tensor:
    return torch.randn(3 * num_units, num_units, generator=torch.Generator().manual_seed(1))


def share_kept(step: float) -> np.ndarray:
    return kept_blocks(make_weight(), CONFIG, torch.tensor(step), keeps_diagonal=True).float().mean(dim=(1, 2)).numpy()


def test_all_blocks_stay_at_first_and_the_densities_and_the_diagonal_at_last() -> None:
    assert (share_kept(10.0) == 1).all()
    kept = [share_kept(step) for step in (11.0, 15.0, 20.0, 30.0)]
    assert (np.diff(kept, axis=0) < 0).all()
    # 16 of 128 blocks lie on the diagonal; some of them are among the greatest.
    last = share_kept(1e6)
    np.testing.assert_array_equal(last, kept[-1])
    assert (last >= CONFIG.densities).all()
    assert (last <= np.array(CONFIG.densities) + 16 / 128 + 1 / 128).all()


def test_the_greatest_blocks_and_the_diagonal_stay() -> None:
    weight = make_weight()
    weight[:8, 32:36] *= 10
    weight[torch.arange(64), torch.arange(64)] = 1e-3
    thin_out(weight, kept_blocks(weight, CONFIG, torch.tensor(30.0), keeps_diagonal=True))
    assert weight[:8, 32:36].all()
    for gate in range(3):
        assert weight[64 * gate + torch.arange(64), torch.arange(64)].all()


def test_a_layer_without_a_diagonal_keeps_its_densities_exactly() -> None:
    weight = torch.randn(96, 40, generator=torch.Generator().manual_seed(1))
    kept = kept_blocks(weight, CONFIG, torch.tensor(30.0))
    # 32 outputs by 40 inputs are 40 blocks.
    assert kept.shape == (3, 4, 10)
    assert kept.sum(dim=(1, 2)).tolist() == [4, 8, 20]
    whole = kept_blocks(weight[:32], SparsityConfig(densities=(0.35,), first_step=0, last_step=1), torch.tensor(1.0))
    assert int(whole.sum()) == 14
    norms = weight[:32].reshape(4, 8, 10, 4).square().sum(dim=(1, 3))
    assert norms[whole[0]].min() > norms[~whole[0]].max()


@pytest.mark.parametrize("shape", [(40, 40), (96, 38)])
def test_a_layer_that_is_no_multiple_of_blocks_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="3 parts of a multiple of 8 outputs"):
        kept_blocks(torch.ones(shape), CONFIG, torch.tensor(30.0))


def test_the_rdovae_reaches_the_densities_of_its_plan() -> None:
    plan = {
        "encoder.enc_gru4.input": SparsityConfig(densities=(0.1, 0.25, 0.5), first_step=0, last_step=3),
        "decoder.dec_output": SparsityConfig(densities=(0.5,), first_step=0, last_step=3),
    }
    config = RedundancyConfig(
        latent_dim=4, state_dim=4, batch=2, num_frames=24, stretches=1, num_latents=3, sparsity=plan, has_rounding=True
    )
    task = RedundancyCoding(make_corpus(np.random.default_rng(5)), config, torch.device("cpu"))
    task.optimisers["rdovae"].set_progress(0, 1)
    for step in range(5):
        task.step(*(torch.from_numpy(array) for array in task.draw(np.random.default_rng(step))))
    averages = task.optimisers["rdovae"].averages()
    for path, weight in task.model.named_parameters():
        wanted = plan.get(path.removesuffix(".weight"))
        for values in (weight, averages[path]) if wanted is not None else ():
            parts = values.reshape(len(wanted.densities), -1, 8, values.shape[1] // 4, 4)
            shares = parts.detach().numpy().any(axis=(2, 4)).mean(axis=(1, 2))
            np.testing.assert_allclose(shares, wanted.densities, atol=0.003)
        if wanted is None and path.endswith(".weight"):
            assert (weight != 0).float().mean() > 0.99


def test_a_run_leaves_zeros_in_what_is_exported() -> None:
    config = ExcitationConfig(
        batch=2,
        num_frames=1,
        widths=LpcnetWidths(condition=8, embedding=8, gru_a=32, gru_b=8),
        sparsity=SparsityConfig(densities=(0.1, 0.1, 0.1), first_step=0, last_step=2),
    )
    task = ExcitationCoding(make_corpus(np.random.default_rng(5)), config, torch.device("cpu"))
    task.optimisers["lpcnet"].set_progress(0, 1)
    for step in range(3):
        task.step(*(torch.from_numpy(array) for array in task.draw(np.random.default_rng(step))))
    weight = task.network.lpcnet_gru_a.recurrent.weight
    average = task.optimisers["lpcnet"].averages()["lpcnet_gru_a.recurrent.weight"]
    for values in (weight, average):
        assert 0.05 < float((values != 0).float().mean()) < 0.4
    assert torch.equal(weight != 0, average != 0)


@pytest.mark.parametrize(
    "changes", [{"densities": (0.1, 0.1, 1.1)}, {"densities": ()}, {"first_step": 30, "last_step": 30}]
)
def test_impossible_plans_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        SparsityConfig(**changes)  # type: ignore[arg-type]
