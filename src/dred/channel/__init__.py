"""The network as a function of time: recorded traces, loss models, and an emulator without clocks or sockets.

```
 trace file --read_trace--> Trace -----.
              Uniform, GilbertElliott --+--> ChannelEmulator: packets + time of sending -> packets + time of arrival
 model file --> HiddenMarkov, at_loss --'
     ^-- training, held_out, fitting <-- traces <-- find_traces     comparison, plot: are models like the data?
```

The second line from below is imported by name (`dred.channel.fitting` and so on): it is compiled, and no wire needs it.

Nothing here touches global state: randomness is a generator that the caller seeds, time is an argument.
"""

from dred.channel.bounded import BURST_CLASSES_MS, burst_class_ms, draw_bounded
from dred.channel.challenge import ChallengeClip, find_traces
from dred.channel.emulator import ChannelConfig, ChannelEmulator
from dred.channel.hidden_markov import HiddenMarkov
from dred.channel.link import BottleneckConfig, OutagesConfig
from dred.channel.model_file import TrainedModel, bundled_loss_model, read_loss_model, write_loss_model
from dred.channel.models import (
    GilbertElliott,
    LossModel,
    LossStatistics,
    Trace,
    Uniform,
    burst_lengths,
    gilbert_elliott_losses,
    loss_statistics,
    uniform_losses,
)
from dred.channel.network_losses import NetworkLosses
from dred.channel.observation import NetworkSummary, Observation, observe
from dred.channel.presets import PRESETS, PRESETS_SOURCE, NetworkPreset, find_preset
from dred.channel.trace import read_trace, write_trace

__all__ = [
    "BURST_CLASSES_MS",
    "PRESETS",
    "PRESETS_SOURCE",
    "BottleneckConfig",
    "ChallengeClip",
    "ChannelConfig",
    "ChannelEmulator",
    "GilbertElliott",
    "HiddenMarkov",
    "LossModel",
    "LossStatistics",
    "NetworkLosses",
    "NetworkPreset",
    "NetworkSummary",
    "Observation",
    "OutagesConfig",
    "Trace",
    "TrainedModel",
    "Uniform",
    "bundled_loss_model",
    "burst_class_ms",
    "burst_lengths",
    "draw_bounded",
    "find_preset",
    "find_traces",
    "gilbert_elliott_losses",
    "loss_statistics",
    "observe",
    "read_loss_model",
    "read_trace",
    "uniform_losses",
    "write_loss_model",
    "write_trace",
]
