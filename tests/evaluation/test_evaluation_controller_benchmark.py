"""What `benchmarks/controller.py` keeps and counts: rows of this code and weights; redundancy with its framing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from controller import send_natively
from controller_call import RATE_HZ, Cache

from dred.audio import read_audio
from dred.bitstream import DRED_V12
from dred.data import bundled_clip
from dred.opus import find_extension, load_libopus
from dred.weights import WeightSet

pytestmark = pytest.mark.reference


def test_a_row_is_computed_once_for_each_set_of_weights(tmp_path: Path, weights_v12: WeightSet) -> None:
    computed: list[str] = []

    def compute() -> dict[str, Any]:
        computed.append("row")
        return {"plcmos": float(len(computed))}

    path = tmp_path / "rows.jsonl"
    first = Cache(path, weights_v12).get("a clip", compute)
    assert Cache(path, weights_v12).get("a clip", compute) == first
    tensors = dict(weights_v12.tensors)
    name = next(name for name, tensor in tensors.items() if tensor.dtype == np.float32)
    others = replace(weights_v12, tensors=tensors | {name: tensors[name] + 1})
    assert Cache(path, others).get("a clip", compute) != first
    assert len(computed) == 2


def test_redundancy_of_libopus_is_counted_with_its_framing(oracle_path: Path) -> None:
    speech = read_audio(bundled_clip()).samples[: 3 * RATE_HZ, 0]
    sent = [packet.sent for packet in send_natively(speech, load_libopus(oracle_path)).packets]
    protected = 0
    for packet in sent:
        assert packet.main_bytes + packet.dred_bytes == len(packet.payload)
        extension = find_extension(packet.payload, DRED_V12.extension_id, DRED_V12.prefix)
        if extension is not None:
            protected += 1
            # A count, the padding's length, the extension's id: 3 bytes at least.
            assert len(extension.payload) + 3 <= packet.dred_bytes <= len(extension.payload) + 8
    assert protected > 100
