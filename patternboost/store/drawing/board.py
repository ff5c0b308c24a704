"""Points of the n x n grid on their board, row 0 at the top; and the board as plain text."""

from __future__ import annotations

from collections.abc import Sequence

from patternboost.problem import Instance, Point
from patternboost.store.drawing.scene import Board, Drawable, Scene, around, counted, disc_radius


def is_grid(instance: Instance) -> bool:
    """Whether the ground set is the n x n grid, so that its constructions can be drawn on a board."""
    return instance.size == instance.n**2 and instance.points.shape[1] == 2


def board_scene(title: str, points: Sequence[Point], n: int, witness: Sequence[Point] = ()) -> Scene:
    """Points [row, column] on an n x n board; the forbidden set stands out by colour, rings and lines that join it."""
    board = Board(0, 0, n)
    marked = set(witness)
    return Scene(
        title=counted(title, len(points)),
        width=board.side,
        height=board.side,
        radius=disc_radius(n),
        boards=[board],
        plain=[board.centre(*p) for p in points if p not in marked],
        marked=[board.centre(*p) for p in points if p in marked],
        outline=around([board.centre(*p) for p in sorted(marked)]),
    )


def text(construction: Drawable) -> str:
    """The board as n lines of `.` and `#`.

    Raises ValueError, in one line, where the ground set is not a grid or a point is off the board.
    """
    n = construction.n
    if not is_grid(construction.instance):
        raise ValueError(f"{construction.instance} has no n x n board to draw on: its ground set is not a grid")
    for point in construction.points:
        if len(point) != 2 or not all(0 <= x < n for x in point):
            raise ValueError(f"point {list(point)} is off the board (0 to {n - 1})")
    points = set(construction.points)
    return "".join("".join("#" if (r, c) in points else "." for c in range(n)) + "\n" for r in range(n))
