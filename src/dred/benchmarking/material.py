"""What all measurements work on: speech, its networks, and what a sender made of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from dred.assembly import Sender, build_parts, payload_tables
from dred.audio import read_audio, resample, to_mono
from dred.bitstream import DredVersion, ParsedRedundancy, parse_payload, split_prefix
from dred.channel import uniform_losses
from dred.opus import find_extension
from dred.receiver import NeuralParts, RedundancyReader
from dred.sender import SenderConfig
from dred.timebase import SAMPLE_RATE_HZ
from dred.weights import WeightSet

__all__ = ["INT16_SCALE", "PACKETS_PER_S", "Material", "lose", "read_speech"]

INT16_SCALE = np.float32(32768)
PACKETS_PER_S = 50
# From here on a packet has a full second of redundancy.
_FIRST_FULL = 55
_SEED = 1


@dataclass(frozen=True, kw_only=True)
class Material:
    """Speech at 16 kHz, -1 to 1, whole seconds, at least two; and weights. The rest is made of them when asked for.

    A receiver's networks round their activations to so many bytes.
    """

    speech: Float32[np.ndarray, " samples"]
    weights: WeightSet
    activation_bytes: int = 2

    @property
    def seconds(self) -> float:
        """How much speech."""
        return self.speech.size / SAMPLE_RATE_HZ

    @property
    def version(self) -> DredVersion:
        """The version of the payloads."""
        return payload_tables(self.weights).version

    @cached_property
    def parts(self) -> NeuralParts:
        """The receiver's networks."""
        return build_parts([self.weights], activation_bytes=self.activation_bytes)

    @property
    def reader(self) -> RedundancyReader:
        """Tables and decoder of the payloads."""
        return next(reader for reader in self.parts.readers if reader.tables.version == self.version)

    @cached_property
    def packets(self) -> list[bytes]:
        """Opus at 24 kb/s with one second of redundancy."""
        config = SenderConfig(rate_hz=SAMPLE_RATE_HZ)
        return [packet.payload for packet in Sender(config, self.weights).push(self.speech)]

    @property
    def full_packets(self) -> list[bytes]:
        """The packets that have a second of redundancy behind them to tell about."""
        return self.packets[_FIRST_FULL:]

    @cached_property
    def payloads(self) -> list[bytes]:
        """Their redundancy, without prefix."""
        found = [find_extension(packet, self.version.extension_id, self.version.prefix) for packet in self.full_packets]
        return [split_prefix(extension.payload, self.version) for extension in found if extension is not None]

    @cached_property
    def parsed(self) -> list[ParsedRedundancy]:
        """The same, parsed."""
        return [parse_payload(payload, self.reader.tables) for payload in self.payloads]

    @cached_property
    def features(self) -> Float32[np.ndarray, "frames 20"]:
        """Features of the speech."""
        extractor = self.parts.extractor
        return extractor.extract(extractor.initial_state(), self.speech * INT16_SCALE)


def lose(packets: Sequence[bytes], loss: float) -> list[bytes | None]:
    """Replace a share of the packets by None, the same ones at each call."""
    lost = uniform_losses(len(packets), loss, np.random.default_rng(_SEED))
    return [None if gone else packet for packet, gone in zip(packets, lost)]


def read_speech(path: Path, *, seconds: int) -> Float32[np.ndarray, " samples"]:
    """Read the first seconds of a recording as mono, 16 kHz; a shorter one starts again at its end.

    Raises:
        UsageError: The file is missing or not readable.
        FileFormatError: It is no audio.
    """
    audio = read_audio(path)
    mono = to_mono(resample(audio.samples, from_hz=audio.rate_hz, to_hz=SAMPLE_RATE_HZ))
    return np.resize(mono, seconds * SAMPLE_RATE_HZ)
