"""`dred simulate`: one recording, the same losses, every scheme, to hear and to see."""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from dred.cli import options

_NETWORK = "Network"


def simulate(
    source: Annotated[
        Path | None,
        typer.Argument(metavar="[IN]", help="Speech: wav, flac, ogg or mp3. Default: the clip that dred brings along."),
    ] = None,
    *,
    output: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for wav files, summary.json and report.html.")
    ],
    trace: options.Trace = None,
    network: options.Network = None,
    loss: Annotated[
        float | None,
        typer.Option("--loss", help="Lost packets in percent, 0 to 99. Default: 20.", rich_help_panel=_NETWORK),
    ] = None,
    burst: Annotated[
        float | None,
        typer.Option(
            "--burst", help="Mean packets lost in a row; 1 = each on its own. Default: 5.", rich_help_panel=_NETWORK
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Other seed, other losses.", rich_help_panel=_NETWORK)] = 1,
    schemes: Annotated[
        str | None, typer.Option("--schemes", metavar="NAMES", help="Only these, with commas. Default: all.")
    ] = None,
    bitrate: options.Bitrate = 24_000,
    dred_ms: options.DredMs = 1000,
    q0: options.Q0 = 6,
    dq: options.Dq = 5,
    qmax: options.Qmax = 15,
    dred_max_bytes: options.DredMaxBytes = 1000,
    red: options.Red = 1,
    scores: Annotated[
        bool, typer.Option("--scores", help="Estimate quality (PLCMOS, PESQ, ESTOI); needs the extra eval.")
    ] = False,
    weights: options.Weights = None,
    as_json: options.Json = False,
) -> None:
    """Send speech through every scheme over the same losses, to hear and to see.

    Schemes: clean, zero, plc, neural-plc, red, lbrr, dred, dred+lbrr.

    \b
    Examples:
    dred simulate --out demo
    dred simulate speech.wav --out demo --loss 10 --burst 3 --scores
    dred simulate speech.wav --out demo --network train
    dred simulate speech.wav --out demo --trace call.txt --schemes plc,lbrr,dred
    """
    import json

    from dred.audio import read_audio
    from dred.cli.files import reading
    from dred.cli.progress import progress
    from dred.data import bundled_clip
    from dred.errors import UsageError
    from dred.evaluation.losses import LossConfig
    from dred.evaluation.schemes import SCHEME_NAMES
    from dred.evaluation.simulate import SimulationConfig
    from dred.evaluation.simulate import simulate as run
    from dred.report import staged_folder, write_results
    from dred.sender import DredConfig
    from dred.weights import introduce, load

    if (loss, burst) != (None, None) and (trace, network) != (None, None):
        raise UsageError("losses come from --trace, from --network, or from --loss and --burst: from one of them")
    source = source or bundled_clip()
    model = {"loss_percent": loss, "mean_burst": burst}
    given = {name: value for name, value in model.items() if value is not None}
    config = SimulationConfig(
        loss=LossConfig(trace=trace, network=network, seed=seed, **given),
        bitrate_bps=bitrate,
        dred=DredConfig(duration_ms=dred_ms, q0=q0, dq=dq, qmax=qmax, max_bytes=dred_max_bytes),
        num_red_copies=red,
        schemes=tuple(schemes.split(",")) if schemes is not None else SCHEME_NAMES,
        scores=scores,
    )
    with reading(source):
        audio = read_audio(source)
    named = None if weights is None else load(weights)
    with staged_folder(output) as staging:
        with reading(trace) if trace else nullcontext(), progress("simulating") as report:
            simulation = run(audio, config, weights=named, report=report)
        summary = write_results(simulation, staging, input_name=source.name)
    if as_json:
        print(json.dumps(summary))
        return
    for line in _table_lines(summary["schemes"]):
        print(line)
    print(f"networks: {introduce(simulation.weights)}")
    print(f"listen and look: {output / 'report.html'}")


def _table_lines(schemes: Mapping[str, Any]) -> Iterator[str]:
    yield f"{'scheme':<12}{'kb/s':>6}{'lost':>6}  repaired by"
    for name, scheme in schemes.items():
        repairs = ", ".join(
            f"{source} {_whole_percent(share['percent'])}"
            for source, share in scheme["repaired"].items()
            if share["count"]
        )
        yield f"{name:<12}{scheme['kbps']['total']:>6.1f}{scheme['frames']['lost']:>6}  {repairs}".rstrip()


def _whole_percent(percent: float) -> str:
    return "<1 %" if percent < 0.5 else f"{percent:.0f} %"
