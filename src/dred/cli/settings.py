"""From options to the configurations they stand for, where that is more than passing on. Commands import it late."""

from dred.sender import DredConfig

__all__ = ["dred_config", "expected_loss_percent"]

# With an expected loss of 0, libopus sends no LBRR whatever is asked for. The number is our choice.
_LOSS_WITH_FEC_PERCENT = 20


def dred_config(
    *, dred_ms: int, dred_version: str | None, q0: int, dq: int, qmax: int, dred_max_bytes: int
) -> DredConfig | None:
    """Build the redundancy's configuration; None for 0 ms.

    Raises:
        UsageError: A number outside its range.
    """
    if dred_ms == 0:
        return None
    return DredConfig(duration_ms=dred_ms, version=dred_version, q0=q0, dq=dq, qmax=qmax, max_bytes=dred_max_bytes)


def expected_loss_percent(expected_loss: int | None, *, fec: bool) -> int:
    """Choose the loss that the encoder is told to expect."""
    if expected_loss is not None:
        return expected_loss
    return _LOSS_WITH_FEC_PERCENT if fec else 0
