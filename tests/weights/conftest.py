"""A small but complete set of weights, and the source tree of Opus that would hold it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dred.weights import NUM_LEVELS, OWN_BITSTREAM_VERSION, PRIOR_DTYPES, TABLE_NAMES, Card, WeightSet

NETWORK_OF_PREFIX = {
    "conv2d": "pitchdnn",
    "sig_net": "fargan",
    "plc": "plc",
    "gdense": "dred_rdovae_enc",
    "dec": "dred_rdovae_dec",
}
C_TYPE_OF_DTYPE = {"float32": "float", "int32": "int", "int8": "opus_int8", "uint8": "opus_uint8"}


def _floats(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.standard_normal(count).astype(np.float32)


def _int8s(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.integers(-128, 128, count).astype(np.int8)


@pytest.fixture(scope="session")
def tiny_weights() -> WeightSet:
    """3 latent and 2 state dimensions; a conv2d, a dense float, a dense int8 and a sparse layer."""
    rng = np.random.default_rng(7)
    tensors = {
        "conv2d_1_weight_float": _floats(rng, 18),
        "conv2d_1_bias": _floats(rng, 2),
        "sig_net_gru1_input_weights_int8": _int8s(rng, 96),
        "sig_net_gru1_input_subias": _floats(rng, 24),
        "sig_net_gru1_input_scale": _floats(rng, 24),
        "plc_dense_in_weights_float": _floats(rng, 15),
        "plc_dense_in_bias": _floats(rng, 5),
        "gdense1_weights_int8": _int8s(rng, 96),
        "gdense1_weights_idx": np.array([1, 4, 2, 0, 8], np.int32),
        "gdense1_scale": _floats(rng, 16),
        "gdense1_bias": _floats(rng, 16),
        "gdense1_subias": _floats(rng, 16),
        "dec_dense1_weights_float": _floats(rng, 24),
        "dec_dense1_bias": _floats(rng, 6),
        "dec_hidden_init_weights_float": _floats(rng, 8),
        "dec_hidden_init_bias": _floats(rng, 4),
    }
    dims = {"latent": 3, "state": 2}
    tables = {
        name: rng.integers(0, 256, (NUM_LEVELS, dims[name.partition("_")[0]])).astype(np.uint8) for name in TABLE_NAMES
    }
    card = Card(source="a test", libopus="1.6.1", bitstream_version=12, licence="BSD-3-Clause")
    return WeightSet(name="opus-1.6.1", card=card, tensors=tensors, tables=tables)


@pytest.fixture(scope="session")
def foreseeing_weights(tiny_weights: WeightSet) -> WeightSet:
    """The same as a set of our own, with a prior of two hidden units."""
    rng = np.random.default_rng(8)
    card = replace(tiny_weights.card, libopus="", bitstream_version=OWN_BITSTREAM_VERSION)
    shapes = {
        "hidden_bias": (NUM_LEVELS, 2),
        "first_bias": (2,),
        "inputs": (3, 2, 2),
        "outputs": (2, 9),
        "odds": (NUM_LEVELS, 9),
        "inside": (3, 2, 9),
    }
    prior = {name: rng.integers(-99, 99, shape).astype(PRIOR_DTYPES[name]) for name, shape in shapes.items()}
    return replace(tiny_weights, name="own", card=card, prior=prior)


def _write_array(name: str, array: np.ndarray) -> str:
    values = ",\n".join(repr(value) for value in array.astype(object))
    return (
        f"#ifndef USE_WEIGHTS_FILE\n#define WEIGHTS_{name}_DEFINED\n"
        f"#define WEIGHTS_{name}_TYPE WEIGHT_TYPE_{array.dtype}\n"
        f"static const {C_TYPE_OF_DTYPE[str(array.dtype)]} {name}[{array.size}] = {{\n   {values}\n}};\n"
        f"#endif /* {name} */\n"
    )


def _write_network(network: str, tensors: dict[str, np.ndarray]) -> str:
    # A list entry for an array that no macro announces, as the generator writes for layers without float weights.
    entries = "".join(
        f'#ifdef WEIGHTS_{name}_DEFINED\n{{"{name}", WEIGHTS_{name}_TYPE, sizeof({name}), {name}}},\n#endif\n'
        for name in [*tensors, "absent_weights_float"]
    )
    return (
        '/* Auto generated */\n#ifdef HAVE_CONFIG_H\n#include "config.h"\n#endif\n'
        + "".join(_write_array(name, tensor) for name, tensor in tensors.items())
        + f"#ifndef USE_WEIGHTS_FILE\nconst WeightArray {network}_arrays[] = {{\n{entries}{{NULL, 0, 0, NULL}}\n}};\n"
        + "#endif\n"
    )


@pytest.fixture(scope="session")
def source_files(tiny_weights: WeightSet) -> dict[str, str]:
    """The files of a source tree of Opus that hold `tiny_weights`, by path."""
    files = {
        "package_version": 'PACKAGE_VERSION="1.6.1"\n',
        "dnn/dred_config.h": "#define DRED_EXTENSION_ID 126\n#define DRED_EXPERIMENTAL_VERSION 12\n",
        "dnn/dred_rdovae_constants.h": "#define DRED_LATENT_DIM 3\n#define DRED_STATE_DIM 2\n",
        "dnn/dred_rdovae_stats_data.c": "".join(
            f"const opus_uint8 dred_{name}[{table.size}] = {{ {','.join(map(str, table.ravel()))} }};\n"
            for name, table in tiny_weights.tables.items()
        ),
        "dnn/lace_data.c": "static const float unrelated[1] = { broken };\n",
    }
    for prefix, network in NETWORK_OF_PREFIX.items():
        tensors = {name: tensor for name, tensor in tiny_weights.tensors.items() if name.startswith(prefix)}
        files[f"dnn/{network}_data.c"] = _write_network(network, tensors)
    return files


@pytest.fixture
def write_tree() -> Callable[[dict[str, str], Path], Path]:
    """Write files by path below a root and return the root."""

    def write(files: dict[str, str], root: Path) -> Path:
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return root

    return write


@pytest.fixture
def assert_equal() -> Callable[[WeightSet, WeightSet], None]:
    """Compare arrays, their order and dtypes, and tables, to the bit."""

    def compare(actual: WeightSet, expected: WeightSet) -> None:
        assert list(actual.tensors) == list(expected.tensors)
        for name, tensor in expected.tensors.items():
            assert actual.tensors[name].dtype == tensor.dtype, name
            assert actual.tensors[name].tobytes() == tensor.tobytes(), name
        assert set(actual.tables) == set(expected.tables)
        for name, table in expected.tables.items():
            np.testing.assert_array_equal(actual.tables[name], table, err_msg=name)

    return compare
