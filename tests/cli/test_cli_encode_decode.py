"""`dred encode` and `dred decode` from end to end."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from in_process import Run

from dred.audio import read_audio, resample, write_wav
from dred.rtp import read_packets, write_packets

pytestmark = pytest.mark.reference

CLIP_SECONDS = 2
# 20 packets of 20 ms lost in the middle, longer than LBRR or RED can reach.
GAP = ["0"] * 50 + ["1"] * 20 + ["0"] * 31


@pytest.fixture
def gap(tmp_path: Path) -> Path:
    path = tmp_path / "gap.txt"
    path.write_text("\n".join(GAP))
    return path


def lag_of(output: np.ndarray, reference: np.ndarray) -> int:
    """Samples by which the output lags, where their correlation peaks."""
    num_samples = min(len(output), len(reference))
    spectra = [np.fft.rfft(signal[:num_samples], 2 * num_samples) for signal in (output, reference)]
    correlation = np.fft.irfft(spectra[0] * np.conj(spectra[1]))
    peak = int(np.argmax(correlation))
    return peak if peak < num_samples else peak - 2 * num_samples


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 48_000])
def test_an_opus_file_decodes_to_the_encoders_input_in_length_and_time(
    dred: Run, weights: Path, calls: Path, clip: Path, tmp_path: Path, rate_hz: int
) -> None:
    assert dred("decode", calls / "plain.opus", tmp_path / "out.wav", "--rate", rate_hz).code == 0
    output, reference = read_audio(tmp_path / "out.wav"), read_audio(clip)
    assert output.rate_hz == rate_hz
    assert output.samples.shape == (CLIP_SECONDS * rate_hz, 1)
    at_output_rate = resample(reference.samples[:, 0], from_hz=reference.rate_hz, to_hz=rate_hz)
    # Within a sample of the rate or of 16 kHz, the rate that SILK works at.
    assert abs(lag_of(output.samples[:, 0], at_output_rate)) <= max(1, rate_hz // 16_000)


def test_a_capture_decodes_in_step_with_the_encoders_input(
    dred: Run, weights: Path, calls: Path, clip: Path, tmp_path: Path
) -> None:
    assert dred("decode", calls / "plain.pcap", tmp_path / "out.wav", "--rate", 16_000).code == 0
    output, reference = read_audio(tmp_path / "out.wav").samples[:, 0], read_audio(clip).samples[:, 0]
    # A capture does not tell where within the last packet the speech ends.
    assert len(reference) <= len(output) < len(reference) + 320
    assert abs(lag_of(output, reference)) <= 1


def test_the_delay_of_another_encoder_can_be_named(dred: Run, weights: Path, clip: Path, tmp_path: Path) -> None:
    call, output = tmp_path / "call.pcap", tmp_path / "out.wav"
    assert dred("encode", clip, call, "--application", "lowdelay", "--dred-ms", 0).code == 0
    assert dred("decode", call, output, "--rate", 16_000, "--lookahead-ms", 2.5).code == 0
    assert abs(lag_of(read_audio(output).samples[:, 0], read_audio(clip).samples[:, 0])) <= 1


def test_speech_recovered_in_a_gap_stays_in_step(
    dred: Run, weights: Path, calls: Path, clip: Path, tmp_path: Path, gap: Path
) -> None:
    outcome = dred("decode", calls / "plain.opus", tmp_path / "out.wav", "--rate", 16_000, "--trace", gap, "--json")
    assert outcome.code == 0
    assert outcome.json["lost"] == 20
    assert outcome.json["played_ms"]["dred"] == 400
    output, reference = read_audio(tmp_path / "out.wav").samples[:, 0], read_audio(clip).samples[:, 0]
    assert len(output) == len(reference)
    assert abs(lag_of(output, reference)) <= 1


@pytest.mark.parametrize(
    ("options", "source"),
    [
        ((), "dred"),
        (("--no-dred",), "plc"),
        (("--no-dred", "--plc", "classic"), "plc"),
        (("--no-dred", "--plc", "zero"), "plc"),
    ],
)
def test_the_receivers_options_decide_what_fills_a_gap(
    dred: Run, weights: Path, calls: Path, tmp_path: Path, gap: Path, options: tuple[str, ...], source: str
) -> None:
    outcome = dred("decode", calls / "plain.pcap", tmp_path / "out.wav", "--trace", gap, "--json", *options)
    played = outcome.json["played_ms"]
    assert played[source] == 400
    assert sum(played.values()) == played["received"] + 400


def test_zero_concealment_is_silent_and_neural_concealment_is_not(
    dred: Run, weights: Path, calls: Path, tmp_path: Path, gap: Path
) -> None:
    levels = {}
    for plc in ("zero", "neural"):
        arguments = ("--trace", gap, "--no-dred", "--plc", plc, "--rate", 16_000)
        assert dred("decode", calls / "plain.opus", tmp_path / "out.wav", *arguments).code == 0
        # Well within the gap: 1000 to 1400 ms of packets.
        levels[plc] = np.abs(read_audio(tmp_path / "out.wav").samples[16_500:17_500]).max()
    assert levels["zero"] == 0 < levels["neural"]


def test_copies_and_lbrr_are_used_unless_told_otherwise(dred: Run, weights: Path, calls: Path, tmp_path: Path) -> None:
    (tmp_path / "trace.txt").write_text("0\n0\n0\n0\n1\n1\n1\n0\n")
    arguments = ("decode", calls / "full.pcap", tmp_path / "out.wav", "--trace", tmp_path / "trace.txt", "--json")
    every = dred(*arguments).json["played_ms"]
    no_red = dred(*arguments, "--no-red").json["played_ms"]
    neither = dred(*arguments, "--no-red", "--no-lbrr").json["played_ms"]
    assert every["red"] > 0
    assert no_red["red"] == 0
    assert no_red["lbrr"] > 0
    assert neither["red"] == neither["lbrr"] == 0
    assert neither["dred"] > no_red["dred"] > every["dred"] > 0


def test_a_capture_keeps_copies_and_times_of_sending(calls: Path) -> None:
    packets = read_packets(calls / "full.pcap").packets
    assert [len(packet.redundant) for packet in packets[:4]] == [0, 1, 2, 2]
    assert [copy.timestamp_offset for copy in packets[5].redundant] == [1920, 960]
    assert np.diff([packet.arrival_ms for packet in packets]) == pytest.approx(20, abs=1e-3)


def test_copies_carry_no_redundancy_of_their_own(dred: Run, weights: Path, calls: Path) -> None:
    rows = dred("inspect", calls / "full.pcap", "--json").rows
    assert rows[90]["dred"] is not None
    assert rows[90]["red"][1]["bytes"] < rows[89]["bytes"] - rows[89]["dred"]["bytes"]


def test_packets_out_of_order_or_twice_change_nothing(dred: Run, weights: Path, calls: Path, tmp_path: Path) -> None:
    stream = read_packets(calls / "plain.pcap")
    swapped = [*stream.packets[1::2], *stream.packets[::2], stream.packets[7]]
    write_packets(tmp_path / "swapped.pcap", replace(stream, packets=tuple(swapped)))
    assert dred("decode", calls / "plain.pcap", tmp_path / "a.wav").code == 0
    assert dred("decode", tmp_path / "swapped.pcap", tmp_path / "b.wav").code == 0
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_packets_that_a_capture_lacks_are_lost(
    dred: Run, weights: Path, calls: Path, tmp_path: Path, gap: Path
) -> None:
    stream = read_packets(calls / "plain.pcap")
    left = tuple(packet for packet, flag in zip(stream.packets, GAP) if flag == "0")
    write_packets(tmp_path / "holes.pcap", replace(stream, packets=left))
    assert dred("decode", tmp_path / "holes.pcap", tmp_path / "a.wav").code == 0
    assert dred("decode", calls / "plain.pcap", tmp_path / "b.wav", "--trace", gap).code == 0
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_a_stream_that_is_lost_as_a_whole_is_silence(dred: Run, no_weights: Path, calls: Path, tmp_path: Path) -> None:
    (tmp_path / "trace.txt").write_text("1")
    arguments = ("--trace", tmp_path / "trace.txt", "--no-dred", "--plc", "classic", "--rate", 16_000)
    assert dred("decode", calls / "plain.opus", tmp_path / "out.wav", *arguments).code == 0
    samples = read_audio(tmp_path / "out.wav").samples
    assert len(samples) == CLIP_SECONDS * 16_000
    assert not samples.any()


def test_the_gain_of_an_opus_file_is_applied(dred: Run, weights: Path, calls: Path, tmp_path: Path) -> None:
    write_packets(tmp_path / "quiet.opus", replace(read_packets(calls / "plain.opus"), output_gain_q8=-6 * 256))
    levels = []
    for call in (calls / "plain.opus", tmp_path / "quiet.opus"):
        assert dred("decode", call, tmp_path / "out.wav").code == 0
        levels.append(np.sqrt(np.mean(np.square(read_audio(tmp_path / "out.wav").samples))))
    assert 20 * np.log10(levels[1] / levels[0]) == pytest.approx(-6, abs=0.1)


def test_without_weights_plain_opus_is_encoded_and_decoded(
    dred: Run, no_weights: Path, clip: Path, tmp_path: Path
) -> None:
    call, output = tmp_path / "call.opus", tmp_path / "out.wav"
    assert dred("encode", clip, call, "--dred-ms", 0).code == 0
    assert dred("decode", call, output, "--no-dred", "--plc", "classic").code == 0
    assert read_audio(output).rate_hz == 48_000


def test_the_encoders_options_reach_the_packets(dred: Run, weights: Path, clip: Path, tmp_path: Path) -> None:
    options = ("--frame-ms", 40, "--bandwidth", "narrow", "--q0", 8, "--dq", 3, "--qmax", 12, "--dred-ms", 300)
    assert dred("encode", clip, tmp_path / "call.pcap", *options).code == 0
    row = dred("inspect", tmp_path / "call.pcap", "--json").rows[40]
    assert row["duration_ms"] == 40
    assert row["toc"]["bandwidth"] == "narrow"
    assert (row["dred"]["q0"], row["dred"]["dq"], row["dred"]["qmax"]) == (8, 3, 12)
    assert row["dred"]["num_latents"] == 8


def test_a_total_rate_makes_all_packets_of_one_size(dred: Run, weights: Path, clip: Path, tmp_path: Path) -> None:
    assert dred("encode", clip, tmp_path / "call.pcap", "--total-bitrate", 40_000).code == 0
    assert {row["bytes"] for row in dred("inspect", tmp_path / "call.pcap", "--json").rows} == {100}


def test_fec_alone_is_enough_for_lbrr(dred: Run, no_weights: Path, clip: Path, tmp_path: Path) -> None:
    assert dred("encode", clip, tmp_path / "call.pcap", "--fec", "--dred-ms", 0).code == 0
    rows = dred("inspect", tmp_path / "call.pcap", "--json").rows
    assert sum(row["lbrr"] for row in rows) > len(rows) / 2


@pytest.mark.parametrize(("num_channels", "coded_as_stereo"), [(1, False), (2, True), (3, False)])
def test_channels_are_kept_up_to_two(
    dred: Run, no_weights: Path, tmp_path: Path, num_channels: int, coded_as_stereo: bool, rng: np.random.Generator
) -> None:
    write_wav(tmp_path / "in.wav", rng.uniform(-0.5, 0.5, (16_000, num_channels)).astype(np.float32), 16_000)
    arguments = ("--dred-ms", 0, "--bitrate", 64_000)
    assert dred("encode", tmp_path / "in.wav", tmp_path / "call.pcap", *arguments).code == 0
    assert dred("inspect", tmp_path / "call.pcap", "--json").rows[20]["toc"]["stereo"] == coded_as_stereo


def test_a_rate_that_opus_lacks_is_resampled(dred: Run, no_weights: Path, tmp_path: Path) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100).astype(np.float32) / 2
    write_wav(tmp_path / "in.wav", tone, 44_100)
    assert dred("encode", tmp_path / "in.wav", tmp_path / "call.opus", "--dred-ms", 0).code == 0
    assert dred("decode", tmp_path / "call.opus", tmp_path / "out.wav", "--no-dred", "--plc", "zero").code == 0
    assert len(read_audio(tmp_path / "out.wav").samples) == 48_000


def test_the_summaries_tell_rates_and_sources(dred: Run, weights: Path, clip: Path, tmp_path: Path) -> None:
    encoded = dred("encode", clip, tmp_path / "call.pcap", "--red", 1, "--json").json
    assert set(encoded) == {"packets", "duration_ms", "opus_bps", "dred_bps", "red_bps"}
    assert encoded["packets"] == 101
    assert min(encoded.values()) > 0
    decoded = dred("decode", tmp_path / "call.pcap", tmp_path / "out.wav", "--json").json
    assert set(decoded) == {"packets", "lost", "dropped", "redundancy_refused", "played_ms"}
    assert decoded["played_ms"]["received"] == encoded["duration_ms"]
    told = dred("decode", tmp_path / "call.pcap", tmp_path / "out.wav").out
    assert told.endswith("101 packets; played received 2.02 s\n")
