"""A construction drawn on its n x n board: SVG, PNG, TikZ and plain text, row 0 at the top.

The pictures share one geometry, in units of a tenth of a cell, so that they look alike. A forbidden set handed over as
`witness` stands out by colour, by a ring around each of its points, and by lines that join them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

from patternboost.construction import Construction
from patternboost.problem import Instance, Point

#: Side of a cell in the pictures' own units.
CELL = 10
#: About how many pixels wide a PNG's board is; cells are a whole number of pixels, which keeps grid lines even.
BOARD_PIXELS = 760
#: Side of a TikZ picture's board, millimetres.
BOARD_MILLIMETRES = 100

CARD, BOARD, LINES, INK, ALARM = "#f4f2ec", "#ffffff", "#cfccc4", "#1d3f72", "#d2401f"


def is_grid(instance: Instance) -> bool:
    """Whether the ground set is the n x n grid, so that its constructions can be drawn on a board."""
    return instance.size == instance.n**2 and instance.points.shape[1] == 2


@dataclass(frozen=True)
class _Picture:
    """What to draw where: all lengths in units of a tenth of a cell, positions as (x, y) with y downwards."""

    title: str
    n: int
    plain: list[tuple[int, int]]
    marked: list[tuple[int, int]]
    #: the witness as a closed polygon
    outline: list[tuple[int, int]]

    @property
    def side(self) -> int:
        return CELL * self.n

    @property
    def pixel(self) -> float:
        """A length that is about a pixel where the picture is shown 800 pixels wide."""
        return self.side / 800

    @property
    def margin(self) -> float:
        return 24 * self.pixel

    @property
    def line(self) -> float:
        """Width of grid lines: a pixel, but never so much that the lines of a fine grid turn it grey."""
        return min(self.pixel, 0.1 * CELL)

    @property
    def radius(self) -> float:
        """Radius of a point: on fine boards it fills its cell, else it could hardly be seen."""
        return round(3.3 + min(1.7, self.n / 80), 2)

    @property
    def ring(self) -> float:
        return max(1.35 * self.radius, 8 * self.pixel)

    @property
    def stroke(self) -> float:
        """Width of rings and of lines between the witness's points."""
        return 2.5 * self.pixel


def _picture(construction: Construction, witness: Sequence[Sequence[int]]) -> _Picture:
    points = _on_board(construction)
    marked = {tuple(p) for p in witness}
    for point in sorted(marked - set(points)):
        raise ValueError(f"witness point {list(point)} is not a point of the construction")
    count = f"{len(points)} point" + ("" if len(points) == 1 else "s")
    return _Picture(
        title=f"{construction.instance}, {count}",
        n=construction.n,
        plain=[_centre(p) for p in points if p not in marked],
        marked=[_centre(p) for p in points if p in marked],
        outline=_around([_centre(p) for p in sorted(marked)]),
    )


def _on_board(construction: Construction) -> tuple[Point, ...]:
    """The points, all of them on an n x n board, else ValueError."""
    n = construction.n
    if not is_grid(construction.instance):
        raise ValueError(f"{construction.instance} has no n x n board to draw on: its ground set is not a grid")
    for point in construction.points:
        if len(point) != 2 or not all(0 <= x < n for x in point):
            raise ValueError(f"point {list(point)} is off the board (0 to {n - 1})")
    return construction.points


def _centre(point: Point) -> tuple[int, int]:
    row, column = point
    return CELL * column + CELL // 2, CELL * row + CELL // 2


