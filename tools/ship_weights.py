"""Put a trained weight set into the package, with its model card.

    python tools/ship_weights.py SET.safetensors CARD.json --name dred-2026-12

The card is JSON as `dred weights show --json` has it under "model". A set is refused that lacks a network, is no set of
dred's own, holds an array of a published set, or is too large for a wheel. Needs the published sets installed.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from dred.assembly import build_encoder, build_parts
from dred.sender import DredConfig
from dred.weights import (
    OWN_BITSTREAM_VERSION,
    RELEASES,
    WeightSet,
    load,
    parse_model_card,
    read_safetensors,
    write_safetensors,
)

FOLDER = Path(__file__).resolve().parents[1] / "src/dred/data"
MAX_BYTES = 6_000_000
# Shorter arrays may be equal by chance: biases of zero, a single gain.
MIN_COMPARED_VALUES = 16


def copied_arrays(weights: WeightSet, published: Mapping[str, np.ndarray]) -> list[str]:
    """Name the arrays that are, bit for bit, one of a published set, under whatever name; zeros apart."""
    known = {array.tobytes() for array in published.values() if array.size >= MIN_COMPARED_VALUES and array.any()}
    return [name for name, array in weights.tensors.items() if array.tobytes() in known]


def main() -> None:
    """Check and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    parser.add_argument("card", type=Path)
    parser.add_argument("--name", required=True)
    arguments = parser.parse_args()
    trained = read_safetensors(arguments.set)
    if trained.card.bitstream_version != OWN_BITSTREAM_VERSION:
        raise SystemExit(
            f"{arguments.set} has bitstream version {trained.card.bitstream_version}: its payloads are others'"
        )
    model = parse_model_card(json.loads(arguments.card.read_text()))
    # The model card says what the free text of `training` said.
    weights = replace(trained, name=arguments.name, card=replace(trained.card, model=model, training=""))
    build_encoder(DredConfig(), weights)
    build_parts([weights])
    for release in RELEASES:
        copied = copied_arrays(weights, load(release).tensors)
        if copied:
            raise SystemExit(f"{', '.join(copied)} are arrays of {release}")
    path = FOLDER / f"{weights.name}.safetensors"
    with TemporaryDirectory() as folder:
        draft = Path(folder) / path.name
        write_safetensors(weights, draft)
        if draft.stat().st_size > MAX_BYTES:
            raise SystemExit(f"the set has more than {MAX_BYTES:,} bytes")
    write_safetensors(weights, path)
    print(f"{path}: {path.stat().st_size:,} bytes, arrays {weights.tensors_sha256}")


if __name__ == "__main__":
    main()
