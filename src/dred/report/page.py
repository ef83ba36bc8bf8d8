"""A simulation as one self-contained page: players, spectrograms, strips, a table. It needs no network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dred.evaluation.simulate import SchemeResult, Simulation
from dred.evaluation.streams import PACKET_MS
from dred.report.embedded_audio import data_address, embed_audio
from dred.report.environment import page_environment
from dred.report.sources import LEGEND, Share, repair_shares
from dred.report.spectrogram import draw, loudest_db, power_db
from dred.report.strip import Stretch, stretches

__all__ = ["render_page"]

_SCORE_NAMES = {"plcmos": "PLCMOS", "pesq": "PESQ", "estoi": "ESTOI"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Player:
    """One scheme as the page shows it."""

    number: int
    name: str
    title: str
    summary: Mapping[str, Any]
    audio: str
    spectrogram: str
    stretches: tuple[Stretch, ...]
    repairs: tuple[Share, ...]
    in_words: str


def render_page(simulation: Simulation, summary: Mapping[str, Any]) -> str:
    """Write the page of a simulation and its summary, as HTML."""
    rate_hz = simulation.audio.rate_hz
    embedded = embed_audio([result.samples for result in simulation.results], rate_hz)
    loudest = loudest_db(power_db(simulation.audio.samples, rate_hz))
    players = [
        _player(number, simulation, result, summary["schemes"][result.scheme.name], address, loudest)
        for number, (result, address) in enumerate(zip(simulation.results, embedded.addresses, strict=True), start=1)
    ]
    used = {source for result in simulation.results for source in result.sources}
    return (
        page_environment()
        .get_template("page.html.j2")
        .render(
            summary=summary,
            losses=simulation.config.loss.describe(),
            players=players,
            legend={source: words for source, words in LEGEND.items() if source in used},
            score_names={name: label for name, label in _SCORE_NAMES.items() if simulation.config.scores},
            audio_form=embedded.form,
            seconds=len(simulation.audio.samples) / rate_hz,
            packet_ms=PACKET_MS,
            delay_ms=simulation.delay_ms,
            top_khz=8,
        )
    )


def _player(
    number: int,
    simulation: Simulation,
    result: SchemeResult,
    summary: Mapping[str, Any],
    address: str,
    loudest: float,
) -> _Player:
    repairs = repair_shares(result.repairs, result.num_lost)
    words = [f"{share.count} {share.label}" for share in repairs]
    of_them = f": {', '.join(words)}" if words else ""
    level_db = power_db(result.samples, simulation.audio.rate_hz)
    return _Player(
        number=number,
        name=result.scheme.name,
        title=result.scheme.title,
        summary=summary,
        audio=address,
        spectrogram=data_address("image/png", draw(level_db, loudest)),
        stretches=tuple(stretches(simulation, result)),
        repairs=repairs,
        in_words=f"{len(result.sources)} packets of {PACKET_MS} ms, {result.num_lost} lost{of_them}",
    )
