"""libopus and dred, each as sender and as receiver: what a mixed call sounds like under loss.

    python benchmarks/interop.py --shared DIR --oracle LIB [--clips N] [--json OUT]

Every clip is sent by libopus (with its DRED compiled in) and by dred, at two rates: constant 60 kb/s, and variable with
about 39 kb/s; dred's settings are those of `quality.py`. Every stream loses packets by every trace and is played by
libopus, with opus_demo's policy, and by dred. libopus's packets at 60 kb/s are bit for bit those of
`bench/packets/dred`. Needs the extra `eval`.
"""

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from metrics import score
from quality import LOOKAHEAD_SAMPLES, METRICS, RATE_HZ, SENDERS, TRACES, read_length_prefixed, weights

import dred
from dred.audio import float_to_int16, read_audio
from dred.channel import read_trace
from dred.opus import OpusEncoder, OpusEncoderConfig, find_extension
from dred.weights import WeightSet

# The harness around libopus is the tests'; a benchmark is no reason to ship it.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "behaviour"))
from native_dred import NativeDred, play_natively

FRAME_SAMPLES = 320
# What libopus is asked for, main stream and redundancy together; of a variable rate it uses less.
ORACLE_BPS = {"cbr60": 60_000, "vbr39": 44_000}
PAIRS = (("libopus", "libopus"), ("dred", "libopus"), ("libopus", "dred"), ("dred", "dred"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One clip at one rate, for all traces, senders and receivers."""

    shared: Path
    oracle: Path
    clip: Path
    rate: str

    def run(self) -> list[dict[str, Any]]:
        original = read_audio(self.shared / self.clip).samples[:, 0]
        oracle = NativeDred(self.oracle)
        networks = weights(self.shared)
        streams = {
            "libopus": encode_natively(original, self.rate, oracle),
            "dred": encode(original, self.rate, networks),
        }
        rows = []
        for trace in TRACES:
            for sender, receiver in PAIRS:
                received = self.lose(streams[sender], trace)
                played = play_natively(received, oracle) if receiver == "libopus" else play(received, networks)
                rows.append(
                    {"clip": self.clip.name, "rate": self.rate, "trace": trace, "sender": sender, "receiver": receiver}
                    | measure_rates(streams[sender])
                    | score(original, played[LOOKAHEAD_SAMPLES:])
                )
        return rows

    def lose(self, packets: list[bytes], trace: str) -> list[bytes | None]:
        """Drop packets; what comes behind the end of the trace arrives."""
        if trace == "none":
            return list(packets)
        lost = read_trace(self.shared / "bench/traces" / trace / f"{self.clip.stem}.txt")
        return [None if number < len(lost) and lost[number] else packet for number, packet in enumerate(packets)]


def encode_natively(original: np.ndarray, rate: str, oracle: NativeDred) -> list[bytes]:
    """Let libopus send a clip with one second of redundancy, tuned for 25 % loss."""
    config = OpusEncoderConfig(
        rate_hz=RATE_HZ,
        bitrate_bps=ORACLE_BPS[rate],
        vbr=rate != "cbr60",
        bandwidth="wide",
        expected_loss_percent=25,
    )
    encoder = OpusEncoder(config, oracle.library)
    encoder.set_dred_duration(100)
    pcm = float_to_int16(np.pad(original, (0, -len(original) % FRAME_SAMPLES)))
    return [encoder.encode(frame) for frame in pcm.reshape(-1, FRAME_SAMPLES)]


def encode(original: np.ndarray, rate: str, networks: WeightSet) -> list[bytes]:
    """Let dred send a clip."""
    sender = dred.Sender(SENDERS[rate], networks)
    return [packet.payload for packet in [*sender.push(original), *sender.finish()]]


def play(received: list[bytes | None], networks: WeightSet) -> np.ndarray:
    """Let dred play a clip."""
    played, _ = dred.recover(received, config=dred.ReceiverConfig(rate_hz=RATE_HZ), weights=[networks])
    return played[:, 0]


def measure_rates(packets: list[bytes]) -> dict[str, float]:
    """Return total and redundancy's rate in kb/s."""
    found = [find_extension(packet, 126) for packet in packets]
    num_redundant = sum(len(extension.payload) for extension in found if extension is not None)
    to_kbps = 8 * 50 / 1000 / len(packets)
    return {"kbps": sum(map(len, packets)) * to_kbps, "dred_kbps": num_redundant * to_kbps}


def check_oracle(shared: Path, oracle: Path, clip: Path) -> None:
    """Make sure that this libopus is the one the shared figures were measured with."""
    packets = encode_natively(read_audio(shared / clip).samples[:, 0], "cbr60", NativeDred(oracle))
    recorded = read_length_prefixed(shared / "bench/packets/dred" / f"{clip.stem}.bin")
    if packets != recorded:
        print("note: this libopus makes other packets than those in bench/packets/dred", file=sys.stderr)


def print_tables(rows: list[dict[str, Any]]) -> None:
    """Print means over the clips, as Markdown."""
    for rate in ORACLE_BPS:
        print(f"\n### {rate}\n\n| trace | sender -> receiver | kb/s | of it DRED | PLCMOS | PESQ | ESTOI |")
        print("|---" * 7 + "|")
        for trace in TRACES:
            for sender, receiver in PAIRS:
                wanted = {"rate": rate, "trace": trace, "sender": sender, "receiver": receiver}
                chosen = [row for row in rows if wanted.items() <= row.items()]
                means = {name: np.mean([row[name] for row in chosen]) for name in ("kbps", "dred_kbps", *METRICS)}
                rates = f"{means['kbps']:.1f} | {means['dred_kbps']:.1f}"
                scores = " | ".join(f"{means[name]:.3f}" for name in METRICS)
                print(f"| {trace} | {sender} -> {receiver} | {rates} | {scores} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="folder with bench/, data/ and weights/")
    parser.add_argument("--oracle", type=Path, required=True, help="a libopus 1.6 with DRED compiled in")
    parser.add_argument("--clips", type=int, help="how many of the clips; by default all")
    parser.add_argument("--json", type=Path, help="where to write a JSON line per clip, trace, sender and receiver")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    options = parser.parse_args()
    clips = [Path(line) for line in (options.shared / "bench/clips.txt").read_text().split()][: options.clips]
    check_oracle(options.shared, options.oracle, clips[0])
    tasks = [
        Task(shared=options.shared, oracle=options.oracle, clip=clip, rate=rate)
        for clip in clips
        for rate in ORACLE_BPS
    ]
    rows = []
    with ProcessPoolExecutor(options.jobs) as pool:
        for number, found in enumerate(pool.map(Task.run, tasks), 1):
            rows += found
            print(f"{number} of {len(tasks)}", file=sys.stderr, flush=True)
    if options.json:
        options.json.write_text("".join(json.dumps(row) + "\n" for row in rows))
    print_tables(rows)


if __name__ == "__main__":
    main()
