import hashlib
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dred.errors import ModelError
from dred.weights import TABLE_NAMES, WeightSet, import_weights


def test_dimensions_are_those_of_the_tables(tiny_weights: WeightSet):
    assert (tiny_weights.latent_dim, tiny_weights.state_dim) == (3, 2)


def test_arrays_and_tables_are_read_only(tiny_weights: WeightSet):
    with pytest.raises(ValueError, match="read-only"):
        tiny_weights.tensors["conv2d_1_bias"][0] = 1
    with pytest.raises(ValueError, match="read-only"):
        tiny_weights.tables["state_r_q8"][0, 0] = 1


def test_the_callers_arrays_stay_writeable(tiny_weights: WeightSet):
    bias = np.ones(2, np.float32)
    replace(tiny_weights, tensors={**tiny_weights.tensors, "conv2d_1_bias": bias})
    bias[0] = 2


def test_a_set_travels_between_processes(tiny_weights: WeightSet):
    copy = pickle.loads(pickle.dumps(tiny_weights))
    assert copy.tensors_sha256 == tiny_weights.tensors_sha256
    assert copy.tables_sha256 == tiny_weights.tables_sha256


@pytest.mark.parametrize(
    ("name", "tensor", "complaint"),
    [
        ("1_bias", np.zeros(1, np.float32), "identifier"),
        ("tables.x", np.zeros(1, np.float32), "identifier"),
        ("new_bias", np.zeros(0, np.float32), "flat float32, int8 or int32"),
        ("new_bias", np.full(1, np.nan, np.float32), "not finite"),
        ("new_bias", np.full(1, np.inf, np.float32), "not finite"),
        ("conv2d_1_bias", np.zeros(5, np.float32), "18 weights are no multiple"),
        ("gdense1_weights_idx", np.array([1, 4, 2, 0, 9], np.int32), "column 9"),
        ("dec_hidden_init_weights_float", np.zeros(12, np.float32), "takes 3 values, the state tables have 2"),
        ("dec_dense1_weights_float", np.zeros(30, np.float32), "takes 5 values, the latent tables have 3"),
    ],
)
def test_impossible_arrays_are_refused(tiny_weights: WeightSet, name, tensor, complaint):
    with pytest.raises(ModelError, match=complaint):
        replace(tiny_weights, tensors={**tiny_weights.tensors, name: tensor})


@pytest.mark.parametrize(
    ("name", "shape"),
    [("latent_r_q8", (16, 4)), ("latent_p0_q8", (16, 2)), ("state_dead_zone_q8", (16, 3)), ("state_r_q8", (16, 0))],
)
def test_tables_of_another_width_are_refused(tiny_weights: WeightSet, name, shape):
    with pytest.raises(ModelError, match=r"equally wide|tables have"):
        replace(tiny_weights, tables={**tiny_weights.tables, name: np.zeros(shape, np.uint8)})


def test_a_missing_table_is_named(tiny_weights: WeightSet):
    tables = {name: table for name, table in tiny_weights.tables.items() if name != "state_p0_q8"}
    with pytest.raises(ModelError, match="'state_p0_q8' is missing"):
        replace(tiny_weights, tables=tables)


def test_an_unknown_table_is_named(tiny_weights: WeightSet):
    with pytest.raises(ModelError, match="'noise_q8' is unknown"):
        replace(tiny_weights, tables={**tiny_weights.tables, "noise_q8": tiny_weights.tables["state_r_q8"]})


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 65, "naïve"])
def test_a_name_that_is_no_file_name_is_refused(tiny_weights: WeightSet, name):
    with pytest.raises(ModelError, match="1 to 64 letters"):
        replace(tiny_weights, name=name)


@pytest.mark.reference
def test_tables_of_version_12_have_their_published_hashes(shared: Path):
    # Source: ../shared/spec/dred-facts.md section 1.6.
    tables = import_weights(shared / "weights" / "libopus-1.6.1.dnnw").tables
    assert [hashlib.sha256(tables[name].tobytes()).hexdigest()[:16] for name in TABLE_NAMES] == [
        "2ae874e38da1a3d7",
        "cb3cc44de1597913",
        "036291ae08eff3a1",
        "bc0d2abd512666d7",
        "dfba3bdefe3ee0ae",
        "579970de244f7883",
        "ea0f83101da81918",
        "07d3cc48fb197cf2",
    ]


def test_a_prior_is_part_of_what_tells_bitstreams_apart(foreseeing_weights: WeightSet):
    other = dict(foreseeing_weights.prior) | {"odds": foreseeing_weights.prior["odds"] + 1}
    sets = (foreseeing_weights, replace(foreseeing_weights, prior={}), replace(foreseeing_weights, prior=other))
    assert len({weights.tables_sha256 for weights in sets}) == 3


def test_a_prior_is_whole_and_of_our_own_sets_alone(foreseeing_weights: WeightSet, tiny_weights: WeightSet):
    prior = dict(foreseeing_weights.prior)
    with pytest.raises(ModelError, match="version 12 are coded without a prior"):
        replace(tiny_weights, prior=prior)
    with pytest.raises(ModelError, match="'odds' is int32, not int16"):
        replace(foreseeing_weights, prior=prior | {"odds": prior["odds"].astype(np.int16)})
    with pytest.raises(ModelError, match="'extra' is unknown"):
        replace(foreseeing_weights, prior=prior | {"extra": prior["odds"]})
    with pytest.raises(ModelError, match=r"'outputs' is \[2, 9\], not \[2, 8\]"):
        replace(foreseeing_weights, prior=prior | {"outputs": prior["outputs"][:, 1:]})
    del prior["inside"]
    with pytest.raises(ModelError, match="'inside' is missing"):
        replace(foreseeing_weights, prior=prior)
