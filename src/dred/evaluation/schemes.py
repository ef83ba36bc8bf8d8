"""The schemes that `dred simulate` compares: what each sends, and what fills the gaps that remain. Data only."""

from collections.abc import Sequence
from dataclasses import dataclass

from dred.errors import UsageError
from dred.receiver.config import Plc

__all__ = ["SCHEMES", "Scheme", "find_schemes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """A way to meet losses.

    Attributes:
        name: Short name, also that of its wav file.
        title: What it is, in a phrase.
        is_lossy: Whether its packets meet the losses; the reference's do not.
        has_lbrr: Whether packets repeat the one before them by in-band FEC, on top of the bitrate.
        has_red: Whether whole packets are repeated (RFC 2198).
        has_dred: Whether packets carry deep redundancy.
        plc: What fills a gap that nothing covers.
    """

    name: str
    title: str
    is_lossy: bool = True
    has_lbrr: bool = False
    has_red: bool = False
    has_dred: bool = False
    plc: Plc = "neural"


SCHEMES = (
    Scheme(name="clean", title="no loss", is_lossy=False),
    Scheme(name="zero", title="gaps left silent", plc="zero"),
    Scheme(name="plc", title="classic concealment of libopus", plc="classic"),
    Scheme(name="neural-plc", title="neural concealment"),
    Scheme(name="red", title="whole packets repeated, neural concealment", has_red=True),
    Scheme(name="lbrr", title="in-band FEC, neural concealment", has_lbrr=True),
    Scheme(name="dred", title="deep redundancy", has_dred=True),
    Scheme(name="dred+lbrr", title="deep redundancy and in-band FEC", has_dred=True, has_lbrr=True),
)


def find_schemes(names: Sequence[str]) -> tuple[Scheme, ...]:
    """Look schemes up by name, each once, in the order of `SCHEMES`.

    Raises:
        UsageError: No name, or an unknown one.
    """
    known = [scheme.name for scheme in SCHEMES]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise UsageError(f"schemes must be some of {', '.join(known)}, got {', '.join(unknown) or 'none'}")
    return tuple(scheme for scheme in SCHEMES if scheme.name in names)
