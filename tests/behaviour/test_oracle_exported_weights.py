"""Exported weights in libopus itself: one that is built without any takes them from our blobs and speaks by them.

$DRED_ORACLE_RUNTIME names libopus 1.6.1 built with DRED and -DUSE_WEIGHTS_FILE, $DRED_ORACLE one with its weights.
"""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from band_distance import distance_db
from native_dred import NativeDecoder, NativeDred, play_natively
from sent_clips import list_clips, read_clip, send_clip

from dred.data import bundled_weights
from dred.errors import LibopusError
from dred.weights import WeightSet, export_dnnw, read_safetensors

pytestmark = [pytest.mark.oracle, pytest.mark.reference]

FARGAN = ("cond_net_", "sig_net_")


@pytest.fixture(scope="module")
def runtime_path() -> Path:
    name = os.environ.get("DRED_ORACLE_RUNTIME")
    if not name:
        pytest.skip("$DRED_ORACLE_RUNTIME names no libopus that is built with DRED and -DUSE_WEIGHTS_FILE")
    return Path(name)


@pytest.fixture(scope="module")
def packets(shared: Path, weights_v12: WeightSet) -> list[bytes | None]:
    sent = send_clip(read_clip(list_clips(shared)[0], seconds=4), weights_v12)
    return [None if number % 20 in (10, 11, 12, 13) else packet.payload for number, packet in enumerate(sent)]


@pytest.fixture(scope="module")
def built_in() -> WeightSet:
    return read_safetensors(bundled_weights()[0])


def blob_of(weights: WeightSet, folder: Path) -> bytes:
    return export_dnnw(weights, folder / "weights.dnnw")[0].read_bytes()


def test_published_weights_from_a_blob_are_those_that_libopus_has(
    runtime_path: Path, oracle_path: Path, packets: list[bytes | None], weights_v12: WeightSet, tmp_path: Path
) -> None:
    loaded = NativeDred(runtime_path, blob_of(weights_v12, tmp_path))
    assert np.array_equal(play_natively(packets, loaded), play_natively(packets, NativeDred(oracle_path)))


def test_libopus_speaks_by_our_vocoder(
    runtime_path: Path,
    oracle_path: Path,
    packets: list[bytes | None],
    weights_v12: WeightSet,
    built_in: WeightSet,
    tmp_path: Path,
) -> None:
    ours = built_in.tensors
    tensors = {name: tensor for name, tensor in weights_v12.tensors.items() if not name.startswith(FARGAN)}
    tensors |= {name: tensor for name, tensor in ours.items() if name.startswith(FARGAN)}
    mixed = replace(weights_v12, name="mixed", tensors=tensors)
    published = NativeDred(oracle_path)
    expected = play_natively(packets, published)
    ignored = play_natively(packets, published, use_dred=False)
    spoken = play_natively(packets, NativeDred(runtime_path, blob_of(mixed, tmp_path)))
    assert not np.array_equal(spoken, expected)
    assert distance_db(expected, spoken) < 0.6 * distance_db(expected, ignored)


def test_libopus_conceals_by_our_networks(
    runtime_path: Path, packets: list[bytes | None], built_in: WeightSet, weights_v12: WeightSet, tmp_path: Path
) -> None:
    dred = NativeDred(runtime_path)
    concealed = []
    for weights in (built_in, weights_v12):
        decoder, blob = NativeDecoder(dred), blob_of(weights, tmp_path)
        decoder.load_weights(blob)
        for packet in packets[:10]:
            assert packet is not None
            decoder.decode(packet)
        concealed.append(decoder.conceal(640))
    levels = [np.sqrt(np.mean(samples**2)) for samples in concealed]
    assert not np.array_equal(*concealed)
    assert 0.3 < levels[0] / levels[1] < 3


def test_libopus_refuses_an_rdovae_of_another_size(runtime_path: Path, built_in: WeightSet, tmp_path: Path) -> None:
    with pytest.raises(LibopusError, match="RDO-VAE"):
        NativeDred(runtime_path, blob_of(built_in, tmp_path))
