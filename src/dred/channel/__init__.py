"""The network as a function of time: recorded traces, loss models, and an emulator without clocks or sockets.

```
 trace file --read_trace--> Trace -----.
              Uniform, GilbertElliott --+--> ChannelEmulator: packets + time of sending -> packets + time of arrival
```

Nothing here touches global state: randomness is a generator that the caller seeds, time is an argument.
"""

from dred.channel.emulator import ChannelConfig, ChannelEmulator
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
from dred.channel.trace import read_trace, write_trace

__all__ = [
    "ChannelConfig",
    "ChannelEmulator",
    "GilbertElliott",
    "LossModel",
    "LossStatistics",
    "Trace",
    "Uniform",
    "burst_lengths",
    "gilbert_elliott_losses",
    "loss_statistics",
    "read_trace",
    "uniform_losses",
    "write_trace",
]
