"""`dred trace`: loss traces shown, models trained on them, drawn from and compared with them."""

from pathlib import Path
from typing import Annotated

import typer

from dred.cli import options

__all__ = ["build_app"]

Traces = Annotated[
    list[Path], typer.Argument(metavar="TRACES...", help="Files of one 0 or 1 per 20 ms packet, or folders of them.")
]
ModelFile = Annotated[
    Path | None, typer.Option("--model", help="A trained loss model. Default: the built-in one.", metavar="MODEL.json")
]
Seed = Annotated[int, typer.Option("--seed", help="Of the random numbers, at least 0.")]


def build_app() -> typer.Typer:
    """Build the group of commands."""
    app = typer.Typer(help="Loss traces: show them, train a loss model on them, draw from it, compare.")
    app.command("show")(show)
    app.command("fit")(fit)
    app.command("draw")(draw)
    app.command("plot")(plot)
    return app


def show(traces: Traces, model: ModelFile = None, as_json: options.Json = False) -> None:
    """Show loss and bursts of traces, and how well a model foresees them.

    \b
    Examples:
    dred trace show call.txt
    dred trace show test_train/val --json
    dred trace show call.txt --model mine.json
    """
    import json

    from dred.channel import burst_class_ms, loss_statistics
    from dred.channel.fitting import log_likelihood
    from dred.cli.trace_files import load_model, load_traces
    from dred.timebase import DOUBLE_FRAME_MS

    trained = load_model(model)
    rows = []
    for name, lost in load_traces(traces).items():
        statistics = loss_statistics(lost)
        rows.append(
            {
                "trace": name,
                "packets": statistics.num_packets,
                "lost": statistics.num_lost,
                "loss_percent": round(100 * statistics.loss_rate, 2),
                "bursts": statistics.num_bursts,
                "mean_burst_ms": round(statistics.mean_burst * DOUBLE_FRAME_MS, 1),
                "longest_burst_ms": statistics.longest_burst * DOUBLE_FRAME_MS,
                "class_ms": burst_class_ms(lost),
                "log_likelihood": round(log_likelihood(trained, [lost]), 4),
            }
        )
    if as_json:
        print(json.dumps(rows))
        return
    width = max(len(str(row["trace"])) for row in rows)
    print(f"{'trace':<{width}}  packets  loss %  bursts  mean ms  longest ms  log-likelihood per packet")
    for row in rows:
        print(
            f"{row['trace']:<{width}}{row['packets']:>9}{row['loss_percent']:>8}{row['bursts']:>8}"
            f"{row['mean_burst_ms']:>9}{row['longest_burst_ms']:>12}{row['log_likelihood']:>27}"
        )


def fit(
    traces: Traces,
    output: Annotated[Path, typer.Option("--out", help="Where the model goes: .json.", metavar="MODEL.json")],
    states: Annotated[
        int | None,
        typer.Option("--states", help="Hidden states, 1 to 64. Default: what foresees held-out packets best."),
    ] = None,
    seed: Seed = 1,
) -> None:
    """Train a loss model on traces.

    \b
    Examples:
    dred trace fit call.txt other.txt --out mine.json
    dred trace fit test_train/train --states 8 --out mine.json
    """
    from dred.channel import write_loss_model
    from dred.channel.fitting import FittingConfig
    from dred.channel.training import train_loss_model
    from dred.cli.files import check_output
    from dred.cli.progress import progress
    from dred.cli.trace_files import load_traces

    check_output(output, (".json",))
    named = load_traces(traces)
    chosen = f" --states {states}" if states is not None else ""
    command = f"dred trace fit {' '.join(path.name for path in traces)} --out {output.name}{chosen} --seed {seed}"
    with progress("training") as report:
        trained = train_loss_model(
            named, config=FittingConfig(seed=seed), num_states=states, command=command, on_progress=report
        )
    write_loss_model(output, trained)
    print(f"wrote {output}: {len(trained.model.losses)} states, {100 * trained.model.loss:.1f} % loss of its own")
    for name, value in trained.log_likelihoods.items():
        print(f"  {name:<16}{value:>8.4f} log-likelihood per held-out packet")


