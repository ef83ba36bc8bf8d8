"""What is differentiated by hand has the gradients that automatic differentiation finds."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch, the extra `train`")

from dred.training.dual_entropy import dual_cross_entropy  # noqa: E402
from dred.training.layers import Gru  # noqa: E402
from dred.training.recurrence import recur  # noqa: E402


def draw(rng: np.random.Generator, *shape: int) -> "torch.Tensor":
    return torch.from_numpy(rng.standard_normal(shape).astype(np.float32)).requires_grad_()


def assert_same_gradients(ours: "torch.Tensor", theirs: "torch.Tensor", inputs: "list[torch.Tensor]") -> None:
    for found, wanted in zip(torch.autograd.grad(ours, inputs), torch.autograd.grad(theirs, inputs), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=2e-5 * float(wanted.abs().max()))


@pytest.mark.parametrize("num_steps", [1, 16, 37])
@pytest.mark.parametrize("num_units", [3, 24])
def test_a_recurrence_is_its_steps_one_by_one(num_steps: int, num_units: int, rng: np.random.Generator) -> None:
    gru = Gru(5, num_units, torch.Generator().manual_seed(1))
    state, x = draw(rng, 4, num_units), draw(rng, num_steps, 4, 5)
    with torch.no_grad():
        gru.recurrent.bias += draw(rng, 3 * num_units)
        gru.input.bias += draw(rng, 3 * num_units)
    gates = torch.nn.functional.linear(x, gru.input.weight, gru.gate_bias())
    ours = recur(state, gates, gru.recurrent.weight, gru.recurrent.bias[2 * num_units :])
    plain, after = [], state
    for each in x:
        after = gru(after, each)
        plain.append(after)
    theirs = torch.stack(plain)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    by = draw(rng, *theirs.shape).detach()
    assert_same_gradients((by * ours).sum(), (by * theirs).sum(), [state, x, *gru.parameters()])


@pytest.mark.parametrize("num_rows", [1, 256, 300])
def test_entropy_of_dual_layers_is_that_of_their_logits(num_rows: int, rng: np.random.Generator) -> None:
    num_levels = 12
    x, weight, bias = draw(rng, num_rows, 5), draw(rng, 2 * num_levels, 5), draw(rng, 2 * num_levels)
    shares, shares_bias = draw(rng, 2, num_levels), draw(rng, num_levels)
    targets = torch.from_numpy(rng.integers(0, num_levels, num_rows))
    first, second = torch.tanh(torch.nn.functional.linear(x, weight, bias)).chunk(2, dim=1)
    logits = shares[0] * first + shares[1] * second + shares_bias
    # The loss's own gradient passes through as a factor.
    theirs = 3 * torch.nn.functional.cross_entropy(logits, targets)
    ours = 3 * dual_cross_entropy(x, weight, bias, shares, shares_bias, targets)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    assert_same_gradients(ours, theirs, [x, weight, bias, shares, shares_bias])
