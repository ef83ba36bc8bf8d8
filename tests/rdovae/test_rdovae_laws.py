"""Laws of encoder and decoder that hold whatever the weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dred.errors import ModelError
from dred.nn import Engine, ReferenceEngine
from dred.rdovae import RdovaeDecoder, RdovaeEncoder
from tiny_networks import LATENT_DIM, NUM_UNITS, STATE_DIM, rdovae_tensors

TENSORS = rdovae_tensors(np.random.default_rng(6))
NUM_LATENTS = 7


def build_encoder(engine: Engine) -> RdovaeEncoder:
    return RdovaeEncoder.from_tensors(TENSORS, engine, latent_dim=LATENT_DIM, state_dim=STATE_DIM)


def build_decoder(engine: Engine) -> RdovaeDecoder:
    return RdovaeDecoder.from_tensors(TENSORS, engine, latent_dim=LATENT_DIM, state_dim=STATE_DIM)


def random_payload(num_latents: int = NUM_LATENTS) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Initial state, latents, levels."""
    rng = np.random.default_rng(7)
    state = rng.standard_normal(STATE_DIM).astype(np.float32)
    return state, rng.standard_normal((num_latents, LATENT_DIM)).astype(np.float32), rng.integers(0, 16, num_latents)


def random_features(num_steps: int) -> np.ndarray:
    return np.random.default_rng(8).standard_normal((num_steps, 2, 20)).astype(np.float32)


def test_each_latent_becomes_four_frames_and_none_becomes_none(engine: Engine) -> None:
    state, latents, levels = random_payload()
    assert build_decoder(engine).decode(state, latents, levels).shape == (4 * NUM_LATENTS, 20)
    assert build_decoder(engine).decode(state, latents[:0], levels[:0]).shape == (0, 20)


def test_decoding_latent_by_latent_is_decoding_at_once(engine: Engine) -> None:
    decoder = build_decoder(engine)
    state, latents, levels = random_payload()
    memory = decoder.start(state)
    frames = [decoder.decode_latent(memory, latent, int(level)) for latent, level in zip(latents, levels)]
    np.testing.assert_array_equal(np.concatenate(frames), decoder.decode(state, latents, levels))


@given(num_latents=st.integers(0, NUM_LATENTS))
@settings(deadline=None, max_examples=NUM_LATENTS + 1)
def test_fewer_latents_give_the_same_newest_frames(num_latents: int) -> None:
    decoder = build_decoder(ReferenceEngine())
    state, latents, levels = random_payload()
    np.testing.assert_array_equal(
        decoder.decode(state, latents[:num_latents], levels[:num_latents]),
        decoder.decode(state, latents, levels)[: 4 * num_latents],
    )


def test_the_level_of_a_latent_matters(engine: Engine) -> None:
    decoder = build_decoder(engine)
    state, latents, _ = random_payload(1)
    fine, coarse = (decoder.decode(state, latents, np.array([level])) for level in (0, 15))
    assert np.abs(fine - coarse).max() > 1e-3


def test_a_first_layer_as_wide_as_the_latent_takes_no_level(engine: Engine) -> None:
    # As in version 10.
    decoder = RdovaeDecoder.from_tensors(TENSORS, engine, latent_dim=LATENT_DIM + 1, state_dim=STATE_DIM)
    latents = np.random.default_rng(10).standard_normal((3, LATENT_DIM + 1)).astype(np.float32)
    fine, coarse = (decoder.decode(random_payload()[0], latents, np.full(3, level)) for level in (0, 15))
    np.testing.assert_array_equal(fine, coarse)


def test_packets_decode_independently(engine: Engine) -> None:
    decoder = build_decoder(engine)
    state, latents, levels = random_payload()
    alone = decoder.decode(state, latents, levels)
    decoder.decode(-state, -latents, levels)
    np.testing.assert_array_equal(decoder.decode(state, latents, levels), alone)


