"""A recipe, a corpus and a folder: train there, or go on, and export what came out."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from dred.errors import ModelError, UsageError
from dred.training.checkpoint import read_checkpoint, restore
from dred.training.concealing import Concealing, ConcealingConfig
from dred.training.data import Corpus
from dred.training.excitation import ExcitationCoding, ExcitationConfig
from dred.training.export import OWN_BITSTREAM_VERSION, export_redundancy, with_networks
from dred.training.layers import export_tensors, load_tensors
from dred.training.pitch_tracking import PitchTracking, PitchTrackingConfig
from dred.training.processes import device_of_process, joined
from dred.training.recipes import Recipe
from dred.training.redundancy import RdovaeModel, RedundancyCoding, RedundancyConfig
from dred.training.rounding import with_int8_layers
from dred.training.trainer import CHECKPOINT, Progress, train
from dred.training.vocoding import AdversarialVocoding, SpectralVocoding, VocodingConfig
from dred.weights import Card, WeightSet, read_safetensors, write_safetensors

__all__ = ["WEIGHTS", "RunConfig", "export_run", "run_recipe"]

WEIGHTS = "weights.safetensors"
_AVERAGE = "/adam.average."

_Task = SpectralVocoding | AdversarialVocoding | ExcitationCoding | RedundancyCoding | PitchTracking | Concealing


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """Where a run happens and for how long at most.

    Attributes:
        folder: Checkpoint, log and result go here; a checkpoint found there is gone on from.
        start: What to start from: the folder of another run, or a weight set's file. Some recipes need it.
        device: Such as "cpu" or "cuda"; empty for a GPU if there is one.
        max_seconds: When to stop with a checkpoint though there are steps left.
        tensorboard: Whether to write events for tensorboard, too.
    """

    folder: Path
    start: Path | None = None
    device: str = ""
    max_seconds: float = float("inf")
    tensorboard: bool = False


def run_recipe(
    recipe: Recipe, corpus: Corpus, config: RunConfig, *, report: Callable[[Progress], None] = lambda _: None
) -> int:
    """Train, and return the number of steps done: all of the recipe's unless time ran out.

    Of several processes that torchrun started, each calls this.

    Raises:
        UsageError: The recipe needs a start, the device does not exist, or the folder holds another run.
        ModelError: The start or a checkpoint does not fit.
    """
    device = _device(config.device)
    task = _build_task(recipe, corpus, device)
    if config.start is not None:
        _start_from(task, config.start)
    elif recipe.needs_start:
        raise UsageError(f"{recipe.name} starts from the result of another run: name its folder, or a weight set")
    settings = {"recipe": asdict(recipe), "corpus": _fingerprint(corpus)}
    with _fast_products(device), joined(device):
        return train(
            task,
            recipe.trainer,
            config.folder,
            settings=settings,
            report=report,
            tensorboard=config.tensorboard,
            max_seconds=config.max_seconds,
        )


def export_run(recipe: Recipe, corpus: Corpus, folder: Path, base: WeightSet, *, name: str, commit: str = "") -> Path:
    """Write the averaged weights of a run's checkpoint as a weight set, and return its path.

    Args:
        recipe: The run's.
        corpus: The run's; what symbols cost is counted on it, and its licences are named.
        folder: The run's.
        base: Gives the networks that the run did not train.
        name: Of the set.
        commit: Of dred's source, for the card.

    Raises:
        ModelError: The checkpoint is missing or of another recipe.
    """
    task = _build_task(recipe, corpus, torch.device("cpu"))
    tensors, step, settings = read_checkpoint(folder / CHECKPOINT)
    if settings.get("recipe") != json.loads(json.dumps(asdict(recipe))):
        raise ModelError(f"the checkpoint in {folder} is not of the recipe {recipe.name}")
    module_name, module = next(iter(task.modules.items()))
    restore(dict(module.named_parameters()), _averages(tensors, module_name))
    training = {
        "recipe": recipe.name,
        "steps": step,
        "seed": recipe.trainer.seed,
        "commit": commit,
        "corpus": settings["corpus"],
        "other networks": base.name,
    }
    card = Card(
        source=f"trained with dred on top of {base.name}",
        libopus="",
        bitstream_version=OWN_BITSTREAM_VERSION if recipe.trained == "redundancy" else base.card.bitstream_version,
        licence=base.card.licence,
        copyright=base.card.copyright,
        training=json.dumps(training),
    )
    if isinstance(module, RdovaeModel):
        exported = export_redundancy(module, corpus)
        weights = with_networks(base, name, card, with_int8_layers(exported.tensors), exported.tables)
    else:
        weights = with_networks(base, name, card, with_int8_layers(export_tensors(module)), {})
    write_safetensors(weights, folder / WEIGHTS)
    return folder / WEIGHTS


def _build_task(recipe: Recipe, corpus: Corpus, device: torch.device) -> _Task:
    seed = recipe.trainer.seed
    if isinstance(recipe.task, RedundancyConfig):
        return RedundancyCoding(corpus, recipe.task, device, seed)
    if isinstance(recipe.task, PitchTrackingConfig):
        return PitchTracking(corpus, recipe.task, device, seed)
    if isinstance(recipe.task, ConcealingConfig):
        return Concealing(corpus, recipe.task, device, seed)
    if isinstance(recipe.task, ExcitationConfig):
        return ExcitationCoding(corpus, recipe.task, device, seed)
    assert isinstance(recipe.task, VocodingConfig)
    if recipe.adversarial is not None:
        return AdversarialVocoding(corpus, recipe.task, recipe.adversarial, device, seed)
    return SpectralVocoding(corpus, recipe.task, device, seed)


def _start_from(task: _Task, start: Path) -> None:
    """Set weights, and their average, to the averaged weights of another run or to those of a set."""
    name, module = next(iter(task.modules.items()))
    weights = dict(module.named_parameters())
    if start.is_dir():
        tensors, _, _ = read_checkpoint(start / CHECKPOINT)
        restore(weights, _averages(tensors, name))
    else:
        load_tensors(module, read_safetensors(start).tensors)
    restore(task.optimisers[name].averages(), weights)


def _averages(tensors: dict[str, torch.Tensor], module: str) -> dict[str, torch.Tensor]:
    prefix = module + _AVERAGE
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _device(name: str) -> torch.device:
    try:
        device = device_of_process(torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu")))
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"there is no device {name}: {str(error).splitlines()[0]}") from error
    return device


def _fingerprint(corpus: Corpus) -> dict[str, Any]:
    """Tell a corpus from others, and what went into it."""
    used = [clip for clip in corpus.clips if clip["split"] == "train"]
    text = json.dumps([[clip["name"], clip["variant"], clip["num_frames"]] for clip in used])
    synthetic_hours = sum(clip["num_frames"] for clip in used if clip.get("is_synthetic")) / 360_000
    return {
        "sha256": hashlib.sha256(text.encode()).hexdigest()[:16],
        "hours": round(sum(clip["num_frames"] for clip in used) / 360_000, 3),
        "recordings": len({clip["name"] for clip in used}),
        "speakers": len({clip["speaker"] for clip in used}),
        "licences": sorted({clip["licence"] or "not stated" for clip in used}),
        # Only where there is any, so that runs which began without such speech go on.
        **({"synthetic_hours": round(synthetic_hours, 3)} if synthetic_hours else {}),
    }


@contextmanager
def _fast_products(device: torch.device) -> Iterator[None]:
    """On a GPU, let matrix products round their inputs to 10 bits while the body runs."""
    before = torch.get_float32_matmul_precision()
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
