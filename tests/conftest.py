"""Fixtures that several test folders need."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import numpy as np
import pytest

# Fixtures import dred when they run: this file is read before the type checker of the tests is set up.
if TYPE_CHECKING:
    from dred.nn import Engine
    from dred.weights import WeightSet

# A busy machine makes any example slow now and then: time is for benchmarks.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

SHARED = Path(__file__).resolve().parents[1] / ".." / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference vectors, weights and speech beside the project."""
    if not SHARED.is_dir():
        pytest.skip("the reference material in ../shared is absent")
    return SHARED.resolve()


@pytest.fixture
def rng() -> np.random.Generator:
    """A seeded generator, fresh for each test."""
    return np.random.default_rng(20)


@pytest.fixture(scope="session")
def oracle_path() -> Path:
    """A libopus with DRED compiled in, named by $DRED_ORACLE."""
    name = os.environ.get("DRED_ORACLE")
    if not name:
        pytest.skip("$DRED_ORACLE names no libopus with DRED compiled in")
    return Path(name)


@pytest.fixture(scope="session")
def installed_weights(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory in which both published sets are installed; name it in $DRED_WEIGHTS to use it."""
    from dred.weights import import_weights, save

    directory = tmp_path_factory.mktemp("installed-weights")
    for release in ("1.6.1", "1.5.2"):
        save(import_weights(shared / f"weights/libopus-{release}.dnnw"), directory=directory)
    return directory


@pytest.fixture
def nothing_built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package without networks of its own."""
    monkeypatch.setattr("dred.weights.registry.bundled_weights", tuple)


@pytest.fixture(scope="session")
def weights_v12(shared: Path) -> "WeightSet":
    """The networks and tables of libopus 1.6.1."""
    from dred.weights import import_weights

    return import_weights(shared / "weights/libopus-1.6.1.dnnw")


@pytest.fixture(scope="session")
def weights_v10(shared: Path) -> "WeightSet":
    """The networks and tables of libopus 1.5.2."""
    from dred.weights import import_weights

    return import_weights(shared / "weights/libopus-1.5.2.dnnw")


@pytest.fixture(scope="session")
def weights_v201(weights_v12: "WeightSet") -> "WeightSet":
    """Networks that speak dred's own version: for tests, those of libopus 1.6.1 under another number."""
    from dataclasses import replace

    card = replace(weights_v12.card, libopus="", bitstream_version=201)
    return replace(weights_v12, name="own", card=card)


@pytest.fixture(scope="session", params=["numpy", "compiled"])
def engine(request: pytest.FixtureRequest) -> "Engine":
    """Each engine in turn."""
    from dred.nn import ReferenceEngine, default_engine

    return ReferenceEngine() if request.param == "numpy" else default_engine()


@pytest.fixture(scope="session", params=["avx512_vnni", "avx_vnni", "avx2", "portable"])
def instructions(request: pytest.FixtureRequest) -> str:
    """Each instruction set in turn."""
    from dred.nn.kernels import usable_instructions

    if request.param not in usable_instructions():
        pytest.skip(f"this processor cannot run {request.param}")
    return request.param
