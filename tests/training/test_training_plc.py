"""The trainable PLC predictor is the PLC predictor: the same weights guess the same features."""

import numpy as np
import pytest
from synthetic_corpus import make_corpus

torch = pytest.importorskip("torch", reason="training needs torch, the extra `train`")

from dred.concealment import CompiledPredictor, Predictor  # noqa: E402
from dred.concealment.predictor import FROM_REDUNDANCY, HEARD  # noqa: E402
from dred.errors import UsageError  # noqa: E402
from dred.features import NUM_BURG_FEATURES, PITCH, VOICING, burg_feature_frames  # noqa: E402
from dred.nn import ReferenceEngine  # noqa: E402
from dred.training.concealing import Concealing, ConcealingConfig, PredictionLoss  # noqa: E402
from dred.training.layers import export_tensors, load_tensors  # noqa: E402
from dred.training.plc import PredictorNetwork, PredictorWidths  # noqa: E402
from dred.training.rounding import with_int8_layers  # noqa: E402
from dred.weights import WeightSet  # noqa: E402

CPU = torch.device("cpu")
NARROW = PredictorWidths(hidden=8, units=8)
WIDTHS = [pytest.param(PredictorWidths(), id="published widths"), pytest.param(NARROW, id="narrow")]


def make_predictor(form: str, tensors: dict[str, np.ndarray]) -> Predictor | CompiledPredictor:
    if form == "numpy":
        return Predictor.from_tensors(tensors, ReferenceEngine())
    return CompiledPredictor.from_tensors(tensors)


