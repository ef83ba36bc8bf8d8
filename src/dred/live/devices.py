"""Sound devices, by sounddevice and PortAudio, with one clear sentence when there are none."""

from typing import Any

from dred.errors import UsageError

__all__ = ["open_stream"]


def open_stream(kind: str, *, device: str | None, **settings: Any) -> Any:
    """Open a stream of a device.

    Args:
        kind: "InputStream" or "OutputStream".
        device: Its number or a part of its name; None for the usual one.
        settings: Passed on.

    Raises:
        UsageError: sounddevice or PortAudio is not installed, or there is no such device.
    """
    what = "microphone" if kind == "InputStream" else "speakers"
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        # An OSError says that PortAudio itself is missing.
        raise UsageError(
            f"the {what} need sounddevice and PortAudio: pip install 'dred[live]'; or name a file"
        ) from error
    number = int(device) if device is not None and device.isdigit() else device
    try:
        return getattr(sounddevice, kind)(device=number, **settings)
    except (sounddevice.PortAudioError, ValueError) as error:
        named = "no usual device" if device is None else f"device {device!r}"
        reason = " ".join(str(error).split())
        raise UsageError(f"cannot open the {what} ({named}: {reason}); or name a file instead") from error
