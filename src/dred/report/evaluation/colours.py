"""Colours of schemes in figures, for light and dark pages, and how they get into a drawing.

A drawing is made with stand-in colours. On a page they become CSS variables, so that it follows the page's light or
dark; a file of its own brings the variables along. Every family has its own colour, dash and marker, so that
lines can be told apart without seeing colour.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["DIM", "GRID", "INK", "Look", "looks", "stand_ins", "variables_css"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a family is drawn.

    Attributes:
        variable: Name of its CSS variable.
        light: Its colour on light paper.
        dark: Its colour on dark paper.
        marker: Matplotlib's name of its marker.
        dashes: Lengths of dash and gap in points; empty for a whole line.
        stand_in: The colour it has in a drawing.
    """

    variable: str
    light: str
    dark: str
    marker: str = ""
    dashes: tuple[float, ...] = ()
    stand_in: str


INK = Look(variable="ink", light="#1d1d22", dark="#ecebe6", stand_in="#000001")
DIM = Look(variable="dim", light="#5c5c66", dark="#a3a3ad", stand_in="#000002")
GRID = Look(variable="line", light="#d9d6cd", dark="#35363d", stand_in="#000003")

# Hues after Okabe and Ito as in the strips, darkened until they can be read as text; those of known families first.
_FAMILIES: Mapping[str, tuple[str, str, str, tuple[float, ...]]] = {
    "clean": ("#1d1d22", "#ecebe6", "o", ()),
    "zero": ("#74747e", "#9a9aa5", "x", (1, 2)),
    "plc": ("#b83a08", "#ff7a45", "v", (2, 2)),
    "neural-plc": ("#a8437c", "#e09cc4", "D", (4, 2)),
    "red": ("#936000", "#f2b632", "s", (6, 2)),
    "lbrr": ("#0069a6", "#4da6e0", "^", (6, 2, 1, 2)),
    "dred": ("#00775a", "#1fc795", "P", ()),
    "dred+lbrr": ("#5b3fa8", "#b39df0", "*", ()),
}
_OTHERS = (
    ("#6a6500", "#cfc94a", "h", (4, 1)),
    ("#8c2f39", "#ee8f97", "<", (1, 1)),
    ("#006d75", "#5fcbd3", ">", (8, 2)),
    ("#6b4a2b", "#cfa67f", "p", (3, 1, 1, 1)),
)


def looks(families: Sequence[str]) -> Mapping[str, Look]:
    """Give each family its look: known ones always the same, the others in turn."""
    chosen: dict[str, Look] = {}
    others = [family for family in dict.fromkeys(families) if family not in _FAMILIES]
    for number, family in enumerate([*_FAMILIES, *others]):
        place = number - len(_FAMILIES)
        light, dark, marker, dashes = _FAMILIES[family] if place < 0 else _OTHERS[place % len(_OTHERS)]
        if family in families:
            chosen[family] = Look(
                variable=f"family-{number}",
                light=light,
                dark=dark,
                marker=marker,
                dashes=dashes,
                stand_in=f"#0001{number:02x}",
            )
    return chosen


def stand_ins(families: Mapping[str, Look]) -> Mapping[str, Look]:
    """Return all looks by the colour they have in a drawing."""
    return {look.stand_in: look for look in (INK, DIM, GRID, *families.values())}


def variables_css(families: Mapping[str, Look], *, selector: str = ":root") -> str:
    """Write the variables of families, and of ink and lines, for light and dark."""
    every = stand_ins(families).values()
    light = " ".join(f"--{look.variable}: {look.light};" for look in every)
    dark = " ".join(f"--{look.variable}: {look.dark};" for look in every)
    return f"{selector} {{ {light} }}\n@media (prefers-color-scheme: dark) {{ {selector} {{ {dark} }} }}"
