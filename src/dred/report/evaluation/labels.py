"""Where names go in a drawing so that none covers another: places in points, from the lower left corner."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Box", "place_beside", "spread"]

_RINGS = (7.0, 14.0, 24.0, 36.0, 50.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle."""

    left: float
    bottom: float
    right: float
    top: float

    @staticmethod
    def around(x: float, y: float, width: float, height: float) -> "Box":
        """Return the box of this size around a place."""
        return Box(left=x - width / 2, bottom=y - height / 2, right=x + width / 2, top=y + height / 2)

    def covers(self, other: "Box") -> bool:
        """Tell whether two boxes share anything."""
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )

    def holds(self, other: "Box") -> bool:
        """Tell whether the other lies within."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.bottom <= other.bottom
            and other.top <= self.top
        )


def spread(wanted: Sequence[float], gap: float, *, lowest: float, highest: float) -> list[float]:
    """Move heights as little as needed until all lie at least a gap apart, in the same order, above the lowest.

    They stay below the highest, too, if there is room for all.
    """
    order = sorted(range(len(wanted)), key=lambda number: (wanted[number], number))
    heights = [0.0] * len(wanted)
    floor = lowest
    for number in order:
        heights[number] = max(wanted[number], floor)
        floor = heights[number] + gap
    ceiling = max(highest, lowest + gap * (len(wanted) - 1))
    for number in reversed(order):
        heights[number] = min(heights[number], ceiling)
        ceiling = heights[number] - gap
    return heights


def place_beside(
    spots: Sequence[tuple[float, float]], sizes: Sequence[tuple[float, float]], taken: Sequence[Box], page: Box
) -> list[Box]:
    """Place a box beside each spot: near it, off what is taken, on the page; where nothing is free, right of it."""
    placed: list[Box] = []
    for (x, y), (width, height) in zip(spots, sizes, strict=True):
        options = [
            Box.around(x + across * (ring + width / 2), y + up * (ring + height / 3), width, height)
            for ring in _RINGS
            for across, up in ((1, 0), (-1, 0), (0.0, 1), (0.0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
        ]
        free = (
            option
            for option in options
            if page.holds(option) and not any(option.covers(other) for other in [*taken, *placed])
        )
        placed.append(next(free, options[0]))
    return placed
