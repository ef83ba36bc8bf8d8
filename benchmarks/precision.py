"""What rounding the networks' activations costs in quality, as a table in Markdown.

    python benchmarks/precision.py --shared DIR [--clips 6] [--trace uni20 ge20b5 lossgen20]

A receiver plays the same packets under the same losses with its networks in floats, by numpy, and compiled with
activations of one byte and of two. Differences to floats are averaged over clips, traces, and priming on and off, with
the standard error of the mean. Needs the extra `eval`.
"""

import argparse
import itertools
from pathlib import Path

import numpy as np
from metrics import score
from priming import LOOKAHEAD_SAMPLES, METRICS, PACKET_SAMPLES, RATE_HZ, send, weights

from dred.assembly import build_parts
from dred.channel import read_trace
from dred.nn import ReferenceEngine
from dred.opus import OpusDecoder
from dred.receiver import NeuralParts, ReceiverConfig, ReceiveStream

PACKET_RTP = 960
# Packets that have arrived beyond the one that is played.
AHEAD = 4


def play(parts: NeuralParts, packets: list[bytes], lost: np.ndarray, *, priming: bool) -> np.ndarray:
    config = ReceiverConfig(rate_hz=RATE_HZ, priming=priming, delay_ms=0)
    stream = ReceiveStream(config, OpusDecoder(RATE_HZ, 1), parts)
    stream.start(0)
    played = []
    for tick in range(len(packets) + AHEAD):
        if tick < len(packets) and not lost[tick]:
            stream.receive(packets[tick], tick, tick * PACKET_RTP, 0.0)
        if tick >= AHEAD:
            played.append(stream.play(PACKET_SAMPLES, 0.0)[0])
    return np.concatenate(played)[LOOKAHEAD_SAMPLES:, 0]


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="the folder of reference material")
    parser.add_argument("--clips", type=int, default=6, help="how many clips")
    parser.add_argument("--trace", nargs="+", default=["uni20", "ge20b5", "lossgen20"], help="folders of bench/traces")
    arguments = parser.parse_args()
    clips = [Path(line) for line in (arguments.shared / "bench/clips.txt").read_text().split()][: arguments.clips]
    sets = [weights(arguments.shared)]
    kinds = {
        "floats": build_parts(sets, ReferenceEngine()),
        "1 byte": build_parts(sets, activation_bytes=1),
        "2 bytes": build_parts(sets, activation_bytes=2),
    }
    scores: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
    for clip, trace, priming in itertools.product(clips, arguments.trace, (True, False)):
        original, packets = send(arguments.shared, clip)
        lost = read_trace(arguments.shared / "bench/traces" / trace / f"{clip.stem}.txt")[: len(packets)]
        lost = np.pad(lost, (0, len(packets) - len(lost)))
        for kind, parts in kinds.items():
            scores[kind].append(score(original, play(parts, packets, lost, priming=priming)))
    print("| activations | " + " | ".join(f"{name} +- s.e." for name in METRICS) + " |")
    print("|---" * (1 + len(METRICS)) + "|")
    for kind in list(kinds)[1:]:
        cells = []
        for name in METRICS:
            differences = np.array([own[name] - exact[name] for own, exact in zip(scores[kind], scores["floats"])])
            error = differences.std(ddof=1) / np.sqrt(len(differences))
            cells.append(f"{differences.mean():+.4f} +- {error:.4f}")
        print(f"| {kind} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
