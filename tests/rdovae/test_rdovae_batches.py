"""Many streams, or many steps, at once are each alone, to the bit; and the stages compute what the networks say."""

import numpy as np
import pytest

from dred.errors import UsageError
from dred.nn import Tensors, default_engine
from dred.rdovae import CompiledDecoder, CompiledEncoder
from networks import build_decoder, build_encoder, encode_each
from rounding_engine import RoundingEngine
from tiny_networks import LATENT_DIM, STATE_DIM, rdovae_tensors, with_int8_weights, without_squeezing

FLOATS = rdovae_tensors(np.random.default_rng(16))
KINDS = {
    "float weights": FLOATS,
    "int8 weights": with_int8_weights(FLOATS),
    "version 10's kind": with_int8_weights(without_squeezing(FLOATS)),
}


@pytest.fixture(params=KINDS)
def tensors(request: pytest.FixtureRequest) -> Tensors:
    return KINDS[request.param]


def random_features(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal((*shape, 2, 20)).astype(np.float32)


def random_payload(rng: np.random.Generator, num_latents: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Initial state, latents, levels."""
    state, latents = (rng.standard_normal(shape).astype(np.float32) for shape in (STATE_DIM, (num_latents, LATENT_DIM)))
    return state, latents, rng.integers(0, 16, num_latents)


def compiled_encoder(tensors: Tensors, instructions: str) -> CompiledEncoder:
    encoder = build_encoder(tensors, default_engine(), instructions)
    assert isinstance(encoder, CompiledEncoder)
    return encoder


def compiled_decoder(tensors: Tensors, instructions: str) -> CompiledDecoder:
    decoder = build_decoder(tensors, default_engine(), instructions)
    assert isinstance(decoder, CompiledDecoder)
    return decoder


@pytest.mark.parametrize("num_streams", [1, 2, 3, 5, 7, 13])
def test_streams_together_are_encoded_as_each_alone(
    rng: np.random.Generator, tensors: Tensors, instructions: str, num_streams: int
) -> None:
    encoder = compiled_encoder(tensors, instructions)
    features = random_features(rng, num_streams, 4)
    state = encoder.initial_state(num_streams)
    steps = [encoder.encode_streams(state, features[:, n]) for n in range(4)]
    latents, states = (np.stack(parts, axis=1) for parts in zip(*steps))
    assert latents.shape == (num_streams, 4, LATENT_DIM)
    assert states.shape == (num_streams, 4, STATE_DIM)
    for number in range(num_streams):
        alone = encode_each(encoder, features[number])
        np.testing.assert_array_equal(latents[number], alone[0])
        np.testing.assert_array_equal(states[number], alone[1])


@pytest.mark.parametrize("cuts", [[], [1, 2, 3], [2], [7], [4, 4, 11]], ids=str)
def test_steps_at_once_are_encoded_as_one_by_one(
    rng: np.random.Generator, tensors: Tensors, instructions: str, cuts: list[int]
) -> None:
    # Blocks look back by up to two steps: within a part, and into the part before.
    encoder = compiled_encoder(tensors, instructions)
    features, state = random_features(rng, 13), encoder.initial_state()
    parts = [encoder.encode_steps(state, part) for part in np.split(features, cuts)]
    for actual, expected in zip(zip(*parts), encode_each(encoder, features)):
        np.testing.assert_array_equal(np.concatenate(actual), expected)


@pytest.mark.parametrize("cuts", [[1, 2, 3], [2], [7], [4, 4, 11]], ids=str)
def test_latents_at_once_are_decoded_as_in_parts(
    rng: np.random.Generator, tensors: Tensors, instructions: str, cuts: list[int]
) -> None:
    decoder = compiled_decoder(tensors, instructions)
    state, latents, levels = random_payload(rng, 13)
    memory = decoder.start(state)
    parts = [decoder.decode_latents(memory, *part) for part in zip(np.split(latents, cuts), np.split(levels, cuts))]
    np.testing.assert_array_equal(np.concatenate(parts), decoder.decode(state, latents, levels))


def test_all_instructions_give_the_same_bits(rng: np.random.Generator, tensors: Tensors, instructions: str) -> None:
    features, payload = random_features(rng, 5), random_payload(rng, 5)
    for chosen, portable in zip(
        encode_each(compiled_encoder(tensors, instructions), features),
        encode_each(compiled_encoder(tensors, "portable"), features),
    ):
        np.testing.assert_array_equal(chosen, portable)
    np.testing.assert_array_equal(
        compiled_decoder(tensors, instructions).decode(*payload), compiled_decoder(tensors, "portable").decode(*payload)
    )


def test_the_stages_compute_what_the_networks_say(tensors: Tensors) -> None:
    """Where weights are int8, the networks with rounded activations."""
    encoders = [build_encoder(tensors, engine, activation_bytes=1) for engine in (default_engine(), RoundingEngine())]
    decoders = [build_decoder(tensors, engine, activation_bytes=1) for engine in (default_engine(), RoundingEngine())]
    errors = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        features, payload = random_features(rng, 5), random_payload(rng, 5)
        encoded = [np.hstack(encode_each(encoder, features)) for encoder in encoders]
        decoded = [decoder.decode(*payload) for decoder in decoders]
        errors.append([np.abs(actual - expected).max() for actual, expected in (encoded, decoded)])
    # tanh is off by up to 1.7e-6, and eleven layers follow one another.
    is_close = np.array(errors) < 2e-5
    # Now and then an activation lies so near the middle of two steps that the last digit decides.
    assert is_close.all() if tensors is FLOATS else is_close.mean() > 0.7, errors


def test_streams_without_memories_are_refused() -> None:
    encoder = CompiledEncoder.from_tensors(FLOATS, latent_dim=LATENT_DIM, state_dim=STATE_DIM)
    with pytest.raises(UsageError, match="3 streams need as many memories, got 2"):
        encoder.encode_streams(encoder.initial_state(2), np.zeros((3, 2, 20), np.float32))
