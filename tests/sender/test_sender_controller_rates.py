"""What settings cost is measured on the very stream."""

from dataclasses import replace

import numpy as np
import pytest

from dred import Sender
from dred.audio import read_audio
from dred.data import bundled_clip
from dred.sender import DredConfig, RedundancyPlan, SenderConfig, SentPacket
from dred.sender.controller.protections import protections_of
from dred.sender.controller.rates import RateEstimator, RateModel
from dred.sender.level_bits import LevelBits
from dred.weights import WeightSet

PLAN = RedundancyPlan(bitrate_bps=24_000, dred=DredConfig(q0=8, dq=2, duration_ms=600))
PAUSE = SentPacket(payload=b"\0", sequence=0, timestamp=0, duration_ms=20, main_bytes=1, dred_bytes=0, num_latents=0)


def bps(model: RateModel, plan: RedundancyPlan) -> float:
    return float(model.dred_bps(protections_of([plan]))[0])


def sent(main_bytes: int, dred_bytes: int = 0, num_latents: int = 0) -> SentPacket:
    return replace(PAUSE, main_bytes=main_bytes, dred_bytes=dred_bytes, num_latents=num_latents)


def test_more_reach_and_finer_levels_cost_more() -> None:
    model = RateModel(frame_ms=20)
    asked = DredConfig(q0=6, dq=0, duration_ms=200)
    rates_bps = [
        bps(model, replace(PLAN, dred=dred))
        for dred in (asked, replace(asked, duration_ms=400), replace(asked, duration_ms=400, q0=4))
    ]
    assert rates_bps == sorted(rates_bps)
    assert bps(model, replace(PLAN, dred=None)) == 0
    assert bps(replace(model, frame_ms=40), PLAN) == bps(model, PLAN) / 2


def test_what_opus_takes_is_learned_apart_with_and_without_lbrr() -> None:
    found = RateEstimator(frame_ms=20)
    for _ in range(200):
        found.observe(sent(54), PLAN)
        found.observe(sent(66), replace(PLAN, in_band_fec=True))
    model = found.model
    assert model.main_ratio == pytest.approx(0.9)
    assert model.lbrr_ratio == pytest.approx(1.1)


def test_pauses_do_not_make_speech_cheaper() -> None:
    found = RateEstimator(frame_ms=20)
    for _ in range(100):
        found.observe(sent(60, 50, 16), PLAN)
    before = found.model
    for _ in range(100):
        found.observe(PAUSE, PLAN)
    assert found.model == before


def test_silence_without_dtx_does_not_make_speech_cheaper() -> None:
    found = RateEstimator(frame_ms=20)
    for _ in range(1_000):
        found.observe(sent(8), PLAN)
    assert found.model.main_ratio == 1.0
    for _ in range(1_000):
        found.observe(sent(32), PLAN)
    assert found.model.main_ratio == 0.85


def test_what_is_no_speech_teaches_nothing_about_speech() -> None:
    found = RateEstimator(frame_ms=20)
    for _ in range(1_000):
        found.observe(sent(54, 50, 16), PLAN)
    before = found.model
    for _ in range(1_000):
        found.observe(replace(sent(42, 10, 4), is_speech=False), PLAN)
    assert found.model == before


@pytest.mark.parametrize("frame_ms", [10, 20, 60])
def test_what_levels_cost_is_remembered_as_long_with_packets_of_any_length(frame_ms: int) -> None:
    found = RateEstimator(frame_ms=frame_ms)
    dear, cheap = (LevelBits(latent=(bits,) * 16, state=(bits,) * 16) for bits in (100.0, 50.0))

    def measure(bits: LevelBits, duration_ms: int) -> None:
        for _ in range(duration_ms // (10 * frame_ms)):
            found.observe(replace(PAUSE, level_bits=bits), PLAN)

    measure(dear, 120_000)
    measure(cheap, 15_000)
    assert found.model.latent_bits[0] == pytest.approx(50 + 50 / np.e, abs=1.0)


def test_one_odd_packet_does_not_count_for_much() -> None:
    found = RateEstimator(frame_ms=20)
    found.observe(sent(1_200, 900, 1), PLAN)
    assert found.model.main_ratio <= 1.5
    assert found.model.dred_ratio <= 1.5


@pytest.mark.parametrize(
    "dred",
    [DredConfig(), DredConfig(q0=4, dq=3), DredConfig(q0=10, dq=0, duration_ms=300), DredConfig(q0=13, dq=0)],
    ids=lambda dred: f"{dred.q0}/{dred.dq} {dred.duration_ms} ms",
)
def test_rates_of_settings_that_are_not_in_use_are_foreseen(dred: DredConfig, weights_v12: WeightSet) -> None:
    speech = np.tile(read_audio(bundled_clip()).samples[:, 0], 2)
    foreseen, found = (RateEstimator(frame_ms=20) for _ in range(2))
    other = replace(PLAN, dred=dred)

    def send(plan: RedundancyPlan, estimator: RateEstimator) -> list[int]:
        sender = Sender(SenderConfig(rate_hz=16_000), weights_v12)
        sender.apply(plan)
        sizes = []
        for packet in sender.push(speech):
            estimator.observe(packet, plan)
            if packet.num_latents:
                sizes.append(packet.dred_bytes)
        return sizes

    send(PLAN, foreseen)
    measured_bps = 400 * float(np.mean(send(other, found)))
    assert bps(foreseen.model, other) == pytest.approx(measured_bps, rel=0.15)
    assert bps(found.model, other) == pytest.approx(measured_bps, rel=0.15)
