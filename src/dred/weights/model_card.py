"""What one must know of trained networks before using them: data, training, figures, purpose, failures.

A card is part of a set's metadata and is written there as JSON. `describe` puts it into words.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from types import GenericAlias
from typing import Any, TypeVar, get_args, get_type_hints

from dred.errors import ModelError

__all__ = ["DataSource", "MeasuredFigure", "ModelCard", "NetworkTraining", "parse_model_card", "write_model_card"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """Speech that networks were trained on.

    Attributes:
        name: Usual name of the collection.
        licence: SPDX expression, or the terms in few words.
        hours: How much of it, before augmentation.
        note: What else matters: speakers, languages, what was left out.
    """

    name: str
    licence: str
    hours: float
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkTraining:
    """How one network came to be.

    Attributes:
        network: Which one, such as "FARGAN vocoder".
        recipe: Recipe of `dred train`, or several in the order in which they ran.
        steps: Steps of all of them together.
        seed: Of the last one.
        commit: Of dred's source.
        compute: Machine and time.
        note: What else matters: where it started, what it was distilled from.
    """

    network: str
    recipe: str
    steps: int
    seed: int
    commit: str
    compute: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredFigure:
    """A figure on speech that no network was trained on; its conditions say whether results were chosen on it.

    Attributes:
        name: What was measured.
        value: Mean.
        low: Lower end of its interval of 95 %.
        high: Upper end.
        conditions: Speech, losses, and the command that measures it again.
    """

    name: str
    value: float
    low: float
    high: float
    conditions: str

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ModelError(f"{self.name} of {self.value} is not within {self.low} to {self.high}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """All of it, for one set.

    Attributes:
        intended_use: What the set is for, and what not.
        known_failures: Where it does badly.
        data: What it was trained on.
        networks: How each of its networks was trained.
        metrics: How good it is.
    """

    intended_use: str
    known_failures: tuple[str, ...]
    data: tuple[DataSource, ...]
    networks: tuple[NetworkTraining, ...]
    metrics: tuple[MeasuredFigure, ...]


def write_model_card(card: ModelCard) -> dict[str, Any]:
    """Return a card as JSON has it."""
    return asdict(card)


def parse_model_card(value: object) -> ModelCard:
    """Return the card that a JSON value holds.

    Raises:
        ModelError: A field is missing, unknown or of another type; the text names it.
    """
    return _parse_object(ModelCard, value, "the model card")


def _parse_object(kind: type[T], value: object, where: str) -> T:
    if not isinstance(value, Mapping):
        raise ModelError(f"{where} is no JSON object")
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    for name in value:
        if name not in known:
            raise ModelError(f"{where} has an unknown field {name!r}")
    for name, field in known.items():
        if field.default is MISSING and name not in value:
            raise ModelError(f"{where} has no field {name!r}")
    types = get_type_hints(kind)
    return kind(**{name: _parse_value(types[name], found, f"{where}'s {name}") for name, found in value.items()})


def _parse_value(kind: Any, value: object, where: str) -> Any:
    if isinstance(kind, GenericAlias):
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise ModelError(f"{where} is no list")
        item = get_args(kind)[0]
        return tuple(_parse_value(item, found, where) for found in value)
    if is_dataclass(kind):
        return _parse_object(kind, value, where)  # type: ignore[arg-type]
    if kind is float and type(value) in (int, float):
        return _parse_float(value, where)
    if type(value) is not kind:
        raise ModelError(f"{where} is {value!r}, not a {kind.__name__}")
    return value


def _parse_float(value: Any, where: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ModelError(f"{where} is not finite")
    return number
