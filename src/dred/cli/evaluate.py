"""`dred evaluate`: an experiment over many clips and networks, with intervals, a table and a page."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dred.cli import options

if TYPE_CHECKING:
    from dred.evaluation.records import Evaluation


def evaluate(
    experiment: Annotated[
        Path, typer.Argument(metavar="EXPERIMENT.toml", help="Schemes, networks and metrics; see docs/evaluate.md.")
    ],
    *,
    output: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for report.html, tables and the cache.")],
    speech: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Folder of recordings, list of them, or PLC Challenge folder. Default: the bundled clip.",
        ),
    ] = None,
    traces: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of recorded traces, for networks that ask for one.")
    ] = None,
    clips: Annotated[int | None, typer.Option(help="Use so many recordings, whatever the experiment says.")] = None,
    metrics: Annotated[
        str | None, typer.Option(metavar="NAMES", help="These, with commas, whatever the experiment says.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(help="Processes. Default: one per core.")] = None,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Work on the Dask cluster with this scheduler.")
    ] = None,
    weights: options.Weights = None,
    as_json: options.Json = False,
) -> None:
    """Compare schemes over many recordings and networks, with confidence intervals.

    What was found is kept in DIR: an interrupted run goes on where it was, and a second one only rates what is new.

    \b
    Examples:
    dred evaluate experiments/first.toml --out found
    dred evaluate experiments/icassp.toml --speech speech/test --traces traces --out icassp
    dred evaluate experiments/icassp.toml --speech speech/test --traces traces --out icassp --dask tcp://10.0.0.1:8786
    """
    import json
    from dataclasses import replace

    from dred.cli.files import reading
    from dred.cli.progress import progress
    from dred.data import bundled_clip
    from dred.evaluation.clips import read_clips
    from dred.evaluation.executors import cluster, processes
    from dred.evaluation.experiment_file import read_experiment
    from dred.evaluation.folder import cache_of, make_folder, write_evaluation
    from dred.evaluation.run import evaluate as run
    from dred.report.evaluation import write_evaluation_report
    from dred.weights import load

    with reading(experiment):
        asked = read_experiment(experiment)
    if clips is not None:
        asked = replace(asked, clips=replace(asked.clips, count=clips))
    if metrics is not None:
        asked = replace(asked, metrics=tuple(name.strip() for name in metrics.split(",")))
    recordings = speech or bundled_clip()
    with reading(recordings):
        chosen = read_clips(recordings, asked.clips)
    networks = load(weights)
    make_folder(output)
    with (
        cluster(dask) if dask else processes(jobs) as executor,
        progress("evaluating") as report,
        reading(traces) if traces else nullcontext(),
    ):
        found = run(
            asked,
            chosen,
            cache=cache_of(output),
            weights=networks,
            executor=executor,
            traces=traces,
            report=report,
        )
    with progress("drawing"):
        write_evaluation(found, output)
        write_evaluation_report(found, output, speech=cache_of(output).read_speech)
    summary = _summarise(found)
    if as_json:
        print(json.dumps(summary))
        return
    for line in _table_lines(found, summary):
        print(line)
    print(f"look and listen: {output / 'report.html'}")


def _summarise(found: "Evaluation") -> dict[str, Any]:
    """Return the means over all lossy networks with their intervals, by scheme: those of the report's first table."""
    from dred.evaluation.statistics import mean_interval

    networks = found.lossy_networks or tuple(network.name for network in found.networks)

    def mean(scheme: str, metric: str) -> dict[str, float | None]:
        interval = mean_interval(found.clip_scores(metric, scheme, networks), seed=found.seed)
        ends = {"mean": interval.mean, "low": interval.low, "high": interval.high}
        return {name: value if value == value else None for name, value in ends.items()}

    rows = [row for row in found.rows if row.network in networks]
    return {
        scheme.name: {
            "kbps": _mean([row.rates.total for row in rows if row.scheme == scheme.name]),
            "loss_percent": _mean([row.loss_percent for row in rows if row.scheme == scheme.name]),
            **{metric: mean(scheme.name, metric) for metric in found.metrics},
        }
        for scheme in found.schemes
    }


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _table_lines(found: "Evaluation", summary: dict[str, Any]) -> Iterator[str]:
    width = max(len(scheme.name) for scheme in found.schemes) + 2
    yield f"{'scheme':<{width}}{'kb/s':>6}{'lost':>8}" + "".join(f"{metric:>24}" for metric in found.metrics)
    for name, entry in summary.items():
        cells = "".join(f"{_cell(entry[metric]):>24}" for metric in found.metrics)
        yield f"{name:<{width}}{entry['kbps']:>6.1f}{entry['loss_percent']:>6.1f} %{cells}"


def _cell(interval: dict[str, float | None]) -> str:
    mean, low, high = interval["mean"], interval["low"], interval["high"]
    if mean is None:
        return "-"
    return f"{mean:.3f}" if low is None or high is None else f"{mean:.3f} ({low:.3f}-{high:.3f})"