def draw(
    output: Annotated[Path, typer.Option("--out", help="Where the trace goes: .txt.", metavar="TRACE.txt")],
    packets: Annotated[int, typer.Option("--packets", help="Packets of 20 ms, at least 1.")],
    model: ModelFile = None,
    loss: Annotated[
        float | None, typer.Option("--loss", help="Long-run loss in percent, 0 to 99. Default: the model's own.")
    ] = None,
    burst_ms: Annotated[
        str | None,
        typer.Option(
            "--burst-ms", help="The longest burst is over LOW and at most HIGH, such as 120,320.", metavar="LOW,HIGH"
        ),
    ] = None,
    seed: Seed = 1,
) -> None:
    """Draw a loss trace from a model.

    \b
    Examples:
    dred trace draw --packets 3000 --out drawn.txt
    dred trace draw --packets 500 --loss 20 --burst-ms 120,320 --seed 7 --out drawn.txt
    """
    import numpy as np

    from dred.channel import draw_bounded, loss_statistics, write_trace
    from dred.cli.files import check_output
    from dred.cli.progress import progress
    from dred.cli.trace_files import check_drawing, load_model, parse_bounds
    from dred.timebase import DOUBLE_FRAME_MS

    check_output(output, (".txt",))
    check_drawing(packets=packets, loss=loss, seed=seed)
    bounds = None if burst_ms is None else parse_bounds(burst_ms)
    losses = load_model(model)
    if loss is not None:
        losses = losses.at_loss(loss / 100)
    rng = np.random.default_rng(seed)
    with progress("drawing"):
        lost = losses.draw(packets, rng) if bounds is None else draw_bounded(losses, packets, bounds, rng)
    write_trace(output, lost)
    statistics = loss_statistics(lost)
    print(
        f"wrote {output}: {packets} packets, {100 * statistics.loss_rate:.1f} % lost "
        f"in {statistics.num_bursts} bursts, longest {statistics.longest_burst * DOUBLE_FRAME_MS} ms"
    )


def plot(
    traces: Traces,
    output: Annotated[Path, typer.Option("--out", help="Where the picture goes: .svg or .png.", metavar="PLOT.svg")],
    model: ModelFile = None,
    draws: Annotated[int, typer.Option("--draws", help="Draws per trace and model, at least 1.")] = 100,
    seed: Seed = 1,
    as_json: options.Json = False,
) -> None:
    """Compare bursts, gaps and memory of traces with those of a model, Gilbert-Elliott and uniform losses.

    \b
    Examples:
    dred trace plot call.txt --out plot.svg
    dred trace plot test_train/val --model mine.json --out plot.svg --json
    """
    import json
    from dataclasses import asdict

    import numpy as np

    from dred.channel.comparison import compare
    from dred.channel.plot import render_comparison
    from dred.cli.files import check_output
    from dred.cli.progress import progress
    from dred.cli.trace_files import check_drawing, load_model, load_traces
    from dred.whole_file import write_whole_file

    check_output(output, (".svg", ".png"))
    check_drawing(seed=seed)
    named = load_traces(traces)
    rng = np.random.default_rng(seed)
    with progress("comparing") as report:
        comparison = compare(list(named.values()), load_model(model), rng, num_draws=draws, on_progress=report)
    title = f"Loss models beside {', '.join(list(named)[:4])}{' ...' if len(named) > 4 else ''}"
    write_whole_file(output, render_comparison(comparison, title=title, kind=output.suffix[1:].lower()))
    if as_json:
        print(
            json.dumps(
                {
                    "output": str(output),
                    "distances": {
                        name: {aspect: asdict(distance) for aspect, distance in distances.items()}
                        for name, distances in comparison.distances.items()
                    },
                }
            )
        )
        return
    print(f"wrote {output}; largest difference of distributions (in brackets: what chance explains)")
    for name, distances in comparison.distances.items():
        told = "   ".join(f"{aspect} {d.value:.3f} ({d.by_chance:.3f})" for aspect, d in distances.items())
        print(f"  {name:<16} {told}")
