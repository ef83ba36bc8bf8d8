"""The errors of dred, split by who is at fault.

A caller's mistake is a `UsageError`; unreadable weights are a `ModelError`; bytes from outside that break a rule of
their format are a `RemoteDataError`, which names the rule, the offset and the value. The receiver catches exactly the
last family: it drops the redundancy and plays on.
"""

__all__ = [
    "DredError",
    "DredPayloadError",
    "ExtensionFormatError",
    "FileFormatError",
    "LibopusError",
    "ModelError",
    "OpusFormatError",
    "RemoteDataError",
    "RtpFormatError",
    "SdpFormatError",
    "UsageError",
]


class DredError(Exception):
    """Every error that dred raises on purpose."""


class UsageError(DredError, ValueError):
    """The caller's mistake: a shape, a range, an order of calls. The text gives the allowed range."""


class ModelError(DredError):
    """A weights file that is unreadable, of the wrong format, version or shape, or missing."""


class LibopusError(DredError):
    """libopus is missing, lacks a needed function, or refused a call. `code` is its return value, 0 if none."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class RemoteDataError(DredError):
    """Bytes from outside that break a rule of their format.

    Attributes:
        rule: What the format demands, as a short clause.
        offset: Byte offset of the offence within the data that was handed in.
        value: The offending value.
    """

    def __init__(self, rule: str, *, offset: int = 0, value: object = None) -> None:
        super().__init__(f"{rule} (at byte {offset}, got {value!r})")
        self.rule = rule
        self.offset = offset
        self.value = value

    def __reduce__(self) -> tuple[object, ...]:
        # An exception's own way would hand the whole text back as the rule, and lose the rest.
        return _remote_data_error, (type(self), self.rule, self.offset, self.value)


class RtpFormatError(RemoteDataError):
    """An RTP or RTCP packet or a RED payload that breaks RFC 3550, RFC 3611 or RFC 2198."""


class SdpFormatError(RemoteDataError):
    """A session description that breaks RFC 8866, or parameters of Opus or RED that break RFC 7587 or RFC 2198."""


class OpusFormatError(RemoteDataError):
    """An Opus packet that breaks RFC 6716."""


class ExtensionFormatError(RemoteDataError):
    """A packet's padding that breaks the Opus extension format."""


class DredPayloadError(RemoteDataError):
    """A DRED payload that cannot be parsed."""


class FileFormatError(RemoteDataError):
    """A trace, capture or Ogg file that breaks its format."""


def _remote_data_error(kind: type[RemoteDataError], rule: str, offset: int, value: object) -> RemoteDataError:
    return kind(rule, offset=offset, value=value)
