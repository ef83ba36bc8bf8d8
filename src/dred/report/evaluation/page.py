"""An evaluation as one self-contained page, and as figures: what was found, to read, to see and to hear."""

import base64
from pathlib import Path

from dred.evaluation.metrics import find_metrics
from dred.evaluation.records import Evaluation
from dred.evaluation.streams import PACKET_MS
from dred.report.environment import page_environment
from dred.report.evaluation.choice import choose_clips, hardest_trace, one_per_family, seed_schemes
from dred.report.evaluation.colours import variables_css
from dred.report.evaluation.comparison import Comparison
from dred.report.evaluation.figures import family_looks, metric_panels
from dred.report.evaluation.plot import draw_for_file, draw_for_page
from dred.report.evaluation.reading import read_aloud
from dred.report.evaluation.stages import Speech, build_stages
from dred.report.evaluation.tables import damage_table, difference_table, score_table
from dred.report.evaluation.wording import number, span
from dred.report.sources import LEGEND
from dred.whole_file import read_whole_file, write_whole_file

__all__ = ["render_evaluation", "write_evaluation_report", "write_figures"]

_MAX_NUMBERS_BYTES = 1_000_000
# Of more schemes than this, the first table shows one per family.
_MAX_HEADLINES = 12


def write_evaluation_report(
    evaluation: Evaluation,
    directory: Path,
    *,
    speech: Speech,
    baseline: str | None = None,
) -> None:
    """Write `report.html` into an evaluation's folder; otherwise like `render_evaluation`.

    A `rows.csv` in the folder goes into the page if it is small.
    """
    numbers = directory / "rows.csv"
    is_small = numbers.is_file() and numbers.stat().st_size <= _MAX_NUMBERS_BYTES
    page = render_evaluation(
        evaluation,
        speech=speech,
        baseline=baseline,
        rows_csv=read_whole_file(numbers, max_bytes=_MAX_NUMBERS_BYTES) if is_small else None,
    )
    write_whole_file(directory / "report.html", page.encode())


def render_evaluation(
    evaluation: Evaluation,
    *,
    speech: Speech,
    baseline: str | None = None,
    rows_csv: bytes | None = None,
) -> str:
    """Write the page of an evaluation, as HTML; the same evaluation gives the same page.

    Args:
        evaluation: At least one row.
        speech: Gives the speech of a key.
        baseline: Scheme, or family of schemes, that others are compared with; by default neural concealment.
        rows_csv: All numbers, for a link that keeps them.

    Raises:
        UsageError: There is no row, no such baseline, no such metric, or matplotlib is missing.
    """
    comparison = Comparison(evaluation, find_metrics(evaluation.metrics), baseline=baseline)
    hardest = hardest_trace(comparison)
    middle = one_per_family(comparison)
    chosen = [(heard, middle) for heard in choose_clips(comparison)]
    demonstration = [(hardest, seed_schemes(comparison))] if hardest and len(seed_schemes(comparison)) > 1 else []
    stages, audio_form = build_stages(comparison, [*demonstration, *chosen], speech)
    looks = family_looks(comparison)
    used = {source for row in evaluation.rows for source in row.sources}
    panels = {metric.name: metric_panels(comparison, metric) for metric in comparison.metrics}
    return (
        page_environment()
        .get_template("evaluation/page.html.j2")
        .render(
            evaluation=evaluation,
            comparison=comparison,
            sentences=read_aloud(comparison),
            overall=score_table(comparison, _overall_title(comparison), comparison.everywhere),
            headline=score_table(comparison, _overall_title(comparison), comparison.everywhere, middle)
            if len(evaluation.schemes) > _MAX_HEADLINES
            else None,
            per_network=[
                (network, score_table(comparison, network.name, [network.name])) for network in evaluation.networks
            ],
            differences=difference_table(comparison, "", comparison.everywhere),
            damages=damage_table(comparison, "", comparison.everywhere),
            figures={
                name: [(panel, draw_for_page(panel, looks)) for panel in of_metric]
                for name, of_metric in panels.items()
            },
            variables=variables_css(looks),
            demonstration=stages[: len(demonstration)],
            stages=stages[len(demonstration) :],
            num_families=len(middle),
            audio_form=audio_form,
            legend={source: words for source, words in LEGEND.items() if source in used},
            rows_address="data:text/csv;base64," + base64.b64encode(rows_csv).decode("ascii") if rows_csv else None,
            packet_ms=PACKET_MS,
            number=number,
            span=span,
        )
    )


def write_figures(evaluation: Evaluation, directory: Path) -> list[Path]:
    """Write each figure of the page as an SVG file named after it; return the paths.

    Raises:
        UsageError: There is no row, no such metric, the folder cannot be written, or matplotlib is missing.
    """
    comparison = Comparison(evaluation, find_metrics(evaluation.metrics))
    looks = family_looks(comparison)
    paths = []
    for metric in comparison.metrics:
        for panel in metric_panels(comparison, metric):
            paths.append(directory / f"{panel.name}.svg")
            write_whole_file(paths[-1], draw_for_file(panel, looks).encode())
    return paths


def _overall_title(comparison: Comparison) -> str:
    return "All lossy networks together" if comparison.lossy_networks else "All networks together"
