"""The trainable RDO-VAE is the RDO-VAE: the same weights give the same latents, states and features."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch, the extra `train`")

from dred.nn import ReferenceEngine  # noqa: E402
from dred.rdovae import CompiledDecoder, CompiledEncoder, RdovaeDecoder, RdovaeEncoder  # noqa: E402
from dred.training.layers import causal_taps, export_tensors  # noqa: E402
from dred.training.rdovae import Decoder, Encoder  # noqa: E402

DIMS = {"latent_dim": 10, "state_dim": 12}


@pytest.mark.parametrize("form", ["numpy", "compiled"])
def test_exported_weights_encode_the_same(form: str, rng: np.random.Generator) -> None:
    network = Encoder(10, 12, torch.Generator().manual_seed(1))
    features = rng.standard_normal((1, 24, 20)).astype(np.float32)
    latents, states = (x[0].detach().numpy() for x in network(torch.from_numpy(features)))
    tensors = export_tensors(network)
    if form == "numpy":
        encoder = RdovaeEncoder.from_tensors(tensors, ReferenceEngine(), **DIMS)
    else:
        encoder = CompiledEncoder.from_tensors(tensors, **DIMS)
    memory = encoder.initial_state()
    steps = [encoder.encode(memory, pair) for pair in features.reshape(-1, 2, 20)]
    np.testing.assert_allclose(latents, [latent for latent, _ in steps], atol=1e-5)
    np.testing.assert_allclose(states, [state for _, state in steps], atol=1e-5)


@pytest.mark.parametrize("form", ["numpy", "compiled"])
def test_exported_weights_decode_the_same(form: str, rng: np.random.Generator) -> None:
    network = Decoder(10, 12, torch.Generator().manual_seed(1))
    state = rng.standard_normal(12).astype(np.float32)
    latents = rng.standard_normal((7, 10)).astype(np.float32)
    levels = rng.integers(16, size=7)
    decoded = network(
        torch.from_numpy(state)[None], torch.from_numpy(latents)[None], torch.from_numpy(levels)[None].float()
    )
    tensors = export_tensors(network)
    if form == "numpy":
        decoder = RdovaeDecoder.from_tensors(tensors, ReferenceEngine(), **DIMS)
    else:
        decoder = CompiledDecoder.from_tensors(tensors, **DIMS)
    np.testing.assert_allclose(decoded[0].detach().numpy(), decoder.decode(state, latents, levels), atol=1e-5)


def test_the_encoder_does_not_look_ahead(rng: np.random.Generator) -> None:
    network = Encoder(4, 5, torch.Generator().manual_seed(1))
    features = torch.from_numpy(rng.standard_normal((1, 24, 20)).astype(np.float32))
    changed = features.clone()
    changed[:, 12:] += 1
    for before, after in zip(network(features), network(changed), strict=True):
        torch.testing.assert_close(before[:, :6], after[:, :6])
        assert not torch.allclose(before[:, 6:], after[:, 6:])


def test_taps_stand_oldest_first_and_begin_with_zeros() -> None:
    x = torch.arange(1.0, 6.0)[None, :, None]
    assert causal_taps(x, 2, 2)[0].tolist() == [[0, 1], [0, 2], [1, 3], [2, 4], [3, 5]]
    assert causal_taps(x, 3)[0].tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5]]
