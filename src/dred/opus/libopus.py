"""A libopus: where it is found, what it can do, and its functions on packets.

A path or nothing enters; a `Libopus` leaves, its capabilities probed. `OpusEncoder` and `OpusDecoder` work through one.
"""

import ctypes
import ctypes.util
import functools
import importlib.util
import os
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dred.errors import LibopusError, OpusFormatError, UsageError
from dred.opus.native import APPLICATION_VOIP, Code, Request, load_functions
from dred.opus.packet import parse_packet

ENVIRONMENT_VARIABLE: Final = "DRED_LIBOPUS"
# Our choice, so that a length fits any integer on the way: what one UDP datagram can hold.
MAX_PACKET_BYTES: Final = 65_535

# A mono decoder's state: 18 kB without the memory of the concealment network, 141 kB (1.5.2) or 192 kB (1.6.1) with it.
_DEEP_PLC_STATE_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a loaded libopus is, and what it can do beyond the core of Opus.

    Attributes:
        version: What it calls itself, such as "libopus 1.6.1".
        path: The file it was loaded from.
        decoder_complexity: Its decoder takes a complexity.
        deep_plc: It is built with neural concealment, which a decoder complexity of 5 or more turns on.
        native_dred: It is built with DRED.
        ignore_extensions: Its decoder can be told to skip extensions.
        has_lbrr: It can tell whether a packet carries LBRR.
    """

    version: str
    path: Path
    decoder_complexity: bool
    deep_plc: bool
    native_dred: bool
    ignore_extensions: bool
    has_lbrr: bool


class Libopus:
    """A loaded libopus; get one from `load_libopus`.

    Attributes:
        functions: The C functions, for the codec states.
        capabilities: What it is and can do.
    """

    def __init__(self, path: Path) -> None:
        self.functions = load_functions(path)
        self.capabilities = _probe(self.functions, path)

    def check(self, code: int, action: str) -> int:
        """Return a return value that is not an error.

        Raises:
            LibopusError: It is one; the text names the action.
        """
        if code < Code.OK:
            raise LibopusError(f"libopus cannot {action}: {self._describe(code)}", code)
        return code

    def check_packet(self, code: int, packet: bytes, action: str) -> int:
        """Return a return value that is not an error, where an error may be the packet's fault.

        Raises:
            OpusFormatError: The packet is invalid, or its frames or extensions are.
            LibopusError: Any other error.
        """
        if code == Code.INVALID_PACKET:
            parse_packet(packet)
        if code in (Code.INVALID_PACKET, Code.INTERNAL_ERROR):
            raise OpusFormatError(f"libopus can {action} the packet", value=self._describe(code))
        return self.check(code, f"{action} the packet")

    def pad_packet(self, packet: bytes, size: int) -> bytes:
        """Pad a packet to an exact size.

        Raises:
            OpusFormatError: The packet is empty, too large or invalid, or its extensions are.
            UsageError: The size is less than the packet's or more than 65,535 bytes.
        """
        check_packet_size(packet)
        if not len(packet) <= size <= MAX_PACKET_BYTES:
            raise UsageError(f"a packet of {len(packet)} bytes can be padded to {MAX_PACKET_BYTES}, not to {size}")
        buffer = ctypes.create_string_buffer(packet, size)
        self.check_packet(self.functions.opus_packet_pad(buffer, len(packet), size), packet, "pad")
        return buffer.raw

    def unpad_packet(self, packet: bytes) -> bytes:
        """Drop all padding of a packet.

        Raises:
            OpusFormatError: The packet is empty, too large or invalid.
        """
        check_packet_size(packet)
        buffer = ctypes.create_string_buffer(packet, len(packet))
        size = self.check_packet(self.functions.opus_packet_unpad(buffer, len(packet)), packet, "unpad")
        return buffer.raw[:size]

    def has_lbrr(self, packet: bytes) -> bool:
        """Tell whether the packet's first frame carries LBRR.

        Raises:
            OpusFormatError: The packet is empty, too large or invalid.
            LibopusError: This libopus cannot tell.
        """
        if not self.capabilities.has_lbrr:
            raise LibopusError(f"{self.capabilities.version} cannot tell whether a packet carries LBRR")
        check_packet_size(packet)
        return bool(self.check_packet(self.functions.opus_packet_has_lbrr(packet, len(packet)), packet, "inspect"))

    def _describe(self, code: int) -> str:
        return str(self.functions.opus_strerror(code).decode())


def load_libopus(path: str | Path | None = None) -> Libopus:
    """Load a libopus, once per file.

    Without a path it is the one that $DRED_LIBOPUS names, else the one inside PyAV's wheel, else the system's.

    Raises:
        LibopusError: There is none, or the one that is named is unusable.
    """
    named = path or os.environ.get(ENVIRONMENT_VARIABLE)
    found = Path(named).resolve() if named else _find_default()
    if found is None:
        raise LibopusError(
            "no libopus found: run `pip install av`, install the system's libopus, "
            f"or name one in ${ENVIRONMENT_VARIABLE}"
        )
    return _load(found)


def check_packet_size(packet: bytes) -> None:
    """Check that a packet may be handed to libopus at all.

    Raises:
        OpusFormatError: It is empty or has more than 65,535 bytes.
    """
    if not 1 <= len(packet) <= MAX_PACKET_BYTES:
        raise OpusFormatError(f"R1: a packet has 1 to {MAX_PACKET_BYTES} bytes", value=len(packet))


@functools.cache
def _load(path: Path) -> Libopus:
    return Libopus(path)


# Every codec state asks; an installed library does not move.
@functools.cache
def _find_default() -> Path | None:
    return _find_bundled() or _find_system()


def _find_bundled() -> Path | None:
    """Find the libopus inside PyAV's wheel without importing PyAV."""
    spec = importlib.util.find_spec("av")
    if spec is None or spec.origin is None:
        return None
    package = Path(spec.origin).resolve().parent
    # Linux and Windows, macOS.
    folders = (package.parent / "av.libs", package / ".dylibs")
    return next((path for folder in folders for path in sorted(folder.glob("libopus[-.]*"))), None)


