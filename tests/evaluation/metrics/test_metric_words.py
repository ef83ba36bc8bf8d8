"""Words: how errors are counted, and what the recogniser makes of speech."""

import pytest
from metric_speech import MAN_SAYS, WOMAN_SAYS, clip, hear, shuffled, silence

from dred.evaluation.metrics.wer import WER
from dred.evaluation.metrics.word_errors import count_word_errors, spoken_words
from dred.evaluation.score import NO_SCORE

TEXT = f"{WOMAN_SAYS} {MAN_SAYS}"


@pytest.mark.parametrize(
    ("said", "understood", "errors"),
    [
        ("", "", 0),
        ("a b c", "a b c", 0),
        ("a b c", "", 3),
        ("", "a b", 2),
        ("a b c", "a x c", 1),
        ("a b c", "a c", 1),
        ("a c", "a b c", 1),
        ("a b c d", "b c d a", 2),
        ("k i t t e n", "s i t t i n g", 3),
        ("i n t e n t i o n", "e x e c u t i o n", 5),
    ],
)
def test_errors_are_the_fewest_changes(said: str, understood: str, errors: int) -> None:
    assert count_word_errors(said.split(), understood.split()) == errors
    assert count_word_errors(understood.split(), said.split()) == errors


def test_words_have_no_case_punctuation_or_accents() -> None:
    spoken = "its mister brontes well known cafe at nine oclock"
    assert spoken_words(" It's MR. Brontë's well-known “café” \u2013 at nine o\u2019clock! ") == spoken.split()
    assert spoken_words("... \u2013 !") == []


class TestRecogniser:
    @pytest.fixture(autouse=True)
    def needs_packages(self) -> None:
        for package in WER.packages:
            pytest.importorskip(package, reason="needs the extra asr")

    def test_clean_speech_is_understood(self) -> None:
        score = WER.score(hear(clip(), text=TEXT))
        assert score.weight == len(TEXT.split())
        assert score.value < 10

    def test_without_a_text_the_original_tells_what_is_said(self) -> None:
        score = WER.score(hear(clip()))
        assert score.total == 0
        assert 30 < score.weight < 42

    def test_shuffled_speech_is_not_understood(self) -> None:
        assert WER.score(hear(shuffled(clip()), text=TEXT)).value > 60

    def test_every_word_of_silence_is_missing(self) -> None:
        score = WER.score(hear(silence(len(clip())), text=TEXT))
        assert (score.total, score.weight, score.value) == (3500, 35, 100)

    def test_where_nothing_is_said_there_is_no_score(self) -> None:
        assert WER.score(hear(silence(), silence())) == NO_SCORE
        assert WER.score(hear(clip(), text=" - ")) == NO_SCORE

    def test_scores_of_parts_add_up_by_words(self) -> None:
        woman, man = clip()[:96_000], clip()[96_000:]
        parts = [
            WER.score(hear(woman, woman, "I took the early bus")),
            WER.score(hear(man, man, MAN_SAYS)),
        ]
        assert sum(parts[1:], parts[0]).weight == 5 + 16
        assert sum(parts[1:], parts[0]).total == parts[0].total + parts[1].total
