"""What decoder priming costs and what it is worth, as a table in Markdown.

    taskset -c 1 python benchmarks/priming.py --shared DIR [--clips 4] [--trace uni20 ge20b5]

Each row changes one setting of the local encoder from the default. Costs are CPU time, median of many: for settling,
once per gap, and per 20 ms primed; the last column is the cost per second at 30 % random loss, with its 10.5 gaps of
1.43 packets. Gains are over the same packets played unprimed, averaged over clips and traces, with the standard error
of the mean. Needs the extra `eval`.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from metrics import score

import dred
from dred.audio import read_audio
from dred.channel import read_trace
from dred.opus import Toc
from dred.receiver.priming import DecoderPrimer
from dred.weights import WeightSet, import_weights

RATE_HZ = 16_000
LOOKAHEAD_SAMPLES = 104
PACKET_SAMPLES = 320
SENDER = dred.SenderConfig(rate_hz=RATE_HZ, bandwidth="wide", bitrate_bps=19_300, dred=dred.DredConfig(q0=6, dq=5))
METRICS = ("plcmos", "pesq", "estoi")
GAPS_PER_S, PACKETS_PER_S = 0.3 * 0.7 * 50, 0.3 * 50

DEFAULT = dred.PrimingConfig()
SETTINGS = (
    DEFAULT,
    *(replace(DEFAULT, complexity=complexity) for complexity in range(1, 6)),
    *(replace(DEFAULT, num_settling_frames=frames) for frames in (0, 2, 3)),
    *(replace(DEFAULT, bitrate_bps=bitrate_bps) for bitrate_bps in (16_000, 24_000, 32_000, 64_000)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One clip under one trace."""

    shared: Path
    clip: Path
    trace: str

    def play(self, priming: dred.PrimingConfig | None) -> dict[str, float]:
        original, packets = send(self.shared, self.clip)
        lost = read_trace(self.shared / "bench/traces" / self.trace / f"{self.clip.stem}.txt")[: len(packets)]
        lost = np.pad(lost, (0, len(packets) - len(lost)))
        played, _ = dred.recover(
            [None if is_lost else packet for packet, is_lost in zip(packets, lost)],
            config=dred.ReceiverConfig(rate_hz=RATE_HZ, priming=priming is not None),
            weights=[weights(self.shared)],
            priming=priming,
        )
        return score(original, played[LOOKAHEAD_SAMPLES:, 0])


@cache
def weights(shared: Path) -> WeightSet:
    return import_weights(shared / "weights/libopus-1.6.1.dnnw")


@cache
def send(shared: Path, clip: Path) -> tuple[np.ndarray, list[bytes]]:
    original = read_audio(shared / clip).samples[:, 0]
    sender = dred.Sender(SENDER, weights(shared))
    return original, [packet.payload for packet in [*sender.push(original), *sender.finish()]]


def gains(cases: list[Case], priming: dred.PrimingConfig, unprimed: list[dict[str, float]]) -> list[str]:
    primed = [case.play(priming) for case in cases]
    cells = []
    for name in METRICS:
        differences = np.array([own[name] - other[name] for own, other in zip(primed, unprimed)])
        error = differences.std(ddof=1) / np.sqrt(len(differences)) if len(differences) > 1 else float("nan")
        cells.append(f"{differences.mean():+.3f} +- {error:.3f}")
    return cells


def costs_us(priming: dred.PrimingConfig, speech: np.ndarray) -> tuple[float, float]:
    """Return the cost of a gap's start and of each 20 ms, in microseconds."""
    primer = DecoderPrimer(priming, Toc(config=9), step_rtp=960)
    starts = range(RATE_HZ, speech.size - 2 * PACKET_SAMPLES, 2 * PACKET_SAMPLES)

    def settle(start: int) -> None:
        primer.settle(speech[start - 2_400 : start], speech[start:])

    def encode(start: int) -> None:
        primer.encode(speech[start:])

    return measure_us(settle, starts), measure_us(encode, starts)


def measure_us(run: Callable[[int], None], starts: range) -> float:
    spent = []
    for start in starts:
        before = time.thread_time()
        run(start)
        spent.append(time.thread_time() - before)
    return float(np.median(spent)) * 1e6


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="the folder of reference material")
    parser.add_argument("--clips", type=int, default=4, help="how many clips")
    parser.add_argument("--trace", nargs="+", default=["uni20", "ge20b5"], help="folders of bench/traces")
    arguments = parser.parse_args()
    clips = [Path(line) for line in (arguments.shared / "bench/clips.txt").read_text().split()][: arguments.clips]
    cases = [Case(shared=arguments.shared, clip=clip, trace=trace) for trace in arguments.trace for clip in clips]
    unprimed = [case.play(None) for case in cases]
    speech = send(arguments.shared, clips[0])[0]
    heads = [f"{name} gain +- s.e." for name in METRICS]
    print("| complexity | settling frames | kb/s | " + " | ".join(heads) + " | us per gap | us per 20 ms | ms/s |")
    print("|---" * (6 + len(METRICS)) + "|")
    for setting in SETTINGS:
        cells = [str(setting.complexity), str(setting.num_settling_frames), f"{setting.bitrate_bps / 1000:g}"]
        cells += gains(cases, setting, unprimed)
        per_gap, per_packet = costs_us(setting, speech)
        per_second = (GAPS_PER_S * per_gap + PACKETS_PER_S * per_packet) / 1000
        cells += [f"{per_gap:.0f}", f"{per_packet:.0f}", f"{per_second:.2f}"]
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
