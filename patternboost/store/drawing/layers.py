"""Points of a box of two or more dimensions as boards side by side, one for each value of the first coordinates."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from patternboost.problem import Point
from patternboost.store.drawing.scene import CELL, Board, Scene, Spot, counted, disc_radius

#: gap between boards, where the labels stand: in cells, and in boards
_GAP_CELLS, _GAP_BOARDS = 1.5, 0.12


def layers_scene(title: str, points: Sequence[Point], n: int, witness: Sequence[Point] = ()) -> Scene:
    """Points of {0 .. n-1}^d, d >= 2, the last two coordinates [row, column] of a board.

    The n boards of a cube stand in rows, read like a page; those of four dimensions stand in a square, the first
    coordinate downwards, the second to the right; of more, the first half of the others downwards, the second half to
    the right. The forbidden set is marked by colour and rings.
    """
    dimension = max((len(p) for p in points), default=3)
    if dimension < 2:
        raise ValueError("points of one coordinate have no drawing by layers")
    across = n ** math.ceil((dimension - 2) / 2) if dimension > 3 else math.ceil(math.sqrt(n))
    gap = CELL * max(_GAP_CELLS, _GAP_BOARDS * n)
    step = CELL * n + gap
    names = list(itertools.product(range(n), repeat=dimension - 2))
    boards = {name: Board(step * (i % across), gap + step * (i // across), n, n) for i, name in enumerate(names)}
    texts = {name: f"x = {name[0]}" if dimension == 3 else ", ".join(map(str, name)) or " " for name in names}
    marked = set(witness)

    def spot(point: Point) -> Spot:
        return boards[point[:-2]].centre(*point[-2:])

    width = step * across - gap
    return Scene(
        title=counted(title, len(points)),
        width=width,
        height=step * math.ceil(len(names) / across),
        radius=disc_radius(width / CELL),
        boards=list(boards.values()),
        plain=[spot(p) for p in points if p not in marked],
        marked=[spot(p) for p in points if p in marked],
        labels=[((b.x + b.width / 2, b.y - 0.4 * gap), texts[name]) for name, b in boards.items()],
        # as high as the gap allows, and no text wider than its board
        label_size=min(0.5 * gap, 1.4 * CELL * n / max(len(text) for text in texts.values())),
    )
