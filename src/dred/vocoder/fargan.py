"""FARGAN: features to speech, 40 samples at a time, from its own past output.

    features, period -> dense -> conv -> dense ---> one condition per sub-frame
    condition -> gain
    condition, pitch prediction / gain, last 40 samples / gain
        -> conv, GLU -> [GRU, GLU] x 3, each fed with a gated pitch prediction -> dense, GLU -> 40 samples x gain

It continues real speech: `start` plays two frames of the past through the network before the first new sample.

Source: Valin et al., "Very low complexity speech synthesis using framewise autoregressive GAN (FARGAN) with pitch
prediction", 2024; facts from libopus 1.6.1 dnn/fargan.c.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float32

from dred.compilation import compiled
from dred.errors import UsageError
from dred.features import NUM_FEATURES, PITCH, pitch_to_period_samples
from dred.nn import Engine, Gru, Linear, Tensors
from dred.vocoder.layout import (
    CONDITION_PAST,
    DE_EMPHASIS,
    FRAME_SAMPLES,
    HISTORY_SAMPLES,
    NUM_SUBFRAMES,
    PREDICTION_MARGIN,
    PREDICTION_SAMPLES,
    SHORTEST_EMBEDDED_PERIOD,
    START_FEATURE_FRAMES,
    START_SAMPLES,
    SUBFRAME_SAMPLES,
)
from dred.vocoder.request import SpeechRequest, speak_in_turn


@dataclass(slots=True, kw_only=True)
class FarganState:
    """What the vocoder remembers: its past output, the memories of its layers, the last frame's period."""

    history: Float32[np.ndarray, " 256"]
    last_sample: np.float32
    period_samples: int
    condition_conv: Float32[np.ndarray, "2 condition_width"]
    signal_conv: Float32[np.ndarray, "1 signal_width"]
    grus: list[Float32[np.ndarray, " _"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fargan:
    """The layers of the vocoder and the engine that computes them."""

    engine: Engine
    period_embedding: Float32[np.ndarray, "periods embedding"]
    condition_1: Linear
    condition_conv: Linear
    condition_2: Linear
    gain: Linear
    signal_conv: Linear
    signal_glu: Linear
    pitch_gates: Linear
    grus: tuple[Gru, ...]
    glus: tuple[Linear, ...]
    skip: Linear
    skip_glu: Linear
    output: Linear

    @classmethod
    def from_tensors(cls, tensors: Tensors, engine: Engine) -> "Fargan":
        """Build the vocoder from a weights file's tensors.

        Raises:
            ModelError: A layer is missing or does not fit.
        """
        embedding = Linear.from_tensors(tensors, "cond_net_pembed").weight.T
        numbers = (1, 2, 3)
        return cls(
            engine=engine,
            period_embedding=np.ascontiguousarray(embedding),
            condition_1=Linear.from_tensors(tensors, "cond_net_fdense1", NUM_FEATURES + embedding.shape[1]),
            condition_conv=Linear.from_tensors(tensors, "cond_net_fconv1"),
            condition_2=Linear.from_tensors(tensors, "cond_net_fdense2"),
            gain=Linear.from_tensors(tensors, "sig_net_cond_gain_dense"),
            signal_conv=Linear.from_tensors(tensors, "sig_net_fwc0_conv"),
            signal_glu=Linear.from_tensors(tensors, "sig_net_fwc0_glu_gate"),
            pitch_gates=Linear.from_tensors(tensors, "sig_net_gain_dense_out"),
            grus=tuple(Gru.from_tensors(tensors, f"sig_net_gru{n}") for n in numbers),
            glus=tuple(Linear.from_tensors(tensors, f"sig_net_gru{n}_glu_gate") for n in numbers),
            skip=Linear.from_tensors(tensors, "sig_net_skip_dense"),
            skip_glu=Linear.from_tensors(tensors, "sig_net_skip_glu_gate"),
            output=Linear.from_tensors(tensors, "sig_net_sig_dense_out"),
        )

    def start(self, features: Float32[np.ndarray, "5 20"], samples: Float32[np.ndarray, " 320"]) -> FarganState:
        """Take up speech where it broke off.

        Each start is afresh. libopus carries the memory of its recurrent layers over from the gap before, which makes
        other waveforms but no better ones.

        Args:
            features: The five newest feature frames, oldest first. The vocoder looks ahead, so the last two of them
                describe the speech that comes after the samples.
            samples: The last 20 ms that were heard, -1 to 1.

        Raises:
            UsageError: The shapes are not these.
        """
        if features.shape != (START_FEATURE_FRAMES, NUM_FEATURES) or samples.shape != (START_SAMPLES,):
            raise UsageError(f"start needs (5, 20) features and 320 samples, got {features.shape}, {samples.shape}")
        state = FarganState(
            history=np.zeros(HISTORY_SAMPLES, np.float32),
            last_sample=samples[-1],
            period_samples=0,
            condition_conv=np.zeros((CONDITION_PAST, self.condition_1.num_outputs), np.float32),
            signal_conv=np.zeros((1, self.signal_conv.num_inputs // 2), np.float32),
            grus=[np.zeros(gru.num_units, np.float32) for gru in self.grus],
        )
        period_samples = 0
        for frame in features:
            state.period_samples = period_samples
            period_samples = pitch_to_period_samples(frame[PITCH])
            conditions = self._conditions(state, frame, period_samples)
        emphasised = np.zeros(START_SAMPLES, np.float32)
        emphasised[1:] = samples[1:] - DE_EMPHASIS * samples[:-1]
        state.history[-FRAME_SAMPLES:] = emphasised[:FRAME_SAMPLES]
        for condition, known in zip(conditions, emphasised[FRAME_SAMPLES:].reshape(NUM_SUBFRAMES, -1)):
            self._subframe(state, condition)
            # The network's guess at what is known is replaced by what was heard.
            state.history[-SUBFRAME_SAMPLES:] = known
        return state

    def synthesise(
        self, state: FarganState, features: Float32[np.ndarray, "frames 20"]
    ) -> Float32[np.ndarray, " samples"]:
        """Speak the next 10 ms per feature frame, -1 to 1; louder samples are not clipped here."""
        return np.concatenate([np.zeros(0, np.float32), *(self._synthesise_frame(state, frame) for frame in features)])

    def speak(self, requests: Sequence[SpeechRequest]) -> list[Float32[np.ndarray, " samples"]]:
        """Speak what several streams ask for."""
        return speak_in_turn(self, requests)

    def _synthesise_frame(self, state: FarganState, features: np.ndarray) -> np.ndarray:
        period_samples = pitch_to_period_samples(features[PITCH])
        conditions = self._conditions(state, features, period_samples)
        emphasised = np.concatenate([self._subframe(state, condition) for condition in conditions])
        # The frame was spoken with the period of the one before it.
        state.period_samples = period_samples
        samples = _de_emphasise(emphasised, state.last_sample)
        state.last_sample = samples[-1]
        return samples

    def _conditions(self, state: FarganState, features: np.ndarray, period_samples: int) -> np.ndarray:
        row = min(max(period_samples - SHORTEST_EMBEDDED_PERIOD, 0), len(self.period_embedding) - 1)
        x = np.concatenate([features, self.period_embedding[row]])
        x = self.engine.dense(self.condition_1, x, "tanh")
        x = self.engine.conv1d(self.condition_conv, state.condition_conv, x)
        return self.engine.dense(self.condition_2, x, "tanh").reshape(NUM_SUBFRAMES, -1)

    def _subframe(self, state: FarganState, condition: np.ndarray) -> np.ndarray:
        engine = self.engine
        gain = np.exp(engine.dense(self.gain, condition, "linear"))
        prediction, recent = _normalised_past(state.history, gain[0], state.period_samples)
        x = np.concatenate([condition, prediction, recent])
        x = engine.conv1d(self.signal_conv, state.signal_conv, x)
        first = x = engine.glu(self.signal_glu, x)
        gates = engine.dense(self.pitch_gates, x, "sigmoid")
        inner = prediction[PREDICTION_MARGIN:-PREDICTION_MARGIN]
        outputs = []
        for number, (gru, glu) in enumerate(zip(self.grus, self.glus)):
            engine.gru(gru, state.grus[number], np.concatenate([x, gates[number] * inner, recent]))
            x = engine.glu(glu, state.grus[number])
            outputs.append(x)
        x = np.concatenate([*outputs, first, gates[3] * inner, recent])
        x = engine.glu(self.skip_glu, engine.dense(self.skip, x, "tanh"))
        samples = engine.dense(self.output, x, "tanh") * gain
        state.history[:-SUBFRAME_SAMPLES] = state.history[SUBFRAME_SAMPLES:]
        state.history[-SUBFRAME_SAMPLES:] = samples
        return samples


@compiled
@no_type_check
def _normalised_past(history, gain, period_samples):
    """Return the last period, repeated as often as the sub-frame needs, and the last sub-frame, both over the gain."""
    scale = np.float32(1.0) / (np.float32(1e-5) + gain)
    prediction = np.empty(PREDICTION_SAMPLES, np.float32)
    position = HISTORY_SAMPLES - period_samples - PREDICTION_MARGIN
    for n in range(prediction.size):
        # A period longer than the history sees its oldest sample.
        prediction[n] = min(np.float32(1), max(np.float32(-1), history[max(position, 0)] * scale))
        position += 1
        if position == HISTORY_SAMPLES:
            position -= max(period_samples, 1)
    recent = np.empty(SUBFRAME_SAMPLES, np.float32)
    for n in range(SUBFRAME_SAMPLES):
        recent[n] = min(np.float32(1), max(np.float32(-1), history[HISTORY_SAMPLES - SUBFRAME_SAMPLES + n] * scale))
    return prediction, recent


@compiled
@no_type_check
def _de_emphasise(emphasised, last):
    samples = np.empty_like(emphasised)
    for n in range(samples.size):
        last = emphasised[n] + DE_EMPHASIS * last
        samples[n] = last
    return samples
