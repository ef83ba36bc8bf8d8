"""The redundancy controller against libopus at its bits, and against fixed settings over a network that changes.

    python benchmarks/controller.py bits --shared DIR --oracle LIB [--clips N] [--cache FILE]
    python benchmarks/controller.py change --shared DIR [--clips N] [--cache FILE] [--budget KBPS ...]

`bits`: what libopus 1.6 sends at 64 kb/s VBR when it is told to expect 20 % loss, over all traces; and the controller
with the bits of the very clip, total and main stream, that has to cover a second; and one that may do what it wants in
them. Our receiver plays all of them.

`change`: each clip over and over for a minute of 20 s calm (0.5 % lost), 20 s bursts (20 %, 5 packets each), 20 s calm
again. The controller hears RTCP-like reports, one a second, 100 ms late: loss patterns (XR), or fractions alone. Fixed
settings get the rate that the controller took in that very call. Differences are paired by clip, with 95 % intervals.

Everything runs in virtual time, in one process. Needs the extra `eval` and weights.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from controller_call import (
    BLOCK,
    PACKET_MS,
    PACKET_RTP,
    RATE_HZ,
    Cache,
    Sent,
    at_rate,
    play,
    rate_clip,
    rate_windows,
    send,
)

from dred.audio import float_to_int16, read_audio
from dred.channel import GilbertElliott, Uniform, read_trace
from dred.evaluation.score import Score
from dred.evaluation.statistics import mean_interval, paired_difference
from dred.evaluation.streams import WirePacket
from dred.opus import Libopus, OpusEncoder, OpusEncoderConfig, load_libopus, strip_extensions
from dred.sender import ControllerConfig, DredConfig, RedundancyController, RedundancyPlan, SentPacket
from dred.weights import WeightSet, load

TRACES = ("uni10", "uni20", "ge20b5", "lossgen20", "plcc1000")
# Those of benchmarks/controller_study.py are among the first.
STUDIED_CLIPS = 12

PHASES = (Uniform(loss=0.005), GilbertElliott(loss=0.2, mean_burst=5), Uniform(loss=0.005))
PHASE_PACKETS = 1000
CALL_SAMPLES = len(PHASES) * PHASE_PACKETS * BLOCK


def flat(level: int, duration_ms: int) -> DredConfig:
    return DredConfig(q0=level, dq=0, duration_ms=duration_ms)


# What a stream may be set to once and for all; the bitrate is what is left of the rate.
FIXED = {
    "plain": RedundancyPlan(bitrate_bps=24_000),
    "LBRR": RedundancyPlan(bitrate_bps=24_000, in_band_fec=True, expected_loss_percent=20),
    "RED": RedundancyPlan(bitrate_bps=24_000, num_red_copies=1),
    "DRED 6/5 1000 ms": RedundancyPlan(bitrate_bps=24_000, dred=DredConfig()),
    **{
        f"DRED {level}/0 {ms} ms": RedundancyPlan(bitrate_bps=24_000, dred=flat(level, ms))
        for level, ms in ((10, 1000), (12, 1000), (10, 600), (12, 600), (10, 300), (12, 300), (13, 200))
    },
    "LBRR and DRED 12/0 300 ms": RedundancyPlan(
        bitrate_bps=40_000, in_band_fec=True, expected_loss_percent=20, dred=flat(12, 300)
    ),
}
START = RedundancyPlan(bitrate_bps=24_000, dred=DredConfig())
LIBOPUS_BPS, LIBOPUS_LOSS_PERCENT, LIBOPUS_DRED_FRAMES = 64_000, 20, 100


def read_clips(arguments: argparse.Namespace) -> Iterator[tuple[str, np.ndarray]]:
    if arguments.split == "test":
        paths = [arguments.shared / line for line in (arguments.shared / "bench/clips.txt").read_text().split()]
    else:
        # What the study has not heard.
        paths = sorted((arguments.shared / "data/speech/valid/librispeech").glob("*.flac"))[STUDIED_CLIPS:]
    for path in paths[: arguments.clips]:
        yield path.stem, read_audio(path).samples[:, 0]


def compare_bits(arguments: argparse.Namespace, weights: WeightSet) -> None:
    cache = Cache(arguments.cache, weights)
    oracle = load_libopus(arguments.oracle)
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    kinds = ("libopus", "controller, 1 s", "controller, free")
    clips = list(read_clips(arguments))
    for name, speech in clips:
        theirs = send_natively(speech, oracle)
        for trace in TRACES:
            lost = read_trace(arguments.shared / "bench/traces" / trace / f"{name}.txt")
            key = f"bits {name} {trace} libopus {oracle.capabilities.version}"
            rows[kinds[0], name, trace] = cache.get(key, partial(_rate_bits, theirs, speech, lost, weights))
            for kind, config in zip(kinds[1:], _controllers_at(theirs)):
                key = f"bits {name} {trace} {config}"
                rows[kind, name, trace] = cache.get(key, partial(_control_bits, config, speech, lost, weights))
    _print_bits(rows, kinds, [name for name, _ in clips])


def send_natively(speech: np.ndarray, oracle: Libopus) -> Sent:
    """Let libopus send a clip with as much redundancy as it finds right."""
    config = OpusEncoderConfig(
        rate_hz=RATE_HZ, bitrate_bps=LIBOPUS_BPS, bandwidth="wide", expected_loss_percent=LIBOPUS_LOSS_PERCENT
    )
    encoder = OpusEncoder(config, oracle)
    encoder.set_dred_duration(LIBOPUS_DRED_FRAMES)
    packets = []
    for number, block in enumerate(float_to_int16(np.pad(speech, (0, -len(speech) % BLOCK))).reshape(-1, BLOCK)):
        payload = encoder.encode(block)
        # As with ours, redundancy is all that it adds: framing and padding too.
        main_bytes = len(strip_extensions(payload))
        sent = SentPacket(
            payload=payload,
            sequence=number,
            timestamp=number * PACKET_RTP,
            duration_ms=PACKET_MS,
            main_bytes=main_bytes,
            dred_bytes=len(payload) - main_bytes,
            num_latents=0,
        )
        packets.append(WirePacket(sent=sent))
    return Sent(packets=packets, plans=[])


def _controllers_at(theirs: Sent) -> tuple[ControllerConfig, ControllerConfig]:
    """Return one that keeps libopus's split and covers a second, and one that may do what it wants in all the bits."""
    free = ControllerConfig(total_bps=round(1000 * theirs.kbps), header_bytes=0)
    main_bps = round(1000 * (theirs.kbps - theirs.dred_kbps))
    second = replace(
        free,
        least_main_bps=main_bps,
        most_main_bps=main_bps,
        min_duration_ms=1000,
        allow_lbrr=False,
        least_gain_per_kbps=0.0,
    )
    return second, free


