"""LPCNet: features to speech, sample by sample; a network draws what linear prediction leaves open.

    features -> conv -> conv -> dense -> dense ---------------------------> condition, once per 10 ms
    cepstrum -> prediction filter; past samples, filter -> prediction
    last sample, prediction, last excitation (mu-law, embedded), condition
        -> GRU A -> with the condition: GRU B -> two dense layers, weighted -> odds of 256 levels -> excitation
    prediction + excitation -> de-emphasis -> sample

Both convolutions together see five frames, so that speech is two frames of features behind the newest, as FARGAN's is.
The window of a frame of features is centred where that frame begins: the first half of 10 ms is spoken with the filter
and the voicing of its own frame, the second half with those of the next. The published network adds the features to
what its convolutions yield; this one does not.

Source: Valin and Skoglund, "LPCNet: improving neural speech synthesis through linear prediction", 2019.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from dred.errors import ModelError, UsageError
from dred.features import NUM_FEATURES
from dred.features.reference.bands import LPC_ORDER
from dred.nn import Engine, Gru, Linear, Tensors
from dred.vocoder.layout import CONDITION_PAST, DE_EMPHASIS, FRAME_SAMPLES, START_FEATURE_FRAMES, START_SAMPLES
from dred.vocoder.lpcnet_signal import (
    FILTER_SCRATCH,
    MODULUS,
    NUM_LEVELS,
    ZERO_LEVEL,
    choose,
    from_level,
    hold,
    key_of,
    predict,
    sharpness,
    to_level,
    uniform,
    write_filter,
)
from dred.vocoder.request import SpeechRequest, speak_in_turn

EMBEDDED = ("signal", "prediction", "excitation")
"""What the sample-rate network sees, in this order before the condition."""

_HALF_SAMPLES = FRAME_SAMPLES // 2


@dataclass(slots=True, kw_only=True)
class LpcnetState:
    """What the vocoder remembers.

    Attributes:
        past: The last samples before de-emphasis, oldest first.
        last_sample: The last one after it.
        excitation: Level of the last excitation.
        key: Of the draws, from the speech that was heard.
        counter: Of the next draw.
        features: The two last frames.
        convolved: What the first convolution made of the two last frames.
        gru_a: State of the large unit.
        gru_b: State of the small one.
    """

    past: Float32[np.ndarray, " 16"]
    last_sample: np.float32
    excitation: int
    key: int
    counter: int
    features: Float32[np.ndarray, "2 20"]
    convolved: Float32[np.ndarray, "2 width"]
    gru_a: Float32[np.ndarray, " a"]
    gru_b: Float32[np.ndarray, " b"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lpcnet:
    """The layers of the vocoder and the engine that computes them."""

    engine: Engine
    conv_1: Linear
    conv_2: Linear
    dense_1: Linear
    dense_2: Linear
    embeddings: tuple[Float32[np.ndarray, "256 embedding"], ...]
    gru_a: Gru
    gru_b: Gru
    duals: tuple[Linear, Linear]
    dual_weights: Linear

    @classmethod
    def from_tensors(cls, tensors: Tensors, engine: Engine) -> "Lpcnet":
        """Build the vocoder from a weights file's tensors.

        Raises:
            ModelError: A layer is missing or does not fit.
        """
        num_taps = CONDITION_PAST + 1
        conv_1 = Linear.from_tensors(tensors, "lpcnet_feature_conv1", num_taps * NUM_FEATURES)
        conv_2 = Linear.from_tensors(tensors, "lpcnet_feature_conv2", num_taps * conv_1.num_outputs)
        dense_1 = Linear.from_tensors(tensors, "lpcnet_feature_dense1", conv_2.num_outputs)
        dense_2 = Linear.from_tensors(tensors, "lpcnet_feature_dense2", dense_1.num_outputs)
        layers = [Linear.from_tensors(tensors, f"lpcnet_embed_{name}", NUM_LEVELS) for name in EMBEDDED]
        embedded = sum(layer.num_outputs for layer in layers)
        gru_a = Gru.from_tensors(tensors, "lpcnet_gru_a", embedded + dense_2.num_outputs)
        gru_b = Gru.from_tensors(tensors, "lpcnet_gru_b", gru_a.num_units + dense_2.num_outputs)
        first, second = (Linear.from_tensors(tensors, f"lpcnet_dual_fc{n}", gru_b.num_units) for n in (1, 2))
        dual_weights = Linear.from_tensors(tensors, "lpcnet_dual_weights", 2)
        if not first.num_outputs == second.num_outputs == dual_weights.num_outputs == NUM_LEVELS:
            raise ModelError(f"the layers lpcnet_dual_* have {NUM_LEVELS} outputs, not {first.num_outputs}")
        return cls(
            engine=engine,
            conv_1=conv_1,
            conv_2=conv_2,
            dense_1=dense_1,
            dense_2=dense_2,
            # As rows; an embedding has no bias.
            embeddings=tuple(np.ascontiguousarray(layer.weight.T) for layer in layers),
            gru_a=gru_a,
            gru_b=gru_b,
            duals=(first, second),
            dual_weights=dual_weights,
        )

    def start(self, features: Float32[np.ndarray, "5 20"], samples: Float32[np.ndarray, " 320"]) -> LpcnetState:
        """Take up speech where it broke off: the last 10 ms pass through the network as if it had spoken them.

        Args:
            features: The five newest feature frames, oldest first. The vocoder looks ahead, so the last two of them
                describe the speech that comes after the samples.
            samples: The last 20 ms that were heard, -1 to 1. The draws depend on them.

        Raises:
            UsageError: The shapes are not these.
        """
        if features.shape != (START_FEATURE_FRAMES, NUM_FEATURES) or samples.shape != (START_SAMPLES,):
            raise UsageError(f"start needs (5, 20) features and 320 samples, got {features.shape}, {samples.shape}")
        state = LpcnetState(
            past=np.zeros(LPC_ORDER, np.float32),
            last_sample=samples[-1],
            excitation=ZERO_LEVEL,
            key=key_of(samples),
            counter=0,
            features=np.zeros((CONDITION_PAST, NUM_FEATURES), np.float32),
            convolved=np.zeros((CONDITION_PAST, self.conv_1.num_outputs), np.float32),
            gru_a=np.zeros(self.gru_a.num_units, np.float32),
            gru_b=np.zeros(self.gru_b.num_units, np.float32),
        )
        for frame in features[:-1]:
            self._condition(state, frame)
        emphasised = samples[1:] - DE_EMPHASIS * samples[:-1]
        heard = emphasised[-FRAME_SAMPLES:]
        state.past[:] = emphasised[-FRAME_SAMPLES - LPC_ORDER : -FRAME_SAMPLES]
        self._frame(state, features[-1], heard)
        return state

    def synthesise(
        self, state: LpcnetState, features: Float32[np.ndarray, "frames 20"]
    ) -> Float32[np.ndarray, " samples"]:
        """Speak the next 10 ms per feature frame, -1 to 1; louder samples are not clipped here."""
        samples = np.zeros(len(features) * FRAME_SAMPLES, np.float32)
        for frame, target in zip(features, samples.reshape(-1, FRAME_SAMPLES)):
            for n, emphasised in enumerate(self._frame(state, frame, None)):
                state.last_sample = emphasised + DE_EMPHASIS * state.last_sample
                target[n] = state.last_sample
        return samples

    def speak(self, requests: Sequence[SpeechRequest]) -> list[Float32[np.ndarray, " samples"]]:
        """Speak what several streams ask for."""
        return speak_in_turn(self, requests)

    def _condition(self, state: LpcnetState, features: np.ndarray) -> np.ndarray:
        engine = self.engine
        x = engine.conv1d(self.conv_1, state.features, features)
        x = engine.conv1d(self.conv_2, state.convolved, x)
        return engine.dense(self.dense_2, engine.dense(self.dense_1, x, "tanh"), "tanh")

    def _frame(self, state: LpcnetState, features: np.ndarray, heard: np.ndarray | None) -> np.ndarray:
        """Speak 10 ms before de-emphasis, or let the network hear them."""
        # What the frame itself and the next look like; the newest is one further ahead.
        halves = [(_filter(known), sharpness(known)) for known in state.features]
        condition = self._condition(state, features)
        spoken = np.empty(FRAME_SAMPLES, np.float32)
        for n in range(FRAME_SAMPLES):
            taps, sharp = halves[n // _HALF_SAMPLES]
            prediction = predict(state.past, taps)
            logits = self._logits(state, prediction, condition)
            if heard is None:
                state.excitation = choose(logits, sharp, uniform(state.key, state.counter))
                state.counter = (state.counter + 1) % MODULUS
                sample = hold(prediction + from_level(state.excitation))
            else:
                sample = heard[n]
                state.excitation = to_level(sample - prediction)
            state.past[:-1] = state.past[1:]
            state.past[-1] = sample
            spoken[n] = sample
        return spoken

    def _logits(self, state: LpcnetState, prediction: float, condition: np.ndarray) -> np.ndarray:
        levels = (to_level(state.past[-1]), to_level(prediction), state.excitation)
        embedded = [rows[level] for rows, level in zip(self.embeddings, levels)]
        self.engine.gru(self.gru_a, state.gru_a, np.concatenate([*embedded, condition]))
        self.engine.gru(self.gru_b, state.gru_b, np.concatenate([state.gru_a, condition]))
        first, second = (self.engine.dense(layer, state.gru_b, "tanh") for layer in self.duals)
        weight = self.dual_weights.weight
        return weight[:, 0] * first + weight[:, 1] * second + self.dual_weights.bias


def _filter(features: np.ndarray) -> np.ndarray:
    taps = np.empty(LPC_ORDER, np.float32)
    write_filter(features, taps, np.empty(FILTER_SCRATCH, np.float32))
    return taps
