"""Laws of encoder and decoder that hold whatever the weights, for the networks that are read and for the stages."""

import numpy as np
import pytest

from dred.errors import ModelError
from dred.nn import ReferenceEngine
from dred.rdovae import CompiledDecoder, CompiledEncoder, RdovaeDecoder, RdovaeEncoder
from networks import FORMS, build_decoder, build_encoder, encode_each, in_form
from tiny_networks import LATENT_DIM, NUM_UNITS, STATE_DIM, rdovae_tensors, without_squeezing

TENSORS = rdovae_tensors(np.random.default_rng(6))
NUM_LATENTS = 7

Encoder = RdovaeEncoder | CompiledEncoder
Decoder = RdovaeDecoder | CompiledDecoder

each_form = pytest.mark.parametrize("form", FORMS)


@pytest.fixture(scope="module", params=FORMS)
def encoder(request: pytest.FixtureRequest) -> Encoder:
    return build_encoder(*in_form(request.param, TENSORS))


@pytest.fixture(scope="module", params=FORMS)
def decoder(request: pytest.FixtureRequest) -> Decoder:
    return build_decoder(*in_form(request.param, TENSORS))


def random_payload(num_latents: int = NUM_LATENTS) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Initial state, latents, levels."""
    rng = np.random.default_rng(7)
    state = rng.standard_normal(STATE_DIM).astype(np.float32)
    return state, rng.standard_normal((num_latents, LATENT_DIM)).astype(np.float32), rng.integers(0, 16, num_latents)


def random_features(num_steps: int) -> np.ndarray:
    return np.random.default_rng(8).standard_normal((num_steps, 2, 20)).astype(np.float32)


def test_each_latent_becomes_four_frames_and_none_becomes_none(decoder: Decoder) -> None:
    state, latents, levels = random_payload()
    features = decoder.decode(state, latents, levels)
    assert (features.shape, features.dtype) == ((4 * NUM_LATENTS, 20), np.float32)
    assert decoder.decode(state, latents[:0], levels[:0]).shape == (0, 20)


@pytest.mark.parametrize("cuts", [range(1, NUM_LATENTS), [3], [2, 2, 5]], ids=["one by one", "halves", "and none"])
def test_decoding_in_parts_is_decoding_at_once(decoder: Decoder, cuts: list[int]) -> None:
    state, latents, levels = random_payload()
    memory = decoder.start(state)
    parts = [decoder.decode_latents(memory, *part) for part in zip(np.split(latents, cuts), np.split(levels, cuts))]
    np.testing.assert_array_equal(np.concatenate(parts), decoder.decode(state, latents, levels))


def test_fewer_latents_give_the_same_newest_frames(decoder: Decoder) -> None:
    state, latents, levels = random_payload()
    all_frames = decoder.decode(state, latents, levels)
    for num_latents in range(NUM_LATENTS):
        frames = decoder.decode(state, latents[:num_latents], levels[:num_latents])
        np.testing.assert_array_equal(frames, all_frames[: 4 * num_latents])


def test_the_level_of_a_latent_matters(decoder: Decoder) -> None:
    state, latents, _ = random_payload(1)
    fine, coarse = (decoder.decode(state, latents, np.array([level])) for level in (0, 15))
    assert np.abs(fine - coarse).max() > 1e-3


@each_form
def test_a_first_layer_as_wide_as_the_latent_takes_no_level(form: str) -> None:
    # As in version 10.
    decoder = build_decoder(*in_form(form, TENSORS), latent_dim=LATENT_DIM + 1)
    latents = np.random.default_rng(10).standard_normal((3, LATENT_DIM + 1)).astype(np.float32)
    fine, coarse = (decoder.decode(random_payload()[0], latents, np.full(3, level)) for level in (0, 15))
    np.testing.assert_array_equal(fine, coarse)


def test_packets_decode_independently(decoder: Decoder) -> None:
    state, latents, levels = random_payload()
    alone = decoder.decode(state, latents, levels)
    decoder.decode(-state, -latents, levels)
    np.testing.assert_array_equal(decoder.decode(state, latents, levels), alone)


@each_form
@pytest.mark.parametrize("takes_level", [True, False])
def test_any_view_of_a_payload_will_do(form: str, takes_level: bool) -> None:
    latent_dim = LATENT_DIM if takes_level else LATENT_DIM + 1
    decoder = build_decoder(*in_form(form, TENSORS), latent_dim=latent_dim)
    rng = np.random.default_rng(10)
    state, latents = (rng.standard_normal(shape).astype(np.float32) for shape in (STATE_DIM, (5, latent_dim)))
    levels = np.arange(5)
    expected = decoder.decode(state, latents, levels)
    for view in (latents[::-1].copy()[::-1], latents.repeat(2, axis=0)[::2], latents.repeat(2, axis=1)[:, ::2]):
        np.testing.assert_array_equal(decoder.decode(state.repeat(3)[::3], view, levels), expected)


def test_any_view_of_features_will_do(encoder: Encoder) -> None:
    features = random_features(3)
    expected = encode_each(encoder, features)
    for view in (
        features[::-1].copy()[::-1],
        features.repeat(2, axis=1)[:, ::2],
        features.repeat(2, axis=2)[:, :, ::2],
    ):
        np.testing.assert_array_equal(np.hstack(encode_each(encoder, view)), np.hstack(expected))


def test_two_encoded_streams_do_not_mix(encoder: Encoder) -> None:
    streams = [random_features(6), -random_features(6)]
    states = [encoder.initial_state(), encoder.initial_state()]
    together = [[np.concatenate(encoder.encode(s, f[n])) for s, f in zip(states, streams)] for n in range(6)]
    for number, features in enumerate(streams):
        np.testing.assert_array_equal([step[number] for step in together], np.hstack(encode_each(encoder, features)))


def test_padding_of_the_last_layers_is_cut_off(encoder: Encoder) -> None:
    latent, state = encoder.encode(encoder.initial_state(), random_features(1)[0])
    assert latent.shape == (LATENT_DIM,)
    assert state.shape == (STATE_DIM,)


@pytest.mark.parametrize("level", [0, 15])
@pytest.mark.parametrize("size", [0.0, 1e3, 1e30])
def test_any_latents_decode_to_finite_features(decoder: Decoder, size: float, level: int) -> None:
    state, latents, _ = random_payload()
    size = np.float32(size)
    features = decoder.decode(size * state, size * latents, np.full(NUM_LATENTS, level))
    assert np.isfinite(features).all()


@pytest.mark.parametrize("name", ["enc_gru3_input_bias", "enc_zdense_bias", "gdense1_bias", "enc_conv5_weights_float"])
def test_an_encoder_without_a_layer_names_it(name: str) -> None:
    tensors = {key: tensor for key, tensor in TENSORS.items() if key != name}
    layer = name.removesuffix("_bias").removesuffix("_weights_float")
    with pytest.raises(ModelError, match=layer):
        RdovaeEncoder.from_tensors(tensors, ReferenceEngine(), latent_dim=LATENT_DIM, state_dim=STATE_DIM)
    with pytest.raises(ModelError, match=layer):
        CompiledEncoder.from_tensors(tensors, latent_dim=LATENT_DIM, state_dim=STATE_DIM)


def test_a_decoder_of_other_dimensions_is_refused() -> None:
    for latent_dim in (LATENT_DIM - 1, LATENT_DIM + 2):
        with pytest.raises(ModelError, match="dec_dense1"):
            RdovaeDecoder.from_tensors(TENSORS, ReferenceEngine(), latent_dim=latent_dim, state_dim=STATE_DIM)
        with pytest.raises(ModelError, match="dec_dense1"):
            CompiledDecoder.from_tensors(TENSORS, latent_dim=latent_dim, state_dim=STATE_DIM)
    with pytest.raises(ModelError, match="dec_hidden_init"):
        RdovaeDecoder.from_tensors(TENSORS, ReferenceEngine(), latent_dim=LATENT_DIM, state_dim=STATE_DIM + 1)
    with pytest.raises(ModelError, match="dec_hidden_init"):
        CompiledDecoder.from_tensors(TENSORS, latent_dim=LATENT_DIM, state_dim=STATE_DIM + 1)


def test_blocks_without_squeezing_are_built_as_in_version_10() -> None:
    encoder = build_encoder(without_squeezing(TENSORS), ReferenceEngine())
    assert isinstance(encoder, RdovaeEncoder)
    assert encoder.initial_state()[4].conv.shape == (2, 10 * NUM_UNITS)
    assert encoder.encode(encoder.initial_state(), random_features(1)[0])[0].shape == (LATENT_DIM,)
