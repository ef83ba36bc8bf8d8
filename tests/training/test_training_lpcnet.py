"""The trainable LPCNet is the LPCNet: from the same weights, levels and draws come the same samples."""

import numpy as np
import pytest
from synthetic_corpus import make_corpus

torch = pytest.importorskip("torch", reason="training needs torch, the extra `train`")

from dred.errors import UsageError  # noqa: E402
from dred.nn import ReferenceEngine  # noqa: E402
from dred.training.excitation import ExcitationCoding, ExcitationConfig, lesson  # noqa: E402
from dred.training.layers import export_tensors  # noqa: E402
from dred.training.lpcnet import LpcnetNetwork, LpcnetWidths  # noqa: E402
from dred.training.rounding import with_int8_layers  # noqa: E402
from dred.vocoder import CompiledLpcnet, Lpcnet  # noqa: E402
from dred.vocoder.lpcnet_signal import choose, key_of, sharpness, to_level, uniform  # noqa: E402

CPU = torch.device("cpu")
NARROW = LpcnetWidths(condition=16, embedding=8, gru_a=24, gru_b=8)
WIDTHS = [pytest.param(LpcnetWidths(), id="published widths"), pytest.param(NARROW, id="narrow")]


def make_network(widths: LpcnetWidths) -> LpcnetNetwork:
    network = LpcnetNetwork(torch.Generator().manual_seed(1), widths)
    with torch.no_grad():
        network.lpcnet_dual_weights.weight.normal_(0, 3, generator=torch.Generator().manual_seed(2))
        # Excitations that are not large, so that hardly a sample is held at 1.
        network.lpcnet_dual_weights.bias.copy_(-(torch.arange(-128, 128).abs() / 12.0))
    return network


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("form", ["numpy", "compiled"])
def test_exported_weights_speak_the_same(widths: LpcnetWidths, form: str, rng: np.random.Generator) -> None:
    network = make_network(widths)
    features = (0.6 * rng.standard_normal((5 + 3, 20))).astype(np.float32)
    heard = (0.1 * rng.standard_normal(320)).astype(np.float32)
    tensors = export_tensors(network)
    vocoder = (
        Lpcnet.from_tensors(tensors, ReferenceEngine()) if form == "numpy" else CompiledLpcnet.from_tensors(tensors)
    )
    spoken = vocoder.synthesise(vocoder.start(features[:5].copy(), heard), features[5:].copy())
    speech = np.concatenate([heard[160 - 17 :], spoken])
    levels, targets = lesson(features, speech, np.zeros(len(speech) - 1, np.int64))
    logits = network(torch.from_numpy(features)[None], torch.from_numpy(levels)[None])[0].detach().numpy()
    key = key_of(heard)
    redrawn = [
        choose(logits[160 + n].copy(), sharpness(features[3 + n // 160 + n % 160 // 80]), uniform(key, n))
        for n in range(len(spoken))
    ]
    is_held = np.abs(speech[-480:] - np.float32(0.85) * speech[-481:-1]) > 0.999
    assert is_held.mean() < 0.2
    # Taking de-emphasis back costs a digit, and now and then a level.
    assert np.mean((np.array(redrawn) == targets[160:])[~is_held]) > 0.98
    assert np.unique(targets).size > 50


def test_rounded_weights_fit_the_vocoder_of_published_widths() -> None:
    tensors = with_int8_layers(export_tensors(make_network(LpcnetWidths())))
    assert tensors["lpcnet_gru_a_recurrent_weights_int8"].size == 3 * 384**2
    vocoder = CompiledLpcnet.from_tensors(tensors)
    features = np.zeros((6, 20), np.float32)
    spoken = vocoder.synthesise(vocoder.start(features[:5], np.zeros(320, np.float32)), features[5:])
    assert np.isfinite(spoken).all()
    assert spoken.any()


def test_without_noise_a_lesson_brings_speech_back(rng: np.random.Generator) -> None:
    """Prediction and excitation make the sample, up to mu-law."""
    features = (0.6 * rng.standard_normal((6, 20))).astype(np.float32)
    speech = (0.1 * rng.standard_normal(2 * 160 + 17)).astype(np.float32)
    levels, targets = lesson(features, speech, np.zeros(2 * 160 + 16, np.int64))
    emphasised = speech[1:] - np.float32(0.85) * speech[:-1]
    assert levels[:, 0].tolist() == [to_level(sample) for sample in emphasised[15:-1]]
    # The last excitation that it sees is the one it should have answered.
    np.testing.assert_array_equal(levels[1:, 2], targets[:-1])


def test_noise_is_in_what_is_seen_and_answered_by_what_brings_speech_back(rng: np.random.Generator) -> None:
    features = (0.6 * rng.standard_normal((6, 20))).astype(np.float32)
    speech = (0.1 * rng.standard_normal(2 * 160 + 17)).astype(np.float32)
    noise = np.zeros(2 * 160 + 16, np.int64)
    plain_levels, plain = lesson(features, speech, noise)
    noise[100 + 16] = 3
    levels, targets = lesson(features, speech, noise)
    assert levels[101, 0] == plain_levels[101, 0] + 3
    np.testing.assert_array_equal(targets[:101], plain[:101])
    assert (targets[101:117] != plain[101:117]).any()
    np.testing.assert_array_equal(targets[117:], plain[117:])
    with pytest.raises(UsageError, match="frames go with"):
        lesson(features, speech[1:], noise)


@pytest.mark.parametrize("widths", [LpcnetWidths(condition=24, embedding=8, gru_a=40, gru_b=16), NARROW])
def test_look_up_and_hand_written_gradients_say_what_the_plain_network_says(
    widths: LpcnetWidths, rng: np.random.Generator
) -> None:
    network = make_network(widths)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.05 * torch.from_numpy(rng.standard_normal(parameter.shape).astype(np.float32))
    features = torch.from_numpy((0.6 * rng.standard_normal((3, 4 + 2, 20))).astype(np.float32))
    levels = torch.from_numpy(rng.integers(0, 256, (3, 320, 3)))
    targets = torch.from_numpy(rng.integers(0, 256, (3, 320)))
    used = [parameter for name, parameter in network.named_parameters() if not ("embed" in name and "bias" in name)]
    loss = network.cross_entropy(features, levels, targets)
    gradients = torch.autograd.grad(loss, used)
    plain_logits = network.plain_logits(features, levels)
    torch.testing.assert_close(network(features, levels), plain_logits, rtol=1e-4, atol=1e-4)
    plain_loss = torch.nn.functional.cross_entropy(plain_logits.flatten(0, 1), targets.flatten())
    torch.testing.assert_close(loss, plain_loss, rtol=1e-5, atol=0)
    for gradient, plain in zip(gradients, torch.autograd.grad(plain_loss, used), strict=True):
        torch.testing.assert_close(gradient, plain, rtol=1e-3, atol=1e-4 * float(plain.abs().max()))


def test_a_step_takes_any_windows_and_lowers_the_loss() -> None:
    config = ExcitationConfig(batch=4, num_frames=2, widths=NARROW)
    task = ExcitationCoding(make_corpus(np.random.default_rng(5)), config, CPU)
    drawn = [torch.from_numpy(array) for array in task.draw(np.random.default_rng(1))]
    assert [tuple(array.shape) for array in drawn] == [(4, 6, 20), (4, 320, 3), (4, 320)]
    task.optimisers["lpcnet"].set_progress(0, 1)
    first = [float(task.step(*drawn)["loss"]) for _ in range(10)]
    assert first[-1] < first[0]
    with pytest.raises(UsageError, match="largest_noise"):
        ExcitationConfig(largest_noise=-1)
