"""What losses cost with each kind of redundancy: the constants of `dred.sender.controller.opinion`.

    python benchmarks/controller_study.py --shared DIR --cache FILE [--clips N]

Speech of speakers that no other benchmark uses (`data/speech/valid`) goes through fixed settings and networks; PLCMOS
rates what is heard. FILE keeps what was rated, so that a second call only fits. Needs the extra `eval` and weights.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import least_squares

import dred
from dred.audio import read_audio
from dred.channel import GilbertElliott, LossModel, Uniform, bundled_loss_model
from dred.evaluation.hearing import hear
from dred.evaluation.metrics import find_metrics
from dred.evaluation.streams import arrivals, encode, repeat
from dred.offline import recover_stream
from dred.sender import DredConfig, RedundancyPlan, SenderConfig
from dred.sender.controller.losses import MAX_AGE
from dred.sender.controller.opinion import Costs, costs_by_age, damage
from dred.sender.controller.protections import protections_of
from dred.weights import WeightSet, load

RATE_HZ = 16_000
CLIP_SAMPLES = 10 * RATE_HZ
LEAST_SAMPLES = 8 * RATE_HZ
LOOKAHEAD_SAMPLES = 104
PACKET_RTP = 960
NO_LOSSES = np.zeros(0, bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A fixed way to send."""

    main_kbps: int
    lbrr_percent: int = 0
    num_copies: int = 0
    dred: DredConfig | None = None
    is_only_clean: bool = False

    @property
    def sender_config(self) -> SenderConfig:
        return SenderConfig(
            rate_hz=RATE_HZ,
            bandwidth="wide",
            bitrate_bps=1000 * self.main_kbps,
            in_band_fec=self.lbrr_percent > 0,
            expected_loss_percent=self.lbrr_percent,
            dred=self.dred,
        )


def levels(q0: int, dq: int = 0, duration_ms: int = 1000) -> DredConfig:
    return DredConfig(q0=q0, dq=dq, duration_ms=duration_ms)


SETTINGS = {
    **{f"plain{kbps}": Setting(main_kbps=kbps, is_only_clean=True) for kbps in (12, 16, 20, 32, 40)},
    "plain24": Setting(main_kbps=24),
    "plain48": Setting(main_kbps=48),
    **{f"lbrr{kbps}": Setting(main_kbps=kbps, lbrr_percent=20) for kbps in (24, 32, 40, 56)},
    "lbrr40at10": Setting(main_kbps=40, lbrr_percent=10),
    **{f"red{copies}": Setting(main_kbps=24, num_copies=copies) for copies in (1, 2)},
    **{f"level{level}": Setting(main_kbps=24, dred=levels(level)) for level in (0, 2, 4, 6, 8, 10, 12, 14)},
    **{f"last{ms}": Setting(main_kbps=24, dred=levels(6, duration_ms=ms)) for ms in (100, 200, 400)},
    "slope5": Setting(main_kbps=24, dred=levels(6, 5)),
    "slope3": Setting(main_kbps=24, dred=levels(4, 3)),
    "coarse16": Setting(main_kbps=16, dred=levels(10)),
    "fine40": Setting(main_kbps=40, dred=levels(6)),
    "both40": Setting(main_kbps=40, lbrr_percent=20, dred=levels(6)),
}
NETWORKS: dict[str, LossModel] = {
    "clean": Uniform(loss=0.0),
    "single@2": Uniform(loss=0.02),
    "single@5": Uniform(loss=0.05),
    "single@20": Uniform(loss=0.2),
    "bursts3@10": GilbertElliott(loss=0.1, mean_burst=3),
    "bursts5@20": GilbertElliott(loss=0.2, mean_burst=5),
    "bursts12@20": GilbertElliott(loss=0.2, mean_burst=12),
    **{f"real@{percent}": bundled_loss_model().at_loss(percent / 100) for percent in (10, 20, 30)},
}


def rate_all(shared: Path, num_clips: int, cache: Path, weights: WeightSet) -> list[dict[str, Any]]:
    """Rate every setting on every network, as far as the cache does not know."""
    rows = [json.loads(line) for line in cache.read_text().splitlines()] if cache.exists() else []
    known = {(row["clip"], row["setting"], row["network"]) for row in rows}
    with cache.open("a") as lines:
        for number, (name, speech) in enumerate(speech_clips(shared, num_clips)):
            for setting, asked in SETTINGS.items():
                networks = ["clean"] if asked.is_only_clean else list(NETWORKS)
                missing = [network for network in networks if (name, setting, network) not in known]
                for row in rate_setting(speech, asked, missing, number, weights) if missing else ():
                    rows.append({"clip": name, "setting": setting, **row})
                    print(json.dumps(rows[-1]), file=lines, flush=True)
    return rows


def speech_clips(shared: Path, num_clips: int) -> Iterator[tuple[str, np.ndarray]]:
    num_found = 0
    for path in sorted((shared / "data/speech/valid/librispeech").glob("*.flac")):
        samples = read_audio(path).samples[:, 0]
        if len(samples) >= LEAST_SAMPLES and num_found < num_clips:
            num_found += 1
            yield path.stem, samples[:CLIP_SAMPLES]


