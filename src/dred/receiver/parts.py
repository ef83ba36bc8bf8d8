"""The seams of the receiver: what it needs from codec and networks. Tests fill them with constants."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int

from dred.bitstream import PayloadTables
from dred.vocoder import SpeechRequest


@runtime_checkable
class Codec(Protocol):
    """The main decoder of one stream, at the rate that is played."""

    def decode(self, packet: bytes) -> Float32[np.ndarray, "samples channels"]:
        """Decode a packet; OpusFormatError if it cannot."""
        ...

    def decode_fec(self, packet: bytes, num_samples: int) -> Float32[np.ndarray, "samples channels"]:
        """Decode the LBRR in a packet."""
        ...

    def conceal(self, num_samples: int) -> Float32[np.ndarray, "samples channels"]:
        """Conceal by its own means."""
        ...


@runtime_checkable
class Extractor(Protocol):
    """Samples to features, 10 ms per frame."""

    def initial_state(self) -> Any:
        """Return a fresh state."""
        ...

    def extract(self, state: Any, samples: Float32[np.ndarray, " samples"]) -> Float32[np.ndarray, "frames 20"]:
        """Extract the features of the next frames; samples on the int16 scale, 160 per frame."""
        ...


@runtime_checkable
class FeaturePredictor(Protocol):
    """Past features to the next."""

    def initial_state(self) -> Any:
        """Return a fresh state, which has a copy()."""
        ...

    def hear(
        self, state: Any, burg: Float32[np.ndarray, "frames 36"], features: Float32[np.ndarray, "frames 20"]
    ) -> None:
        """Take in frames that were received."""
        ...

    def follow(self, state: Any, features: Float32[np.ndarray, "frames 20"]) -> None:
        """Take in frames that redundancy described."""
        ...

    def predict(self, state: Any) -> Float32[np.ndarray, " 20"]:
        """Guess the next frame."""
        ...


@runtime_checkable
class Vocoder(Protocol):
    """Features to samples, continuing real ones."""

    def speak(self, requests: Sequence[SpeechRequest]) -> list[Float32[np.ndarray, " samples"]]:
        """Speak what several streams ask for, 160 samples per frame; each request is left with its new state."""
        ...


@runtime_checkable
class LatentDecoder(Protocol):
    """Latents to features, backward in time from an initial state."""

    def start(self, initial_state: Float32[np.ndarray, " state"]) -> Any:
        """Return the state at the newest end."""
        ...

    def decode_latents(
        self, state: Any, latents: Float32[np.ndarray, "latents latent"], levels: Int[np.ndarray, " latents"]
    ) -> Float32[np.ndarray, "frames 20"]:
        """Decode the next older latents, 40 ms each, to four times as many frames, newest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RedundancyReader:
    """What one version's payloads need: their tables and their network."""

    tables: PayloadTables
    decoder: LatentDecoder


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuralParts:
    """All networks of a receiver; readers in the order in which versions are looked for."""

    extractor: Extractor
    predictor: FeaturePredictor
    vocoder: Vocoder
    readers: Sequence[RedundancyReader] = ()
