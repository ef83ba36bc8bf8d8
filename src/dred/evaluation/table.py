"""All rows of an evaluation as a table, for other programs: CSV, and Parquet where pyarrow is installed."""

import csv
import io
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from dred.channel import burst_lengths
from dred.evaluation.records import Evaluation, Row
from dred.evaluation.streams import PACKET_MS
from dred.whole_file import write_whole_file

__all__ = ["table_rows", "write_tables"]

Cell = str | int | float | None


def table_rows(evaluation: Evaluation) -> list[dict[str, Cell]]:
    """Return one flat row per clip, scheme and network; all have the same columns.

    A metric has two: its value, empty where there was nothing to measure, and the weight with which it enters a mean.
    """
    speakers = {clip.name: clip.speaker for clip in evaluation.clips}
    seconds = {clip.name: clip.seconds for clip in evaluation.clips}
    scheme_families = {scheme.name: scheme.family for scheme in evaluation.schemes}
    network_families = {network.name: network.family for network in evaluation.networks}
    return [
        {
            "clip": row.clip,
            "speaker": speakers[row.clip],
            "seconds": round(seconds[row.clip], 3),
            "scheme": row.scheme,
            "scheme_family": scheme_families[row.scheme],
            "network": row.network,
            "network_family": network_families[row.network],
            **_losses(row),
            **_rates(row),
            **{f"by_{source}": count for source, count in row.repairs.items()},
            **_scores(row, evaluation.metrics),
            "audio": row.audio,
        }
        for row in evaluation.rows
    ]


def write_tables(evaluation: Evaluation, directory: Path) -> None:
    """Write `rows.csv`, and `rows.parquet` if pyarrow is installed.

    Raises:
        UsageError: The folder cannot be written.
    """
    rows = table_rows(evaluation)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows(rows)
    write_whole_file(directory / "rows.csv", text.getvalue().encode())
    if find_spec("pyarrow") is not None:
        write_whole_file(directory / "rows.parquet", _parquet(rows))


def _parquet(rows: list[dict[str, Cell]]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


def _losses(row: Row) -> dict[str, Cell]:
    bursts = burst_lengths(np.array(row.lost, bool))
    return {
        "packets": len(row.lost),
        "lost": row.num_lost,
        "loss_percent": round(row.loss_percent, 3),
        "longest_burst_ms": int(bursts.max(initial=0)) * PACKET_MS,
    }


def _rates(row: Row) -> dict[str, Cell]:
    rates = row.rates
    coverage = row.coverage
    return {
        "kbps": round(rates.total, 3),
        "kbps_main": round(rates.main, 3),
        "kbps_lbrr": round(rates.lbrr, 3),
        "kbps_red": round(rates.red, 3),
        "kbps_dred": round(rates.dred, 3),
        "coverage_ms": None if coverage is None else round(coverage.mean_ms, 1),
    }


def _scores(row: Row, metrics: tuple[str, ...]) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    for name in metrics:
        score = row.scores[name]
        cells[name] = score.value
        cells[f"{name}_weight"] = score.weight
    return cells
