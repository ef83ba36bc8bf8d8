"""Weights from any of the forms they are published in, told apart by content; and back into libopus's form.

  DNNw blob + tables file \\
  archive or source tree   > import_weights -> WeightSet -> export_dnnw -> the blob and its tables file
  dred's own safetensors  /
"""

from dataclasses import replace
from pathlib import Path

from dred.errors import ModelError, UsageError
from dred.weights.atomic_file import write_atomically
from dred.weights.dnnw import DNNW_MAGIC, parse_dnnw, write_dnnw
from dred.weights.opus_source import is_archive, read_opus_source
from dred.weights.safetensors_file import read_safetensors
from dred.weights.tables_file import Tables, parse_tables, write_tables
from dred.weights.unsigned_bias import with_unsigned_biases
from dred.weights.weight_set import SET_NAME, Card, WeightSet

__all__ = ["export_dnnw", "import_weights"]

LIBOPUS_LICENCE = "BSD-3-Clause"
LIBOPUS_COPYRIGHT = (
    "Copyright 2001-2023 Xiph.Org, Skype Limited, Octasic, Jean-Marc Valin, Timothy B. Terriberry, CSIRO, "
    "Gregory Maxwell, Mark Borgerding, Erik de Castro Lopo, Mozilla, Amazon"
)
"""Source: libopus 1.6.1, COPYING."""

_BLOB_SUFFIX = ".dnnw"
_TABLES_SUFFIX = ".tables.json"
# A full blob of 1.5.2 with the enhancement networks has 5 MB.
_MAX_FILE_BYTES = 256 << 20


def import_weights(path: Path, *, tables: Path | None = None, name: str | None = None, imported: str = "") -> WeightSet:
    """Read a set of weights from a DNNw blob, an Opus release archive or source tree, or dred's own file.

    Args:
        path: File or directory; its content decides, not its suffix.
        tables: Tables file of a blob; without it `<stem>.tables.json` beside the blob is taken.
        name: Name of the set; by default `opus-<release>`, else the file's stem, or the name that dred's own file has.
        imported: Date to note on the card, in any form; nothing by default.

    Raises:
        UsageError: The name is impossible, or tables were given although the file is no blob.
        ModelError: The file is unreadable, or none of the three forms, or a blob without tables.
    """
    if name is not None and not SET_NAME.fullmatch(name):
        raise UsageError(f"a set's name has 1 to 64 letters, digits and ._+-, not {name!r}")
    head = b"" if path.is_dir() else _read_file(path, 512)
    if head.startswith(DNNW_MAGIC):
        weights = _import_blob(path, tables)
    elif tables is not None:
        raise UsageError(f"a tables file goes with a DNNw blob only, and {path.name} is none")
    elif path.is_dir() or is_archive(head):
        weights = _import_source(path)
    elif head[8:9] == b"{":
        weights = read_safetensors(path)
    else:
        raise ModelError(f"{path.name} is no DNNw blob, no archive or source tree of Opus, and no safetensors file")
    card = replace(weights.card, imported=imported or weights.card.imported)
    return replace(weights, name=name or weights.name, card=card)


def export_dnnw(weights: WeightSet, path: Path) -> tuple[Path, Path]:
    """Write a set as a DNNw blob and, beside it, the tables file that an import of the blob needs.

    A blob that was imported comes back byte for byte. Layers that dred trained get the biases that libopus's kernels
    for unsigned activations need.

    Returns:
        Paths of the blob and of the tables file, `<stem>.tables.json`.

    Raises:
        ModelError: A name is too long for a blob, or the file system refuses.
    """
    tables = Tables(
        libopus=weights.card.libopus, bitstream_version=weights.card.bitstream_version, tables=weights.tables
    )
    tables_path = _tables_beside(path)
    write_atomically(path, write_dnnw(with_unsigned_biases(weights.tensors)))
    write_atomically(tables_path, write_tables(tables).encode())
    return path, tables_path


def _import_blob(path: Path, tables_path: Path | None) -> WeightSet:
    beside = _tables_beside(path)
    if tables_path is None and not beside.is_file():
        raise ModelError(
            f"{path.name} is a DNNw blob, which has no tables: pass --tables FILE or put {beside.name} beside"
        )
    tables_path = tables_path or beside
    try:
        text = _read_file(tables_path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(f"{tables_path.name}: not a tables file: {error}") from error
    tables = parse_tables(text)
    card = Card(
        source=f"{path.name} + {tables_path.name}",
        libopus=tables.libopus,
        bitstream_version=tables.bitstream_version,
        licence=LIBOPUS_LICENCE if tables.libopus else "",
        copyright=LIBOPUS_COPYRIGHT if tables.libopus else "",
    )
    name = _default_name(tables.libopus, _stem(path))
    return WeightSet(name=name, card=card, tensors=parse_dnnw(_read_file(path)), tables=tables.tables)


def _import_source(path: Path) -> WeightSet:
    source = read_opus_source(path)
    file_name = path.resolve().name
    card = Card(
        source=file_name,
        libopus=source.libopus,
        bitstream_version=source.bitstream_version,
        licence=LIBOPUS_LICENCE,
        copyright=LIBOPUS_COPYRIGHT,
    )
    name = _default_name(source.libopus, file_name.partition(".")[0])
    return WeightSet(name=name, card=card, tensors=source.tensors, tables=source.tables)


def _default_name(libopus: str, stem: str) -> str:
    return f"opus-{libopus}" if libopus else stem


def _stem(blob_path: Path) -> str:
    return blob_path.name.removesuffix(_BLOB_SUFFIX)


def _tables_beside(blob_path: Path) -> Path:
    return blob_path.with_name(_stem(blob_path) + _TABLES_SUFFIX)


def _read_file(path: Path, max_bytes: int | None = None) -> bytes:
    """Read a file, or its first `max_bytes`."""
    limit = _MAX_FILE_BYTES + 1 if max_bytes is None else max_bytes
    try:
        with path.open("rb") as file:
            data = file.read(limit)
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > _MAX_FILE_BYTES:
        raise ModelError(f"{path.name} is larger than {_MAX_FILE_BYTES >> 20} MiB")
    return data
