"""What training sees of int8 layers is what is exported and what kernels then compute."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch, the extra `train`")

from torch.func import functional_call  # noqa: E402

from dred.nn import Linear, ReferenceEngine  # noqa: E402
from dred.nn.kernels import KernelEngine  # noqa: E402
from dred.rdovae import CompiledDecoder, CompiledEncoder, RdovaeDecoder, RdovaeEncoder  # noqa: E402
from dred.training.int8_forward import as_activations, as_int8_weights  # noqa: E402
from dred.training.layers import Dense, Gru, export_tensors, load_tensors  # noqa: E402
from dred.training.rdovae import Decoder, Encoder  # noqa: E402
from dred.training.rounding import with_int8_layers  # noqa: E402
from dred.training.sparsity import SparsityConfig, kept_blocks, thin_out  # noqa: E402
from dred.weights import Card, WeightSet, export_dnnw, list_layers  # noqa: E402
from dred.weights.dnnw import parse_dnnw  # noqa: E402

DIMS = {"latent_dim": 10, "state_dim": 12}
SPARSE = SparsityConfig(densities=(0.1, 0.3, 0.5), first_step=0, last_step=1)


def thinned(network: torch.nn.Module) -> torch.nn.Module:
    """Thin out what takes the most weights, and leave one layer whole blocks of outputs without any."""
    for name, layer in network.named_modules():
        if isinstance(layer, Dense) and name.endswith(".input"):
            thin_out(layer.weight, kept_blocks(layer.weight, SPARSE, torch.tensor(1.0)))
    with torch.no_grad():
        next(iter(layer for name, layer in network.named_modules() if name.endswith("conv_dense4"))).weight[:8] = 0
    return network


def test_weights_are_those_of_the_export() -> None:
    network = thinned(Encoder(10, 12, torch.Generator().manual_seed(1)))
    seen, stored = as_int8_weights(network), with_int8_layers(export_tensors(network))
    for path, weight in network.named_parameters():
        if path.endswith(".weight"):
            layer = path.removesuffix(".weight").replace(".", "_")
            exported = Linear.from_tensors(stored, layer, weight.shape[1])
            assert (path in seen) == (exported.integers is not None)
            forward = seen.get(path, weight).detach().numpy()
            np.testing.assert_allclose(forward, exported.weight[: len(weight)], rtol=3e-7)


def test_activations_are_rounded_as_kernels_of_one_byte_do(rng: np.random.Generator) -> None:
    x = rng.uniform(-1.2, 1.2, 400).astype(np.float32)
    integers = np.eye(400, dtype=np.int8)
    identity = Linear(
        weight=integers.astype(np.float32),
        bias=np.zeros(400, np.float32),
        integers=integers,
        scale=np.ones(400, np.float32),
    )
    rounded = as_activations(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(rounded, KernelEngine().dense(identity, x, "linear"), rtol=1e-6)
    assert np.abs(rounded - np.clip(x, -1, 1)).max() <= 0.501 / 127


def test_gradients_pass_the_rounding_by() -> None:
    values = torch.tensor([0.1, -0.77, 3.0], requires_grad=True)
    (gradient,) = torch.autograd.grad((as_activations(values) * torch.tensor([1.0, 2.0, 3.0])).sum(), values)
    assert gradient.tolist() == [1, 2, 3]
    network = Decoder(10, 12, torch.Generator().manual_seed(1))
    inputs = (torch.randn(2, 12), torch.randn(2, 5, 10), torch.zeros(2, 5))
    decoded = functional_call(network, as_int8_weights(network), inputs, {"has_rounding": True})
    gradients = torch.autograd.grad(decoded.square().sum(), list(network.parameters()))
    assert all(gradient.isfinite().all() and gradient.any() for gradient in gradients)


def test_encoders_of_exported_sparse_weights_agree(rng: np.random.Generator) -> None:
    network = thinned(Encoder(10, 12, torch.Generator().manual_seed(1)))
    features = rng.standard_normal((24, 20)).astype(np.float32)
    reference = RdovaeEncoder.from_tensors(with_int8_layers(export_tensors(network)), ReferenceEngine(), **DIMS)
    memory = reference.initial_state()
    steps = [reference.encode(memory, pair) for pair in features.reshape(-1, 2, 20)]
    encoder = CompiledEncoder(reference)
    compiled = encoder.encode_steps(encoder.initial_state(), features.reshape(-1, 2, 20))
    seen = run_as_int8(network, features[None])
    for output in range(2):
        np.testing.assert_allclose(seen[output][0], [step[output] for step in steps], atol=1e-5)
        np.testing.assert_allclose(seen[output][0], compiled[output], atol=1e-4)
    # Rounded activations: many streams' first step, for which the memory of the GRUs is zero.
    first = rng.standard_normal((40, 2, 20)).astype(np.float32)
    coarse = CompiledEncoder(reference, activation_bytes=1)
    expected = coarse.encode_streams(coarse.initial_state(40), first)
    rounded, exact = (run_as_int8(network, first, has_rounding=has_rounding) for has_rounding in (True, False))
    for output in range(2):
        assert_nearly_all_equal(rounded[output][:, 0], expected[output], unlike=exact[output][:, 0])


def test_decoders_of_exported_sparse_weights_agree(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    network = thinned(Decoder(10, 12, torch.Generator().manual_seed(1)))
    states, latents = (rng.standard_normal(shape).astype(np.float32) for shape in ((40, 12), (40, 26, 10)))
    levels = rng.integers(16, size=(40, 26))
    batch = (states, latents, levels.astype(np.float32))
    reference = RdovaeDecoder.from_tensors(with_int8_layers(export_tensors(network)), ReferenceEngine(), **DIMS)
    inputs = (states[0], latents[0], levels[0])
    seen = run_as_int8(network, *(part[:1] for part in batch))[0]
    np.testing.assert_allclose(seen, reference.decode(*inputs), atol=1e-5)
    np.testing.assert_allclose(seen, CompiledDecoder(reference).decode(*inputs), atol=1e-4)
    # Rounded activations: the newest latent of many packets, with the memory of the GRUs rounded for once, too.
    monkeypatch.setattr(Gru, "run", run_with_rounded_memory)
    coarse = CompiledDecoder(reference, activation_bytes=1)
    expected = [coarse.decode(state, rows[:1], of[:1]) for state, rows, of in zip(states, latents, levels, strict=True)]
    newest = (batch[0], batch[1][:, :1], batch[2][:, :1])
    rounded, exact = (run_as_int8(network, *newest, has_rounding=has_rounding) for has_rounding in (True, False))
    assert_nearly_all_equal(rounded, np.array(expected), unlike=exact)


def run_as_int8(network: torch.nn.Module, *inputs: np.ndarray, has_rounding: bool = False) -> Any:
    """Return what a network gives for a batch, as training sees it."""
    tensors = tuple(map(torch.from_numpy, inputs))
    outputs = functional_call(network, as_int8_weights(network), tensors, {"has_rounding": has_rounding})
    return outputs.detach().numpy() if torch.is_tensor(outputs) else [part.detach().numpy() for part in outputs]


def assert_nearly_all_equal(values: np.ndarray, expected: np.ndarray, *, unlike: np.ndarray) -> None:
    """Compare by the median: now and then the last digit of a tanh takes another step."""
    left, without = (np.median(np.abs(part - expected)) for part in (values, unlike))
    assert left < 0.02 * without


def run_with_rounded_memory(self: Gru, state: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Advance as `Gru.run` does, from a state that the recurrent layer sees rounded."""
    assert x.shape[1] == 1
    wz, wr, wh = self.input(x[:, 0]).chunk(3, dim=-1)
    uz, ur, uh = self.recurrent(as_activations(state)).chunk(3, dim=-1)
    z = torch.sigmoid(wz + uz)
    return (z * state + (1 - z) * torch.tanh(wh + torch.sigmoid(wr + ur) * uh))[:, None]


