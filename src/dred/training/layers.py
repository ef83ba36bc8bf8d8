"""Trainable layers under the names and in the orders that a weights file has.

A module's layers are attributes named as in the file, so that an export is a copy: `export_tensors` gives
`<name>_weights_float` (of a convolution over time and height `<name>_weight_float`) and `<name>_bias` of each layer
below a module, whose dotted path it joins by underscores.
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from dred.errors import ModelError
from dred.nn import Conv2d, Linear, Tensors
from dred.training.recurrence import recur

__all__ = ["Conv3x3", "Dense", "Gru", "causal_taps", "export_tensors", "load_tensors"]

_BLOCK_OUTPUTS = 8


class Dense(nn.Module):
    """An affine map: weight [outputs, inputs] and bias."""

    def __init__(self, num_inputs: int, num_outputs: int, generator: torch.Generator) -> None:
        super().__init__()
        reach = 1 / math.sqrt(num_inputs)
        self.weight = nn.Parameter(torch.empty(num_outputs, num_inputs).uniform_(-reach, reach, generator=generator))
        self.bias = nn.Parameter(torch.zeros(num_outputs))

    def forward(self, x: Float[Tensor, "*rows inputs"]) -> Float[Tensor, "*rows outputs"]:
        """Apply the map."""
        return functional.linear(x, self.weight, self.bias)


class Gru(nn.Module):
    """A gated recurrent unit; rows of both maps are the gates z, r, h in this order, as in a weights file."""

    def __init__(self, num_inputs: int, num_units: int, generator: torch.Generator) -> None:
        super().__init__()
        self.num_units = num_units
        self.input = Dense(num_inputs, 3 * num_units, generator)
        self.recurrent = Dense(num_units, 3 * num_units, generator)
        with torch.no_grad():
            for gate in self.recurrent.weight.split(num_units):
                nn.init.orthogonal_(gate, generator=generator)

    def forward(
        self, state: Float[Tensor, "batch units"], x: Float[Tensor, "batch inputs"]
    ) -> Float[Tensor, "batch units"]:
        """Advance by one step. The reset gate is applied after the recurrent product."""
        wz, wr, wh = self.input(x).chunk(3, dim=-1)
        uz, ur, uh = self.recurrent(state).chunk(3, dim=-1)
        z = torch.sigmoid(wz + uz)
        h = torch.tanh(wh + torch.sigmoid(wr + ur) * uh)
        return z * state + (1 - z) * h

    def run(
        self, state: Float[Tensor, "batch units"], x: Float[Tensor, "batch steps inputs"]
    ) -> Float[Tensor, "batch steps units"]:
        """Advance by many steps, in torch's own recurrent kernel; return the state after each."""
        parameters = [self._as_torch(part) for part in (self.input.weight, self.recurrent.weight)]
        parameters += [self._as_torch(part) for part in (self.input.bias, self.recurrent.bias)]
        outputs, _ = torch.gru(
            x, state[None].contiguous(), parameters, True, 1, 0.0, self.training, False, True
        )  # has_biases, num_layers, dropout, train, bidirectional, batch_first
        return outputs

    def run_gates(self, gates: Float[Tensor, "steps batch gates"]) -> Float[Tensor, "steps batch units"]:
        """Advance from zero by many steps, given what the input adds to the gates with `gate_bias`, on a CPU."""
        bias = self.recurrent.bias[2 * self.num_units :]
        return recur(gates.new_zeros(gates.shape[1], self.num_units), gates, self.recurrent.weight, bias)

    def gate_bias(self) -> Float[Tensor, " gates"]:
        """Return all of the bias that does not depend on the state: the reset gate scales the rest."""
        of_z_r, _ = self.recurrent.bias.split([2 * self.num_units, self.num_units])
        return self.input.bias + functional.pad(of_z_r, (0, self.num_units))

    def _as_torch(self, rows: Tensor) -> Tensor:
        """Put the gates into torch's order: r, z, h."""
        z, r, h = rows.split(self.num_units)
        return torch.cat([r, z, h])


class Conv3x3(nn.Module):
    """A convolution over time and height, causal in time, which keeps the height, and tanh."""

    def __init__(self, in_channels: int, out_channels: int, generator: torch.Generator) -> None:
        super().__init__()
        reach = 1 / math.sqrt(9 * in_channels)
        weight = torch.empty(out_channels, in_channels, 3, 3).uniform_(-reach, reach, generator=generator)
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def forward(
        self, x: Float[Tensor, "batch in_channels steps height"]
    ) -> Float[Tensor, "batch out_channels steps height"]:
        """Apply the layer; what lies before the start and beyond the height is zero."""
        return torch.tanh(functional.conv2d(functional.pad(x, (1, 1, 2, 0)), self.weight, self.bias))


def causal_taps(
    x: Float[Tensor, "batch steps width"], num_taps: int, dilation: int = 1
) -> Float[Tensor, "batch steps taps"]:
    """Put the inputs of a causal convolution side by side, oldest first; what lies before the start is zero."""
    num_steps = x.shape[1]
    padded = functional.pad(x, (0, 0, (num_taps - 1) * dilation, 0))
    return torch.cat([padded[:, tap * dilation :][:, :num_steps] for tap in range(num_taps)], dim=-1)


def export_tensors(module: nn.Module) -> dict[str, np.ndarray]:
    """Return the arrays of a weights file, flat float32: [inputs][outputs], convolutions [out][in][time][height]."""
    tensors = {}
    for name, layer in _layers(module):
        weight = layer.weight.detach().to("cpu", torch.float32).numpy()
        if isinstance(layer, Dense):
            tensors[f"{name}_weights_float"] = np.ascontiguousarray(weight.T).ravel()
        else:
            tensors[f"{name}_weight_float"] = weight.ravel().copy()
        tensors[f"{name}_bias"] = layer.bias.detach().to("cpu", torch.float32).numpy().copy()
    return tensors


@torch.no_grad()
def load_tensors(module: nn.Module, tensors: Tensors) -> None:
    """Set every layer below a module from a weights file's arrays, float or int8.

    Raises:
        ModelError: A layer is missing or has another shape.
    """
    for name, layer in _layers(module):
        num_outputs = len(layer.bias)
        found: Linear | Conv2d
        if isinstance(layer, Dense):
            found = Linear.from_tensors(tensors, name, layer.weight.shape[1])
            # int8 layers are filled up to a multiple of 8 outputs.
            fits = num_outputs <= len(found.bias) < num_outputs + _BLOCK_OUTPUTS
        else:
            found = Conv2d.from_tensors(tensors, name)
            fits = found.weight.shape == layer.weight.shape
        if not fits:
            raise ModelError(
                f"layer {name} has {len(found.bias)} outputs, its place in the network needs {num_outputs}"
            )
        layer.weight.copy_(torch.tensor(found.weight[:num_outputs]))
        layer.bias.copy_(torch.tensor(found.bias[:num_outputs]))


def _layers(module: nn.Module) -> Iterator[tuple[str, Dense | Conv3x3]]:
    """Yield every layer below a module with its name in a weights file."""
    for path, layer in module.named_modules():
        if isinstance(layer, Dense | Conv3x3):
            yield path.replace(".", "_"), layer
