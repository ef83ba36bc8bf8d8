"""What a sender needs beyond arithmetic: the networks, for one stream or for many."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int64

from dred.bitstream import PayloadTables

__all__ = ["RedundancyEncoder", "RedundancyEncoderBank"]


@runtime_checkable
class RedundancyEncoder(Protocol):
    """The networks of one stream: 20 ms of 16 kHz samples to one latent and one initial state."""

    tables: PayloadTables

    def encode(
        self, samples: Float32[np.ndarray, " 320"]
    ) -> tuple[Float32[np.ndarray, " latent"], Float32[np.ndarray, " state"]]:
        """Encode the next 20 ms, on the int16 scale."""
        ...


@runtime_checkable
class RedundancyEncoderBank(Protocol):
    """The networks of many streams, which hear their 20 ms in one call."""

    tables: PayloadTables

    def encode(
        self, streams: Int64[np.ndarray, " chosen"], samples: Float32[np.ndarray, "chosen 320"]
    ) -> tuple[Float32[np.ndarray, "chosen latent"], Float32[np.ndarray, "chosen state"]]:
        """Encode the next 20 ms of some streams, each named at most once, on the int16 scale."""
        ...

    def restart(self, stream: int) -> None:
        """Forget what a stream has said."""
        ...
