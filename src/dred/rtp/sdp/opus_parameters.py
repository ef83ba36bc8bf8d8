"""The format parameters of Opus: what a receiver wants, and (`sprop-`) what a sender is likely to do.

They are declarations of one side each: nothing is negotiated.

Source: RFC 7587 section 6.1, with the packetisation times in fmtp as browsers write them; the two durations of deep
redundancy from draft-ietf-mlcodec-opus-dred, whose final wording may differ.
"""

from dataclasses import dataclass, fields

from dred.errors import SdpFormatError, UsageError

__all__ = ["OpusParameters", "parse_opus_parameters", "write_opus_parameters"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpusParameters:
    """What is told about an Opus stream; None for what is not.

    Attributes:
        min_ptime_ms: Shortest packet wanted, 1 to 120 ms.
        ptime_ms: Packet length wanted, 1 to 120 ms.
        max_ptime_ms: Longest packet that can be taken, 1 to 120 ms.
        max_playback_rate_hz: Highest rate that is of use, 8000 to 48000.
        sprop_max_capture_rate_hz: Highest rate that will be sent, 8000 to 48000.
        max_average_bitrate_bps: Rate that can be taken, 6000 to 510000.
        stereo: Whether two channels are of use.
        sprop_stereo: Whether two channels are likely to be sent.
        cbr: Whether constant rate is wanted.
        use_in_band_fec: Whether in-band FEC is of use.
        use_dtx: Whether pauses are welcome.
        dred_duration_ms: Longest redundancy that is of use, 0 to 65535 ms.
        sprop_dred_duration_ms: Longest redundancy that will be sent, 0 to 65535 ms.
        others: Parameters that are not known, name and value, in their order; the value is None if there is none.
    """

    min_ptime_ms: int | None = None
    ptime_ms: int | None = None
    max_ptime_ms: int | None = None
    max_playback_rate_hz: int | None = None
    sprop_max_capture_rate_hz: int | None = None
    max_average_bitrate_bps: int | None = None
    stereo: bool | None = None
    sprop_stereo: bool | None = None
    cbr: bool | None = None
    use_in_band_fec: bool | None = None
    use_dtx: bool | None = None
    dred_duration_ms: int | None = None
    sprop_dred_duration_ms: int | None = None
    others: tuple[tuple[str, str | None], ...] = ()

    def __post_init__(self) -> None:
        for field, (name, low, high) in _NUMBERS.items():
            value = getattr(self, field)
            if value is not None and not low <= value <= high:
                raise UsageError(f"{name} must lie in {low}-{high}, got {value}")
        for name, value in self.others:
            if not _is_text(name) or "=" in name or name.lower() in _FIELDS or not _is_text(value or "-"):
                raise UsageError(f"no other parameter can be {name!r} with the value {value!r}")


# Name in SDP and range, by field.
_NUMBERS = {
    "min_ptime_ms": ("minptime", 1, 120),
    "ptime_ms": ("ptime", 1, 120),
    "max_ptime_ms": ("maxptime", 1, 120),
    "max_playback_rate_hz": ("maxplaybackrate", 8_000, 48_000),
    "sprop_max_capture_rate_hz": ("sprop-maxcapturerate", 8_000, 48_000),
    "max_average_bitrate_bps": ("maxaveragebitrate", 6_000, 510_000),
    "dred_duration_ms": ("ext32-dred-duration", 0, 65_535),
    "sprop_dred_duration_ms": ("sprop-ext32-dred-duration", 0, 65_535),
}
_FLAGS = {
    "stereo": "stereo",
    "sprop_stereo": "sprop-stereo",
    "cbr": "cbr",
    "use_in_band_fec": "useinbandfec",
    "use_dtx": "usedtx",
}
_FIELDS = {name: field for field, (name, _, _) in _NUMBERS.items()} | {name: field for field, name in _FLAGS.items()}
_MAX_DIGITS = 9
# Any positive integer is allowed, but values outside the range count as none. Source: RFC 7587 section 6.1.
_IGNORED_OUTSIDE = "max_average_bitrate_bps"


def parse_opus_parameters(text: str) -> OpusParameters:
    """Read what follows the payload type in `a=fmtp`. Names are told apart whatever their case; the first one counts.

    A rate outside its range counts as not told.

    Raises:
        SdpFormatError: Another known parameter has a value outside its range, or one is no number.
    """
    known: dict[str, int | bool] = {}
    others: list[tuple[str, str | None]] = []
    for part in text.split(";"):
        name, has_value, value = (piece.strip() for piece in part.strip().partition("="))
        if not name:
            continue
        field = _FIELDS.get(name.lower())
        if field is None:
            others.append((name, value if has_value else None))
        elif field not in known and not _is_ignored(field, value):
            known[field] = _parse_value(field, name, value)
    try:
        return OpusParameters(**known, others=tuple(others))  # type: ignore[arg-type]
    except UsageError as error:
        raise SdpFormatError(str(error), value=text) from error


def write_opus_parameters(parameters: OpusParameters) -> str:
    """Write what follows the payload type in `a=fmtp`; empty if nothing is told."""
    names = {field: name for name, field in _FIELDS.items()}
    parts = [
        f"{names[field.name]}={int(value)}"
        for field in fields(parameters)
        if field.name in names and (value := getattr(parameters, field.name)) is not None
    ]
    parts += [name if value is None else f"{name}={value}" for name, value in parameters.others]
    return ";".join(parts)


def _is_ignored(field: str, value: str) -> bool:
    if field != _IGNORED_OUTSIDE or not (value.isascii() and value.isdigit()):
        return False
    _, low, high = _NUMBERS[field]
    return len(value) > _MAX_DIGITS or not low <= int(value) <= high


def _parse_value(field: str, name: str, value: str) -> int | bool:
    if field in _FLAGS and value not in ("0", "1"):
        raise SdpFormatError(f"{name} is 0 or 1", value=value)
    # Python's int would take signs, underscores and digits of any script.
    if not (value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS):
        raise SdpFormatError(f"{name} is a whole number", value=value)
    return value == "1" if field in _FLAGS else int(value)


def _is_text(text: str) -> bool:
    """Tell whether something can stand between semicolons and come back as it was."""
    return bool(text) and text == text.strip() and text.isprintable() and ";" not in text