def test_two_encoded_streams_do_not_mix(engine: Engine) -> None:
    encoder = build_encoder(engine)
    streams = [random_features(6), -random_features(6)]

    def encode_alone(features: np.ndarray) -> list[np.ndarray]:
        state = encoder.initial_state()
        return [np.concatenate(encoder.encode(state, pair)) for pair in features]

    states = [encoder.initial_state(), encoder.initial_state()]
    together = [[np.concatenate(encoder.encode(s, f[n])) for s, f in zip(states, streams)] for n in range(6)]
    for number, features in enumerate(streams):
        np.testing.assert_array_equal([step[number] for step in together], encode_alone(features))


def test_padding_of_the_last_layers_is_cut_off(engine: Engine) -> None:
    latent, state = build_encoder(engine).encode(build_encoder(engine).initial_state(), random_features(1)[0])
    assert latent.shape == (LATENT_DIM,)
    assert state.shape == (STATE_DIM,)


def test_engines_agree(engine: Engine) -> None:
    state, latents, levels = random_payload()
    features, reference = random_features(5), ReferenceEngine()
    memories = [build_encoder(engine).initial_state(), build_encoder(reference).initial_state()]
    for pair in features:
        outputs = [build_encoder(e).encode(m, pair) for e, m in zip((engine, reference), memories)]
        # The kernels' tanh is off by up to 7e-6, and eleven layers follow one another.
        np.testing.assert_allclose(np.concatenate(outputs[0]), np.concatenate(outputs[1]), rtol=0, atol=1e-4)
    np.testing.assert_allclose(
        build_decoder(engine).decode(state, latents, levels),
        build_decoder(reference).decode(state, latents, levels),
        rtol=0,
        atol=1e-4,
    )


@pytest.mark.parametrize("level", [0, 15])
@pytest.mark.parametrize("size", [0.0, 1e3, 1e30])
def test_any_latents_decode_to_finite_features(engine: Engine, size: float, level: int) -> None:
    state, latents, _ = random_payload()
    size = np.float32(size)
    features = build_decoder(engine).decode(size * state, size * latents, np.full(NUM_LATENTS, level))
    assert np.isfinite(features).all()


@pytest.mark.parametrize("name", ["enc_gru3_input_bias", "enc_zdense_bias", "gdense1_bias", "enc_conv5_weights_float"])
def test_an_encoder_without_a_layer_names_it(name: str) -> None:
    tensors = {key: tensor for key, tensor in TENSORS.items() if key != name}
    with pytest.raises(ModelError, match=name.removesuffix("_bias").removesuffix("_weights_float")):
        RdovaeEncoder.from_tensors(tensors, ReferenceEngine(), latent_dim=LATENT_DIM, state_dim=STATE_DIM)


def test_a_decoder_of_other_dimensions_is_refused() -> None:
    for latent_dim in (LATENT_DIM - 1, LATENT_DIM + 2):
        with pytest.raises(ModelError, match="dec_dense1"):
            RdovaeDecoder.from_tensors(TENSORS, ReferenceEngine(), latent_dim=latent_dim, state_dim=STATE_DIM)
    with pytest.raises(ModelError, match="dec_hidden_init"):
        RdovaeDecoder.from_tensors(TENSORS, ReferenceEngine(), latent_dim=LATENT_DIM, state_dim=STATE_DIM + 1)


def test_blocks_without_squeezing_and_gating_are_built_as_in_version_10() -> None:
    # Version 10 has neither a dense layer before the convolutions nor, in the encoder, gated units.
    tensors = {key: tensor for key, tensor in TENSORS.items() if "_conv_dense" not in key}
    rng = np.random.default_rng(9)
    for prefix in ("enc", "dec"):
        for number in range(1, 6):
            width = NUM_UNITS * 2 * number
            tensors[f"{prefix}_conv{number}_weights_float"] = rng.standard_normal(2 * width * NUM_UNITS).astype(
                np.float32
            )
    encoder = RdovaeEncoder.from_tensors(tensors, ReferenceEngine(), latent_dim=LATENT_DIM, state_dim=STATE_DIM)
    assert encoder.initial_state()[4].conv.shape == (2, 10 * NUM_UNITS)
    assert encoder.encode(encoder.initial_state(), random_features(1)[0])[0].shape == (LATENT_DIM,)
