"""The statistical tables: what is valid, what is coded, and their hash."""

import dataclasses

import numpy as np
import pytest

from dred.bitstream import DRED_V12, PayloadTables, SymbolTables
from dred.errors import ModelError, UsageError


def test_the_number_of_coded_dimensions_counts_neither_zero_decay_nor_certain_zeros(
    small_tables: PayloadTables,
) -> None:
    assert [small_tables.latent.num_coded(level) for level in range(16)] == [4] * 16


@pytest.mark.parametrize("level", [-1, 16])
def test_there_are_sixteen_levels(small_tables: PayloadTables, level: int) -> None:
    with pytest.raises(UsageError, match=r"0\.\.15"):
        small_tables.state.num_coded(level)


@pytest.mark.reference
def test_coarse_levels_of_libopus_code_few_latent_dimensions(tables_v12: PayloadTables) -> None:
    latent = [25, 25, 25, 25, 24, 23, 19, 13, 13, 11, 8, 5, 3, 3, 3, 3]
    state = [42, 41, 40, 40, 40, 40, 40, 41, 42, 45, 42, 37, 36, 35, 33, 30]
    assert [tables_v12.latent.num_coded(level) for level in range(16)] == latent
    assert [tables_v12.state.num_coded(level) for level in range(16)] == state


def test_the_hash_changes_with_any_table(small_tables: PayloadTables) -> None:
    hashes = {small_tables.sha256}
    for kind in ("latent", "state"):
        for name in ("scale_q8", "dead_zone_q8", "r_q8", "p0_q8"):
            changed = getattr(getattr(small_tables, kind), name).copy()
            changed[9, 4] ^= 1
            part = dataclasses.replace(getattr(small_tables, kind), **{name: changed})
            hashes.add(dataclasses.replace(small_tables, **{kind: part}).sha256)
    assert len(hashes) == 9


def test_the_hash_does_not_depend_on_the_memory_layout(small_tables: PayloadTables) -> None:
    latent = dataclasses.replace(small_tables.latent, r_q8=np.asfortranarray(small_tables.latent.r_q8))
    assert dataclasses.replace(small_tables, latent=latent).sha256 == small_tables.sha256


def test_tables_of_too_few_levels_are_refused() -> None:
    table = np.full((15, 4), 100, np.uint8)
    with pytest.raises(ModelError, match=r"uint8 \[16, 4\]"):
        SymbolTables(scale_q8=table, dead_zone_q8=table, r_q8=table, p0_q8=table)


@pytest.mark.parametrize("name", ["scale_q8", "p0_q8"])
def test_a_coded_dimension_needs_a_scale_and_a_probability_of_zero(small_tables: PayloadTables, name: str) -> None:
    broken = getattr(small_tables.latent, name).copy()
    broken[5, 5] = 0
    with pytest.raises(ModelError, match="at least 1"):
        dataclasses.replace(small_tables.latent, **{name: broken})


def test_tables_of_another_width_than_the_version_are_refused(small_tables: PayloadTables) -> None:
    with pytest.raises(ModelError, match=r"\(25, 50\).*\(6, 9\)"):
        PayloadTables(version=DRED_V12, latent=small_tables.latent, state=small_tables.state)
