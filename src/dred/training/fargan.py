"""FARGAN as a trainable module: the network of `dred.vocoder.fargan` for many stretches of speech at once.

It speaks emphasised speech (before de-emphasis), in which it is compared with its target; gradients pass through the
whole stretch, through the pitch prediction and through what was spoken last.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from dred.features import NUM_FEATURES, PITCH
from dred.features.layout import MAX_PERIOD_SAMPLES
from dred.training.layers import Dense, Gru, causal_taps
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

__all__ = ["EMPHASIS", "FarganNetwork", "FarganWidths", "emphasise", "period_samples"]

EMPHASIS = float(DE_EMPHASIS)

_NUM_PERIODS = 224
_EMBEDDING = 12
_CONDITION = 80
_NUM_GRUS = 3
# Speech is quiet: with a gain of 1 the first outputs would drown it.
_INITIAL_LOG_GAIN = -3.0


def period_samples(pitch: Float[Tensor, "*frames"]) -> Int[Tensor, "*frames"]:
    """Convert the pitch feature to periods at 16 kHz, as `dred.features.pitch_to_period_samples` does."""
    octaves = (pitch.double() + 1.5).clamp(-1, 4)
    return torch.floor(0.5 + MAX_PERIOD_SAMPLES * torch.exp2(-octaves)).long()


def emphasise(samples: Float[Tensor, "batch samples"]) -> Float[Tensor, "batch emphasised"]:
    """Emphasise high frequencies; the first sample only serves the second."""
    return samples[:, 1:] - EMPHASIS * samples[:, :-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class FarganWidths:
    """Widths of the network's layers; by default those of the published one, 820 thousand weights."""

    condition_1: int = 64
    condition_conv: int = 128
    signal: int = 192
    grus: tuple[int, int, int] = (160, 128, 128)
    skip: int = 128


