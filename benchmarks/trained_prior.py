"""What a prior saves: payloads of 1.04 s as senders write them, with it and by the tables alone, and their time.

At each level for all latents, and by a sender's default schedule.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from trained_speech import read_speech, weights_of

from dred.assembly import payload_tables
from dred.bitstream import MAX_LATENTS, NUM_LEVELS, DredHeader, PayloadTables, parse_payload, quantise, write_payload
from dred.rdovae import CompiledEncoder
from dred.sender import DredConfig
from dred.timebase import CHUNK_MS

DEFAULT = "default"

# Both ways in turn, many short rounds: the fastest has the core to itself.
NUM_ROUNDS = 30


def schedules() -> dict[str, DredHeader]:
    config = DredConfig()
    default = DredHeader(q0=config.q0, dq=config.dq, qmax=config.qmax, offset_ticks=0)
    levels = {
        str(level): DredHeader(q0=level, dq=0, qmax=NUM_LEVELS - 1, offset_ticks=0) for level in range(NUM_LEVELS)
    }
    return levels | {DEFAULT: default}


def rate_prior(task: tuple[str, Path]) -> dict[str, dict[str, float]]:
    """Return, for each schedule, mean bytes of a clip's payloads and microseconds to write and to parse one."""
    name, path = task
    weights = weights_of(name)
    tables = payload_tables(weights)
    ways = {"tables": replace(tables, prior=None), "prior": tables}
    dims = {"latent_dim": weights.latent_dim, "state_dim": weights.state_dim}
    encoder = CompiledEncoder.from_tensors(weights.tensors, **dims)
    _, features = read_speech(path)
    if len(features) < 4 * MAX_LATENTS:
        raise SystemExit(f"{path} is shorter than a payload")
    latents, states = encoder.encode_steps(encoder.initial_state(), features.reshape(-1, 2, features.shape[1]))
    rows = {}
    for schedule, header in schedules().items():
        levels = header.levels(MAX_LATENTS)
        sizes: dict[str, list[int]] = {way: [] for way in ways}
        reach: dict[str, list[int]] = {way: [] for way in ways}
        for newest in range(2 * MAX_LATENTS - 1, len(latents), 2 * MAX_LATENTS):
            symbols = quantise(latents[newest::-1][: 2 * MAX_LATENTS : 2].copy(), levels, tables.latent)
            state = quantise(states[newest], header.q0, tables.state)
            payloads = {way: write_payload(header, state, symbols, ways[way]).data for way in ways}
            for way, data in payloads.items():
                sizes[way].append(len(data))
                reach[way].append(parse_payload(data, ways[way]).num_latents)
            last = (state, symbols, payloads)
        row = {f"{way}_bytes": float(np.mean(found)) for way, found in sizes.items()}
        row |= {f"{way}_latents": float(np.mean(found)) for way, found in reach.items()}
        rows[schedule] = row | _times(header, *last, ways)
    return rows


def _times(
    header: DredHeader,
    state: np.ndarray,
    symbols: np.ndarray,
    payloads: dict[str, bytes],
    ways: dict[str, PayloadTables],
) -> dict[str, float]:
    fastest: dict[str, float] = {}
    for _ in range(NUM_ROUNDS):
        for way, tables in ways.items():
            calls: dict[str, Callable[[], object]] = {
                "write": lambda tables=tables: write_payload(header, state, symbols, tables),
                "parse": lambda way=way, tables=tables: parse_payload(payloads[way], tables),
            }
            for what, call in calls.items():
                begin = time.perf_counter()
                call()
                taken = 1e6 * (time.perf_counter() - begin)
                key = f"{way}_{what}_us"
                fastest[key] = min(fastest.get(key, taken), taken)
    return fastest


def report_prior(name: str, clips: Sequence[dict[str, dict[str, float]]]) -> None:
    """Print a table of one set."""
    print(f"\n{Path(name).stem}, {MAX_LATENTS} latents and a state, {len(clips)} clips\n")
    print("| level | bytes by the tables | with the prior | saved | b/s | latents parsed | write, us | parse, us |")
    print("|---|---|---|---|---|---|---|---|")
    for schedule in schedules():
        rows = [clip[schedule] for clip in clips]
        mean = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
        per_clip = np.array([1 - row["prior_bytes"] / row["tables_bytes"] for row in rows])
        saved = 1 - mean["prior_bytes"] / mean["tables_bytes"]
        error = per_clip.std(ddof=1) / np.sqrt(len(per_clip)) if len(per_clip) > 1 else float("nan")
        parsed = [f"{mean[f'{way}_latents']:.2f}" for way in ("tables", "prior")]
        times = [f"{mean[f'tables_{what}_us']:.0f} / {mean[f'prior_{what}_us']:.0f}" for what in ("write", "parse")]
        rates = [f"{8000 * mean[f'{way}_bytes'] / (MAX_LATENTS * CHUNK_MS):.0f}" for way in ("tables", "prior")]
        print(
            f"| {schedule} | {mean['tables_bytes']:.1f} | {mean['prior_bytes']:.1f} "
            f"| {100 * saved:.1f} +- {100 * error:.1f} % | {' / '.join(rates)} "
            f"| {' / '.join(parsed)} | {' | '.join(times)} |"
        )
