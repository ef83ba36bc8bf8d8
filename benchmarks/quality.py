"""How dred sounds beside libopus 1.6.1's published results, on the same clips and the same losses.

    python benchmarks/quality.py --shared DIR [--case NAME ...] [--trace NAME ...] [--clips N] [--unprimed] [--json OUT]

Cases:

- `packets`: libopus's own packets (`bench/packets/dred`, 60 kb/s), played by dred; against libopus's row `dred`.
- `cbr60`: dred's packets at the same constant 60 kb/s, played by dred; against `dred`.
- `vbr39`: dred's packets at about 39 kb/s, played by dred; against `dred19k`.
- `cbr80`: dred's packets with LBRR at the same constant 80 kb/s, played by dred; against `dred+lbrr`.

libopus's results come from `bench/libopus-1.6.1.jsonl`, per clip; the difference is given with its standard error over
clips. A second table tells what is left to the same packets without loss, on both sides. Needs the extra `eval`.
"""

import argparse
import json
import struct
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from metrics import score

import dred
from dred.audio import read_audio
from dred.channel import read_trace
from dred.weights import WeightSet, import_weights

RATE_HZ = 16_000
LOOKAHEAD_SAMPLES = 104
TRACES = ("none", "uni10", "uni20", "ge20b5", "lossgen20", "plcc1000")
METRICS = ("plcmos", "pesq", "estoi")
# Each case and the row of libopus that has its rate.
CASES = {"packets": "dred", "cbr60": "dred", "vbr39": "dred19k", "cbr80": "dred+lbrr"}
SENDERS = {
    "cbr60": dred.SenderConfig(
        rate_hz=RATE_HZ,
        bandwidth="wide",
        total_bitrate_bps=60_000,
        dred=dred.DredConfig(q0=5, dq=2, max_bytes=83),
    ),
    "vbr39": dred.SenderConfig(rate_hz=RATE_HZ, bandwidth="wide", bitrate_bps=19_300, dred=dred.DredConfig(q0=6, dq=5)),
    "cbr80": dred.SenderConfig(
        rate_hz=RATE_HZ,
        bandwidth="wide",
        total_bitrate_bps=80_000,
        in_band_fec=True,
        expected_loss_percent=20,
        dred=dred.DredConfig(q0=4, dq=3, max_bytes=92),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One clip in one case under one trace."""

    shared: Path
    clip: Path
    case: str
    trace: str
    is_primed: bool

    def run(self) -> dict[str, Any]:
        original = read_audio(self.shared / self.clip).samples[:, 0]
        packets = self._packets(original)
        lost = self._losses(len(packets))
        survived = [None if is_lost else packet for packet, is_lost in zip(packets, lost)]
        played, events = dred.recover(
            survived,
            config=dred.ReceiverConfig(rate_hz=RATE_HZ, priming=self.is_primed),
            weights=[weights(self.shared)],
        )
        repairs = Counter[str]()
        for event in events:
            if isinstance(event, dred.Played):
                repairs[event.source] += event.duration_rtp // 960
        return {
            "clip": self.clip.name,
            "case": self.case,
            "trace": self.trace,
            "kbps": float(np.mean([len(packet) for packet in packets])) * 0.4,
            "repairs": dict(repairs),
            **score(original, played[LOOKAHEAD_SAMPLES:, 0]),
        }

    def _packets(self, original: np.ndarray) -> list[bytes]:
        if self.case == "packets":
            return read_length_prefixed(self.shared / "bench/packets/dred" / f"{self.clip.stem}.bin")
        sender = dred.Sender(SENDERS[self.case], weights(self.shared))
        return [packet.payload for packet in [*sender.push(original), *sender.finish()]]

    def _losses(self, num_packets: int) -> np.ndarray:
        if self.trace == "none":
            return np.zeros(num_packets, np.bool_)
        lost = read_trace(self.shared / "bench/traces" / self.trace / f"{self.clip.stem}.txt")[:num_packets]
        return np.pad(lost, (0, num_packets - len(lost)))


@cache
def weights(shared: Path) -> WeightSet:
    return import_weights(shared / "weights/libopus-1.6.1.dnnw")


def read_length_prefixed(path: Path) -> list[bytes]:
    data = path.read_bytes()
    packets = []
    position = 0
    while position < len(data):
        (size,) = struct.unpack_from("<i", data, position)
        packets.append(data[position + 4 : position + 4 + size])
        position += 4 + size
    return packets


def published(shared: Path) -> dict[tuple[str, str, str], dict[str, float]]:
    lines = (shared / "bench/libopus-1.6.1.jsonl").read_text().splitlines()
    return {(row["clip"], row["trace"], row["mode"]): row for row in map(json.loads, lines)}


def report(rows: list[dict[str, Any]], reference: dict[tuple[str, str, str], dict[str, float]]) -> None:
    heads = " | ".join(f"{name}: dred | libopus | diff +- s.e." for name in METRICS)
    print(f"| case | trace | clips | kb/s | {heads} |")
    print("|---" * (4 + 3 * len(METRICS)) + "|")
    for case, trace in dict.fromkeys((row["case"], row["trace"]) for row in rows):
        ours = [row for row in rows if (row["case"], row["trace"]) == (case, trace)]
        theirs = [reference[row["clip"], trace, CASES[case]] for row in ours]
        cells = []
        for name in METRICS:
            pairs = np.array([[own[name], other[name]] for own, other in zip(ours, theirs)])
            differences = pairs[:, 0] - pairs[:, 1]
            error = differences.std(ddof=1) / np.sqrt(len(differences)) if len(differences) > 1 else float("nan")
            mean_own, mean_other = pairs.mean(axis=0)
            cells.append(f"{mean_own:.3f} | {mean_other:.3f} | {differences.mean():+.3f} +- {error:.3f}")
        kbps = np.mean([row["kbps"] for row in ours])
        print(f"| {case} | {trace} | {len(ours)} | {kbps:.1f} | " + " | ".join(cells) + " |", flush=True)


def report_damage(rows: list[dict[str, Any]], reference: dict[tuple[str, str, str], dict[str, float]]) -> None:
    """Print by how much PLCMOS is lower than that of the same clips without loss."""
    lossless = {(row["case"], row["clip"]): row for row in rows if row["trace"] == "none"}
    print("\n| case | trace | plcmos below no loss: dred +- s.e. | libopus +- s.e. |")
    print("|---|---|---|---|")
    for case, trace in dict.fromkeys((row["case"], row["trace"]) for row in rows if row["trace"] != "none"):
        lossy = [
            row for row in rows if (row["case"], row["trace"]) == (case, trace) and (case, row["clip"]) in lossless
        ]
        if len(lossy) < 2:
            continue
        theirs = [
            reference[row["clip"], "none", CASES[case]]["plcmos"] - reference[row["clip"], trace, CASES[case]]["plcmos"]
            for row in lossy
        ]
        ours = [lossless[case, row["clip"]]["plcmos"] - row["plcmos"] for row in lossy]
        cells = [
            f"{np.mean(damage):.3f} +- {np.std(damage, ddof=1) / np.sqrt(len(damage)):.3f}" for damage in (ours, theirs)
        ]
        print(f"| {case} | {trace} | " + " | ".join(cells) + " |")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="the folder of reference material")
    parser.add_argument("--case", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--trace", nargs="+", choices=TRACES, default=list(TRACES))
    parser.add_argument("--clips", type=int, help="take only the first so many clips")
    parser.add_argument("--unprimed", action="store_true", help="play without decoder priming")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--json", type=Path, help="write every row here")
    arguments = parser.parse_args()
    clips = [Path(line) for line in (arguments.shared / "bench/clips.txt").read_text().split()][: arguments.clips]
    tasks = [
        Task(shared=arguments.shared, clip=clip, case=case, trace=trace, is_primed=not arguments.unprimed)
        for case in arguments.case
        for trace in arguments.trace
        for clip in clips
    ]
    with ProcessPoolExecutor(arguments.jobs) as executor:
        rows = list(executor.map(Task.run, tasks))
    reference = published(arguments.shared)
    report(rows, reference)
    report_damage(rows, reference)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