def test_sparse_layers_are_written_to_a_blob_as_libopus_reads_them(tmp_path: Path) -> None:
    network = thinned(Encoder(10, 12, torch.Generator().manual_seed(1)))
    tensors = with_int8_layers(export_tensors(network))
    sparse = {layer.name for layer in list_layers(tensors) if layer.is_sparse}
    assert sparse == {"enc_conv_dense4", *(f"enc_gru{number}_input" for number in range(1, 6))}
    card = Card(source="trained", libopus="", bitstream_version=201, licence="")
    tables = {
        f"{vector}_{role}_q8": np.zeros((16, size), np.uint8)
        for vector, size in (("latent", 10), ("state", 12))
        for role in ("quant_scales", "dead_zone", "r", "p0")
    }
    path, _ = export_dnnw(WeightSet(name="x", card=card, tensors=tensors, tables=tables), tmp_path / "x.dnnw")
    written = parse_dnnw(path.read_bytes())
    # What kernels for unsigned activations add is taken out of the biases, by the blocks that are there.
    for name in sparse:
        whole = Linear.from_tensors(
            written, name, network.get_submodule(name.replace("_input", ".input")).weight.shape[1]
        )
        assert whole.integers is not None
        sums = 127 * (whole.scale / np.float32(127)) * whole.integers.sum(axis=1, dtype=np.int64)
        np.testing.assert_allclose(written[f"{name}_subias"], whole.bias - sums, atol=1e-4)
        np.testing.assert_array_equal(written[f"{name}_weights_idx"], tensors[f"{name}_weights_idx"])
    restored = Encoder(10, 12, torch.Generator().manual_seed(2))
    load_tensors(restored, written)
    for path, weight in as_int8_weights(network).items():
        torch.testing.assert_close(restored.get_parameter(path), weight)
