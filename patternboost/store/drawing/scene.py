"""What a picture shows, before it is SVG, PNG or TikZ: boards, discs, segments and labels, at fixed places.

Lengths are in units of a tenth of a cell, positions are (x, y) with y downwards. One geometry for all three formats
makes them look alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from patternboost.problem import Instance, Point

#: side of a cell in the pictures' own units
CELL = 10

Spot: TypeAlias = tuple[float, float]
Segment: TypeAlias = tuple[Spot, Spot]


class Drawable(Protocol):
    """What is drawn: a construction."""

    @property
    def instance(self) -> Instance:
        """Problem and size."""

    @property
    def points(self) -> tuple[Point, ...]:
        """Its points, sorted."""

    @property
    def n(self) -> int:
        """The size."""

    @property
    def score(self) -> int:
        """The number of points, or the value."""

    def witness(self) -> list[Point]:
        """A forbidden set among the points; empty where there is none."""


@dataclass(frozen=True)
class Board:
    """A board of cells with its upper left corner at (x, y)."""

    x: float
    y: float
    rows: int
    columns: int

    @property
    def width(self) -> int:
        """Its width, units."""
        return CELL * self.columns

    @property
    def height(self) -> int:
        """Its height, units."""
        return CELL * self.rows

    def centre(self, row: int, column: int) -> Spot:
        """The middle of a cell."""
        return self.x + CELL * column + CELL // 2, self.y + CELL * row + CELL // 2


@dataclass(frozen=True)
class Scene:
    """A picture; `marked` things are those of a forbidden set."""

    title: str
    width: float
    height: float
    #: radius of a disc
    radius: float
    boards: list[Board] = field(default_factory=list)
    #: discs of the construction, and those of the forbidden set, which get a ring too
    plain: list[Spot] = field(default_factory=list)
    marked: list[Spot] = field(default_factory=list)
    #: the forbidden set as a closed polygon, where that can be seen as one
    outline: list[Spot] = field(default_factory=list)
    #: lines of the construction (edges of a graph), and those of the forbidden set
    segments: list[Segment] = field(default_factory=list)
    marked_segments: list[Segment] = field(default_factory=list)
    #: discs that are not chosen but always there (vertices of a graph)
    nodes: list[Spot] = field(default_factory=list)
    #: small texts, centred at their places
    labels: list[tuple[Spot, str]] = field(default_factory=list)
    label_size: float = 0.0

    @property
    def side(self) -> float:
        """The longer side."""
        return max(self.width, self.height)

    @property
    def pixel(self) -> float:
        """A length that is about a pixel where the picture is shown 800 pixels wide."""
        return self.side / 800

    @property
    def margin(self) -> float:
        """Width of the frame around everything."""
        return 24 * self.pixel

    @property
    def line(self) -> float:
        """Width of grid lines: a pixel, but never so much that the lines of a fine grid turn it grey."""
        return min(self.pixel, 0.1 * CELL)

    @property
    def ring(self) -> float:
        """Radius of the ring around a marked disc."""
        return max(1.35 * self.radius, 8 * self.pixel)

    @property
    def stroke(self) -> float:
        """Width of rings, of lines between marked points, and of segments."""
        return 2.5 * self.pixel


def disc_radius(cells: float) -> float:
    """Radius of a disc on a board so many cells wide: on fine boards it fills its cell, else it is hardly seen."""
    return round(3.3 + min(1.7, cells / 80), 2)


def around(corners: list[Spot]) -> list[Spot]:
    """The corners in order of their direction from the centre, so that a square is not drawn as a bow tie."""
    if not corners:
        return []
    x, y = (sum(c) / len(corners) for c in zip(*corners))
    return sorted(corners, key=lambda c: math.atan2(c[1] - y, c[0] - x))


def counted(what: str, count: int, thing: str = "point") -> str:
    """The picture's title: `isosceles n=8, 13 points`."""
    return f"{what}, {count} {thing}" + ("" if count == 1 else "s")
