"""Points of a box of three or four dimensions as boards side by side, one for each value of the first coordinates."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from patternboost.problem import Point
from patternboost.report.scene import CELL, Board, Scene, counted, disc_radius

#: gap between boards, cells; the labels stand in it
_GAP = 1.5


def layers_scene(title: str, points: Sequence[Point], n: int, witness: Sequence[Point] = ()) -> Scene:
    """Points of {0 .. n-1}^d, d = 3 or 4, the last two coordinates [row, column] of a board.

    The n boards of a cube stand in rows, read like a page; the n * n boards of four dimensions stand in a square, the
    first coordinate downwards, the second to the right. The forbidden set is marked by colour and rings.
    """
    dimension = max((len(p) for p in points), default=3)
    if dimension not in (3, 4):
        raise ValueError(f"points of {dimension} coordinates have no drawing by layers: only 3 or 4 have")
    across = n if dimension == 4 else math.ceil(math.sqrt(n))
    names = list(itertools.product(range(n), repeat=dimension - 2))
    step = CELL * (n + _GAP)
    boards = {name: Board(step * (i % across), CELL * _GAP + step * (i // across), n) for i, name in enumerate(names)}
    marked = set(witness)

    def spot(point: Point) -> tuple[float, float]:
        return boards[point[:-2]].centre(*point[-2:])

    down = math.ceil(len(names) / across)
    width = step * min(across, len(names)) - CELL * _GAP
    height = step * down
    axes = "x" if dimension == 3 else "x1 x2"
    size = min(0.8 * CELL * _GAP, max(CELL, 0.02 * max(width, height)))
    return Scene(
        title=counted(title, len(points)),
        width=width,
        height=height,
        radius=disc_radius(width / CELL),
        boards=list(boards.values()),
        plain=[spot(p) for p in points if p not in marked],
        marked=[spot(p) for p in points if p in marked],
        labels=[
            ((b.x + b.side / 2, b.y - 0.5 * CELL * _GAP), f"{axes} = {' '.join(map(str, name))}")
            for name, b in boards.items()
        ],
        label_size=size,
    )
