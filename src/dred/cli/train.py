"""`dred train`: a corpus to networks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dred.cli import options

if TYPE_CHECKING:
    from dred.training.recipes import Recipe


def train(
    recipe: Annotated[str, typer.Argument(help="What to train, and how; `list` lists all.")],
    *,
    corpus: Annotated[
        Path | None, typer.Option("--corpus", metavar="FOLDER", help="What `dred corpus build` wrote.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Of the run: checkpoint, losses, weights.")
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--start", metavar="PATH", help="What to start from: a run's folder, or weights. Second stages need it."
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="In place of the recipe's.", min=1)] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="In place of the recipe's.", min=0)] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", help="Stop after these, to go on another time.", min=0)
    ] = None,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda. Default: a GPU if there is one.")] = "",
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write events for tensorboard, too.")] = False,
    name: Annotated[str, typer.Option("--name", help="Of the trained weights. Default: the recipe.")] = "",
    weights: options.Weights = None,
) -> None:
    """Train a network; a run that was stopped or killed goes on from its last checkpoint.

    In the end the folder holds weights.safetensors for `dred weights import`: what was trained, on top of installed
    weights, which give the other networks.

    \b
    Examples:
    dred train list
    dred train tiny-fargan --corpus corpus --out runs/tiny
    dred train fargan --corpus corpus --out runs/stage1 --tensorboard
    dred train fargan-adversarial --corpus corpus --out runs/stage2 --start runs/stage1
    """
    from dred.errors import UsageError

    recipes = _recipes()
    if recipe == "list":
        width = max(map(len, recipes)) + 2
        for known, (_, summary) in recipes.items():
            print(f"{known:<{width}}{summary}")
        return
    if recipe not in recipes:
        raise UsageError(f"there is no recipe {recipe}, but {', '.join(recipes)}")
    if corpus is None or out is None:
        raise UsageError("a run needs --corpus and --out")
    _run(_changed(recipes[recipe][0], steps, seed), corpus, out, start, minutes, device, tensorboard, name, weights)


def _recipes() -> dict[str, tuple["Recipe", str]]:
    """Return every recipe with the first line of what it says about itself."""
    from dred.errors import UsageError

    try:
        from dred.training.recipes import RECIPES
    except ModuleNotFoundError as error:
        raise UsageError(f"training needs {error.name}: pip install 'dred[train]'") from error
    return {name: (make(), (make.__doc__ or "").splitlines()[0]) for name, make in RECIPES.items()}


def _changed(recipe: "Recipe", steps: int | None, seed: int | None) -> "Recipe":
    from dataclasses import replace

    trainer = recipe.trainer
    if steps is not None:
        trainer = replace(trainer, num_steps=steps)
    if seed is not None:
        trainer = replace(trainer, seed=seed)
    return replace(recipe, trainer=trainer)


def _run(
    recipe: "Recipe",
    corpus: Path,
    out: Path,
    start: Path | None,
    minutes: float | None,
    device: str,
    tensorboard: bool,
    name: str,
    weights: str | None,
) -> None:
    from dred.cli.progress import progress
    from dred.training.data import Corpus
    from dred.training.processes import is_first
    from dred.training.run import RunConfig, export_run, run_recipe
    from dred.weights import load

    base = load(weights)
    speech = Corpus.open(corpus)
    config = RunConfig(
        folder=out,
        start=start,
        device=device,
        max_seconds=float("inf") if minutes is None else 60 * minutes,
        tensorboard=tensorboard,
    )
    with progress("training") as report:
        num_steps = run_recipe(recipe, speech, config, report=lambda state: report(state.step / state.num_steps))
    if not is_first():
        return
    if num_steps < recipe.trainer.num_steps:
        print(f"{num_steps} of {recipe.trainer.num_steps} steps; the same command goes on")
        return
    path = export_run(recipe, speech, out, base, name=name or recipe.name)
    print(f"{path}: dred weights import {path}")
