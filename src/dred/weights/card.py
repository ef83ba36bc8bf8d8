"""A set of weights in words, and as JSON: what `dred weights show` prints."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from textwrap import wrap
from typing import Any

from dred.weights.layers import COMPONENTS, Layer
from dred.weights.model_card import ModelCard
from dred.weights.weight_set import TABLE_NAMES, WeightSet

__all__ = ["as_json", "describe"]

_WIDTH = 120


def describe(weights: WeightSet) -> str:
    """Describe a set: origin, licence, model card, networks with their layers, tables. Lines end in newlines."""
    return "".join(f"{line}\n" for line in _lines(weights))


def as_json(weights: WeightSet) -> dict[str, Any]:
    """Return the same as values that JSON knows."""
    return {
        "name": weights.name,
        **asdict(weights.card),
        "interoperable_with_libopus": weights.card.is_interoperable,
        "arrays_sha256": weights.tensors_sha256,
        "tables_sha256": weights.tables_sha256,
        "latent_dim": weights.latent_dim,
        "state_dim": weights.state_dim,
        "prior": {name: list(array.shape) for name, array in weights.prior.items()},
        "layers": [asdict(layer) | {"num_parameters": layer.num_parameters} for layer in weights.layers],
    }


def _lines(weights: WeightSet) -> Iterator[str]:
    card = weights.card
    reach = "" if card.is_interoperable else ", not interoperable with libopus"
    facts = {
        "name": weights.name,
        "source": card.source,
        "libopus": card.libopus or "none",
        "bitstream version": f"{card.bitstream_version}{reach}",
        "licence": card.licence or "not stated",
        "copyright": card.copyright,
        "training": card.training,
        "imported": card.imported,
        "SHA-256 of arrays": weights.tensors_sha256,
        "SHA-256 of tables": weights.tables_sha256,
    }
    for key, value in facts.items():
        if value:
            yield f"{key + ':':<20}{_printable(value)}"
    if card.model is not None:
        yield from _model_lines(card.model)
    for component in (*COMPONENTS, "other"):
        layers = [layer for layer in weights.layers if layer.component == component]
        if layers:
            yield ""
            yield f"{component}: {sum(layer.num_parameters for layer in layers):,} parameters"
            yield from map(_layer_line, layers)
    yield ""
    yield f"tables of 16 levels: {weights.latent_dim} latent and {weights.state_dim} state dimensions"
    for name in TABLE_NAMES:
        table = weights.tables[name]
        yield f"  {name:<26}{table.shape[1]:>5} wide, values {table.min()} to {table.max()}"
    if weights.prior:
        yield ""
        yield f"prior of a latent: {sum(array.size for array in weights.prior.values()):,} integers"


def _layer_line(layer: Layer) -> str:
    shape = f"{layer.num_inputs} -> {layer.num_outputs}" if layer.num_outputs else ""
    kind = f"{layer.dtype}{' sparse' if layer.is_sparse else ''}"
    return f"  {layer.name:<26}{shape:>12}  {kind:<12}{layer.num_parameters:>9,}"


def _model_lines(model: ModelCard) -> Iterator[str]:
    yield from _paragraph("intended use", [model.intended_use])
    yield from _paragraph("known failures", model.known_failures)
    yield from _paragraph(
        "trained on",
        [f"{source.name}, {source.hours:g} h, {source.licence}{_after(source.note)}" for source in model.data],
    )
    yield from _paragraph(
        "trained by",
        [
            f"{made.network}: {made.recipe}, {made.steps:,} steps, seed {made.seed}, commit {made.commit}; "
            f"{made.compute}{_after(made.note)}"
            for made in model.networks
        ],
    )
    yield from _paragraph(
        "figures, with intervals of 95 %",
        [f"{it.name}: {it.value:g} ({it.low:g} to {it.high:g}); {it.conditions}" for it in model.metrics],
    )


def _paragraph(title: str, items: Iterable[str]) -> Iterator[str]:
    yield ""
    yield title
    for item in items:
        yield from wrap(
            _printable(item),
            _WIDTH,
            initial_indent="  ",
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )


def _after(note: str) -> str:
    return f"; {note}" if note else ""


def _printable(text: str) -> str:
    """Return text that a terminal shows and obeys nothing of: files come from anywhere."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
