"""Networks of dred's own beside those of the standard: who reads whose payloads, and what happens to the others."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sent_clips import list_clips, read_clip, send_clip

from dred import (
    DredConfig,
    ModelError,
    Played,
    ReceiverConfig,
    RedundancyRefused,
    Sender,
    SenderConfig,
    Source,
    UsageError,
    recover,
)
from dred.assembly import build_encoder, build_parts, payload_tables
from dred.bitstream import DRED_V12, find_version
from dred.opus import find_extension, strip_extensions
from dred.receiver import Event
from dred.weights import WeightSet, read_safetensors, write_safetensors

pytestmark = pytest.mark.reference

GAP = range(30, 40)


@pytest.fixture(scope="module")
def speech(shared: Path) -> np.ndarray:
    return read_clip(list_clips(shared)[0], seconds=1.5)


@pytest.fixture(scope="module")
def other_tables(weights_v201: WeightSet) -> WeightSet:
    """Own networks whose tables differ in one number."""
    table = weights_v201.tables["latent_p0_q8"].copy()
    table[0, 0] -= 1
    return replace(weights_v201, name="other", tables={**weights_v201.tables, "latent_p0_q8": table})


@pytest.fixture(scope="module")
def foreseeing(weights_v201: WeightSet) -> WeightSet:
    """The same networks with a prior: what the tables say, and that a dimension keeps its size."""
    dim, levels = weights_v201.latent_dim, 16
    zero, decay = (weights_v201.tables[f"latent_{name}_q8"].clip(1, 254) / 256 for name in ("p0", "r"))
    odds = np.concatenate([np.log(zero / (1 - zero)), np.log(decay / (1 - decay)), np.zeros((levels, dim))], axis=1)
    inputs, outputs = np.zeros((dim, 2, dim)), np.zeros((dim, 3 * dim))
    for d in range(dim):
        inputs[d, 1, d], outputs[d, [d, dim + d]] = 1024, (-512, 256)
    prior = {
        "hidden_bias": np.zeros((levels, dim), np.int32),
        "first_bias": np.zeros(dim, np.int32),
        "inputs": inputs.astype(np.int16),
        "outputs": outputs.astype(np.int16),
        "odds": np.rint(odds * 65536).astype(np.int32),
        "inside": np.zeros((dim, 2, 3 * dim), np.int16),
    }
    return replace(weights_v201, name="foreseeing", prior=prior)


def survivors(speech: np.ndarray, weights: WeightSet) -> list[bytes | None]:
    sent = send_clip(speech, weights)
    assert sum(packet.num_latents > 0 for packet in sent[20:]) > 0.9 * len(sent[20:])
    return [None if number in GAP else packet.payload for number, packet in enumerate(sent)]


def play(packets: list[bytes | None], *weights: WeightSet) -> tuple[np.ndarray, list[Event]]:
    return recover(packets, config=ReceiverConfig(rate_hz=16_000), weights=weights)


def spoken_rtp(events: list[Event]) -> int:
    return sum(event.duration_rtp for event in events if isinstance(event, Played) and event.source is Source.DRED)


def test_a_receiver_of_both_reads_each_by_its_version(
    speech: np.ndarray, weights_v12: WeightSet, weights_v10: WeightSet, weights_v201: WeightSet
) -> None:
    for sender in (weights_v12, weights_v10, weights_v201):
        packets = survivors(speech, sender)
        for sets in ((weights_v12, weights_v10, weights_v201), (weights_v201, weights_v10, weights_v12)):
            _, events = play(packets, *sets)
            assert spoken_rtp(events) == len(GAP) * 960
            assert not any(isinstance(event, RedundancyRefused) for event in events)


@pytest.mark.parametrize(("sender", "receiver"), [("201", "12"), ("201", "10"), ("12", "201"), ("10", "201")])
def test_what_a_receiver_has_no_networks_for_is_told_and_does_no_harm(
    sender: str,
    receiver: str,
    speech: np.ndarray,
    weights_v12: WeightSet,
    weights_v10: WeightSet,
    weights_v201: WeightSet,
) -> None:
    sets = {"12": weights_v12, "10": weights_v10, "201": weights_v201}
    packets = survivors(speech, sets[sender])
    played, events = play(packets, sets[receiver])
    refused = [event for event in events if isinstance(event, RedundancyRefused)]
    assert GAP.stop in {event.sequence for event in refused}
    assert all(f"got '{sender}" in event.reason for event in refused)
    plain = [None if packet is None else strip_extensions(packet) for packet in packets]
    expected, plain_events = play(plain, sets[receiver])
    assert np.array_equal(played, expected)
    assert [event for event in events if not isinstance(event, RedundancyRefused)] == plain_events


def test_own_networks_with_other_tables_are_strangers(
    speech: np.ndarray, weights_v201: WeightSet, other_tables: WeightSet
) -> None:
    _, events = play(survivors(speech, weights_v201), other_tables)
    assert spoken_rtp(events) == 0
    assert any(isinstance(event, RedundancyRefused) for event in events)
    _, events = play(survivors(speech, other_tables), weights_v201, other_tables)
    assert spoken_rtp(events) == len(GAP) * 960


def test_a_payload_carries_the_mark_of_its_tables(speech: np.ndarray, weights_v201: WeightSet) -> None:
    prefix = b"d" + bytes.fromhex(weights_v201.tables_sha256[:4])
    packets = [packet.payload for packet in send_clip(speech, weights_v201)][20:]
    extensions = [find_extension(packet, 126, prefix) for packet in packets]
    assert sum(extension is not None for extension in extensions) > 0.9 * len(packets)
    version = payload_tables(weights_v201).version
    assert {find_version(126, extension.payload) for extension in extensions if extension} == {version}
    assert not any(find_extension(packet, DRED_V12.extension_id, DRED_V12.prefix) for packet in packets)


def test_a_version_is_what_the_weights_speak_unless_another_is_asked_for(
    weights_v12: WeightSet, weights_v201: WeightSet
) -> None:
    assert build_encoder(DredConfig(), weights_v12).tables.version is DRED_V12
    assert build_encoder(DredConfig(), weights_v201).tables.version.name == "201"
    assert build_encoder(DredConfig(version="201"), weights_v201).tables.version.name == "201"
    for version in ("12", "final"):
        with pytest.raises(ModelError, match=f"speak version 201, not {version}"):
            build_encoder(DredConfig(version=version), weights_v201)
    with pytest.raises(ModelError, match="speak version 12, not 201"):
        build_encoder(DredConfig(version="201"), weights_v12)
    with pytest.raises(ModelError, match="speak version 13, not a known one"):
        payload_tables(replace(weights_v12, card=replace(weights_v12.card, bitstream_version=13)))
    assert len(build_parts([weights_v201]).readers) == 1


@pytest.fixture
def built_in(weights_v201: WeightSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WeightSet:
    """Own networks in the package, and nothing installed."""
    path = tmp_path / "own.safetensors"
    write_safetensors(weights_v201, path)
    monkeypatch.setenv("DRED_WEIGHTS", str(tmp_path / "none"))
    monkeypatch.setattr("dred.weights.registry.bundled_weights", lambda: (path,))
    return weights_v201


def test_with_built_in_networks_alone_both_ends_work_by_default(
    speech: np.ndarray, built_in: WeightSet, weights_v201: WeightSet
) -> None:
    packets = [packet.payload for packet in Sender(SenderConfig(rate_hz=16_000)).push(speech)]
    assert packets == [packet.payload for packet in Sender(SenderConfig(rate_hz=16_000), weights_v201).push(speech)]
    survived = [None if number in GAP else packet for number, packet in enumerate(packets)]
    assert spoken_rtp(recover(survived)[1]) == len(GAP) * 960


@pytest.mark.parametrize("version", ["12", "10", "final"])
def test_a_standard_version_without_its_weights_is_the_callers_mistake(version: str, built_in: WeightSet) -> None:
    wanted = f"version {version} was asked for.*`dred weights install`.*do without a version"
    with pytest.raises(UsageError, match=wanted):
        Sender(SenderConfig(dred=DredConfig(version=version)))


def test_with_published_networks_senders_speak_the_standard_and_receivers_read_both(
    speech: np.ndarray,
    installed_weights: Path,
    built_in: WeightSet,
    weights_v12: WeightSet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DRED_WEIGHTS", str(installed_weights))
    assert build_encoder(DredConfig()).tables.version is DRED_V12
    assert build_encoder(DredConfig(version="201")).tables.version.name == "201"
    for sender in (built_in, weights_v12):
        packets = survivors(speech, sender)
        assert spoken_rtp(recover(packets)[1]) == len(GAP) * 960


def test_a_prior_changes_bits_but_not_what_is_heard(
    speech: np.ndarray, weights_v201: WeightSet, foreseeing: WeightSet, tmp_path: Path
) -> None:
    path = tmp_path / "foreseeing.safetensors"
    write_safetensors(foreseeing, path)
    read = read_safetensors(path)
    assert payload_tables(read).sha256 == read.tables_sha256 != weights_v201.tables_sha256
    plain, shorter = (survivors(speech, weights) for weights in (weights_v201, read))
    heard, events = play(plain, weights_v201)
    again, events_again = play(shorter, read)
    assert spoken_rtp(events) == spoken_rtp(events_again) == len(GAP) * 960
    assert np.array_equal(heard, again)
    assert plain != shorter


def test_who_lacks_the_prior_ignores_its_payloads(
    speech: np.ndarray, weights_v201: WeightSet, foreseeing: WeightSet
) -> None:
    _, events = play(survivors(speech, foreseeing), weights_v201)
    assert spoken_rtp(events) == 0
    assert any(isinstance(event, RedundancyRefused) for event in events)
