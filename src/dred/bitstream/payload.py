"""The whole payload: header, initial state and latents, newest first <-> bytes.

Writing keeps as many latents as fit. A payload has no count of them: parsing goes on until fewer than 8 bits are left,
so that how far a payload reaches is only known once all its symbols are decoded. One call into compiled code each way.
Payloads come without the version's prefix bytes.

    write_payload: symbols -> bytes          parse_payload: bytes -> ParsedRedundancy

Source: draft-ietf-mlcodec-opus-dred; libopus 1.6.1 dnn/dred_encoder.c and dnn/dred_decoder.c.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int32

from dred.bitstream.header import DredHeader, check_payload_size
from dred.bitstream.laplace import MAX_MAGNITUDE
from dred.bitstream.payload_kernels import can_be_coded, decode_payload, encode_payload
from dred.bitstream.tables import PayloadTables
from dred.bitstream.version import MAX_LATENTS, MAX_PAYLOAD_BYTES, MIN_PAYLOAD_BYTES, DredVersion
from dred.errors import UsageError
from dred.timebase import TICKS_PER_CHUNK, ticks_to_ms


class WrittenPayload(NamedTuple):
    """Result of writing.

    Attributes:
        data: The payload without prefix; empty if not even the newest latent fits or none is to be committed.
        num_latents: Latents in it. A parser misses the last ones if fewer than 8 bits remain for them.
    """

    data: bytes
    num_latents: int


class ParsedRedundancy:
    """What a payload holds, before any network has run. Latents are newest first and stand for 40 ms each.

    Most payloads are only asked what they cover, so arrays and header are put into their form when asked for.

    Attributes:
        num_latents: Number of latents that were parsed.
        num_bytes: Length of the payload.
        frame_offset_ticks: Start of the Opus frame that carries it, after the start of the packet.
        offset_ticks: Where the newest audio ends, in ticks after the start of the packet; negative: before it.
    """

    __slots__ = (
        "_fields",
        "_levels",
        "_symbols",
        "_tables",
        "_values",
        "frame_offset_ticks",
        "num_bytes",
        "num_latents",
        "offset_ticks",
    )

    def __init__(
        self,
        tables: PayloadTables,
        fields: tuple[int, int, int, int],
        symbols: Int32[np.ndarray, " symbols"],
        values: Float32[np.ndarray, " symbols"],
        levels: Int32[np.ndarray, " max_latents"],
        num_latents: int,
        num_bytes: int,
        frame_offset_ticks: int,
    ) -> None:
        """Take over what `decode_payload` found; `fields` are those of the header."""
        self.num_latents = num_latents
        self.num_bytes = num_bytes
        self.frame_offset_ticks = frame_offset_ticks
        self.offset_ticks = fields[3] + frame_offset_ticks
        self._tables = tables
        self._fields = fields
        self._symbols = symbols
        self._values = values
        self._levels = levels

    @property
    def version(self) -> DredVersion:
        """The version it was parsed as."""
        return self._tables.version

    @property
    def header(self) -> DredHeader:
        """Levels and offset as sent."""
        q0, dq, qmax, offset_ticks = self._fields
        return DredHeader(q0=q0, dq=dq, qmax=qmax, offset_ticks=offset_ticks)

    @property
    def levels(self) -> Int32[np.ndarray, " latents"]:
        """Quantiser level of each latent; the state has that of `header.q0`."""
        return self._levels[: self.num_latents]

    @property
    def state_symbols(self) -> Int32[np.ndarray, " state_dim"]:
        """Quantised initial state."""
        return self._symbols[: self._tables.state.dim]

    @property
    def latent_symbols(self) -> Int32[np.ndarray, "latents latent_dim"]:
        """Quantised latents."""
        return self._latents_of(self._symbols)

    @property
    def state(self) -> Float32[np.ndarray, " state_dim"]:
        """Dequantised initial state."""
        return self._values[: self._tables.state.dim]

    @property
    def latents(self) -> Float32[np.ndarray, "latents latent_dim"]:
        """Dequantised latents."""
        return self._latents_of(self._values)

    @property
    def history_ticks(self) -> int:
        """How far before the packet the covered audio starts; 0 if it covers nothing before the packet."""
        return max(0, self.num_latents * TICKS_PER_CHUNK - self.offset_ticks)

    @property
    def end_ticks(self) -> int:
        """How far before the packet the covered audio ends; 0 if it reaches up to the packet."""
        return max(0, -self.offset_ticks)

    @property
    def history_ms(self) -> float:
        """`history_ticks` in milliseconds."""
        return ticks_to_ms(self.history_ticks)

    @property
    def end_ms(self) -> float:
        """`end_ticks` in milliseconds."""
        return ticks_to_ms(self.end_ticks)

    def _latents_of(self, vectors: np.ndarray) -> np.ndarray:
        start, dim = self._tables.state.dim, self._tables.latent.dim
        return vectors[start : start + self.num_latents * dim].reshape(self.num_latents, dim)


def write_payload(
    header: DredHeader,
    state_symbols: Int32[np.ndarray, " state_dim"],
    latent_symbols: Int32[np.ndarray, "latents latent_dim"],
    tables: PayloadTables,
    *,
    max_bytes: int = MAX_PAYLOAD_BYTES,
    max_latents: int = MAX_LATENTS,
    commit: Bool[np.ndarray, " flags"] | None = None,
) -> WrittenPayload:
    """Write a payload of the newest latents that fit, as few bytes as hold them.

    Symbols of dimensions that are not coded at their level are taken as 0.

    Args:
        max_bytes: Room for the payload, 8..1000.
        max_latents: Latents to write at most, 0..26.
        commit: Flags the latents after which the payload may end; all by default. It ends after the last flagged one
            that fits. libopus flags a latent if it or the one before it (the newer) holds speech.

    Raises:
        UsageError: An argument outside its range, shapes that do not match the tables, or a symbol that no payload
            can hold.
    """
    if not MIN_PAYLOAD_BYTES <= max_bytes <= MAX_PAYLOAD_BYTES:
        raise UsageError(f"max_bytes must be {MIN_PAYLOAD_BYTES}..{MAX_PAYLOAD_BYTES}, not {max_bytes}")
    _check_max_latents(max_latents)
    if state_symbols.shape != (tables.state.dim,) or latent_symbols.shape[1:] != (tables.latent.dim,):
        raise UsageError(
            f"version {tables.version.name} has {tables.state.dim} symbols of state and {tables.latent.dim} per latent"
        )
    if commit is None:
        commit = np.ones(len(latent_symbols), np.bool_)
    if len(commit) != len(latent_symbols):
        raise UsageError(f"commit must flag each of {len(latent_symbols)} latents, not {len(commit)}")
    state_symbols, latent_symbols = np.ascontiguousarray(state_symbols), np.ascontiguousarray(latent_symbols)
    if not (can_be_coded(state_symbols) and can_be_coded(latent_symbols.reshape(-1))):
        raise UsageError(f"symbols must be within +-{MAX_MAGNITUDE}")
    out = np.empty(max_bytes, np.uint8)
    num_bytes, num_latents = encode_payload(
        out,
        (header.q0, header.dq, header.qmax, header.offset_ticks),
        state_symbols,
        latent_symbols,
        min(len(latent_symbols), max_latents),
        np.ascontiguousarray(commit),
        tables.coding,
        tables.make_scratch(),
    )
    return WrittenPayload(data=out[:num_bytes].tobytes(), num_latents=num_latents)


def parse_payload(
    data: bytes, tables: PayloadTables, *, max_latents: int = MAX_LATENTS, frame_offset_ticks: int = 0
) -> ParsedRedundancy:
    """Parse a payload without prefix. Any bytes of a valid length parse.

    Args:
        max_latents: Latents to parse at most, 0..26; fewer cost less time.
        frame_offset_ticks: Index of the Opus frame that carries the payload, times its duration in ticks of 2.5 ms.

    Raises:
        DredPayloadError: The payload is empty or longer than 1000 bytes.
        UsageError: `max_latents` outside its range.
    """
    _check_max_latents(max_latents)
    check_payload_size(data)
    state_dim, latent_dim = tables.state.dim, tables.latent.dim
    num_symbols = state_dim + max_latents * latent_dim
    symbols = np.empty(num_symbols, np.int32)
    values = np.empty(num_symbols, np.float32)
    levels = np.empty(max_latents, np.int32)
    fields, num_latents = decode_payload(
        data, symbols, values, levels, state_dim, latent_dim, tables.coding, tables.make_scratch()
    )
    return ParsedRedundancy(tables, fields, symbols, values, levels, num_latents, len(data), frame_offset_ticks)


def _check_max_latents(max_latents: int) -> None:
    if not 0 <= max_latents <= MAX_LATENTS:
        raise UsageError(f"max_latents must be 0..{MAX_LATENTS}, not {max_latents}")
