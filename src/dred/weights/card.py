"""A set of weights in words: what `dred weights show` prints."""

from collections.abc import Iterator

from dred.weights.layers import COMPONENTS, Layer
from dred.weights.weight_set import TABLE_NAMES, WeightSet

__all__ = ["describe"]


def describe(weights: WeightSet) -> str:
    """Describe a set: origin, licence, networks with their layers, tables, hashes. Lines end in newlines."""
    return "".join(f"{line}\n" for line in _lines(weights))


def _lines(weights: WeightSet) -> Iterator[str]:
    card = weights.card
    facts = {
        "name": weights.name,
        "source": card.source,
        "libopus": card.libopus or "none",
        "bitstream version": str(card.bitstream_version),
        "licence": card.licence or "not stated",
        "copyright": card.copyright,
        "training": card.training,
        "imported": card.imported,
        "SHA-256 of arrays": weights.tensors_sha256,
        "SHA-256 of tables": weights.tables_sha256,
    }
    for key, value in facts.items():
        if value:
            yield f"{key + ':':<20}{value}"
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


def _layer_line(layer: Layer) -> str:
    shape = f"{layer.num_inputs} -> {layer.num_outputs}" if layer.num_outputs else ""
    kind = f"{layer.dtype}{' sparse' if layer.is_sparse else ''}"
    return f"  {layer.name:<26}{shape:>12}  {kind:<12}{layer.num_parameters:>9,}"
