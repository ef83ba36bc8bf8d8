"""The format parameters of RED: payload types of its blocks, the primary's first.

Source: RFC 2198 section 5; browsers write `111/111` for one copy of Opus.
"""

from dataclasses import dataclass

from dred.errors import SdpFormatError, UsageError

__all__ = ["RedParameters", "parse_red_parameters", "write_red_parameters"]

_MAX_BLOCKS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class RedParameters:
    """The payload types of the blocks, 1 to 32 of 0-127."""

    payload_types: tuple[int, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.payload_types) <= _MAX_BLOCKS:
            raise UsageError(f"RED names 1 to {_MAX_BLOCKS} payload types, got {len(self.payload_types)}")
        for payload_type in self.payload_types:
            if not 0 <= payload_type <= 127:
                raise UsageError(f"a payload type must lie in 0-127, got {payload_type}")


def parse_red_parameters(text: str) -> RedParameters:
    """Read what follows the payload type in `a=fmtp`.

    Raises:
        SdpFormatError: It is no row of payload types.
    """
    parts = text.strip().split("/")
    if not all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts):
        raise SdpFormatError("RED's parameters are payload types and slashes", value=text)
    try:
        return RedParameters(payload_types=tuple(map(int, parts)))
    except UsageError as error:
        raise SdpFormatError(str(error), value=text) from error


def write_red_parameters(parameters: RedParameters) -> str:
    """Write what follows the payload type in `a=fmtp`."""
    return "/".join(map(str, parameters.payload_types))