def _around(corners: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The corners in order of their direction from the centre, so that a square is not drawn as a bow tie."""
    if not corners:
        return []
    x, y = (sum(c) / len(corners) for c in zip(*corners))
    return sorted(corners, key=lambda c: math.atan2(c[1] - y, c[0] - x))


def svg(construction: Construction, witness: Sequence[Sequence[int]] = ()) -> str:
    """The construction as one self-contained SVG, with the points of `witness` marked.

    The size is the viewer's choice: the file gives only a viewBox. Raises ValueError, in one line, where the ground set
    is not a grid, a point is off the board, or `witness` is not part of the construction.
    """
    picture = _picture(construction, witness)
    side, margin, radius = picture.side, picture.margin, f"{picture.radius:g}"
    low, full = f"{-margin:g}", f"{side + 2 * margin:g}"
    steps = range(0, side + 1, CELL)
    lines = "".join(f"M0 {x}H{side}" for x in steps) + "".join(f"M{x} 0V{side}" for x in steps)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{low} {low} {full} {full}" role="img">',
        f"<title>{picture.title}</title>",
        f'<rect x="{low}" y="{low}" width="{full}" height="{full}" rx="{margin / 2:g}" fill="{CARD}"/>',
        f'<rect width="{side}" height="{side}" fill="{BOARD}"/>',
        f'<path d="{lines}" fill="none" stroke="{LINES}" stroke-width="{picture.line:g}" stroke-linecap="square"/>',
    ]
    corners = " ".join(f"{x},{y}" for x, y in picture.outline)
    pen = f'fill="none" stroke="{ALARM}" stroke-width="{picture.stroke:g}" stroke-linejoin="round"'
    if picture.marked:  # below the points, so that it hides none of them
        parts.append(f'<polygon points="{corners}" {pen}/>')
    parts += [f'<g fill="{INK}">', *(f'<circle cx="{x}" cy="{y}" r="{radius}"/>' for x, y in picture.plain), "</g>"]
    if picture.marked:
        ring = f"{picture.ring:g}"
        parts += [
            # Rings are ellipses, so that the number of circles is the number of points.
            f"<g {pen}>",
            *(f'<ellipse cx="{x}" cy="{y}" rx="{ring}" ry="{ring}"/>' for x, y in picture.outline),
            "</g>",
            f'<g fill="{ALARM}">',
            *(f'<circle cx="{x}" cy="{y}" r="{radius}"/>' for x, y in picture.marked),
            "</g>",
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def png(construction: Construction, witness: Sequence[Sequence[int]] = ()) -> bytes:
    """The picture of `svg` as a PNG of about 800 x 800 pixels, always the same bytes. Raises ValueError as `svg`."""
    picture = _picture(construction, witness)
    # Imported late: matplotlib takes long to load, and most commands draw nothing.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import EllipseCollection, LineCollection
    from matplotlib.figure import Figure
    from matplotlib.patches import Polygon, Rectangle

    cell = round(BOARD_PIXELS / picture.n)
    margin = round(picture.margin * cell / CELL)
    dpi = 64  # a power of two: sizes in inches are exact, and no pixel is lost to rounding
    points_per_unit = cell / CELL * 72 / dpi
    inches = (cell * picture.n + 2 * margin) / dpi
    figure = Figure(figsize=(inches, inches), dpi=dpi, facecolor=CARD)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    border = margin * CELL / cell
    side = picture.side
    axes.set(xlim=(-border, side + border), ylim=(side + border, -border))
    axes.add_patch(Rectangle((0, 0), side, side, facecolor=BOARD, edgecolor="none", zorder=1))
    steps = range(0, side + 1, CELL)
    grid = [((0, x), (side, x)) for x in steps] + [((x, 0), (x, side)) for x in steps]
    width = picture.line * points_per_unit
    axes.add_collection(
        LineCollection(grid, colors=LINES, linewidths=width, capstyle="projecting", snap=True, zorder=2)
    )

    def discs(centres: list[tuple[int, int]], radius: float, zorder: int, face: str, edge: str = "none") -> None:
        collection = EllipseCollection(
            [2 * radius],
            [2 * radius],
            [0],
            units="xy",
            offsets=centres,
            offset_transform=axes.transData,
            facecolors=face,
            edgecolors=edge,
            linewidths=picture.stroke * points_per_unit,
            zorder=zorder,
        )
        axes.add_collection(collection)

    if picture.marked:
        width = picture.stroke * points_per_unit
        outline = Polygon(picture.outline, fill=False, edgecolor=ALARM, linewidth=width, joinstyle="round", zorder=3)
        axes.add_patch(outline)
        discs(picture.outline, picture.ring, 5, "none", ALARM)
        discs(picture.marked, picture.radius, 6, ALARM)
    if picture.plain:
        discs(picture.plain, picture.radius, 4, INK)
    out = BytesIO()
    # Without "Software" the bytes do not depend on matplotlib's version number.
    canvas.print_png(out, metadata={"Title": picture.title, "Software": None})  # type: ignore[no-untyped-call]
    return out.getvalue()


def tikz(construction: Construction, witness: Sequence[Sequence[int]] = ()) -> str:
    """The picture of `svg` as a tikzpicture, for a document that loads tikz. Raises ValueError as `svg`."""
    picture = _picture(construction, witness)
    n = picture.n
    unit = f"{BOARD_MILLIMETRES / n:.4g}mm"
    line = f"{picture.line / CELL * BOARD_MILLIMETRES / n:.3f}mm"
    stroke = f"{picture.stroke / CELL * BOARD_MILLIMETRES / n:.3f}mm"
    lines = [
        # y grows downwards, so that coordinates are (column, row) with row 0 at the top
        rf"\begin{{tikzpicture}}[x={unit},y=-{unit}]",
        f"  % {picture.title}",
        rf"  \foreach \i in {{0,...,{n}}}",
        rf"    \draw[black!20,line width={line},line cap=rect] (0,\i) -- ({n},\i) (\i,0) -- (\i,{n});",
    ]
    style = f"red!85!black,line width={stroke}"
    disc = f"circle[radius={picture.radius / CELL:g}]"
    if picture.marked:
        path = " -- ".join(f"({_tikz(x)},{_tikz(y)})" for x, y in picture.outline)
        lines.append(rf"  \draw[{style},line join=round] {path} -- cycle;")
    lines += _tikz_circles(picture.plain, rf"\fill[blue!60!black] (\x,\y) {disc};")
    lines += _tikz_circles(picture.outline, rf"\draw[{style}] (\x,\y) circle[radius={picture.ring / CELL:.3g}];")
    lines += _tikz_circles(picture.marked, rf"\fill[red!85!black] (\x,\y) {disc};")
    return "\n".join([*lines, r"\end{tikzpicture}"]) + "\n"


def _tikz(x: int) -> str:
    return f"{x / CELL:g}"


def _tikz_circles(centres: list[tuple[int, int]], command: str) -> list[str]:
    r"""A \foreach over centres, ten a line; none at all for no centres, since TikZ visits an empty list once."""
    if not centres:
        return []
    pairs = [f"{_tikz(x)}/{_tikz(y)}" for x, y in centres]
    rows = [", ".join(pairs[i : i + 10]) for i in range(0, len(pairs), 10)]
    return [r"  \foreach \x/\y in {", *(f"    {row}," for row in rows[:-1]), f"    {rows[-1]}}}", f"    {command}"]


def text(construction: Construction) -> str:
    """The board as n lines of `.` and `#`.

    Raises ValueError, in one line, where the ground set is not a grid or a point is off the board.
    """
    points = set(_on_board(construction))
    size = range(construction.n)
    return "".join("".join("#" if (r, c) in points else "." for c in size) + "\n" for r in size)
