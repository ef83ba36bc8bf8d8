"""Tables for the bitstream's tests: a small invented model, and those of libopus."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dred.bitstream import DRED_V10, DRED_V12, DredVersion, PayloadTables, SymbolTables

SMALL_VERSION = DredVersion(
    name="small", extension_id=126, prefix=b"D\xff", latent_dim=6, state_dim=9, libopus_release=""
)
FIELDS = {"scale_q8": "quant_scales_q8", "dead_zone_q8": "dead_zone_q8", "r_q8": "r_q8", "p0_q8": "p0_q8"}


@pytest.fixture(scope="session")
def small_tables() -> PayloadTables:
    """Invented tables with every kind of dimension: coded, of decay 0, of certain zero, of extreme statistics."""
    rng = np.random.default_rng(7)

    def invent(dim: int) -> SymbolTables:
        shape = (16, dim)
        r_q8 = rng.integers(1, 256, shape).astype(np.uint8)
        p0_q8 = rng.integers(1, 255, shape).astype(np.uint8)
        r_q8[:, 0], p0_q8[:, 1] = 0, 255
        r_q8[:, 2], p0_q8[:, 3] = 255, 1
        return SymbolTables(
            scale_q8=rng.integers(1, 256, shape).astype(np.uint8),
            dead_zone_q8=rng.integers(0, 256, shape).astype(np.uint8),
            r_q8=r_q8,
            p0_q8=p0_q8,
        )

    return PayloadTables(version=SMALL_VERSION, latent=invent(6), state=invent(9))


@pytest.fixture(scope="session")
def read_tables(shared: Path) -> Callable[[str, DredVersion], PayloadTables]:
    """Read the tables of a libopus release."""

    def read(release: str, version: DredVersion) -> PayloadTables:
        raw = json.loads((shared / f"weights/libopus-{release}.tables.json").read_text())["tables"]
        latent, state = (
            SymbolTables(**{ours: np.array(raw[f"dred_{kind}_{theirs}"], np.uint8) for ours, theirs in FIELDS.items()})
            for kind in ("latent", "state")
        )
        return PayloadTables(version=version, latent=latent, state=state)

    return read


@pytest.fixture(scope="session")
def tables_v12(read_tables: Callable[[str, DredVersion], PayloadTables]) -> PayloadTables:
    """The tables of libopus 1.6.1."""
    return read_tables("1.6.1", DRED_V12)


@pytest.fixture(scope="session")
def tables_v10(read_tables: Callable[[str, DredVersion], PayloadTables]) -> PayloadTables:
    """The tables of libopus 1.5.2."""
    return read_tables("1.5.2", DRED_V10)
