"""Likeness of voices."""

import warnings

import numpy as np
import pytest
from metric_speech import RATE_HZ, clip, hear, holes, noisy, silence

from dred.evaluation.metrics import installed_metrics
from dred.evaluation.metrics.mel import mel_power
from dred.evaluation.metrics.speaker_similarity import SPEAKER_SIMILARITY, embed_voice
from dred.evaluation.score import NO_SCORE


@pytest.fixture(autouse=True)
def _needs_packages() -> None:
    # Looked for, not imported: its own import wants librosa and a compiled detector, which ours does without.
    if SPEAKER_SIMILARITY not in installed_metrics():
        pytest.skip("needs the extra speaker")


WOMAN, MAN = clip()[: 5 * RATE_HZ], clip()[-5 * RATE_HZ :]


def test_a_voice_is_like_itself() -> None:
    assert SPEAKER_SIMILARITY.score(hear(clip())).value == pytest.approx(1, abs=1e-6)


def test_its_other_words_are_more_like_it_than_another_voice() -> None:
    other_words = SPEAKER_SIMILARITY.score(hear(WOMAN[: 5 * RATE_HZ // 2], WOMAN[5 * RATE_HZ // 2 :])).value
    other_voice = SPEAKER_SIMILARITY.score(hear(MAN, WOMAN)).value
    assert other_voice < 0.7 < other_words


def test_damage_makes_it_less_alike() -> None:
    holed, noise, silent = (
        SPEAKER_SIMILARITY.score(hear(heard)).value for heard in (holes(clip()), noisy(clip(), 5), silence(len(clip())))
    )
    assert 1 > holed > noise > silent


def test_only_times_at_which_the_original_speaks_count() -> None:
    pause = silence(2 * RATE_HZ)
    reference = np.concatenate([WOMAN, pause])
    buzz = np.concatenate([WOMAN, 0.1 * np.sign(np.sin(np.arange(len(pause)) / 20)).astype(np.float32)])
    assert SPEAKER_SIMILARITY.score(hear(buzz, reference)).value == pytest.approx(1, abs=1e-6)


def test_too_little_speech_has_no_voice() -> None:
    assert SPEAKER_SIMILARITY.score(hear(WOMAN[:RATE_HZ], WOMAN[:RATE_HZ])) == NO_SCORE
    assert SPEAKER_SIMILARITY.score(hear(silence(), silence())) == NO_SCORE


@pytest.mark.slow
@pytest.mark.parametrize("num_samples", [9000, 40_000, 5 * RATE_HZ])
def test_embeddings_and_mel_bands_are_those_of_the_package(num_samples: int) -> None:
    for name in ("librosa", "webrtcvad"):
        pytest.importorskip(name, reason="the package's own code needs it")
    with warnings.catch_warnings(action="ignore"):
        package = pytest.importorskip("resemblyzer")
        expected = package.VoiceEncoder("cpu", verbose=False).embed_utterance(WOMAN[:num_samples])
        bands = package.wav_to_mel_spectrogram(WOMAN[:num_samples])
    found = mel_power(WOMAN[:num_samples], frame_samples=400, hop_samples=160, num_bands=40)
    np.testing.assert_allclose(found, bands, rtol=1e-3, atol=1e-6 * bands.max())
    np.testing.assert_allclose(embed_voice(WOMAN[:num_samples]), expected, atol=1e-5)
