"""Deep redundancy for speech over lossy networks, compatible with libopus's DRED.

    pcm -> features -> rdovae -> bitstream -> opus -> rtp ---.
                                                          channel
    pcm <- vocoder  <- rdovae <- bitstream <- opus <- rtp <--'
              '-- concealment (nothing covers the gap)

`Sender` turns speech into protected Opus packets, `Receiver` turns what arrives into speech; `protect` and `recover` do
the same for whole streams, `SenderBank` and `ReceiverBank` for many at once; `RtpSender` and `RtpReceiver` speak RTP.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dred.assembly import Receiver, RtpReceiver, RtpSender, Sender
    from dred.banks import ReceiverBank, SenderBank
    from dred.errors import DredError, LibopusError, ModelError, RemoteDataError, UsageError
    from dred.offline import ArrivedPacket, protect, recover, recover_stream
    from dred.receiver import (
        AdaptiveDelay,
        DelayChanged,
        Event,
        PacketDropped,
        Played,
        PrimingConfig,
        ReceiverConfig,
        ReceiverStatistics,
        RedundancyRefused,
        Scaling,
        Source,
        StreamRestarted,
        TimeScaled,
    )
    from dred.sender import DredConfig, SenderConfig, SentPacket
    from dred.session import RtpReceiverConfig, RtpSenderConfig

__version__ = "0.1.0"

_HOMES = {
    "assembly": ("Receiver", "RtpReceiver", "RtpSender", "Sender"),
    "banks": ("ReceiverBank", "SenderBank"),
    "errors": ("DredError", "LibopusError", "ModelError", "RemoteDataError", "UsageError"),
    "offline": ("ArrivedPacket", "protect", "recover", "recover_stream"),
    "receiver": (
        "AdaptiveDelay",
        "DelayChanged",
        "Event",
        "PacketDropped",
        "Played",
        "PrimingConfig",
        "ReceiverConfig",
        "ReceiverStatistics",
        "RedundancyRefused",
        "Scaling",
        "Source",
        "StreamRestarted",
        "TimeScaled",
    ),
    "sender": ("DredConfig", "SenderConfig", "SentPacket"),
    "session": ("RtpReceiverConfig", "RtpSenderConfig"),
}

__all__ = [
    "AdaptiveDelay",
    "ArrivedPacket",
    "DelayChanged",
    "DredConfig",
    "DredError",
    "Event",
    "LibopusError",
    "ModelError",
    "PacketDropped",
    "Played",
    "PrimingConfig",
    "Receiver",
    "ReceiverBank",
    "ReceiverConfig",
    "ReceiverStatistics",
    "RedundancyRefused",
    "RemoteDataError",
    "RtpReceiver",
    "RtpReceiverConfig",
    "RtpSender",
    "RtpSenderConfig",
    "Scaling",
    "Sender",
    "SenderBank",
    "SenderConfig",
    "SentPacket",
    "Source",
    "StreamRestarted",
    "TimeScaled",
    "UsageError",
    "protect",
    "recover",
    "recover_stream",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that `import dred` costs nothing."""
    from importlib import import_module

    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
