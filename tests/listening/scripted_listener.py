"""Listeners made of code: they hear the sounds that are served, and have an opinion and a bias."""

import io
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tone_evaluation import ORIGINAL_HZ, RATE_HZ, SCHEMES, scheme_hz

BEEP_HZ = 1000
OPINIONS = {"clean": 4.2, "lbrr": 3.4, "dred": 3.8, "plc": 2.4, "(original)": 4.6, "(destroyed)": 1.2}
"""What the average listener thinks of a scheme."""


@dataclass(frozen=True)
class Heard:
    """What one sound was: a condition, some beeps, or the softest of three tones."""

    condition: str = ""
    beeps: int = 0
    softest: int = 0


def hear(wav: bytes) -> Heard:
    """Tell what a wav file holds."""
    with wave.open(io.BytesIO(wav)) as file:
        channels, rate_hz = file.getnchannels(), file.getframerate()
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, channels).astype(float)
    assert rate_hz == RATE_HZ
    if channels == 2:
        return Heard(softest=_softest(pcm[:, 0]))
    speech = pcm[:, 0]
    if beeps := _count_bursts(speech, BEEP_HZ):
        return Heard(beeps=beeps)
    power = np.square(np.abs(np.fft.rfft(speech)))
    peak_hz = float(np.argmax(power)) * rate_hz / len(speech)
    names = {ORIGINAL_HZ: "(original)"} | {scheme_hz(name): name for name in SCHEMES}
    condition = min(names.items(), key=lambda entry: abs(entry[0] - peak_hz))[1]
    is_noisy = power[len(power) // 2 :].sum() > 0.05 * power.sum()
    return Heard(condition="(destroyed)" if is_noisy else condition)


def _softest(samples: np.ndarray) -> int:
    loud = np.abs(samples) > 30
    level = np.where(loud, np.abs(samples), 0)
    edges = np.flatnonzero(np.diff(np.convolve(loud, np.ones(800), "same") > 0))
    bursts = [level[start:end].max() for start, end in zip(edges[::2], edges[1::2])]
    assert len(bursts) == 3
    return int(np.argmin(bursts)) + 1


def _count_bursts(samples: np.ndarray, hz: float) -> int:
    window = 800
    phase = np.exp(-2j * np.pi * hz * np.arange(len(samples)) / RATE_HZ)
    envelope = np.abs(np.convolve(samples * phase, np.ones(window) / window, "same"))
    is_on = envelope > 600
    return int((np.diff(is_on.astype(int)) == 1).sum())


@dataclass
class ScriptedListener:
    """A listener.

    Attributes:
        rng: Of chance.
        bias: What is added to every opinion.
        spread: Standard deviation of what chance adds.
        is_careless: Answers anything to everything.
        opinions: Of schemes.
    """

    rng: np.random.Generator
    bias: float = 0.0
    spread: float = 0.4
    is_careless: bool = False
    opinions: Mapping[str, float] = field(default_factory=lambda: OPINIONS)

    def answer(self, state: Mapping[str, Any], wavs: Sequence[bytes]) -> int:
        """Answer the question of a step, having heard its sounds."""
        num_answers = len(state["answers"])
        if self.is_careless:
            return int(self.rng.integers(num_answers)) + 1
        if state["stage"] == "volume":
            return 1
        heard = [hear(wav) for wav in wavs]
        if heard[-1].softest or heard[-1].beeps:
            return heard[-1].softest or heard[-1].beeps
        wanted = self.opinions[heard[-1].condition] + self.bias + self.spread * self.rng.standard_normal()
        if state["method"] == "ccr":
            wanted += 4 - self.opinions[heard[0].condition]
        return int(np.clip(round(wanted), 1, num_answers))