def make_task(**changes: float) -> Concealing:
    config = ConcealingConfig(batch=8, num_frames=60, num_heard=8, widths=NARROW, **changes)  # type: ignore[arg-type]
    return Concealing(make_corpus(np.random.default_rng(5)), config, CPU)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("batch", 0),
        ("num_frames", 99),
        ("num_heard", 100),
        ("num_heard", 11),
        ("longest_guess", 0),
        ("redundancy_share", 1.1),
        ("redundancy_share", float("nan")),
        ("redundancy_error", -0.1),
        ("redundancy_error", float("inf")),
        ("louder_weight", -1.0),
        ("balance", 2.0),
    ],
)
def test_impossible_settings_are_refused(name: str, wrong: float) -> None:
    with pytest.raises(UsageError, match=f"^{name} must be "):
        ConcealingConfig(**{name: wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("form", ["numpy", "compiled"])
def test_exported_weights_guess_the_same(widths: PredictorWidths, form: str, rng: np.random.Generator) -> None:
    """Heard, told by redundancy, guessed: what a receiver does is what the network is trained on."""
    network = PredictorNetwork(torch.Generator().manual_seed(1), widths)
    burg = rng.standard_normal((5, 36)).astype(np.float32)
    features = rng.standard_normal((8, 20)).astype(np.float32)
    values = np.zeros((1, 10, 57), np.float32)
    values[0, :5] = np.concatenate([burg, features[:5], np.full((5, 1), HEARD)], axis=1)
    values[0, 5:8, 36:] = np.concatenate([features[5:], np.full((3, 1), FROM_REDUNDANCY)], axis=1)
    expected = network(torch.from_numpy(values))[0, 8:].detach().numpy()
    predictor = make_predictor(form, export_tensors(network))
    state = predictor.initial_state()
    predictor.hear(state, burg, features[:5])
    predictor.follow(state, features[5:])
    # Compiled activations are good to 1e-6.
    np.testing.assert_allclose([predictor.predict(state) for _ in range(2)], expected, atol=2e-5)


def test_an_export_has_the_published_layers(weights_v12: WeightSet) -> None:
    exported = with_int8_layers(export_tensors(PredictorNetwork(torch.Generator(), PredictorWidths())))
    published = {name: tensor for name, tensor in weights_v12.tensors.items() if name.startswith("plc_")}
    assert {name for name in published if not name.endswith("_subias")} == exported.keys()
    for name, tensor in exported.items():
        assert (tensor.dtype, tensor.shape) == (published[name].dtype, published[name].shape), name


@pytest.mark.reference
def test_the_published_weights_can_be_trained_on(weights_v12: WeightSet, rng: np.random.Generator) -> None:
    network = PredictorNetwork(torch.Generator(), PredictorWidths())
    load_tensors(network, weights_v12.tensors)
    values = np.zeros((1, 7, 57), np.float32)
    values[0, :6, :-1] = rng.standard_normal((6, 56))
    values[0, :6, -1] = HEARD
    predictor = make_predictor("numpy", dict(weights_v12.tensors))
    state = predictor.initial_state()
    predictor.hear(state, values[0, :6, :NUM_BURG_FEATURES], values[0, :6, NUM_BURG_FEATURES:-1])
    guessed = network(torch.from_numpy(values))[0, 6].detach().numpy()
    np.testing.assert_allclose(guessed, predictor.predict(state), atol=1e-4)


def test_what_is_lost_is_hidden_and_only_that_counts() -> None:
    task = make_task(redundancy_share=0.5, redundancy_error=0.0)
    values, counts, features = task.draw(np.random.default_rng(1))
    flags = values[..., -1]
    is_heard, is_told, is_lost = (flags == flag for flag in (HEARD, FROM_REDUNDANCY, 0.0))
    assert (is_heard | is_told | is_lost).all()
    assert all(kind.any() for kind in (is_heard, is_told, is_lost))
    assert is_heard[:, : task.config.num_heard].all()
    assert not values[is_lost].any()
    np.testing.assert_array_equal(values[~is_lost][:, NUM_BURG_FEATURES:-1], features[~is_lost])
    assert not values[is_told][:, :NUM_BURG_FEATURES].any()
    assert (counts <= is_lost).all()
    # Frames are lost in pairs, as packets are; every window has some.
    np.testing.assert_array_equal(is_heard[:, ::2], is_heard[:, 1::2])
    assert (~is_heard).any(axis=1).all()


def test_burg_features_are_those_of_the_same_frames() -> None:
    task = make_task()
    values, _, features = task.draw(np.random.default_rng(2))
    corpus = make_corpus(np.random.default_rng(5))
    first = int(np.flatnonzero((corpus.features == features[0, 0]).all(axis=1))[0])
    burg = burg_feature_frames(corpus.samples[first : first + 8].astype(np.float32).ravel())
    np.testing.assert_array_equal(values[0, :8, :NUM_BURG_FEATURES], burg)


def test_the_end_of_a_long_gap_does_not_count() -> None:
    _, whole, _ = make_task(longest_guess=100, redundancy_share=0.0).draw(np.random.default_rng(3))
    values, counts, _ = make_task(longest_guess=2, redundancy_share=0.0).draw(np.random.default_rng(3))
    np.testing.assert_array_equal(whole, values[..., -1] == 0)
    two_back = np.pad(whole, ((0, 0), (2, 0)))[:, :-2]
    one_back = np.pad(whole, ((0, 0), (1, 0)))[:, :-1]
    np.testing.assert_array_equal(counts, whole & ~(two_back & one_back))
    assert counts.sum() < whole.sum()


def test_equal_features_have_no_loss_and_loud_guesses_cost_more() -> None:
    loss, original = PredictionLoss(1.0), torch.zeros(1, 20)
    assert float(loss(original, original)) == 0
    soft, loud = original.clone(), original.clone()
    soft[:, 0], loud[:, 0] = -0.5, 0.5
    assert float(loss(loud, original)) > 1.2 * float(loss(soft, original)) > 0
    hoarse, humming = original.clone(), original.clone()
    hoarse[:, VOICING], humming[:, VOICING] = -0.3, 0.3
    assert float(loss(hoarse, original)) > float(loss(humming, original))
    wrong = [original.clone() for _ in range(2)]
    wrong[0][:, PITCH], wrong[1][:, PITCH] = 2.0, 3.0
    # Beyond an octave only the plain error grows.
    assert float(loss(wrong[1], original) - loss(wrong[0], original)) == pytest.approx(1 / 20, abs=1e-5)
