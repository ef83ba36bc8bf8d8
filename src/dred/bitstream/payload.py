"""The whole payload: header, initial state and latents, newest first <-> bytes.

Writing keeps as many latents as fit; a payload has no count, so parsing goes on until fewer than 8 bits are left. One
call into compiled code each way. Payloads come without the version's prefix bytes.

    write_payload: symbols -> bytes          parse_payload: bytes -> ParsedRedundancy

Source: draft-ietf-mlcodec-opus-dred; libopus 1.6.1 dnn/dred_encoder.c and dnn/dred_decoder.c.
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64, UInt8
from numba import njit

from dred.bitstream import range_kernels as kernels
from dred.bitstream.header import DredHeader, as_payload_bytes, decode_header, encode_header
from dred.bitstream.laplace import MAX_MAGNITUDE, LaplaceModel, decode_laplace, encode_laplace
from dred.bitstream.quantiser import dequantise, quality_level
from dred.bitstream.tables import PayloadTables
from dred.bitstream.version import MAX_LATENTS, MAX_PAYLOAD_BYTES, MIN_PAYLOAD_BYTES, DredVersion
from dred.errors import UsageError
from dred.timebase import TICKS_PER_CHUNK, ticks_to_ms


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WrittenPayload:
    """Result of writing.

    Attributes:
        data: The payload without prefix; empty if not even the newest latent fits or none is to be committed.
        num_latents: Latents in it. A parser misses the last ones if fewer than 8 bits remain for them.
    """

    data: bytes
    num_latents: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ParsedRedundancy:
    """What a payload holds, before any network has run. Latents are newest first and stand for 40 ms each.

    Attributes:
        version: The version it was parsed as.
        header: Levels and offset as sent.
        state_symbols: Quantised initial state.
        latent_symbols: Quantised latents.
        levels: Quantiser level of each latent; the state has that of `header.q0`.
        state: Dequantised initial state.
        latents: Dequantised latents.
        num_bytes: Length of the payload.
        frame_offset_ticks: Start of the Opus frame that carries it, after the start of the packet.
    """

    version: DredVersion
    header: DredHeader
    state_symbols: Int32[np.ndarray, " state_dim"]
    latent_symbols: Int32[np.ndarray, "latents latent_dim"]
    levels: Int32[np.ndarray, " latents"]
    state: Float32[np.ndarray, " state_dim"]
    latents: Float32[np.ndarray, "latents latent_dim"]
    num_bytes: int
    frame_offset_ticks: int

    @property
    def num_latents(self) -> int:
        """Number of latents."""
        return self.latents.shape[0]

    @property
    def offset_ticks(self) -> int:
        """Where the newest audio ends, in ticks after the start of the packet; negative: before it."""
        return self.header.offset_ticks + self.frame_offset_ticks

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


@njit(cache=True, nogil=True)
@no_type_check
def _encode_vector(
    state: Int64[np.ndarray, " 6"],
    out: UInt8[np.ndarray, " bytes"],
    symbols: Int32[np.ndarray, " dims"],
    model: LaplaceModel,
    level: int,
) -> None:
    for d in range(symbols.size):
        if model.is_coded[level, d]:
            encode_laplace(state, out, symbols[d], model.sign_icdf[level, d], model.magnitude_icdf[level, d])


@njit(cache=True, nogil=True)
@no_type_check
def _decode_vector(
    state: Int64[np.ndarray, " 6"],
    data: UInt8[np.ndarray, " bytes"],
    symbols: Int32[np.ndarray, " dims"],
    model: LaplaceModel,
    level: int,
) -> None:
    for d in range(symbols.size):
        if model.is_coded[level, d]:
            symbols[d] = decode_laplace(state, data, model.sign_icdf[level, d], model.magnitude_icdf[level, d])


@njit(cache=True, nogil=True)
@no_type_check
def _write(
    out: UInt8[np.ndarray, " bytes"],
    q0: int,
    dq: int,
    qmax: int,
    offset_ticks: int,
    state_symbols: Int32[np.ndarray, " state_dim"],
    latent_symbols: Int32[np.ndarray, "latents latent_dim"],
    state_model: LaplaceModel,
    latent_model: LaplaceModel,
    commit: Bool[np.ndarray, " latents"],
) -> tuple[int, int]:
    coder = kernels.start_encoder()
    encode_header(coder, out, q0, dq, qmax, offset_ticks)
    _encode_vector(coder, out, state_symbols, state_model, q0)
    kept = coder.copy()
    num_kept = 0
    for i in range(latent_symbols.shape[0]):
        _encode_vector(coder, out, latent_symbols[i], latent_model, quality_level(q0, dq, qmax, i))
        if kernels.tell_bits(coder) > 8 * out.size:
            break
        if commit[i]:
            # Going back is only this: a carry never reaches bytes that are already in `out`.
            kept[:] = coder
            num_kept = i + 1
    num_bytes = (kernels.tell_bits(kept) + 7) // 8 if num_kept else 0
    if num_kept:
        kernels.finish(kept, out, num_bytes)
    return num_bytes, num_kept


@njit(cache=True, nogil=True)
@no_type_check
def _parse(
    data: UInt8[np.ndarray, " bytes"],
    state_symbols: Int32[np.ndarray, " state_dim"],
    latent_symbols: Int32[np.ndarray, "latents latent_dim"],
    levels: Int32[np.ndarray, " latents"],
    state_model: LaplaceModel,
    latent_model: LaplaceModel,
) -> tuple[int, int, int, int, int]:
    coder = kernels.start_decoder(data)
    q0, dq, qmax, offset_ticks = decode_header(coder, data)
    _decode_vector(coder, data, state_symbols, state_model, q0)
    num_latents = 0
    while num_latents < levels.size and 8 * data.size - kernels.tell_bits(coder) >= 8:
        levels[num_latents] = quality_level(q0, dq, qmax, num_latents)
        _decode_vector(coder, data, latent_symbols[num_latents], latent_model, levels[num_latents])
        num_latents += 1
    return q0, dq, qmax, offset_ticks, num_latents


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
    for symbols in (state_symbols, latent_symbols):
        if symbols.size and max(int(symbols.max()), -int(symbols.min())) > MAX_MAGNITUDE:
            raise UsageError(f"symbols must be within +-{MAX_MAGNITUDE}")
    out = np.empty(max_bytes, np.uint8)
    num_bytes, num_latents = _write(
        out,
        header.q0,
        header.dq,
        header.qmax,
        header.offset_ticks,
        np.ascontiguousarray(state_symbols),
        np.ascontiguousarray(latent_symbols[:max_latents]),
        tables.state.model,
        tables.latent.model,
        np.ascontiguousarray(commit),
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
    payload = as_payload_bytes(data)
    state_symbols = np.zeros(tables.state.dim, np.int32)
    latent_symbols = np.zeros((max_latents, tables.latent.dim), np.int32)
    levels = np.zeros(max_latents, np.int32)
    q0, dq, qmax, offset_ticks, num_latents = _parse(
        payload, state_symbols, latent_symbols, levels, tables.state.model, tables.latent.model
    )
    latent_symbols, levels = latent_symbols[:num_latents], levels[:num_latents]
    return ParsedRedundancy(
        version=tables.version,
        header=DredHeader(q0=q0, dq=dq, qmax=qmax, offset_ticks=offset_ticks),
        state_symbols=state_symbols,
        latent_symbols=latent_symbols,
        levels=levels,
        state=dequantise(state_symbols, q0, tables.state),
        latents=dequantise(latent_symbols, levels, tables.latent),
        num_bytes=len(data),
        frame_offset_ticks=frame_offset_ticks,
    )


def _check_max_latents(max_latents: int) -> None:
    if not 0 <= max_latents <= MAX_LATENTS:
        raise UsageError(f"max_latents must be 0..{MAX_LATENTS}, not {max_latents}")