def _control_bits(config: ControllerConfig, speech: np.ndarray, lost: np.ndarray, weights: WeightSet) -> dict[str, Any]:
    return _rate_bits(send(speech, lost, START, weights, RedundancyController(config)), speech, lost, weights)


def _rate_bits(sent: Sent, speech: np.ndarray, lost: np.ndarray, weights: WeightSet) -> dict[str, Any]:
    return {
        "kbps": sent.kbps,
        "dred_kbps": sent.dred_kbps,
        "coverage_ms": sent.coverage_ms(weights),
        **rate_clip(speech, play(sent, lost, len(speech), weights)),
        "plans": [[now, plan.reason] for now, plan in sent.plans],
    }


def _print_bits(rows: dict[tuple[str, str, str], dict[str, Any]], kinds: Sequence[str], clips: list[str]) -> None:
    print("| sender | trace | kb/s | DRED kb/s | covers ms | PLCMOS | PESQ | ESTOI | PLCMOS against libopus |")
    print("|---" * 9 + "|")
    for kind in kinds:
        for traces in [*([trace] for trace in TRACES), list(TRACES)]:
            own = [[rows[kind, clip, trace] for trace in traces] for clip in clips]
            other = [[rows[kinds[0], clip, trace] for trace in traces] for clip in clips]

            def mean(name: str, own: list[list[dict[str, Any]]] = own) -> float:
                return float(np.mean([row[name] for found in own for row in found]))

            median = np.median([row["coverage_ms"] for found in own for row in found])
            ours, theirs = (
                [Score(float(np.mean([row["plcmos"] for row in found]))) for found in pairs] for pairs in (own, other)
            )
            found = paired_difference(ours, theirs)
            against = "" if kind == kinds[0] else f"{found.mean:+.3f} ({found.low:+.3f} to {found.high:+.3f})"
            print(
                f"| {kind} | {traces[0] if len(traces) == 1 else 'all'} | {mean('kbps'):.1f} | {mean('dred_kbps'):.1f} "
                f"| {median:.0f} | {mean('plcmos'):.3f} | {mean('pesq'):.3f} | {mean('estoi'):.3f} | {against} |"
            )