def rate_setting(
    speech: np.ndarray, setting: Setting, networks: list[str], seed: int, weights: WeightSet
) -> Iterator[dict[str, Any]]:
    packets = repeat(encode(speech[:, None], setting.sender_config, weights), setting.num_copies)
    (plcmos,) = find_metrics(["plcmos"])
    for network in networks:
        lost = NETWORKS[network].draw(len(packets), np.random.default_rng(seed))
        lost[0] = lost[-1] = False
        played, _ = recover_stream(
            arrivals(packets, lost),
            start=0,
            duration_rtp=len(packets) * PACKET_RTP,
            config=dred.ReceiverConfig(rate_hz=RATE_HZ),
            weights=[weights],
        )
        heard = played[LOOKAHEAD_SAMPLES : LOOKAHEAD_SAMPLES + len(speech)]
        score = plcmos.score(hear(speech[:, None], heard, RATE_HZ, NO_LOSSES, 0.0)).value
        kbps = np.mean([len(packet.sent.payload) + packet.red_bytes for packet in packets]) * 0.4
        yield {
            "network": network,
            "plcmos": score,
            "kbps": float(kbps),
            "lost": "".join("1" if is_lost else "0" for is_lost in lost),
        }


def print_peaks(shared: Path, num_clips: int, weights: WeightSet) -> None:
    """Print how much larger than in the mean packets and their redundancy can be, in any setting."""
    main, deep = 0.0, 0.0
    for setting in SETTINGS.values():
        for _, speech in speech_clips(shared, num_clips):
            packets = encode(speech[:, None], setting.sender_config, weights)
            sizes = np.array([(packet.main_bytes, packet.dred_bytes) for packet in packets], np.float64)
            main = max(main, sizes[:, 0].max() / sizes[:, 0].mean())
            if setting.dred is not None:
                sent = sizes[sizes[:, 1] > 0, 1]
                deep = max(deep, sent.max() / sent.mean())
    print(f"largest to mean: {main:.2f} of Opus, {deep:.2f} of redundancy")


def shares_by_age(lost: str) -> np.ndarray:
    """Return the share of all packets that are lost so many packets before the next that arrives."""
    shares = np.zeros(MAX_AGE + 1)
    for burst in map(len, lost.split("0")):
        shares[: min(burst, MAX_AGE)] += 1
        shares[MAX_AGE] += max(burst - MAX_AGE, 0)
    return shares / len(lost)


def basis(setting: Setting) -> np.ndarray:
    """Return the costs by age with one of each kind of cost at a time: [kinds, ages]."""
    plan = RedundancyPlan(
        bitrate_bps=1000 * setting.main_kbps,
        in_band_fec=setting.lbrr_percent > 0,
        num_red_copies=setting.num_copies,
        dred=setting.dred,
    )
    names = [field.name for field in fields(Costs)]
    units = [Costs(**{name: float(name == kind) for name in names}) for kind in names]
    return np.concatenate([costs_by_age(protections_of([plan]), frame_ms=20, costs=unit) for unit in units])


def fit(rows: list[dict[str, Any]]) -> None:
    """Fit the costs to the mean fall of PLCMOS in each setting on each network, and print them."""
    clean = {(row["clip"], row["setting"]): row["plcmos"] for row in rows if row["network"] == "clean"}
    kbps = {(row["clip"], row["setting"]): row["kbps"] for row in rows if row["network"] == "clean"}
    print("| setting | kb/s | PLCMOS without loss |\n|---|---|---|")
    for setting in SETTINGS:
        opinions, rates = ([known for (_, name), known in table.items() if name == setting] for table in (clean, kbps))
        print(f"| {setting} | {np.mean(rates):.1f} | {np.mean(opinions):.3f} |")
    cells: dict[tuple[str, str], list[tuple[np.ndarray, float]]] = {}
    for row in rows:
        if row["network"] != "clean":
            fall = clean[row["clip"], row["setting"]] - row["plcmos"]
            cells.setdefault((row["setting"], row["network"]), []).append((shares_by_age(row["lost"]), fall))
    parts = np.array([basis(SETTINGS[key[0]]) @ np.mean([found[0] for found in cells[key]], axis=0) for key in cells])
    falls = np.array([np.mean([found[1] for found in cells[key]]) for key in cells])
    found = least_squares(lambda costs: damage(parts @ costs) - falls, np.ones(parts.shape[1]), bounds=(0, np.inf))
    print()
    for field, value in zip(fields(Costs), found.x):
        print(f"{field.name}: {value:.3f}")
    print(f"off by {np.sqrt(np.mean(found.fun**2)):.3f} MOS in the root mean square of {len(falls)} means")
    worst = sorted(zip(np.abs(found.fun), cells, found.fun))[-5:]
    print("worst:", ", ".join(f"{' on '.join(key)} {error:+.2f}" for _, key, error in worst))


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, required=True, help="the folder of reference material")
    parser.add_argument("--cache", type=Path, required=True, help="what was rated")
    parser.add_argument("--clips", type=int, default=8, help="how many clips")
    arguments = parser.parse_args()
    rows = rate_all(arguments.shared, arguments.clips, arguments.cache, load())
    fit(rows)
    print_peaks(arguments.shared, arguments.clips, load())


if __name__ == "__main__":
    main()
