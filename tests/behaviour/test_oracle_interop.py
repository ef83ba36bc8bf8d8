"""libopus with DRED compiled in as the judge of our packets: it finds, decodes and speaks what we put in.

$DRED_ORACLE names libopus 1.6.1 and $DRED_ORACLE_V10 libopus 1.5.2, both built with DRED. With $DRED_FULL=1 the whole
test set is sent, which takes minutes.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from band_distance import distance_db
from native_dred import NativeDecoder, NativeDred, play_natively
from sent_clips import list_clips, read_clip, send_clip

from dred.assembly import build_parts
from dred.bitstream import parse_payload, split_prefix
from dred.channel import read_trace
from dred.evaluation.conformance import compare_features
from dred.opus import OpusDecoder, OpusEncoder, OpusEncoderConfig, find_extension, strip_extensions
from dred.receiver import RedundancyReader
from dred.sender import DredConfig, SentPacket
from dred.weights import WeightSet

pytestmark = [pytest.mark.oracle, pytest.mark.reference]

SETTINGS: dict[str, dict[str, Any]] = {
    "16 kHz, 20 ms": {},
    "10 ms": {"frame_ms": 10},
    "40 ms": {"frame_ms": 40},
    "60 ms": {"frame_ms": 60},
    "48 kHz audio": {"rate_hz": 48_000, "application": "audio", "bandwidth": None, "bitrate_bps": 64_000},
    "8 kHz": {"rate_hz": 8_000, "bandwidth": "narrow"},
    "hybrid in 60 ms packets": {"rate_hz": 48_000, "bandwidth": "full", "bitrate_bps": 40_000, "frame_ms": 60},
    "60 kb/s in all": {"total_bitrate_bps": 60_000, "dred": DredConfig(q0=4, dq=3)},
    "fine and constant": {"dred": DredConfig(q0=0, dq=0, duration_ms=400)},
    "coarse": {"dred": DredConfig(q0=12, dq=7, qmax=14)},
    "with LBRR": {"in_band_fec": True, "expected_loss_percent": 20, "bitrate_bps": 32_000},
    "DTX": {"dtx": True},
}


@pytest.fixture(scope="module")
def oracle(oracle_path: Path) -> NativeDred:
    return NativeDred(oracle_path)


@pytest.fixture(scope="module")
def oracle_v10() -> NativeDred:
    name = os.environ.get("DRED_ORACLE_V10")
    if not name:
        pytest.skip("$DRED_ORACLE_V10 names no libopus 1.5 with DRED compiled in")
    return NativeDred(Path(name))


def judge(sent: list[SentPacket], oracle: NativeDred, reader: RedundancyReader) -> int:
    """Compare what libopus and we find in each packet; return how many carry redundancy."""
    version = reader.tables.version
    decoder: Any = reader.decoder
    ours, theirs = [], []
    for packet in sent:
        native = oracle.parse(packet.payload)
        extension = find_extension(packet.payload, version.extension_id, version.prefix)
        assert (native is None) == (extension is None)
        if native is None or extension is None:
            continue
        parsed = parse_payload(split_prefix(extension.payload, version), reader.tables)
        # Latents at the end that take less than a byte together are written and not found.
        assert parsed.num_latents <= packet.num_latents
        assert native.offset_ticks == parsed.offset_ticks
        assert native.history_samples == 40 * parsed.history_ticks
        assert native.end_samples == 40 * parsed.end_ticks
        assert np.allclose(native.state, parsed.state, atol=1e-5)
        assert np.allclose(native.latents, parsed.latents, atol=1e-5)
        theirs.append(native.features)
        ours.append(decoder.decode(parsed.state, parsed.latents, parsed.levels))
    assert compare_features(np.concatenate(theirs), np.concatenate(ours)).passes
    return len(ours)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
def test_libopus_finds_and_decodes_what_we_send(
    settings: dict[str, Any], oracle: NativeDred, weights_v12: WeightSet, shared: Path
) -> None:
    pcm = read_clip(list_clips(shared)[0], rate_hz=settings.get("rate_hz", 16_000), seconds=2)
    sent = send_clip(pcm, weights_v12, **settings)
    num_judged = judge(sent, oracle, build_parts([weights_v12]).readers[0])
    assert num_judged > 0.8 * len(sent)


@pytest.mark.parametrize("frame_ms", [10, 20, 40])
def test_libopus_1_5_finds_and_decodes_what_we_send_as_version_10(
    frame_ms: int, oracle_v10: NativeDred, weights_v10: WeightSet, shared: Path
) -> None:
    pcm = read_clip(list_clips(shared)[0], seconds=2)
    sent = send_clip(pcm, weights_v10, frame_ms=frame_ms, dred=DredConfig(version="10"))
    num_judged = judge(sent, oracle_v10, build_parts([weights_v10]).readers[0])
    assert num_judged > 0.8 * len(sent)


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("DRED_FULL"), reason="$DRED_FULL asks for the whole test set")
def test_libopus_refuses_nothing_in_the_whole_test_set(
    oracle: NativeDred, weights_v12: WeightSet, shared: Path
) -> None:
    reader = build_parts([weights_v12]).readers[0]
    for clip in list_clips(shared):
        judge(send_clip(read_clip(clip), weights_v12), oracle, reader)


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("DRED_FULL"), reason="$DRED_FULL asks for the whole test set")
def test_libopus_1_5_refuses_nothing_in_the_whole_test_set(
    oracle_v10: NativeDred, weights_v10: WeightSet, shared: Path
) -> None:
    reader = build_parts([weights_v10]).readers[0]
    for clip in list_clips(shared):
        judge(send_clip(read_clip(clip), weights_v10, dred=DredConfig(version="10")), oracle_v10, reader)


def test_each_libopus_passes_over_the_version_of_the_other(
    oracle: NativeDred, oracle_v10: NativeDred, weights_v12: WeightSet, weights_v10: WeightSet, shared: Path
) -> None:
    pcm = read_clip(list_clips(shared)[0], seconds=1)
    assert all(oracle_v10.parse(packet.payload) is None for packet in send_clip(pcm, weights_v12))
    sent = send_clip(pcm, weights_v10, dred=DredConfig(version="10"))
    assert all(oracle.parse(packet.payload) is None for packet in sent)


def test_libopus_passes_over_networks_of_dreds_own(oracle: NativeDred, weights_v201: WeightSet, shared: Path) -> None:
    sent = send_clip(read_clip(list_clips(shared)[0], seconds=2), weights_v201)
    assert sum(packet.num_latents > 0 for packet in sent) > 0.8 * len(sent)
    plain, carrying = NativeDecoder(oracle), NativeDecoder(oracle)
    for packet in sent:
        assert oracle.parse(packet.payload) is None
        assert np.array_equal(carrying.decode(packet.payload), plain.decode(strip_extensions(packet.payload)))
    survived = [None if number % 20 in (10, 11, 12) else packet.payload for number, packet in enumerate(sent)]
    stripped = [None if packet is None else strip_extensions(packet) for packet in survived]
    assert np.array_equal(play_natively(survived, oracle), play_natively(stripped, oracle))


@pytest.mark.parametrize("trace", ["uni20", "ge20b5"])
def test_libopus_speaks_our_redundancy_as_well_as_its_own(
    trace: str, oracle: NativeDred, weights_v12: WeightSet, shared: Path
) -> None:
    clip = list_clips(shared)[0]
    pcm = read_clip(clip)
    encoder = OpusEncoder(
        OpusEncoderConfig(bitrate_bps=60_000, vbr=False, bandwidth="wide", expected_loss_percent=25), oracle.library
    )
    encoder.set_dred_duration(100)
    whole = pcm[: len(pcm) // 320 * 320].reshape(-1, 320)
    streams = {
        "theirs": [encoder.encode(frame) for frame in whole],
        "ours": [packet.payload for packet in send_clip(pcm, weights_v12, bitrate_bps=25_000)],
    }
    lost = read_trace(shared / "bench/traces" / trace / f"{clip.stem}.txt")
    distances = {}
    for name, packets in streams.items():
        survived = [None if is_lost else packet for packet, is_lost in zip(packets, lost)]
        clean = play_natively(packets[: len(survived)], oracle)
        distances[name] = distance_db(clean, play_natively(survived, oracle))
        distances[f"{name} ignored"] = distance_db(clean, play_natively(survived, oracle, use_dred=False))
    assert distances["ours"] < 0.8 * distances["ours ignored"]
    assert distances["ours"] < 1.1 * distances["theirs"]


@pytest.mark.parametrize("ignore", [False, True])
def test_libopus_plays_our_packets_as_if_there_were_no_redundancy(
    ignore: bool, oracle: NativeDred, weights_v12: WeightSet, shared: Path
) -> None:
    plain, carrying = NativeDecoder(oracle), NativeDecoder(oracle)
    carrying.ignore_extensions(ignore)
    for packet in send_clip(read_clip(list_clips(shared)[0], seconds=2), weights_v12):
        assert np.array_equal(carrying.decode(packet.payload), plain.decode(strip_extensions(packet.payload)))


def test_libopus_1_5_plays_our_packets_as_if_there_were_no_redundancy(
    oracle_v10: NativeDred, weights_v12: WeightSet, shared: Path
) -> None:
    plain, carrying = (OpusDecoder(16_000, 1, oracle_v10.library) for _ in range(2))
    for packet in send_clip(read_clip(list_clips(shared)[0], seconds=2), weights_v12):
        assert np.array_equal(carrying.decode(packet.payload), plain.decode(strip_extensions(packet.payload)))
