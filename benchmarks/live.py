"""Speech through each named network: plain aiortc, our receiver, and our receiver with redundancy, in virtual time.

    python benchmarks/live.py --clips ../shared/bench/clips.txt [--rounds 4] [--seed 1] [--only NAME ...] [--json OUT]

One call per network and round: the clips one after the other, 0.3 s apart, in packets of 20 ms that leave when they are
complete. All rows hear the same speech, and the network draws the same for all: rows differ in what a packet carries
and in who listens. Only a bottleneck's queue knows sizes.

- frames: frames of 20 ms that the application was given, of those due from the first one on. Only of aiortc: our
  receiver yields samples whenever it is asked, and what these hold is in the columns behind.
- lost: packets that never came. missing: speech that was not heard from its own packet, which was lost, came too late
  or was thrown away. repaired: how much of that was heard from redundancy all the same; red, lbrr, dred: from which.
  Pauses, which a sender leaves out of its redundancy, count in none of these.
- PLCMOS: mean over clips and its 95 % interval; gain: what it exceeds that of our receiver with plain Opus by.
- mouth to ear: from the moment at which something is said to that at which it is played, mean and 95th percentile over
  what is heard from the third second on. Packet, codec, network and all waiting are in it; sound devices and computing
  are not.

aiortc's frames queue up in front of a sound device; while none is there, it plays silence. Needs the extras `eval` and
`webrtc`.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from live_calls import BASELINE, WAYS, Call, Heard, Sent, Speech, Way
from playout import find_pauses

from dred.benchmarking.machine import describe_setting
from dred.channel import PRESETS, ChannelConfig
from dred.cli.progress import progress
from dred.evaluation.clips import ClipSelection, read_clips
from dred.evaluation.metrics import find_metrics, require_metrics
from dred.evaluation.score import NO_SCORE
from dred.evaluation.statistics import Interval, mean_interval, paired_difference

NETWORKS = {"perfect": ChannelConfig()} | {preset.name: preset.config for preset in PRESETS.values()}
REPAIRS = ("red", "lbrr", "dred")


class Run:
    """All rows."""

    def __init__(self, speech: Speech, *, num_rounds: int, seed: int) -> None:
        """Take speech that is sent over each network in so many calls."""
        self._speech = speech
        self._seeds = range(seed, seed + num_rounds)
        self.sent = cache(self._send)
        # What redundancy leaves out is the same whatever else is sent.
        with_dred = next(way for way in WAYS if way.scheme.dred)
        self._pauses = find_pauses([packet.sent.payload for packet in self.sent(with_dred).packets])

    def _send(self, way: Way) -> Sent:
        return Sent.make(self._speech, way.scheme)

    def hear(self, network: str, way: Way, report: Callable[[], None]) -> Heard:
        """Make the calls of one row."""
        heard = Heard(scores=[NO_SCORE] * len(self._speech.spans_ms))
        for seed in self._seeds:
            Call(self._speech, self.sent(way), way.make_listener()).run(NETWORKS[network], seed, self._pauses, heard)
            report()
        return heard


def to_row(network: str, way: Way, sent: Sent, heard: Heard, baseline: Heard) -> dict[str, Any]:
    """Turn sums into figures."""
    missing = max(1, heard.missing_rtp)
    return {
        "network": network,
        "way": way.name,
        "rates_kbps": asdict(sent.rates) | {"total": sent.rates.total},
        "frames": heard.num_frames / heard.num_frames_due if heard.num_frames_due else None,
        "lost": heard.num_lost / heard.num_sent,
        "missing": heard.missing_rtp / heard.speech_rtp,
        "repaired": sum(heard.sources_rtp[source] for source in REPAIRS) / missing,
        "repaired_by": {source: heard.sources_rtp[source] / missing for source in REPAIRS},
        "plcmos": asdict(mean_interval(heard.scores)),
        "gain": asdict(paired_difference(heard.scores, baseline.scores)),
        "delay_ms": {"mean": float(np.mean(heard.delays_ms)), "p95": float(np.quantile(heard.delays_ms, 0.95))},
    }


HEADS = (
    *("network", "who listens, to what", "kb/s", "frames %", "lost %", "missing %", "repaired %"),
    *REPAIRS,
    *("PLCMOS", "gain", "mouth to ear ms", "95 %"),
)


def to_line(row: dict[str, Any]) -> str:
    """Write a line of the table."""
    is_repairing = row["repaired"] > 0
    cells = [row["network"], row["way"], f"{row['rates_kbps']['total']:.0f}"]
    cells.append("" if row["frames"] is None else f"{100 * row['frames']:.1f}")
    cells += [f"{100 * row['lost']:.1f}", f"{100 * row['missing']:.1f}"]
    cells.append(f"{100 * row['repaired']:.0f}" if is_repairing else "")
    cells += [f"{100 * share:.0f}" if share else "" for share in row["repaired_by"].values()]
    cells.append(_show(Interval(**row["plcmos"]), ".2f"))
    cells.append("" if row["way"] == BASELINE.name else _show(Interval(**row["gain"]), "+.2f"))
    cells += [f"{row['delay_ms'][name]:.0f}" for name in ("mean", "p95")]
    return "| " + " | ".join(cells) + " |"


def _show(interval: Interval, form: str) -> str:
    return f"{interval.mean:{form}} ({interval.low:{form}} to {interval.high:{form}})"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, required=True, help="a folder of recordings, or a list of their paths")
    parser.add_argument("--count", type=int, help="take only so many clips")
    parser.add_argument("--rounds", type=int, default=4, help="calls per network and row")
    parser.add_argument("--seed", type=int, default=1, help="of the first round's network")
    parser.add_argument("--only", nargs="+", choices=NETWORKS, default=list(NETWORKS), help="networks")
    parser.add_argument("--json", type=Path, help="write every row here")
    arguments = parser.parse_args()
    require_metrics(find_metrics(["plcmos"]))
    speech = Speech.join(read_clips(arguments.clips, ClipSelection(count=arguments.count)))
    setting = describe_setting()
    minutes = arguments.rounds * len(speech.samples) / 16_000 / 60
    print(f"{len(speech.spans_ms)} clips, {arguments.rounds} calls, {minutes:.1f} minutes a row, seed {arguments.seed}")
    print(f"dred {setting.dred} {setting.commit}, {setting.libopus}, aiortc {version('aiortc')}, {setting.cpu}\n")
    rows: list[dict[str, Any]] = []
    num_calls = len(arguments.only) * len(WAYS) * arguments.rounds
    done = iter(range(1, num_calls + 1))
    print("| " + " | ".join(HEADS) + " |\n" + "|---" * len(HEADS) + "|", flush=True)
    with progress("calling") as report:
        run = Run(speech, num_rounds=arguments.rounds, seed=arguments.seed)
        for network in arguments.only:
            heard = {way.name: run.hear(network, way, lambda: report(next(done) / num_calls)) for way in WAYS}
            for way in WAYS:
                rows.append(to_row(network, way, run.sent(way), heard[way.name], heard[BASELINE.name]))
                print(to_line(rows[-1]), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps({"setting": asdict(setting), "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
