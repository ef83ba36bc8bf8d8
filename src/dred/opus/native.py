"""libopus's C interface: the functions' signatures, request numbers and return values.

A file enters and its functions leave, ready to be called. Nothing outside this package touches them.

Source: the public headers of libopus 1.6.1; `SET_FORCE_MODE` is private to libopus and has been the same since 1.0.
"""

import ctypes
from enum import IntEnum
from pathlib import Path
from typing import Final

from dred.errors import LibopusError

APPLICATION_VOIP: Final = 2048


class Request(IntEnum):
    """Numbers of what a codec state can be asked or told."""

    SET_BITRATE = 4002
    SET_VBR = 4006
    SET_BANDWIDTH = 4008
    SET_COMPLEXITY = 4010
    SET_IN_BAND_FEC = 4012
    SET_EXPECTED_LOSS = 4014
    SET_DTX = 4016
    SET_VBR_CONSTRAINT = 4020
    SET_SIGNAL = 4024
    GET_LOOKAHEAD = 4027
    RESET_STATE = 4028
    GET_FINAL_RANGE = 4031
    GET_LAST_PACKET_DURATION = 4039
    SET_DRED_DURATION = 4050
    GET_DRED_DURATION = 4051
    SET_IGNORE_EXTENSIONS = 4058
    GET_IGNORE_EXTENSIONS = 4059
    SET_FORCE_MODE = 11002


class Code(IntEnum):
    """Return values that dred tells apart."""

    OK = 0
    INTERNAL_ERROR = -3
    INVALID_PACKET = -4


def load_functions(path: Path) -> ctypes.CDLL:
    """Load a libopus and declare what its functions take and return.

    Raises:
        LibopusError: The file is no shared library, or lacks a function.
    """
    try:
        functions = ctypes.CDLL(str(path))
        _declare(functions)
    except (OSError, AttributeError) as error:
        raise LibopusError(f"{path} is no usable libopus: {error}") from error
    return functions


def _declare(functions: ctypes.CDLL) -> None:
    integer, pointer, data = ctypes.c_int32, ctypes.c_void_p, ctypes.c_char_p
    error = ctypes.POINTER(ctypes.c_int)
    signatures: dict[str, tuple[object, list[object]]] = {
        "opus_get_version_string": (data, []),
        "opus_strerror": (data, [integer]),
        "opus_encoder_create": (pointer, [integer, integer, integer, error]),
        "opus_encoder_destroy": (None, [pointer]),
        "opus_encode": (integer, [pointer, pointer, integer, pointer, integer]),
        "opus_encode_float": (integer, [pointer, pointer, integer, pointer, integer]),
        "opus_decoder_get_size": (integer, [integer]),
        "opus_decoder_create": (pointer, [integer, integer, error]),
        "opus_decoder_destroy": (None, [pointer]),
        "opus_decode_float": (integer, [pointer, data, integer, pointer, integer, integer]),
        "opus_packet_pad": (integer, [pointer, integer, integer]),
        "opus_packet_unpad": (integer, [pointer, integer]),
        # Only the fixed arguments: some platforms pass variadic ones differently, and ctypes must know which are which.
        "opus_encoder_ctl": (integer, [pointer, integer]),
        "opus_decoder_ctl": (integer, [pointer, integer]),
    }
    if hasattr(functions, "opus_packet_has_lbrr"):
        signatures["opus_packet_has_lbrr"] = (integer, [data, integer])
    for name, (result, arguments) in signatures.items():
        function = getattr(functions, name)
        function.restype = result
        function.argtypes = arguments
