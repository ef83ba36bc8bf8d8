"""An evaluation whose numbers are made up, with speech that tells schemes apart: for the tests of its report."""

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np

from dred.evaluation.finding import Finding
from dred.evaluation.records import ClipRecord, Evaluation, Named, Row
from dred.evaluation.score import NO_SCORE, Score
from dred.evaluation.streams import PACKET_MS, Coverage, Rates
from dred.receiver import Source

RATE_HZ = 16_000
DELAY_MS = 6.5
SECONDS = 3.0
METRICS = ("plcmos", "pesq", "wer")

# By name: title, kb/s (main, LBRR, RED, DRED), what replaces a loss, PLCMOS lost per lost share.
SCHEMES: Mapping[str, tuple[str, tuple[float, float, float, float], Source | None, float]] = {
    "clean": ("no loss", (24, 0, 0, 0), None, 0.0),
    "zero": ("gaps left silent", (24, 0, 0, 0), Source.SILENCE, 9.0),
    "plc": ("classic concealment of libopus", (24, 0, 0, 0), Source.PLC, 7.0),
    "neural-plc": ("neural concealment", (24, 0, 0, 0), Source.PLC, 6.0),
    "red": ("whole packets repeated", (24, 0, 24.5, 0), Source.RED, 3.5),
    "lbrr": ("in-band FEC, neural concealment", (24, 16, 0, 0), Source.LBRR, 4.0),
    "dred": ("deep redundancy", (24, 0, 0, 32), Source.DRED, 2.4),
    "dred+lbrr": ("deep redundancy and in-band FEC", (24, 16, 0, 32), Source.DRED, 1.0),
}
# By name: family, title, share lost, mean burst in packets.
NETWORKS: Mapping[str, tuple[str, str, float, float]] = {
    "none": ("none", "nothing is lost", 0.0, 1),
    "uni10": ("uniform", "each packet on its own", 0.10, 1),
    "uni20": ("uniform", "each packet on its own", 0.20, 1),
    "ge20": ("gilbert-elliott", "bursts of 5 packets", 0.20, 5),
    "call": ("call", "a recorded call", 0.25, 9),
}


def made_up_evaluation(
    *,
    num_clips: int = 6,
    seconds: float = SECONDS,
    seed: int = 1,
    title: str = "A made-up experiment",
    rates: tuple[float, ...] = (1.0,),
) -> Evaluation:
    """All schemes over all networks. Each of `rates` scales all rates, and lifts the quality a little.

    With several, schemes are called `dred@56` and so on, by their rate; else like their family.
    """
    rng = np.random.default_rng(seed)
    clips = tuple(
        ClipRecord(
            name=f"speaker-{number}", speaker=f"s{number // 2}", seconds=seconds, audio=f"original/{number}", text=None
        )
        for number in range(num_clips)
    )
    losses = {
        (network, clip.name): _draw(round(seconds * 1000 / PACKET_MS) + 1, share, burst, rng)
        for network, (_, _, share, burst) in NETWORKS.items()
        for clip in clips
    }
    luck = {key: float(rng.normal(0, 0.08)) for key in losses}
    schemes = []
    rows = []
    for family, (words, kbps, _, _) in SCHEMES.items():
        for rate in rates:
            name = family if len(rates) == 1 else f"{family}@{rate * sum(kbps):.0f}"
            schemes.append(Named(name=name, family=family, title=words))
            rows += [
                _row(name, family, rate, network, clip, losses[network, clip.name], luck[network, clip.name])
                for network in NETWORKS
                for clip in clips
            ]
    return Evaluation(
        name="made-up",
        title=title,
        seed=1,
        metrics=METRICS,
        clips=clips,
        schemes=tuple(schemes),
        networks=tuple(
            Named(name=name, family=family, title=words, is_recorded=name == "call")
            for name, (family, words, *_) in NETWORKS.items()
        ),
        rows=tuple(rows),
        facts={"dred": "0.1.0", "weights": "made up"},
    )


def tones(evaluation: Evaluation) -> Callable[[str], np.ndarray]:
    """Give every scheme a tone of its own: `tone_hz` of its place, 0 being the original."""
    places = {row.audio: 1 + [s.name for s in evaluation.schemes].index(row.scheme) for row in evaluation.rows}
    seconds = {clip.audio: clip.seconds for clip in evaluation.clips} | {
        row.audio: next(clip.seconds for clip in evaluation.clips if clip.name == row.clip) for row in evaluation.rows
    }

    @cache
    def tone(key: str) -> np.ndarray:
        times = np.arange(round(seconds[key] * RATE_HZ)) / RATE_HZ
        return (0.3 * np.sin(2 * np.pi * tone_hz(places.get(key, 0)) * times)).astype(np.float32)

    return tone


def tone_hz(place: int) -> float:
    return 400.0 + 300.0 * place


def _draw(num_packets: int, share: float, burst: float, rng: np.random.Generator) -> tuple[bool, ...]:
    lost, is_lost = [], False
    for _ in range(num_packets):
        is_lost = rng.random() < (1 - 1 / burst if is_lost else share / (1 - share) / burst) if share else False
        lost.append(bool(is_lost))
    return tuple(lost)


def _row(
    name: str, family: str, rate: float, network: str, clip: ClipRecord, drawn: tuple[bool, ...], luck: float
) -> Row:
    _, kbps, repair, harm = SCHEMES[family]
    lost = drawn if repair else (False,) * len(drawn)
    share = sum(lost) / len(lost)
    # Lone losses suit copies, not deep redundancy.
    harm += 2.5 if family == "dred" and network.startswith("uni") else 0.0
    opinion = 4.2 + luck - harm * share + 0.1 * (rate - 1)
    return Row(
        clip=clip.name,
        scheme=name,
        network=network,
        finding=Finding(
            sources=tuple(repair if gone and repair else Source.RECEIVED for gone in lost),
            lost=lost,
            delay_ms=DELAY_MS,
            rates=Rates(**dict(zip(("main", "lbrr", "red", "dred"), [rate * part for part in kbps], strict=True))),
            coverage=Coverage(mean_ms=950.0, max_ms=1000.0) if kbps[3] else None,
        ),
        scores={
            "plcmos": Score(opinion),
            "pesq": NO_SCORE if clip.name.endswith("-0") else Score(opinion - 0.4),
            "wer": Score(100 * harm * share, 10),
        },
        audio=f"{name}/{network}/{clip.name}",
    )
