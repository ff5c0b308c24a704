"""Edges of a graph on n vertices, drawn with the vertices on a circle, vertex 0 at the top, clockwise."""

from __future__ import annotations

import math
from collections.abc import Sequence

from patternboost.problem import Point
from patternboost.store.drawing.scene import CELL, Scene, counted

#: most vertices that get their number written beside them
_NUMBERED = 40


def graph_scene(title: str, edges: Sequence[Point], n: int, witness: Sequence[Point] = ()) -> Scene:
    """Edges [u, v] with 0 <= u, v < n; those of the forbidden set stand out by colour."""
    side = CELL * max(n, 8)
    margin = 0.08 * side
    middle, reach = side / 2, side / 2 - margin

    def spot(vertex: int, out: float = 0.0) -> tuple[float, float]:
        angle = 2 * math.pi * vertex / n
        return middle + (reach + out) * math.sin(angle), middle - (reach + out) * math.cos(angle)

    marked = set(witness)
    return Scene(
        title=counted(title, len(edges), "edge"),
        width=side,
        height=side,
        radius=min(0.018 * side, 0.3 * 2 * math.pi * reach / n),
        segments=[(spot(u), spot(v)) for u, v in edges if (u, v) not in marked],
        marked_segments=[(spot(u), spot(v)) for u, v in edges if (u, v) in marked],
        nodes=[spot(v) for v in range(n)],
        labels=[(spot(v, 0.6 * margin), str(v)) for v in range(n)] if n <= _NUMBERED else [],
        label_size=0.45 * margin,
    )
