"""What a listener compares: one clip over one network as several schemes bring it, with pictures and repair strips.

Long clips are cut to the seconds that lost most. The original comes first, and shows what was lost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from jaxtyping import Float32

from dred.evaluation.records import ClipRecord, Named, Row
from dred.evaluation.streams import PACKET_MS
from dred.report.embedded_audio import data_address, embed_audio
from dred.report.evaluation.choice import Heard
from dred.report.evaluation.comparison import Comparison
from dred.report.sources import LEGEND
from dred.report.spectrogram import draw, loudest_db, power_db
from dred.report.strip import Stretch, stretches_of
from dred.timebase import SAMPLE_RATE_HZ

__all__ = ["MAX_TAKES", "Speech", "Stage", "Take", "build_stages"]

Speech = Callable[[str], Float32[np.ndarray, " samples"]]
"""Speech by key, 16 kHz mono, -1 to 1."""

MAX_TAKES = 9
"""Schemes that one clip is heard through: those that keys 1 to 9 reach."""

# Six clips through nine schemes, and the demonstration, stay below 15 MB.
_MAX_SECONDS = 6
_MAX_COLUMNS = 700
_MAX_LOSSLESS_BYTES = 8_000_000
_SAMPLES_PER_MS = SAMPLE_RATE_HZ // 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One way to hear the clip.

    Attributes:
        name: Of the scheme; "original" for what was recorded.
        title: What it is, in a phrase.
        audio: Address of the sound.
        spectrogram: Address of the picture.
        stretches: Where each packet came from; empty for the original.
        in_words: What the strip shows.
    """

    name: str
    title: str
    audio: str
    spectrogram: str
    stretches: tuple[Stretch, ...]
    in_words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One clip over one network.

    Attributes:
        heard: Which, and why.
        network: The network.
        clip: The clip.
        start_seconds: Where the cutting starts in the clip.
        seconds: How long it is.
        first_packet_ms: How long before the cutting's start its first packet starts.
        gaps: Start and end of each run of lost packets, in seconds from its start.
        takes: The original, then one per scheme.
    """

    heard: Heard
    network: Named
    clip: ClipRecord
    start_seconds: float
    seconds: float
    first_packet_ms: float
    gaps: tuple[tuple[float, float], ...]
    takes: tuple[Take, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cutting:
    """A stage before its sound and pictures are coded."""

    heard: Heard
    rows: tuple[Row, ...]
    schemes: tuple[Named, ...]
    start_ms: int
    signals: tuple[Float32[np.ndarray, "samples 1"], ...]

    @property
    def duration_ms(self) -> float:
        return len(self.signals[0]) / _SAMPLES_PER_MS


def build_stages(
    comparison: Comparison, chosen: Sequence[tuple[Heard, Sequence[Named]]], speech: Speech
) -> tuple[tuple[Stage, ...], str]:
    """Cut clips, code all of their sound in one form, and draw them; return that form as a phrase, too."""
    cuttings = [_cut(comparison, heard, schemes, speech) for heard, schemes in chosen]
    embedded = embed_audio(
        [signal for cutting in cuttings for signal in cutting.signals],
        SAMPLE_RATE_HZ,
        max_lossless_bytes=_MAX_LOSSLESS_BYTES,
    )
    addresses = iter(embedded.addresses)
    stages = tuple(_stage(comparison, cutting, [next(addresses) for _ in cutting.signals]) for cutting in cuttings)
    return stages, embedded.form


def _cut(comparison: Comparison, heard: Heard, schemes: Sequence[Named], speech: Speech) -> _Cutting:
    clip = _clip(comparison, heard)
    pairs = [
        (scheme, row)
        for scheme in schemes[:MAX_TAKES]
        if (row := comparison.row(heard.network, scheme.name, heard.clip)) is not None
    ]
    original = speech(clip.audio)
    lost = max((row.lost for _, row in pairs), key=sum)
    start_ms = _start_ms(lost, len(original) / _SAMPLES_PER_MS)
    part = slice(start_ms * _SAMPLES_PER_MS, (start_ms + 1000 * _MAX_SECONDS) * _SAMPLES_PER_MS)
    heard_signals = [original, *(speech(row.audio) for _, row in pairs)]
    return _Cutting(
        heard=heard,
        rows=tuple(row for _, row in pairs),
        schemes=tuple(scheme for scheme, _ in pairs),
        start_ms=start_ms,
        signals=tuple(np.ascontiguousarray(signal[part, np.newaxis]) for signal in heard_signals),
    )


def _start_ms(lost: Sequence[bool], duration_ms: float) -> int:
    """Find the seconds of most losses, the first of equals."""
    last_packet = max(0, int(duration_ms - 1000 * _MAX_SECONDS) // PACKET_MS)
    num_packets = 1000 * _MAX_SECONDS // PACKET_MS
    sums = np.concatenate([[0], np.cumsum(np.array(lost, int))])
    starts = np.arange(last_packet + 1)
    found = sums[np.minimum(starts + num_packets, len(lost))] - sums[np.minimum(starts, len(lost))]
    return int(found.argmax()) * PACKET_MS


def _stage(comparison: Comparison, cutting: _Cutting, addresses: Sequence[str]) -> Stage:
    levels = [power_db(signal, SAMPLE_RATE_HZ, max_columns=_MAX_COLUMNS) for signal in cutting.signals]
    loudest = loudest_db(levels[0])
    pictures = [data_address("image/png", draw(level, loudest)) for level in levels]
    gaps = _gaps(max(cutting.rows, key=lambda row: row.num_lost), cutting)
    original = Take(
        name="original",
        title="what was recorded; the strip shows what this network loses",
        audio=addresses[0],
        spectrogram=pictures[0],
        stretches=(),
        in_words=f"{len(gaps)} {'gap' if len(gaps) == 1 else 'gaps'}",
    )
    others = [
        _take(scheme, row, cutting, address, picture)
        for scheme, row, address, picture in zip(
            cutting.schemes, cutting.rows, addresses[1:], pictures[1:], strict=True
        )
    ]
    return Stage(
        heard=cutting.heard,
        network=next(each for each in comparison.evaluation.networks if each.name == cutting.heard.network),
        clip=_clip(comparison, cutting.heard),
        start_seconds=cutting.start_ms / 1000,
        seconds=cutting.duration_ms / 1000,
        first_packet_ms=_packets(cutting.rows[0], cutting)[2],
        gaps=gaps,
        takes=(original, *others),
    )


def _take(scheme: Named, row: Row, cutting: _Cutting, address: str, picture: str) -> Take:
    first, last, delay_ms = _packets(row, cutting)
    sources = row.sources[first:last]
    repairing = [source for source, is_lost in zip(sources, row.lost[first:last], strict=True) if is_lost]
    repairs = [f"{repairing.count(source)} {LEGEND[source][0]}" for source in LEGEND if source in repairing]
    return Take(
        name=scheme.name,
        title=f"{scheme.title} · {row.rates.total:.1f} kb/s",
        audio=address,
        spectrogram=picture,
        stretches=tuple(stretches_of(sources, delay_ms=delay_ms, duration_ms=cutting.duration_ms)),
        in_words=f"{len(sources)} packets of {PACKET_MS} ms, {len(repairing)} lost"
        + (f": {', '.join(repairs)}" if repairs else ""),
    )


def _gaps(row: Row, cutting: _Cutting) -> tuple[tuple[float, float], ...]:
    first, last, delay_ms = _packets(row, cutting)
    gaps = []
    at = 0
    for is_lost, run in groupby(row.lost[first:last]):
        start, at = at, at + len(list(run))
        if is_lost:
            start_ms, end_ms = start * PACKET_MS - delay_ms, at * PACKET_MS - delay_ms
            gaps.append((max(0.0, start_ms) / 1000, min(end_ms, cutting.duration_ms) / 1000))
    return tuple((start, end) for start, end in gaps if end > start)


def _packets(row: Row, cutting: _Cutting) -> tuple[int, int, float]:
    """Return the first packet of a cutting, the one behind its last, and how long before it the first one starts."""
    start_ms = cutting.start_ms + row.delay_ms
    first = int(start_ms // PACKET_MS)
    last = -int(-(start_ms + cutting.duration_ms) // PACKET_MS)
    return first, min(last, len(row.sources)), start_ms - first * PACKET_MS


def _clip(comparison: Comparison, heard: Heard) -> ClipRecord:
    return next(clip for clip in comparison.evaluation.clips if clip.name == heard.clip)
