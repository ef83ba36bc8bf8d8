"""Which networks a sender and a receiver are built from, and that streams do not disturb one another."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sent_clips import list_clips, read_clip, send_clip

from dred import DredConfig, ModelError, Played, Receiver, ReceiverConfig, Sender, SenderConfig, Source, recover
from dred.assembly import build_encoder, build_parts, payload_tables
from dred.bitstream import DRED_FINAL, DRED_V10, DRED_V12
from dred.data import bundled_weights
from dred.weights import WeightSet, read_safetensors, write_safetensors

pytestmark = pytest.mark.reference


@pytest.fixture(scope="module")
def speech(shared: Path) -> np.ndarray:
    return read_clip(list_clips(shared)[0], seconds=1.5)


@pytest.mark.parametrize("version", ["12", "10", "final"])
def test_a_receiver_of_both_sets_speaks_the_redundancy_of_every_version(
    version: str, speech: np.ndarray, weights_v12: WeightSet, weights_v10: WeightSet
) -> None:
    weights = weights_v10 if version == "10" else weights_v12
    sent = send_clip(speech, weights, dred=DredConfig(version=version))
    survived = [None if 30 <= number < 40 else packet.payload for number, packet in enumerate(sent)]
    for sets in ([weights_v12, weights_v10], [weights_v10, weights_v12]):
        _, events = recover(survived, config=ReceiverConfig(rate_hz=16_000), weights=sets)
        spoken = [event for event in events if isinstance(event, Played) and event.source is Source.DRED]
        assert sum(event.duration_rtp for event in spoken) == 10 * 960


def test_a_receiver_without_the_versions_set_guesses(
    speech: np.ndarray, weights_v12: WeightSet, weights_v10: WeightSet
) -> None:
    sent = send_clip(speech, weights_v12)
    survived = [None if 30 <= number < 40 else packet.payload for number, packet in enumerate(sent)]
    _, events = recover(survived, config=ReceiverConfig(rate_hz=16_000), weights=[weights_v10])
    assert Source.PLC in {event.source for event in events if isinstance(event, Played)}
    assert Source.DRED not in {event.source for event in events if isinstance(event, Played)}


def test_versions_and_sets_that_do_not_fit_are_told(weights_v12: WeightSet, weights_v10: WeightSet) -> None:
    with pytest.raises(ModelError, match="speak version 12, not 10"):
        build_encoder(DredConfig(version="10"), weights_v12)
    with pytest.raises(ModelError, match="speak version 10, not final"):
        payload_tables(weights_v10, DRED_FINAL)
    with pytest.raises(ModelError, match="at least one set"):
        build_parts([])


def test_readers_come_in_the_order_of_sets_and_versions(weights_v12: WeightSet, weights_v10: WeightSet) -> None:
    found = [reader.tables.version for reader in build_parts([weights_v10, weights_v12]).readers]
    assert found == [DRED_V10, DRED_V12, DRED_FINAL]


def test_installed_sets_are_found_by_version(
    speech: np.ndarray, installed_weights: Path, weights_v10: WeightSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRED_WEIGHTS", str(installed_weights))
    config = SenderConfig(rate_hz=16_000, dred=DredConfig(version="10"))
    by_version = [packet.payload for packet in Sender(config).push(speech)]
    assert by_version == [packet.payload for packet in Sender(config, weights_v10).push(speech)]
    survived = [None if 30 <= number < 40 else packet for number, packet in enumerate(by_version)]
    _, events = recover(survived)
    assert Source.DRED in {event.source for event in events if isinstance(event, Played)}


def test_networks_are_asked_for_only_where_they_are_needed(
    tmp_path: Path, nothing_built_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRED_WEIGHTS", str(tmp_path))
    Sender(SenderConfig(dred=None))
    Receiver(ReceiverConfig(use_dred=False, plc="classic"))
    for build in (Sender, Receiver):
        with pytest.raises(ModelError):
            build()


def test_streams_that_share_networks_do_not_disturb_one_another(shared: Path, weights_v12: WeightSet) -> None:
    clips = [read_clip(clip, seconds=1) for clip in list_clips(shared)[:2]]
    alone = [[packet.payload for packet in send_clip(clip, weights_v12)] for clip in clips]
    senders = [Sender(SenderConfig(rate_hz=16_000, bandwidth="wide"), weights_v12) for _ in clips]
    together: list[list[bytes]] = [[], []]
    for start in range(0, 16_000, 320):
        for clip, sender, packets in zip(clips, senders, together):
            packets += [packet.payload for packet in sender.push(clip[start : start + 320])]
    assert [packets[:50] for packets in alone] == together

    def make_receiver() -> Receiver:
        receiver = Receiver(ReceiverConfig(rate_hz=16_000), [weights_v12])
        receiver.start(0)
        return receiver

    def step(receiver: Any, packets: list[bytes], number: int) -> np.ndarray:
        if number % 6 not in (2, 3):
            receiver.receive(packets[number], number, 960 * number, 20.0 * number)
        if number < 4:
            return np.zeros((0, 1), np.float32)
        samples, _ = receiver.play(320, 20.0 * number)
        return samples

    single = []
    for packets in together:
        receiver = make_receiver()
        single.append(np.concatenate([step(receiver, packets, number) for number in range(50)]))
    receivers = [make_receiver(), make_receiver()]
    mixed: list[list[np.ndarray]] = [[], []]
    for number in range(50):
        for receiver, packets, blocks in zip(receivers, together, mixed):
            blocks.append(step(receiver, packets, number))
    for blocks, samples in zip(mixed, single):
        assert np.array_equal(np.concatenate(blocks), samples)


def test_a_damaged_set_does_not_keep_the_others_from_serving(
    installed_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in installed_weights.iterdir():
        data = bytearray(path.read_bytes())
        if path.stem == "opus-1.5.2":
            data[-100] ^= 1
        (tmp_path / path.name).write_bytes(data)
    monkeypatch.setenv("DRED_WEIGHTS", str(tmp_path))
    Receiver(ReceiverConfig(rate_hz=16_000))
    with pytest.raises(ModelError):
        Sender(SenderConfig(dred=DredConfig(version="10")))


def test_a_set_whose_prior_cannot_be_used_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read_safetensors(*bundled_weights())
    # Each symbol would be told by itself.
    prior = dict(whole.prior) | {"inside": np.ones_like(whole.prior["inside"])}
    write_safetensors(replace(whole, name="circular", prior=prior), tmp_path / "circular.safetensors")
    monkeypatch.setenv("DRED_WEIGHTS", str(tmp_path))
    Receiver(ReceiverConfig(rate_hz=16_000))
