"""Every int8 layer that libopus published, by each instruction set."""

import numpy as np
import pytest
from layer_calls import REFERENCE, activations, run

from dred.nn import Linear
from dred.weights import list_layers

pytestmark = pytest.mark.reference


@pytest.fixture(scope="module", params=["v12", "v10"])
def layers(request: pytest.FixtureRequest) -> dict[str, Linear]:
    tensors = request.getfixturevalue(f"weights_{request.param}").tensors
    return {
        layer.name: Linear.from_tensors(tensors, layer.name, layer.num_inputs)
        for layer in list_layers(tensors)
        if layer.dtype == "int8"
    }


def test_published_layers_are_their_formulas(
    rng: np.random.Generator, instructions: str, layers: dict[str, Linear]
) -> None:
    assert len(layers) > 60
    for name, layer in layers.items():
        x = activations(rng, 7, layer.num_inputs)
        expected = np.array([REFERENCE.dense(layer, row, "linear") for row in x])
        actual = run("linear", layer, x, instructions)
        # The order of float32 sums, in numpy; those of the kernels are exact.
        np.testing.assert_allclose(actual, expected, rtol=0, atol=2e-6 * np.abs(expected).max(), err_msg=name)
        np.testing.assert_array_equal(actual, run("linear", layer, x, "portable"), err_msg=name)
