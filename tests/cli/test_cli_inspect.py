"""`dred inspect`: the table, the JSON, and packets that are broken."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from in_process import Run

from dred.opus import add_extension, strip_extensions
from dred.rtp import PacketStream, read_packets, write_packets

pytestmark = pytest.mark.reference

PACKET_KEYS = [
    "index",
    "sequence",
    "timestamp",
    "arrival_ms",
    "bytes",
    "duration_ms",
    "toc",
    "lbrr",
    "red",
    "dred",
    "dred_error",
    "packet_error",
]
DRED_KEYS = [
    "version",
    "extension_id",
    "frame",
    "bytes",
    "q0",
    "dq",
    "qmax",
    "offset_ticks",
    "num_latents",
    "history_ms",
    "end_ms",
    "state",
    "latents",
    "levels",
]


def write_payloads(path: Path, payloads: list[bytes], like: Path) -> None:
    packets = read_packets(like).packets
    changed = tuple(replace(packet, payload=payload) for packet, payload in zip(packets, payloads))
    write_packets(path, PacketStream(packets=changed))


def test_json_has_these_keys_and_one_line_per_packet(dred: Run, weights: Path, calls: Path) -> None:
    outcome = dred("inspect", calls / "plain.pcap", "--json")
    rows = outcome.rows
    assert outcome.code == 0
    assert outcome.err == ""
    assert len(rows) == 101
    assert all(list(row) == PACKET_KEYS for row in rows)
    assert list(rows[90]["dred"]) == DRED_KEYS
    assert rows[0]["dred"] is None


def test_json_tells_what_the_packet_holds(dred: Run, weights: Path, calls: Path) -> None:
    row = dred("inspect", calls / "full.pcap", "--json").rows[90]
    assert (row["index"], row["sequence"], row["timestamp"]) == (90, 90, 90 * 960)
    assert row["duration_ms"] == 20.0
    assert row["lbrr"] is True
    assert [copy["offset_ms"] for copy in row["red"]] == [40.0, 20.0]
    redundancy = row["dred"]
    assert (redundancy["version"], redundancy["extension_id"]) == ("12", 126)
    assert (redundancy["q0"], redundancy["dq"], redundancy["qmax"], redundancy["offset_ticks"]) == (6, 5, 15, 10)
    assert redundancy["num_latents"] == 26
    assert (redundancy["history_ms"], redundancy["end_ms"]) == (1015.0, 0.0)
    assert len(redundancy["state"]) == 50
    assert np.shape(redundancy["latents"]) == (26, 25)
    assert redundancy["levels"][0] == 6
    assert redundancy["levels"] == sorted(redundancy["levels"])


def test_features_are_four_rows_per_latent(dred: Run, weights: Path, calls: Path) -> None:
    rows = dred("inspect", calls / "plain.opus", "--json", "--features").rows
    features = np.array(rows[90]["dred"]["features"])
    assert features.shape == (4 * rows[90]["dred"]["num_latents"], 20)
    # The newest row of one packet describes what the eighth row of the packet 80 ms later does.
    later = np.array(rows[94]["dred"]["features"])
    assert np.corrcoef(features[0, :18], later[8, :18])[0, 1] > 0.9


def test_the_table_has_one_line_per_packet(dred: Run, weights: Path, calls: Path) -> None:
    heading, *lines = dred("inspect", calls / "full.pcap").out.splitlines()
    assert heading.split() == [
        *("sequence", "time", "ms", "coding", "ms", "bytes", "lbrr", "red", "dred", "bytes", "q0", "dq", "qmax"),
        *("offset", "latents", "covers", "ms"),
    ]
    assert len(lines) == 101
    fields = lines[90].split()
    assert fields[:5] == ["90", "1800.0", "silk", "wide", "20"]
    assert fields[6:9] == ["yes", "2", "12"]
    assert fields[10:] == ["6", "5", "15", "10", "26", "1015", "to", "0"]


def test_latents_and_features_follow_in_lines_of_their_own(dred: Run, weights: Path, calls: Path) -> None:
    lines = dred("inspect", calls / "plain.opus", "--latents", "--features").out.splitlines()
    rows = dred("inspect", calls / "plain.opus", "--json").rows
    num_latents = sum(row["dred"]["num_latents"] for row in rows if row["dred"])
    assert sum(line.startswith("    latent ") for line in lines) == num_latents
    assert sum(line.startswith("    features ") for line in lines) == 4 * num_latents


def test_without_weights_the_header_is_shown_and_a_line_says_why(dred: Run, no_weights: Path, calls: Path) -> None:
    outcome = dred("inspect", calls / "plain.opus", "--json", "--features")
    redundancy = outcome.rows[90]["dred"]
    assert outcome.code == 0
    assert (redundancy["q0"], redundancy["dq"], redundancy["qmax"], redundancy["offset_ticks"]) == (6, 5, 15, 10)
    missing = ("num_latents", "history_ms", "state", "latents", "levels", "features")
    assert all(redundancy[key] is None for key in missing)
    assert outcome.err.count("\n") == 1
    assert "no weights of version 12" in outcome.err
    assert "1015" not in dred("inspect", calls / "plain.opus").out


def test_each_version_is_read_with_its_own_tables(dred: Run, weights: Path, clip: Path, tmp_path: Path) -> None:
    assert dred("encode", clip, tmp_path / "old.opus", "--dred-version", "10").code == 0
    redundancy = dred("inspect", tmp_path / "old.opus", "--json").rows[90]["dred"]
    assert redundancy["version"] == "10"
    assert len(redundancy["state"]) == 19
    assert np.shape(redundancy["latents"])[1] == 21
    assert dred("inspect", tmp_path / "old.opus", "--weights", "opus-1.6.1").err.count("\n") == 1


def test_redundancy_in_a_later_frame_is_placed_in_time(dred: Run, weights: Path, calls: Path, tmp_path: Path) -> None:
    frame = strip_extensions(read_packets(calls / "plain.pcap").packets[50].payload)
    two_frames = bytes([frame[0] | 1]) + 2 * frame[1:]
    payload = b"D\x0c" + bytes(range(40))
    shifted = add_extension(two_frames, 126, payload, frame=1)
    write_payloads(tmp_path / "two.pcap", [add_extension(two_frames, 126, payload), shifted], calls / "plain.pcap")
    first, second = (row["dred"] for row in dred("inspect", tmp_path / "two.pcap", "--json").rows)
    assert (first["frame"], second["frame"]) == (0, 1)
    assert second["offset_ticks"] == first["offset_ticks"] + 8


@pytest.mark.parametrize(
    ("extension", "told"),
    [
        ((126, b"D\x0b" + bytes(20)), "known version"),
        ((126, b"D\x0c" + bytes(1001)), "1..1000 bytes"),
    ],
    ids=["unknown-version", "too-long"],
)
def test_refused_redundancy_is_noted_and_the_packet_shown(
    dred: Run, weights: Path, calls: Path, tmp_path: Path, extension: tuple[int, bytes], told: str
) -> None:
    payload = add_extension(strip_extensions(read_packets(calls / "plain.pcap").packets[50].payload), *extension)
    write_payloads(tmp_path / "odd.pcap", [payload], calls / "plain.pcap")
    outcome = dred("inspect", tmp_path / "odd.pcap", "--json")
    assert outcome.code == 0
    assert outcome.rows[0]["dred"] is None
    assert told in outcome.rows[0]["dred_error"]
    assert outcome.rows[0]["packet_error"] is None
    assert "refused" in dred("inspect", tmp_path / "odd.pcap").out


def test_any_bytes_are_shown_without_a_crash(
    dred: Run, weights: Path, calls: Path, tmp_path: Path, rng: np.random.Generator
) -> None:
    payloads = [rng.bytes(int(rng.integers(1, 200))) for _ in range(100)]
    write_payloads(tmp_path / "noise.pcap", payloads, calls / "plain.pcap")
    outcome = dred("inspect", tmp_path / "noise.pcap", "--json")
    assert outcome.code == 0
    rows = outcome.rows
    assert len(rows) == 100
    assert any(row["packet_error"] for row in rows)
    assert all(row["duration_ms"] is None for row in rows if row["packet_error"])
    assert len(dred("inspect", tmp_path / "noise.pcap").out.splitlines()) == 101
