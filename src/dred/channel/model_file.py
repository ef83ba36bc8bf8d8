"""Loss models as files: JSON text with the parameters, what they were trained on, and how well they foresee.

TrainedModel <-> write_loss_model, read_loss_model; bundled_loss_model reads the one that dred brings along
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import numpy as np

from dred.channel.hidden_markov import MAX_STATES, HiddenMarkov
from dred.errors import FileFormatError, UsageError
from dred.whole_file import read_whole_file, write_whole_file

__all__ = ["TrainedModel", "bundled_loss_model", "read_loss_model", "write_loss_model"]

FORMAT = "dred-loss-model/1"
MAX_MODEL_BYTES = 1 << 20
_T = TypeVar("_T")
_SHOWN_CHARACTERS = 40
# A double knows no smaller probability than exp(-745).
_MOST_NATS = 745.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainedModel:
    """A loss model and its history.

    Attributes:
        model: What draws losses.
        trained_on: The data, in words.
        command: What made it.
        log_likelihoods: How well packets that were not trained on are foreseen, natural logarithm per packet, by kind
            of model: this one and simpler ones.
    """

    model: HiddenMarkov
    trained_on: str
    command: str
    log_likelihoods: dict[str, float]


def read_loss_model(path: Path | str) -> TrainedModel:
    """Read a model.

    Raises:
        UsageError: The file is missing, a folder, or not readable.
        FileFormatError: The file is no such JSON text, breaks a rule of its format, or exceeds 1 MiB.
    """
    data = read_whole_file(Path(path), max_bytes=MAX_MODEL_BYTES)
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"a loss model in JSON, {error}", value=data[:_SHOWN_CHARACTERS]) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise FileFormatError(f'an object with "format": "{FORMAT}"', value=data[:_SHOWN_CHARACTERS])
    states = _field(document, "states", list)
    if not 1 <= len(states) <= MAX_STATES:
        raise FileFormatError(f"1 to {MAX_STATES} states", value=len(states))
    rows = [_field(state, "next", list) for state in states]
    lengths = {len(row) for row in rows}
    if lengths != {len(states)}:
        raise FileFormatError(f'{len(states)} numbers in each "next"', value=sorted(lengths))
    try:
        model = HiddenMarkov(
            transitions=np.array([[_number(share, "next", 0, 1) for share in row] for row in rows]),
            losses=np.array([_number(state.get("loss"), "loss", 0, 1) for state in states]),
        )
    except UsageError as error:
        raise FileFormatError(str(error), value=f"{len(states)} states") from error
    likelihoods = _field(document, "log_likelihoods", dict)
    return TrainedModel(
        model=model,
        trained_on=_field(document, "trained_on", str),
        command=_field(document, "command", str),
        log_likelihoods={
            name: _number(value, "log_likelihoods", -_MOST_NATS, 0) for name, value in likelihoods.items()
        },
    )


def write_loss_model(path: Path | str, trained: TrainedModel) -> None:
    """Write a model, all or nothing.

    Raises:
        UsageError: The path cannot be written.
    """
    model = trained.model
    head = {
        "format": FORMAT,
        "trained_on": trained.trained_on,
        "command": trained.command,
        "log_likelihoods": trained.log_likelihoods,
    }
    states = [{"loss": loss, "next": row} for loss, row in zip(model.losses.tolist(), model.transitions.tolist())]
    # One line per state.
    lines = ",\n  ".join(json.dumps(state) for state in states)
    text = f'{json.dumps(head, indent=1).removesuffix("}").rstrip()},\n "states": [\n  {lines}\n ]\n}}\n'
    write_whole_file(Path(path), text.encode())


@cache
def bundled_loss_model() -> HiddenMarkov:
    """Load the model that dred brings along; docs/channel.md tells what it was trained on and where it errs."""
    return read_loss_model(Path(str(files("dred.data"))) / "loss_model.json").model


def _field(document: object, key: str, kind: type[_T]) -> _T:
    value = document.get(key) if isinstance(document, dict) else None
    if not isinstance(value, kind):
        raise FileFormatError(f'"{key}" as {kind.__name__}', value=type(value).__name__)
    return value


def _number(value: object, key: str, lowest: float, highest: float) -> float:
    """Accept a number; a NaN, which Python's JSON allows, is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not lowest <= value <= highest:
        raise FileFormatError(f'numbers of {lowest:g} to {highest:g} in "{key}"', value=str(value)[:_SHOWN_CHARACTERS])
    return float(value)
