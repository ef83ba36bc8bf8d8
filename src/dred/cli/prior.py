"""`dred weights prior`: fewer bits for the same redundancy."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["fit"]


def fit(
    weights: Annotated[Path, typer.Argument(metavar="SET", help="A set of our own, or the folder of a run.")],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="The set with its prior: .safetensors.")],
    *,
    corpus: Annotated[Path, typer.Option("--corpus", metavar="FOLDER", help="What `dred corpus build` wrote.")],
    name: Annotated[str, typer.Option("--name", help="Of the set. Default: the file's stem.", show_default=False)] = "",
    steps: Annotated[int, typer.Option("--steps", help="Of the fit.", min=1)] = 3000,
    seed: Annotated[int, typer.Option("--seed", help="Of the random numbers.", min=0)] = 0,
) -> None:
    """Fit what a latent is expected to be, given the newer one, to a set's latents of training speech.

    Payloads then need fewer bits for the same symbols; receivers need the same set. Some minutes of one core.

    \b
    Examples:
    dred weights prior runs/rdovae own.safetensors --corpus corpus
    """
    from dataclasses import replace

    from dred.cli.files import check_output
    from dred.cli.progress import progress
    from dred.errors import UsageError

    try:
        import torch
    except ImportError as error:
        raise UsageError("fitting needs torch: pip install 'dred[train]'") from error
    from dred.training.data import Corpus
    from dred.training.export import with_prior
    from dred.training.latent_prior import PriorConfig
    from dred.weights import read_safetensors, write_safetensors

    check_output(output, (".safetensors",))
    torch.set_num_threads(1)
    found = read_safetensors(weights / "weights.safetensors" if weights.is_dir() else weights)
    # Refused before the fit, if at all.
    found = replace(found, name=name or output.stem)
    config = PriorConfig(num_steps=steps, seed=seed)
    shares: list[float] = []
    with progress("fitting") as report:

        def note(step: int, share: float) -> None:
            shares.append(share)
            report(step / steps)

        fitted = with_prior(found, Corpus.open(corpus), config, report=note)
    write_safetensors(fitted, output)
    share = sum(shares[-10:]) / len(shares[-10:])
    print(f"wrote {output}: latents of training speech take {100 * share:.0f} % of the bits that tables need")