def compare_change(arguments: argparse.Namespace, weights: WeightSet) -> None:
    for budget_kbps in arguments.budget:
        _compare_change_at(budget_kbps, arguments, weights)


def _compare_change_at(budget_kbps: int, arguments: argparse.Namespace, weights: WeightSet) -> None:
    cache = Cache(arguments.cache, weights)
    config = ControllerConfig(total_bps=1000 * budget_kbps, header_bytes=0, max_red_copies=1)
    rows: dict[str, list[dict[str, Any]]] = {}
    for number, (name, clip) in enumerate(read_clips(arguments)):
        speech = np.resize(clip, CALL_SAMPLES)
        rng = np.random.default_rng(number)
        lost = np.concatenate([phase.draw(PHASE_PACKETS, rng) for phase in PHASES])
        lost[0] = False
        for told in ("loss patterns", "reports alone"):
            key = f"change {arguments.split} {name} {number} {config} {told}"
            controlled = partial(_control_change, config, speech, lost, weights, has_patterns=told == "loss patterns")
            rows.setdefault(f"controller, {told}", []).append(cache.get(key, controlled))
        kbps = rows["controller, loss patterns"][-1]["kbps"]
        for setting, plan in FIXED.items():
            key = f"change {arguments.split} {name} {number} {plan} {kbps:.3f}"
            fixed = partial(_fix_change, plan, kbps, speech, lost, weights)
            rows.setdefault(setting, []).append(cache.get(key, fixed))
    _print_change(budget_kbps, rows)


def _control_change(
    config: ControllerConfig, speech: np.ndarray, lost: np.ndarray, weights: WeightSet, *, has_patterns: bool
) -> dict[str, Any]:
    sent = send(speech, lost, START, weights, RedundancyController(config), has_patterns=has_patterns)
    return _rate_change(sent, speech, lost, weights)


def _fix_change(
    plan: RedundancyPlan, kbps: float, speech: np.ndarray, lost: np.ndarray, weights: WeightSet
) -> dict[str, Any]:
    sent = at_rate(plan, kbps, speech, lost, weights)
    return {"windows": None} if sent is None else _rate_change(sent, speech, lost, weights)


def _rate_change(sent: Sent, speech: np.ndarray, lost: np.ndarray, weights: WeightSet) -> dict[str, Any]:
    return {
        "kbps": sent.kbps,
        "dred_kbps": sent.dred_kbps,
        "windows": rate_windows(speech, play(sent, lost, len(speech), weights)),
        "plans": [[now, plan.reason] for now, plan in sent.plans],
    }


def _print_change(budget_kbps: int, rows: dict[str, list[dict[str, Any]]]) -> None:
    print(f"\n### {budget_kbps} kb/s at most\n")
    print("| setting | kb/s | DRED kb/s | calm | bursts | calm again | PLCMOS | controller against it |")
    print("|---" * 8 + "|")
    ours = rows["controller, loss patterns"]
    for setting, found in rows.items():
        if any(row["windows"] is None for row in found):
            print(f"| {setting} | too dear | | | | | | |")
            continue
        windows = np.array([row["windows"] for row in found])
        phases = windows.reshape(len(found), len(PHASES), -1).mean(axis=(0, 2))
        scores = [Score(float(np.mean(row["windows"]))) for row in found]
        gain = paired_difference([Score(float(np.mean(row["windows"]))) for row in ours], scores)
        own = mean_interval(scores)
        print(
            f"| {setting} | {np.mean([row['kbps'] for row in found]):.1f} "
            f"| {np.mean([row['dred_kbps'] for row in found]):.1f} | {' | '.join(f'{phase:.2f}' for phase in phases)} "
            f"| {own.mean:.3f} | {'' if found is ours else f'{gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})'} |"
        )


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, compare in (("bits", compare_bits), ("change", compare_change)):
        command = commands.add_parser(name)
        command.set_defaults(compare=compare)
        command.add_argument("--shared", type=Path, required=True, help="the folder of reference material")
        command.add_argument("--clips", type=int, default=16, help="take only the first so many clips")
        command.add_argument("--cache", type=Path, help="rows that are not to be computed again")
    commands.choices["bits"].add_argument(
        "--oracle", type=Path, required=True, help="a libopus 1.6 with DRED compiled in"
    )
    command.add_argument("--budget", type=int, nargs="+", default=[24, 32], help="kb/s that the controller may spend")
    for command in commands.choices.values():
        command.add_argument("--split", choices=("test", "valid"), default="test", help="valid: to choose constants on")
    arguments = parser.parse_args()
    arguments.compare(arguments, load())


if __name__ == "__main__":
    main()
