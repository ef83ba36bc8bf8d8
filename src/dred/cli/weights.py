"""`dred weights`: the networks' numbers, installed, imported, exported and shown."""

from pathlib import Path
from typing import Annotated

import typer

from dred.cli import options
from dred.cli.combine import combine_networks
from dred.cli.prior import fit

__all__ = ["build_app"]


def build_app() -> typer.Typer:
    """Build the group of commands."""
    app = typer.Typer(help="The numbers of the networks: install, import, export, show.")
    app.command("list")(list_sets)
    app.command("install")(install_release)
    app.command("import")(import_set)
    app.command("export")(export_set)
    app.command("combine")(combine_networks)
    app.command("prior")(fit)
    app.command("show")(show_set)
    app.command("remove")(remove_set)
    return app


def list_sets(as_json: options.Json = False) -> None:
    """List the sets at hand, best first: those installed, and those that dred brings along.

    \b
    Examples:
    dred weights list
    dred weights list --json
    """
    import json

    from dred.weights import available, data_directory

    sets = available()
    if as_json:
        print(
            json.dumps(
                [
                    {
                        "name": entry.name,
                        "path": str(entry.path),
                        "bytes": entry.size_bytes,
                        "bitstream_version": entry.card.bitstream_version if entry.card else None,
                        "libopus": entry.card.libopus if entry.card else None,
                        "licence": entry.card.licence if entry.card else None,
                        "built_in": entry.is_built_in,
                        "missing": list(entry.missing),
                        "problem": entry.problem or None,
                    }
                    for entry in sets
                ]
            )
        )
        return
    if not sets:
        print(f"no weights in {data_directory()}; run `dred weights install`")
    for entry in sets:
        told = entry.problem
        if entry.card is not None:
            told = f"bitstream version {entry.card.bitstream_version}, {entry.card.licence}"
            told += ", built in" if entry.is_built_in else ""
            told += "" if entry.card.is_interoperable else ", not interoperable with libopus"
            told += f", lacks {' and '.join(entry.missing)}" if entry.missing else ""
        print(f"{entry.name:<24}{entry.size_bytes / 1e6:>6.1f} MB  {told}")


def install_release(
    release: Annotated[
        str, typer.Argument(metavar="[RELEASE]", help="opus-1.6.1 (version 12) or opus-1.5.2 (version 10).")
    ] = "opus-1.6.1",
) -> None:
    """Download the weights that a release of Opus was published with.

    \b
    Examples:
    dred weights install
    dred weights install opus-1.5.2
    """
    import sys
    from datetime import date

    from dred.cli.progress import progress
    from dred.weights import install

    with progress(f"installing {release}") as report:
        path = install(
            release,
            on_stage=lambda stage: print(stage, file=sys.stderr),
            on_progress=lambda done, total: report(done / total) if total else None,
            imported=date.today().isoformat(),
        )
    print(f"installed {path}")


def import_set(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="DNNw blob, Opus archive or source tree, or dred's own file.")
    ],
    tables: Annotated[
        Path | None,
        typer.Option("--tables", help="A blob's tables. Default: the .tables.json beside it.", metavar="FILE"),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the set. Default: from the content.", metavar="NAME")
    ] = None,
) -> None:
    """Install weights from a file or folder.

    \b
    Examples:
    dred weights import opus-1.6.1.tar.gz
    dred weights import trained.dnnw --tables trained.tables.json --name trained
    """
    from datetime import date

    from dred.weights import import_weights, save

    path = save(import_weights(source, tables=tables, name=name, imported=date.today().isoformat()))
    print(f"installed {path}")


def export_set(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An installed set.")],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="Weight blob for libopus: .dnnw.")],
    tables: Annotated[
        Path | None,
        typer.Option("--tables", help="Where the tables go. Default: .tables.json beside.", metavar="FILE"),
    ] = None,
) -> None:
    """Write an installed set as a weight blob for libopus, and its tables as JSON.

    \b
    Examples:
    dred weights export opus-1.6.1 weights.dnnw
    """
    from tempfile import TemporaryDirectory

    from dred.cli.files import check_output
    from dred.weights import export_dnnw, load
    from dred.whole_file import write_whole_file

    check_output(output, (".dnnw",))
    weights = load(name)
    if tables is not None:
        check_output(tables, (".json",))
    with TemporaryDirectory() as scratch:
        blob, beside = export_dnnw(weights, Path(scratch) / output.name)
        tables = tables or output.with_name(beside.name)
        write_whole_file(output, blob.read_bytes())
        write_whole_file(tables, beside.read_bytes())
    print(f"wrote {output} and {tables}")
    if weights.prior:
        print("without the prior, which neither has room for: a set that is imported from them is another version")


def show_set(
    source: Annotated[
        str | None,
        typer.Argument(metavar="[NAME|FILE]", help="A set at hand, or a .safetensors file. Default: the best set."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Show a set's model card: origin, licence, training, figures, failures; its layers and tables.

    \b
    Examples:
    dred weights show
    dred weights show opus-1.5.2
    dred weights show runs/stage2/weights.safetensors --json
    """
    import json

    from dred.weights import as_json as to_json
    from dred.weights import describe, load, read_safetensors

    is_file = source is not None and source.endswith(".safetensors")
    weights = read_safetensors(Path(source)) if source is not None and is_file else load(source)
    if as_json:
        print(json.dumps(to_json(weights)))
    else:
        print(describe(weights), end="")


def remove_set(name: Annotated[str, typer.Argument(metavar="NAME", help="An installed set.")]) -> None:
    """Remove an installed set.

    \b
    Examples:
    dred weights remove opus-1.5.2
    """
    from dred.weights import remove

    print(f"removed {remove(name)}")
