"""The native memory behind an encoder or a decoder: its life, and the questions it answers."""

import ctypes
import weakref
from typing import Literal, NoReturn

from dred.errors import UsageError
from dred.opus.libopus import Libopus
from dred.opus.native import Request


class CodecState:
    """A codec state inside libopus. It cannot be copied; its memory goes when the object goes.

    One thread at a time may use it.
    """

    def __init__(self, library: Libopus, kind: Literal["encoder", "decoder"], *arguments: int) -> None:
        error = ctypes.c_int()
        create = getattr(library.functions, f"opus_{kind}_create")
        pointer = create(*arguments, ctypes.byref(error))
        library.check(error.value, f"create the {kind}")
        self._library = library
        self._pointer = pointer
        self._ctl = getattr(library.functions, f"opus_{kind}_ctl")
        weakref.finalize(self, getattr(library.functions, f"opus_{kind}_destroy"), pointer)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise UsageError(f"an {type(self).__name__} holds native memory and can be neither copied nor pickled")

    @property
    def library(self) -> Libopus:
        """The libopus that it lives in."""
        return self._library

    @property
    def final_range(self) -> int:
        """The range coder's state after the last packet: equal on both sides unless bits were lost (32 bits)."""
        return self._get(Request.GET_FINAL_RANGE) & 0xFFFFFFFF

    def reset(self) -> None:
        """Forget all signal; settings stay."""
        self._library.check(self._ctl(self._pointer, Request.RESET_STATE), "reset the codec")

    def _set(self, request: Request, value: int) -> None:
        code = self._ctl(self._pointer, request, ctypes.c_int32(value))
        self._library.check(code, f"take {value} for {request.name}")

    def _get(self, request: Request) -> int:
        value = ctypes.c_int32()
        self._library.check(self._ctl(self._pointer, request, ctypes.byref(value)), f"answer {request.name}")
        return value.value
