"""What the page and the pipeline tell each other: JSON over the call's data channel.

From the page, one wish per message: `{"scheme": NAME}`, `{"network": NAME}` of `dred.channel.PRESETS`, or
`{"loss_percent": x, "mean_burst": x, "jitter_ms": x}`.
To the page, what a few steps brought (`write_steps`), or why the call ends (`write_end`).
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dred.channel import NetworkPreset, find_preset
from dred.errors import RemoteDataError, UsageError
from dred.studio.network import Network, NetworkSettings
from dred.studio.pipeline import StudioStep
from dred.studio.spectrum import Loudness, level_column

__all__ = ["MAX_OFFER_BYTES", "SchemeWish", "StepWriter", "Wish", "parse_offer", "parse_wish", "write_end"]

MAX_OFFER_BYTES = 20_000
_MAX_WISH_CHARACTERS = 500
_SLIDERS = ("loss_percent", "mean_burst", "jitter_ms")


@dataclass(frozen=True, slots=True)
class SchemeWish:
    """Let this scheme be heard. There may be none of this name."""

    name: str


Wish = SchemeWish | Network


def parse_wish(message: str | bytes) -> Wish:
    """Read a message of the page.

    Raises:
        RemoteDataError: It is not a wish, there is no such network, or a slider is out of its range.
    """
    if not isinstance(message, str) or len(message) > _MAX_WISH_CHARACTERS:
        raise RemoteDataError(f"a wish is a text of at most {_MAX_WISH_CHARACTERS} characters")
    content = _read_object(message)
    if set(content) == {"scheme"} and isinstance(content["scheme"], str):
        return SchemeWish(content["scheme"])
    if set(content) == {"network"} and isinstance(content["network"], str):
        return _find_network(content["network"])
    # True is an int for Python.
    if set(content) != set(_SLIDERS) or any(type(value) not in (int, float) for value in content.values()):
        raise RemoteDataError(f"an object of a scheme, of a network, or of the numbers {', '.join(_SLIDERS)}")
    try:
        return NetworkSettings(**{name: float(content[name]) for name in _SLIDERS})
    except (UsageError, OverflowError) as error:
        raise RemoteDataError(str(error)) from error


def parse_offer(body: bytes) -> str:
    """Read the page's offer of a call and return its session description.

    Raises:
        RemoteDataError: It is not an offer.
    """
    content = _read_object(body)
    if set(content) != {"sdp"} or not isinstance(content["sdp"], str):
        raise RemoteDataError("an object of sdp, a text")
    return content["sdp"]


class StepWriter:
    """Gathers steps and writes them in batches: fewer and larger messages cost less."""

    def __init__(self, num_steps: int) -> None:
        """Write so many steps at a time."""
        self._num_steps = num_steps
        self._sound = Loudness()
        self._steps: list[dict[str, Any]] = []
        self._latest: Sequence[StudioStep] = ()

    def add(self, step: StudioStep, spoken: Any) -> str | None:
        """Take in a step with what was said, and return the message that it completes, if it does."""
        spoken_db, heard_db = level_column(spoken), level_column(step.heard)
        self._sound.observe(spoken_db)
        columns = [b64encode(self._sound.quantise(levels).tobytes()).decode() for levels in (spoken_db, heard_db)]
        self._steps.append({"number": step.number, "lost": step.is_lost, "spoken": columns[0], "heard": columns[1]})
        self._latest = (*self._latest, step)
        if len(self._steps) < self._num_steps:
            return None
        message = {"steps": self._steps, "schemes": {name: self._sum_up(name) for name in step.schemes}}
        self._steps, self._latest = [], ()
        return json.dumps(message, separators=(",", ":"))

    def _sum_up(self, name: str) -> dict[str, Any]:
        parts = [step.schemes[name] for step in self._latest]
        delay_ms = parts[-1].delay_ms
        return {
            "sources": [[number, source.value] for part in parts for number, source in part.sources],
            "delay_ms": None if delay_ms is None else round(delay_ms, 1),
            "bytes": [
                sum(part.opus_bytes for part in parts),
                sum(part.red_bytes for part in parts),
                sum(part.dred_bytes for part in parts),
            ],
        }


def write_end(reason: str) -> str:
    """Tell the page why the call ends."""
    return json.dumps({"end": reason})


def _find_network(name: str) -> NetworkPreset:
    try:
        return find_preset(name)
    except UsageError as error:
        raise RemoteDataError(str(error)) from error


def _read_object(text: str | bytes) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RemoteDataError("a text of JSON") from error
    if not isinstance(content, dict):
        raise RemoteDataError("an object of JSON")
    return content
