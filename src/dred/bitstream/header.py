"""The payload's first symbols: quantiser levels and position in time.

They stand in this order: q0, dq, a flag, the upper part of the offset if flagged, its lower part, and qmax if the
levels can rise to more than one value. Source: draft-ietf-mlcodec-opus-dred; libopus 1.6.1 dnn/dred_decoder.c.
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Int32

from dred.bitstream import range_kernels as kernels
from dred.bitstream.quantiser import quality_level
from dred.bitstream.version import MAX_PAYLOAD_BYTES, NUM_LEVELS
from dred.compilation import compiled
from dred.errors import DredPayloadError, UsageError

_inlined = compiled(inline="late", makes_arrays=False)

_MAX_LEVEL = NUM_LEVELS - 1
_NUM_SLOPES = 8
_OFFSET_BASE_TICKS = 16
_OFFSET_STEP = 32
_OFFSET_STEPS = 256

MAX_OFFSET_TICKS = _OFFSET_BASE_TICKS
MIN_OFFSET_TICKS = _OFFSET_BASE_TICKS - (_OFFSET_STEP * _OFFSET_STEPS - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DredHeader:
    """What a payload says before its symbols.

    Attributes:
        q0: Level of the initial state and the newest latent, 0 = finest, 15 = coarsest.
        dq: Slope index, 0..7: how fast the level rises with age; 0 = not at all.
        qmax: Level at which the rise stops, q0 + 1..15; 15 where nothing is sent: `dq` = 0 or `q0` > 13.
        offset_ticks: Where the newest audio ends, in ticks of 2.5 ms after the start of the Opus frame that carries the
            payload, -8175..16. Negative: so long before that start, since silence was left out.

    Raises:
        UsageError: A field outside its range.
    """

    q0: int
    dq: int
    qmax: int
    offset_ticks: int

    def __post_init__(self) -> None:
        if not 0 <= self.q0 <= _MAX_LEVEL:
            raise UsageError(f"q0 must be 0..{_MAX_LEVEL}, not {self.q0}")
        if not 0 <= self.dq < _NUM_SLOPES:
            raise UsageError(f"dq must be 0..{_NUM_SLOPES - 1}, not {self.dq}")
        lowest = self.q0 + 1 if _has_qmax(self.q0, self.dq) else _MAX_LEVEL
        if not lowest <= self.qmax <= _MAX_LEVEL:
            raise UsageError(f"qmax must be {lowest}..{_MAX_LEVEL} for q0={self.q0}, dq={self.dq}, not {self.qmax}")
        if not MIN_OFFSET_TICKS <= self.offset_ticks <= MAX_OFFSET_TICKS:
            raise UsageError(
                f"the offset must be {MIN_OFFSET_TICKS}..{MAX_OFFSET_TICKS} ticks, not {self.offset_ticks}"
            )

    def levels(self, num_latents: int) -> Int32[np.ndarray, " latents"]:
        """Return the level of each latent, newest first."""
        levels = np.empty(num_latents, np.int32)
        _fill_levels(levels, self.q0, self.dq, self.qmax)
        return levels


@_inlined
@no_type_check
def _has_qmax(q0, dq):
    """Tell whether the payload holds a qmax symbol."""
    return q0 < _MAX_LEVEL - 1 and dq > 0


@compiled(makes_arrays=False)
@no_type_check
def encode_header(state, out, q0, dq, qmax, offset_ticks):
    """Encode the fields of a valid header."""
    state = kernels.encode(state, out, q0, q0 + 1, NUM_LEVELS)
    state = kernels.encode(state, out, dq, dq + 1, _NUM_SLOPES)
    distance = _OFFSET_BASE_TICKS - offset_ticks
    high, low = distance // _OFFSET_STEP, distance % _OFFSET_STEP
    if high > 0:
        state = kernels.encode(state, out, 1, 2, 2)
        state = kernels.encode(state, out, high, high + 1, _OFFSET_STEPS)
    else:
        state = kernels.encode(state, out, 0, 1, 2)
    state = kernels.encode(state, out, low, low + 1, _OFFSET_STEP)
    if _has_qmax(q0, dq):
        # Half of the total says 15, the other half is shared by the levels between q0 and 15.
        half = _MAX_LEVEL - 1 - q0
        if qmax == _MAX_LEVEL:
            state = kernels.encode(state, out, 0, half, 2 * half)
        else:
            point = half + qmax - q0 - 1
            state = kernels.encode(state, out, point, point + 1, 2 * half)
    return state


@compiled(makes_arrays=False)
@no_type_check
def decode_header(state, data):
    """Decode q0, dq, qmax and offset_ticks; any bytes give valid ones."""
    q0, state = kernels.decode_uint(state, data, NUM_LEVELS)
    dq, state = kernels.decode_uint(state, data, _NUM_SLOPES)
    is_far, state = kernels.decode_uint(state, data, 2)
    high = 0
    if is_far:
        high, state = kernels.decode_uint(state, data, _OFFSET_STEPS)
    low, state = kernels.decode_uint(state, data, _OFFSET_STEP)
    qmax = _MAX_LEVEL
    if _has_qmax(q0, dq):
        half = _MAX_LEVEL - 1 - q0
        point = kernels.peek(state, 2 * half)
        if point < half:
            state = kernels.advance(state, data, 0, half, 2 * half)
        else:
            state = kernels.advance(state, data, point, point + 1, 2 * half)
            qmax = q0 + 1 + point - half
    return q0, dq, qmax, _OFFSET_BASE_TICKS - low - _OFFSET_STEP * high, state


@compiled(makes_arrays=False)
@no_type_check
def _parse(data):
    return decode_header(kernels.start_decoder(data), data)[:4]


@compiled(makes_arrays=False)
@no_type_check
def _fill_levels(levels, q0, dq, qmax):
    for index in range(levels.size):
        levels[index] = quality_level(q0, dq, qmax, index)


def check_payload_size(data: bytes) -> None:
    """Check that a payload has 1 to 1000 bytes.

    Raises:
        DredPayloadError: It has not.
    """
    if not 1 <= len(data) <= MAX_PAYLOAD_BYTES:
        raise DredPayloadError(f"a DRED payload has 1..{MAX_PAYLOAD_BYTES} bytes", value=len(data))


def parse_header(data: bytes) -> DredHeader:
    """Parse only the header of a payload without prefix.

    Raises:
        DredPayloadError: The payload is empty or longer than 1000 bytes.
    """
    check_payload_size(data)
    q0, dq, qmax, offset_ticks = _parse(data)
    return DredHeader(q0=q0, dq=dq, qmax=qmax, offset_ticks=offset_ticks)
