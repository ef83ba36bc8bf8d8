"""A sender's networks replaced by arithmetic, so that a payload tells which steps it was made of.

Tables code whole numbers as they are: symbol n stands for the value n at every level.
"""

import numpy as np

from dred.bitstream import (
    DRED_V12,
    DredVersion,
    ParsedRedundancy,
    PayloadTables,
    SymbolTables,
    WrittenPayload,
    parse_payload,
    split_prefix,
)
from dred.opus import find_extension


def whole_number_tables(version: DredVersion) -> PayloadTables:
    """Tables of scale 1 without dead zone, with a wide distribution."""

    def tables(dim: int) -> SymbolTables:
        def fill(value: int) -> np.ndarray:
            return np.full((16, dim), value, np.uint8)

        # 255 / 256 is the nearest that a table gets to one.
        return SymbolTables(scale_q8=fill(255), dead_zone_q8=fill(0), r_q8=fill(200), p0_q8=fill(16))

    return PayloadTables(version=version, latent=tables(version.latent_dim), state=tables(version.state_dim))


class CountingEncoder:
    """Writes the number of the step, from 1, into latent and state."""

    def __init__(self, version: DredVersion = DRED_V12) -> None:
        self.tables = whole_number_tables(version)
        self.num_steps = 0

    def encode(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert samples.shape == (320,)
        self.num_steps += 1
        latent = np.zeros(self.tables.latent.dim, np.float32)
        state = np.zeros(self.tables.state.dim, np.float32)
        latent[0] = state[0] = self.num_steps
        return latent, state


class SamplingEncoder(CountingEncoder):
    """Writes samples of the step into the latent, so that another signal gives another payload."""

    def encode(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        latent, state = super().encode(samples)
        latent[1:] = samples[:: 320 // (latent.size - 1)][: latent.size - 1] / 2000
        return latent, state


def parse_written(written: WrittenPayload, encoder: CountingEncoder) -> ParsedRedundancy:
    return parse_payload(written.data, encoder.tables)


def parse_packet_redundancy(packet: bytes, encoder: CountingEncoder) -> ParsedRedundancy | None:
    """Parse the redundancy of a packet; None if it has none."""
    version = encoder.tables.version
    extension = find_extension(packet, version.extension_id, version.prefix)
    return None if extension is None else parse_payload(split_prefix(extension.payload, version), encoder.tables)


def steps_of(parsed: ParsedRedundancy) -> list[int]:
    """Return the numbers of the steps whose latents a payload holds, newest first."""
    assert parsed.state_symbols[0] == parsed.latent_symbols[0, 0], "state and newest latent are of one step"
    return [int(symbols[0]) for symbols in parsed.latent_symbols]
