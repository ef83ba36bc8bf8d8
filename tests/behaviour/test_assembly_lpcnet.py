"""A set that holds an LPCNet speaks with it."""

from pathlib import Path

import numpy as np
import pytest
from sent_clips import list_clips, read_clip, send_clip

from dred import Played, ReceiverConfig, Source, recover
from dred.assembly import build_parts
from dred.nn import ReferenceEngine
from dred.vocoder import CompiledFargan, CompiledLpcnet, Fargan, Lpcnet
from dred.weights import LPCNET, RDOVAE, WeightSet, combine
from tiny_networks import lpcnet_tensors

pytestmark = pytest.mark.reference


@pytest.fixture(scope="module")
def with_lpcnet(weights_v12: WeightSet) -> WeightSet:
    tensors = dict(weights_v12.tensors) | lpcnet_tensors(np.random.default_rng(41))
    return WeightSet(name="with-lpcnet", card=weights_v12.card, tensors=tensors, tables=weights_v12.tables)


def test_the_vocoder_is_what_the_first_set_holds(weights_v12: WeightSet, with_lpcnet: WeightSet) -> None:
    engine = ReferenceEngine()
    assert type(build_parts([with_lpcnet, weights_v12]).vocoder) is CompiledLpcnet
    assert type(build_parts([weights_v12, with_lpcnet]).vocoder) is CompiledFargan
    assert type(build_parts([with_lpcnet], engine).vocoder) is Lpcnet
    assert type(build_parts([weights_v12], engine).vocoder) is Fargan


def test_a_gap_is_spoken_by_lpcnet(shared: Path, weights_v12: WeightSet, with_lpcnet: WeightSet) -> None:
    sent = send_clip(read_clip(list_clips(shared)[0], seconds=1.0), weights_v12)
    survived = [None if 30 <= number < 34 else packet.payload for number, packet in enumerate(sent)]
    played = {}
    for weights in (weights_v12, with_lpcnet):
        samples, events = recover(survived, config=ReceiverConfig(rate_hz=16_000), weights=[weights])
        spoken = [event for event in events if isinstance(event, Played) and event.source is Source.DRED]
        assert sum(event.duration_rtp for event in spoken) == 4 * 960
        played[weights.name] = samples[30 * 320 :]
    ours, theirs = played.values()
    assert np.isfinite(theirs).all()
    assert not np.array_equal(ours, theirs)


def test_an_lpcnet_is_taken_from_the_set_that_has_it(weights_v12: WeightSet, with_lpcnet: WeightSet) -> None:
    networks = dict.fromkeys(RDOVAE, weights_v12) | {LPCNET: with_lpcnet}
    combined = combine(networks, "combined", weights_v12.card)
    assert {layer.component for layer in combined.layers} == {*RDOVAE, LPCNET}
