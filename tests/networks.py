"""Networks as tests build them: the composition that is to be read, or the compiled stage that does the same.

The compositions take any engine. A test that is given the reference engine gets one of them, else the stage.
"""

from typing import Any

import numpy as np

from dred.concealment import CompiledPredictor, Predictor
from dred.nn import Engine, ReferenceEngine, Tensors, default_engine
from dred.rdovae import CompiledDecoder, CompiledEncoder, RdovaeDecoder, RdovaeEncoder
from dred.vocoder import CompiledFargan, Fargan, FarganState
from dred.vocoder.fargan_kernel import LAST_SAMPLE, PERIOD
from tiny_networks import LATENT_DIM, STATE_DIM, with_int8_weights

FORMS = ("numpy", "compiled", "compiled, int8 weights")
"""Forms of a tiny network: its laws hold in each."""


def in_form(form: str, tensors: dict[str, np.ndarray]) -> tuple[Tensors, Engine]:
    """Return the weights and the engine of a tiny network in one of its forms."""
    engine = ReferenceEngine() if form == "numpy" else default_engine()
    return (with_int8_weights(tensors) if form.endswith("int8 weights") else tensors), engine


def build_vocoder(
    tensors: Tensors, engine: Engine, instructions: str | None = None, *, activation_bytes: int = 2
) -> Fargan | CompiledFargan:
    vocoder = Fargan.from_tensors(tensors, engine)
    return (
        vocoder
        if isinstance(engine, ReferenceEngine)
        else CompiledFargan(vocoder, instructions, activation_bytes=activation_bytes)
    )


def build_encoder(
    tensors: Tensors,
    engine: Engine,
    instructions: str | None = None,
    *,
    latent_dim: int = LATENT_DIM,
    state_dim: int = STATE_DIM,
    activation_bytes: int = 2,
) -> RdovaeEncoder | CompiledEncoder:
    encoder = RdovaeEncoder.from_tensors(tensors, engine, latent_dim=latent_dim, state_dim=state_dim)
    return (
        encoder
        if isinstance(engine, ReferenceEngine)
        else CompiledEncoder(encoder, instructions, activation_bytes=activation_bytes)
    )


def build_decoder(
    tensors: Tensors,
    engine: Engine,
    instructions: str | None = None,
    *,
    latent_dim: int = LATENT_DIM,
    state_dim: int = STATE_DIM,
    activation_bytes: int = 2,
) -> RdovaeDecoder | CompiledDecoder:
    decoder = RdovaeDecoder.from_tensors(tensors, engine, latent_dim=latent_dim, state_dim=state_dim)
    return (
        decoder
        if isinstance(engine, ReferenceEngine)
        else CompiledDecoder(decoder, instructions, activation_bytes=activation_bytes)
    )


def build_predictor(
    tensors: Tensors, engine: Engine, instructions: str | None = None, *, activation_bytes: int = 2
) -> Predictor | CompiledPredictor:
    predictor = Predictor.from_tensors(tensors, engine)
    return (
        predictor
        if isinstance(engine, ReferenceEngine)
        else CompiledPredictor(predictor, instructions, activation_bytes=activation_bytes)
    )


def period_of(state: Any) -> int:
    """The period in samples that a vocoder speaks the next frame with."""
    return state.period_samples if isinstance(state, FarganState) else int(state[0, PERIOD])


def add_to_last_sample(state: Any, offset: float) -> None:
    """Let a vocoder believe that its last sample was larger."""
    if isinstance(state, FarganState):
        state.last_sample = np.float32(state.last_sample + offset)
    else:
        state[0, LAST_SAMPLE] += np.float32(offset)


def encode_each(encoder: RdovaeEncoder | CompiledEncoder, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Latents and states of a stream's steps [steps, 2, 20], from its beginning, one by one."""
    state = encoder.initial_state()
    latents, states = zip(*(encoder.encode(state, pair) for pair in features))
    return np.array(latents), np.array(states)
