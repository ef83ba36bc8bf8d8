"""What each scheme puts on the wire for a block: one encoder for schemes that differ only in what can be taken away.

block -> Sender with LBRR ----> dred+lbrr --(strip)--> lbrr
     '-> Sender without it ---> dred --(strip)--> plain --(copies)--> red
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32

from dred.assembly import Sender
from dred.evaluation.schemes import Scheme
from dred.opus import strip_extensions
from dred.rtp import DEFAULT_RED_PAYLOAD_TYPE, RedBlock, RedSender, parse_red
from dred.sender import SenderConfig, SentPacket
from dred.studio.config import RATE_HZ, StudioConfig
from dred.weights import WeightSet

__all__ = ["PacketSource", "StudioPacket"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioPacket:
    """A scheme's packet.

    Attributes:
        payload: The Opus packet.
        copies: RED copies of earlier ones.
        sequence: RTP sequence number, the same for all schemes.
        timestamp: RTP timestamp, likewise.
        opus_bytes: Bytes of the Opus frames, in-band FEC included.
        red_bytes: What copies and RED's headers add.
        dred_bytes: What deep redundancy adds.
    """

    payload: bytes
    copies: tuple[RedBlock, ...] = ()
    sequence: int
    timestamp: int
    opus_bytes: int
    red_bytes: int = 0
    dred_bytes: int = 0

    @property
    def num_bytes(self) -> int:
        """Its size, copies included."""
        return len(self.payload) + self.red_bytes


class PacketSource:
    """The sending sides of all schemes."""

    def __init__(self, config: StudioConfig, weights: WeightSet) -> None:
        """Start all streams.

        Raises:
            ModelError: The weights cannot make redundancy.
        """
        self._schemes = config.chosen_schemes()
        dred = replace(config.dred, version=str(weights.card.bitstream_version))
        self._plain = {scheme.name: _without_dred(scheme, config) for scheme in self._schemes}
        protected = {self._plain[scheme.name] for scheme in self._schemes if scheme.dred}
        self._senders = {
            plain: Sender(replace(plain, dred=dred) if plain in protected else plain, weights)
            for plain in self._plain.values()
        }
        self._red = {scheme.name: RedSender(scheme.num_red_copies) for scheme in self._schemes if scheme.num_red_copies}

    @property
    def lookahead_samples(self) -> int:
        """By how much what a decoder gives lags the input."""
        return next(iter(self._senders.values())).lookahead_samples

    def push(self, block: Float32[np.ndarray, " 960"]) -> Mapping[str, StudioPacket]:
        """Take in 20 ms and return the packet of each scheme."""
        sent: dict[SenderConfig, Sequence[SentPacket]] = {
            plain: list(sender.push(block)) for plain, sender in self._senders.items()
        }
        return {scheme.name: self._wrap(scheme, sent[self._plain[scheme.name]][0]) for scheme in self._schemes}

    def _wrap(self, scheme: Scheme, sent: SentPacket) -> StudioPacket:
        payload = sent.payload if scheme.dred else strip_extensions(sent.payload)
        copies: tuple[RedBlock, ...] = ()
        red_bytes = 0
        if scheme.name in self._red:
            payload_type, wrapped = self._red[scheme.name].send(payload, sent.timestamp)
            if payload_type == DEFAULT_RED_PAYLOAD_TYPE:
                copies = parse_red(wrapped)[0]
                red_bytes = len(wrapped) - len(payload)
        return StudioPacket(
            payload=payload,
            copies=copies,
            sequence=sent.sequence,
            timestamp=sent.timestamp,
            opus_bytes=sent.main_bytes,
            red_bytes=red_bytes,
            dred_bytes=sent.dred_bytes if scheme.dred else 0,
        )


def _without_dred(scheme: Scheme, config: StudioConfig) -> SenderConfig:
    sender = scheme.sender_config(rate_hz=RATE_HZ, channels=1, loss_rate=0.0)
    return replace(sender, dred=None, expected_loss_percent=config.expected_loss_percent)