class FarganNetwork(nn.Module):
    """The layers of the vocoder, named as in a weights file."""

    def __init__(self, generator: torch.Generator, widths: FarganWidths) -> None:
        """Draw initial weights."""
        super().__init__()
        past = 2 * SUBFRAME_SAMPLES
        self.cond_net_pembed = Dense(_NUM_PERIODS, _EMBEDDING, generator)
        self.cond_net_fdense1 = Dense(NUM_FEATURES + _EMBEDDING, widths.condition_1, generator)
        self.cond_net_fconv1 = Dense((CONDITION_PAST + 1) * widths.condition_1, widths.condition_conv, generator)
        self.cond_net_fdense2 = Dense(widths.condition_conv, NUM_SUBFRAMES * _CONDITION, generator)
        self.sig_net_cond_gain_dense = Dense(_CONDITION, 1, generator)
        self.signal_width = _CONDITION + PREDICTION_SAMPLES + SUBFRAME_SAMPLES
        self.sig_net_fwc0_conv = Dense(2 * self.signal_width, widths.signal, generator)
        self.sig_net_fwc0_glu_gate = Dense(widths.signal, widths.signal, generator)
        self.sig_net_gain_dense_out = Dense(widths.signal, _NUM_GRUS + 1, generator)
        width = widths.signal
        for number, units in enumerate(widths.grus, start=1):
            setattr(self, f"sig_net_gru{number}", Gru(width + past, units, generator))
            setattr(self, f"sig_net_gru{number}_glu_gate", Dense(units, units, generator))
            width = units
        self.sig_net_skip_dense = Dense(sum(widths.grus) + widths.signal + past, widths.skip, generator)
        self.sig_net_skip_glu_gate = Dense(widths.skip, widths.skip, generator)
        self.sig_net_sig_dense_out = Dense(widths.skip, SUBFRAME_SAMPLES, generator)
        self.num_units = widths.grus
        with torch.no_grad():
            # One-hot inputs: each period's row starts as small random numbers.
            self.cond_net_pembed.weight.normal_(0, 0.1, generator=generator)
            self.sig_net_cond_gain_dense.bias.fill_(_INITIAL_LOG_GAIN)

    def forward(
        self, features: Float[Tensor, "batch frames_5 20"], heard: Float[Tensor, "batch 320"]
    ) -> Float[Tensor, "batch samples"]:
        """Continue speech.

        Args:
            features: Five frames to start from, of which the last two describe what comes after the heard samples, then
                one for each 10 ms to be spoken.
            heard: The 20 ms before, -1 to 1.

        Returns:
            Emphasised speech.
        """
        num_frames = features.shape[1] - START_FEATURE_FRAMES
        batch = features.shape[0]
        periods = period_samples(features[..., PITCH])
        conditions = self._conditions(features, periods)
        places = _places(_spoken_periods(periods))
        emphasised = torch.nn.functional.pad(emphasise(heard), (1, 0))
        past = torch.nn.functional.pad(emphasised[:, :FRAME_SAMPLES], (HISTORY_SAMPLES - FRAME_SAMPLES, 0))
        known = emphasised[:, FRAME_SAMPLES:].split(SUBFRAME_SAMPLES, dim=1)
        memory = heard.new_zeros(batch, self.signal_width)
        states = tuple(heard.new_zeros(batch, units) for units in self.num_units)
        # All calls of the sub-frame are of one kind, so that a compiled one is compiled once.
        for start in (past, memory, *states):
            start.requires_grad_()
        spoken = []
        for frame in range(num_frames + 1):
            for subframe in range(NUM_SUBFRAMES):
                samples, memory, states = self.speak_subframe(
                    past, memory, states, conditions[:, START_FEATURE_FRAMES - 1 + frame, subframe], places[:, frame]
                )
                if frame == 0:
                    # The network's guess at what is known is replaced by what was heard.
                    samples = known[subframe]
                else:
                    spoken.append(samples)
                past = torch.cat([past[:, SUBFRAME_SAMPLES:], samples], dim=1)
        return torch.cat(spoken, dim=1)

    def speak_subframe(
        self,
        past: Float[Tensor, "batch 256"],
        memory: Float[Tensor, "batch width"],
        states: tuple[Tensor, Tensor, Tensor],
        condition: Float[Tensor, "batch condition"],
        places: Int[Tensor, "batch 44"],
    ) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor, Tensor]]:
        """Speak 40 samples from the past; return them and the new memories of convolution and recurrent units."""
        gain = torch.exp(self.sig_net_cond_gain_dense(condition))
        scale = 1 / (1e-5 + gain)
        prediction = (past.gather(1, places) * scale).clamp(-1, 1)
        recent = (past[:, -SUBFRAME_SAMPLES:] * scale).clamp(-1, 1)
        seen = torch.cat([condition, prediction, recent], dim=1)
        x = torch.tanh(self.sig_net_fwc0_conv(torch.cat([memory, seen], dim=1)))
        first = x = x * torch.sigmoid(self.sig_net_fwc0_glu_gate(x))
        gates = torch.sigmoid(self.sig_net_gain_dense_out(x))
        inner = prediction[:, PREDICTION_MARGIN:-PREDICTION_MARGIN]
        outputs, new_states = [], []
        for number, state in enumerate(states):
            unit, gate = (getattr(self, f"sig_net_gru{number + 1}{end}") for end in ("", "_glu_gate"))
            state = unit(state, torch.cat([x, gates[:, number : number + 1] * inner, recent], dim=1))
            x = state * torch.sigmoid(gate(state))
            new_states.append(state)
            outputs.append(x)
        x = torch.cat([*outputs, first, gates[:, _NUM_GRUS:] * inner, recent], dim=1)
        x = torch.tanh(self.sig_net_skip_dense(x))
        x = x * torch.sigmoid(self.sig_net_skip_glu_gate(x))
        samples = torch.tanh(self.sig_net_sig_dense_out(x)) * gain
        return samples, seen, (new_states[0], new_states[1], new_states[2])

    def _conditions(self, features: Tensor, periods: Tensor) -> Float[Tensor, "batch frames 4 condition"]:
        rows = (periods - SHORTEST_EMBEDDED_PERIOD).clamp(0, _NUM_PERIODS - 1)
        one_hot = (rows[..., None] == torch.arange(_NUM_PERIODS, device=rows.device)).to(features.dtype)
        # The embedding has no bias: a weights file's readers take the weights alone.
        embedded = one_hot @ self.cond_net_pembed.weight.T
        x = torch.tanh(self.cond_net_fdense1(torch.cat([features, embedded], dim=-1)))
        x = torch.tanh(self.cond_net_fconv1(causal_taps(x, CONDITION_PAST + 1)))
        return torch.tanh(self.cond_net_fdense2(x)).unflatten(-1, (NUM_SUBFRAMES, _CONDITION))


def _spoken_periods(periods: Int[Tensor, "batch frames_5"]) -> Int[Tensor, "batch frames"]:
    """Return the period that each frame is spoken with, from the last known one on: the period of the frame before.

    The first new frame still has the last known one's.
    """
    before = periods[:, START_FEATURE_FRAMES - 2 : START_FEATURE_FRAMES - 1]
    return torch.cat([before, before, periods[:, START_FEATURE_FRAMES:-1]], dim=1)


def _places(periods: Int[Tensor, "batch frames"]) -> Int[Tensor, "batch frames 44"]:
    """Return where in the history the pitch prediction is found: the last period, repeated as often as needed."""
    steps = torch.arange(PREDICTION_SAMPLES, device=periods.device) - PREDICTION_MARGIN
    lags = periods[..., None]
    wrapped = torch.where(steps < lags, steps, steps % lags)
    # A period longer than the history sees its oldest sample.
    return (HISTORY_SAMPLES - lags + wrapped).clamp(min=0)


assert START_SAMPLES == FRAME_SAMPLES + NUM_SUBFRAMES * SUBFRAME_SAMPLES
