"""The TOC: the first byte of a packet, which tells how all its frames are coded.

A byte enters, a `Toc` leaves.

Source: RFC 6716 section 3.1.
"""

from dataclasses import dataclass
from typing import Final, Literal

from dred.errors import OpusFormatError, UsageError

Mode = Literal["silk", "hybrid", "celt"]
Bandwidth = Literal["narrow", "medium", "wide", "superwide", "full"]

# Mode, bandwidth, frame durations in RTP ticks, in the order of the configs. Source: RFC 6716 table 2.
_CONFIG_GROUPS: Final[tuple[tuple[Mode, Bandwidth, tuple[int, ...]], ...]] = (
    ("silk", "narrow", (480, 960, 1920, 2880)),
    ("silk", "medium", (480, 960, 1920, 2880)),
    ("silk", "wide", (480, 960, 1920, 2880)),
    ("hybrid", "superwide", (480, 960)),
    ("hybrid", "full", (480, 960)),
    ("celt", "narrow", (120, 240, 480, 960)),
    ("celt", "wide", (120, 240, 480, 960)),
    ("celt", "superwide", (120, 240, 480, 960)),
    ("celt", "full", (120, 240, 480, 960)),
)
_CONFIGS: Final = tuple(
    (mode, bandwidth, duration_rtp)
    for mode, bandwidth, durations_rtp in _CONFIG_GROUPS
    for duration_rtp in durations_rtp
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Toc:
    """What the TOC byte says about all frames of a packet; its frame count code belongs to the framing.

    Attributes:
        config: 0 to 31: mode, bandwidth and frame duration.
        stereo: Whether the frames hold two channels.
    """

    config: int
    stereo: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.config < len(_CONFIGS):
            raise UsageError(f"a TOC's config is 0 to {len(_CONFIGS) - 1}, not {self.config}")

    @property
    def mode(self) -> Mode:
        """The coding layers in use."""
        return _CONFIGS[self.config][0]

    @property
    def bandwidth(self) -> Bandwidth:
        """The coded audio bandwidth: 4, 6, 8, 12 or 20 kHz."""
        return _CONFIGS[self.config][1]

    @property
    def frame_duration_rtp(self) -> int:
        """Duration of one frame in RTP ticks: 120 to 2880."""
        return _CONFIGS[self.config][2]


_TOCS: Final = tuple(Toc(config=bits >> 1, stereo=bool(bits & 1)) for bits in range(2 * len(_CONFIGS)))


def parse_toc(data: bytes) -> Toc:
    """Parse the first byte of a packet.

    Raises:
        OpusFormatError: The packet is empty.
    """
    if not data:
        raise OpusFormatError("R1: a packet has at least one byte", value=0)
    return _TOCS[data[0] >> 2]
