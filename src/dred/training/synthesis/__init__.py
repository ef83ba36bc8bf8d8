"""Speech from a synthesiser, as a folder of recordings with a manifest that a corpus can be built from.

    sentences -> phonemes -> Kokoro, in one of its voices or between two of them -> flac and manifest.jsonl

The synthesiser is the user's: packages of their own hold its model and its voices, nothing is fetched here.
"""

from dred.training.synthesis.folder import SynthesisConfig, synthesise
from dred.training.synthesis.kokoro import Kokoro
from dred.training.synthesis.sentences import draw_sentence, read_sentences
from dred.training.synthesis.voices import Voices, read_voices

__all__ = ["Kokoro", "SynthesisConfig", "Voices", "draw_sentence", "read_sentences", "read_voices", "synthesise"]
