"""Calls whose redundancy a controller decides, in virtual time: sent, lost, played, rated."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

import dred
from dred.assembly import payload_tables
from dred.bitstream import DRED_V12, parse_payload, split_prefix
from dred.evaluation.hearing import hear
from dred.evaluation.metrics import find_metrics
from dred.evaluation.streams import WirePacket, arrivals
from dred.offline import recover_stream
from dred.opus import find_extension, strip_extensions
from dred.rtp import DEFAULT_RED_PAYLOAD_TYPE, RedSender, parse_red
from dred.sender import DredConfig, ReceiverReport, RedundancyController, RedundancyPlan, SenderConfig, SentPacket
from dred.weights import WeightSet

RATE_HZ = 16_000
BLOCK = 320
PACKET_MS, PACKET_RTP = 20, 960
LOOKAHEAD_SAMPLES = 104
REPORT_PACKETS, REPORT_DELAY_MS = 50, 100
METRICS = ("plcmos", "pesq", "estoi")
NO_LOSSES = np.zeros(0, bool)
WINDOW_SAMPLES = 10 * RATE_HZ
RATE_TOLERANCE = 0.003


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sent:
    """What was sent, and what was decided."""

    packets: list[WirePacket]
    plans: list[tuple[float, RedundancyPlan]]

    @property
    def kbps(self) -> float:
        return float(np.mean([len(packet.sent.payload) + packet.red_bytes for packet in self.packets])) * 0.4

    @property
    def dred_kbps(self) -> float:
        return float(np.mean([packet.sent.dred_bytes for packet in self.packets])) * 0.4

    def coverage_ms(self, weights: WeightSet) -> float:
        """Tell how far back the packets' redundancy reaches, in the median."""
        tables = payload_tables(weights, DRED_V12)
        reaches = []
        for packet in self.packets:
            extension = find_extension(packet.sent.payload, DRED_V12.extension_id, DRED_V12.prefix)
            if extension is not None:
                reaches.append(parse_payload(split_prefix(extension.payload, DRED_V12), tables).history_ms)
        return float(np.median(reaches))


def send(
    speech: np.ndarray,
    lost: np.ndarray,
    start: RedundancyPlan,
    weights: WeightSet,
    controller: RedundancyController | None = None,
    *,
    has_patterns: bool = True,
) -> Sent:
    """Send speech packet by packet as a plan says, and let a controller hear what is lost."""
    sender = dred.Sender(SenderConfig(rate_hz=RATE_HZ, bandwidth="wide", dred=DredConfig()), weights)
    sender.apply(start)
    red = RedSender(start.num_red_copies, strip=strip_extensions)
    sent_packets: list[WirePacket] = []
    plans: list[tuple[float, RedundancyPlan]] = []
    num_reported = 0
    for number, block in enumerate([*speech[: len(speech) // BLOCK * BLOCK].reshape(-1, BLOCK), None]):
        now = float(PACKET_MS * number)
        if controller is not None and now == (num_reported + REPORT_PACKETS) * PACKET_MS + REPORT_DELAY_MS:
            pattern = lost[num_reported : num_reported + REPORT_PACKETS]
            num_reported += REPORT_PACKETS
            # RTCP has 8 bits for the fraction.
            fraction = int(256 * pattern.mean()) / 256
            controller.observe_report(ReceiverReport(fraction_lost=fraction, jitter_ms=0.0), now)
            if has_patterns:
                controller.observe_losses(pattern.tolist(), now)
        plan = controller.decide(now) if controller is not None else None
        if plan is not None:
            sender.apply(plan)
            red.num_copies = plan.num_red_copies
            plans.append((now, plan))
        for packet in sender.finish() if block is None else sender.push(block):
            if controller is not None:
                controller.observe_packet(packet)
            sent_packets.append(with_copies(red, packet))
    return Sent(packets=sent_packets, plans=plans)


def with_copies(red: RedSender, packet: SentPacket) -> WirePacket:
    payload_type, payload = red.send(packet.payload, packet.timestamp)
    if not red.num_copies or payload_type != DEFAULT_RED_PAYLOAD_TYPE:
        return WirePacket(sent=packet)
    return WirePacket(sent=packet, copies=parse_red(payload)[0], red_bytes=len(payload) - len(packet.payload))


def play(sent: Sent, lost: np.ndarray, num_samples: int, weights: WeightSet) -> np.ndarray:
    """Play what arrives."""
    num_packets = len(sent.packets)
    played, _ = recover_stream(
        arrivals(sent.packets, np.pad(lost[:num_packets], (0, max(num_packets - len(lost), 0)))),
        start=0,
        duration_rtp=num_packets * PACKET_RTP,
        config=dred.ReceiverConfig(rate_hz=RATE_HZ),
        weights=[weights],
    )
    return played[LOOKAHEAD_SAMPLES : LOOKAHEAD_SAMPLES + num_samples]


def at_rate(plan: RedundancyPlan, kbps: float, speech: np.ndarray, lost: np.ndarray, weights: WeightSet) -> Sent | None:
    """Send as a plan says, at the bitrate that makes the rate; None if Opus cannot go so low."""
    for _ in range(6):
        sent = send(speech, lost, plan, weights)
        if abs(kbps - sent.kbps) <= RATE_TOLERANCE * kbps:
            return sent
        opus_kbps = float(np.mean([packet.sent.main_bytes for packet in sent.packets])) * 0.4
        wanted_kbps = opus_kbps + (kbps - sent.kbps) / (1 + plan.num_red_copies)
        bitrate_bps = round(plan.bitrate_bps * wanted_kbps / opus_kbps)
        if bitrate_bps < 6_000:
            return None
        plan = replace(plan, bitrate_bps=bitrate_bps)
    return sent


class Cache:
    """Rows that were computed before, by what they depend on: a key, all code of the package, the weights."""

    def __init__(self, path: Path | None, weights: WeightSet) -> None:
        self._path = path
        self._code_and_weights = f"{_code_sha256()[:16]} {weights.tensors_sha256[:16]} {weights.tables_sha256[:16]}"
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        self._rows = {row["key"]: row for row in map(json.loads, lines)}

    def get(self, setting: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the row of a setting, computed if it is not known."""
        key = f"{setting} {self._code_and_weights}"
        if key not in self._rows:
            self._rows[key] = {"key": key, **compute()}
            if self._path is not None:
                with self._path.open("a") as lines:
                    print(json.dumps(self._rows[key]), file=lines)
        return self._rows[key]


def _code_sha256() -> str:
    """Hash the package and what of the benchmarks makes calls of it."""
    here = Path(__file__).parent
    paths = [*Path(dred.__file__).parent.rglob("*.py"), here / "controller.py", here / "controller_call.py"]
    digest = sha256()
    for path in sorted(paths):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def rate_clip(speech: np.ndarray, heard: np.ndarray, metrics: Sequence[str] = METRICS) -> dict[str, float]:
    prepared = hear(speech[: len(heard), None], heard, RATE_HZ, NO_LOSSES, 0.0)
    return {metric.name: metric.score(prepared).value or np.nan for metric in find_metrics(metrics)}


def rate_windows(speech: np.ndarray, heard: np.ndarray) -> list[float]:
    """Rate each ten seconds of a call."""
    starts = range(0, len(heard) - WINDOW_SAMPLES + 1, WINDOW_SAMPLES)
    pieces = [(speech[at : at + WINDOW_SAMPLES], heard[at : at + WINDOW_SAMPLES]) for at in starts]
    return [rate_clip(said, played, ["plcmos"])["plcmos"] for said, played in pieces]
