"""Weights: reading, checking, installing and exporting the numbers of the networks and the payload's tables.

  libopus's DNNw blob + tables \\                  / load -> WeightSet -> networks (`tensors`), payload (`tables`)
  Opus archive or source tree   > import_weights -> save
  dred's own safetensors file  /                  \\ export_dnnw -> libopus's form

`install` fetches a release's archive first. docs/weights.md tells the rest.
"""

from dred.weights.card import as_json, describe
from dred.weights.combining import RDOVAE, combine
from dred.weights.download import Progress
from dred.weights.importing import export_dnnw, import_weights
from dred.weights.install import RELEASES, Release, install
from dred.weights.layers import COMPONENTS, ESSENTIAL_COMPONENTS, LPCNET, Layer, list_layers
from dred.weights.model_card import (
    DataSource,
    MeasuredFigure,
    ModelCard,
    NetworkTraining,
    parse_model_card,
    write_model_card,
)
from dred.weights.registry import (
    WAYS_OUT,
    InstalledWeights,
    available,
    data_directory,
    installed,
    introduce,
    is_built_in,
    load,
    passed_over,
    remove,
    save,
)
from dred.weights.safetensors_file import read_safetensors, write_safetensors
from dred.weights.weight_set import NUM_LEVELS, OWN_BITSTREAM_VERSION, PRIOR_DTYPES, TABLE_NAMES, Card, WeightSet

__all__ = [
    "COMPONENTS",
    "ESSENTIAL_COMPONENTS",
    "LPCNET",
    "NUM_LEVELS",
    "OWN_BITSTREAM_VERSION",
    "PRIOR_DTYPES",
    "RDOVAE",
    "RELEASES",
    "TABLE_NAMES",
    "WAYS_OUT",
    "Card",
    "DataSource",
    "InstalledWeights",
    "Layer",
    "MeasuredFigure",
    "ModelCard",
    "NetworkTraining",
    "Progress",
    "Release",
    "WeightSet",
    "as_json",
    "available",
    "combine",
    "data_directory",
    "describe",
    "export_dnnw",
    "import_weights",
    "install",
    "installed",
    "introduce",
    "is_built_in",
    "list_layers",
    "load",
    "parse_model_card",
    "passed_over",
    "read_safetensors",
    "remove",
    "save",
    "write_model_card",
    "write_safetensors",
]
