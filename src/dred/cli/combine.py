"""`dred weights combine`: networks that were trained one by one, in one set."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dred.weights import WeightSet

__all__ = ["combine_networks"]


def combine_networks(
    output: Annotated[Path, typer.Argument(metavar="OUT", help="The new set: .safetensors.")],
    *,
    fargan: Annotated[Path, typer.Option("--fargan", help="The set that gives the vocoder.", metavar="PATH")],
    rdovae: Annotated[Path, typer.Option("--rdovae", help="That gives the RDO-VAE and the tables.", metavar="PATH")],
    pitch: Annotated[Path, typer.Option("--pitch", help="That gives the pitch network.", metavar="PATH")],
    plc: Annotated[Path, typer.Option("--plc", help="That gives the PLC predictor.", metavar="PATH")],
    lpcnet: Annotated[
        Path | None, typer.Option("--lpcnet", help="That gives an LPCNet, to speak with it.", metavar="PATH")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Of the set. Default: the file's stem.", show_default=False)] = "",
    licence: Annotated[str, typer.Option("--licence", help="Of the set, as an SPDX expression.")] = "BSD-3-Clause",
    card: Annotated[
        Path | None,
        typer.Option("--card", help="JSON: how it was trained. Default: what the sets say.", metavar="FILE"),
    ] = None,
) -> None:
    """Put networks that were trained one by one into one set, with nothing else.

    Each comes from the folder of a run, or from a set's file.

    \b
    Examples:
    dred weights combine own.safetensors --fargan runs/fargan --rdovae runs/rdovae --pitch runs/pitch --plc runs/plc
    """
    import json

    from dred.cli.files import check_output
    from dred.weights import LPCNET, RDOVAE, Card, combine, write_safetensors

    check_output(output, (".safetensors",))
    sets = {
        "pitch network": _read(pitch),
        **dict.fromkeys(RDOVAE, _read(rdovae)),
        "FARGAN vocoder": _read(fargan),
        "PLC predictor": _read(plc),
    }
    if lpcnet is not None:
        sets[LPCNET] = _read(lpcnet)
    training = {component: _as_told(weights.card.training) for component, weights in sets.items()}
    if card is not None:
        training = _read_card(card)
    about = Card(
        source="trained with dred",
        libopus="",
        bitstream_version=sets[RDOVAE[0]].card.bitstream_version,
        licence=licence,
        training=json.dumps(training),
    )
    weights = combine(sets, name or output.stem, about)
    write_safetensors(weights, output)
    print(f"wrote {output}: {sum(layer.num_parameters for layer in weights.layers):,} parameters")


def _read(path: Path) -> "WeightSet":
    from dred.weights import read_safetensors

    return read_safetensors(path / "weights.safetensors" if path.is_dir() else path)


def _as_told(training: str) -> object:
    """Return what a card says about training: JSON since runs write cards, words before."""
    import json

    try:
        return json.loads(training)
    except ValueError:
        return training


def _read_card(path: Path) -> dict[str, object]:
    import json

    from dred.errors import UsageError

    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot use {path}: {error}") from error
    if not isinstance(found, dict):
        raise UsageError(f"cannot use {path}: a card is a JSON object")
    return found