def _find_system() -> Path | None:
    """Find the system's libopus.

    The dynamic linker answers a bare name with whatever library of that name is in the process already, such as another
    libopus that was loaded by its path. So the name is made a path where one of the usual folders has the file.
    """
    name = ctypes.util.find_library("opus")
    if name is None:
        return None
    triplet = sysconfig.get_config_var("MULTIARCH") or ""
    for root in ("/usr/local", "/usr", "/"):
        for folder in (f"lib/{triplet}", "lib64", "lib"):
            path = Path(root, folder, name)
            if path.is_file():
                return path.resolve()
    return Path(name)


def _probe(functions: ctypes.CDLL, path: Path) -> Capabilities:
    error, value = ctypes.c_int(), ctypes.c_int32()
    encoder = functions.opus_encoder_create(8_000, 1, APPLICATION_VOIP, ctypes.byref(error))
    decoder = functions.opus_decoder_create(8_000, 1, ctypes.byref(error))
    try:
        if not (encoder and decoder):
            raise LibopusError(f"{path} cannot make a codec", error.value)
        native_dred = functions.opus_encoder_ctl(encoder, Request.GET_DRED_DURATION, ctypes.byref(value))
        complexity = functions.opus_decoder_ctl(decoder, Request.SET_COMPLEXITY, ctypes.c_int32(0))
        ignore = functions.opus_decoder_ctl(decoder, Request.GET_IGNORE_EXTENSIONS, ctypes.byref(value))
    finally:
        functions.opus_encoder_destroy(encoder)
        functions.opus_decoder_destroy(decoder)
    return Capabilities(
        version=functions.opus_get_version_string().decode(),
        path=path,
        decoder_complexity=complexity == Code.OK,
        deep_plc=functions.opus_decoder_get_size(1) > _DEEP_PLC_STATE_BYTES,
        native_dred=native_dred == Code.OK,
        ignore_extensions=ignore == Code.OK,
        has_lbrr=hasattr(functions, "opus_packet_has_lbrr"),
    )
