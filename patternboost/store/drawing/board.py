"""Points of the n x n grid on their board, row 0 at the top; and the board as plain text."""

from __future__ import annotations

from collections.abc import Sequence

from patternboost.problem import Instance, Point
from patternboost.problem.ground import sides
from patternboost.store.drawing.scene import Board, Drawable, Scene, around, counted, disc_radius


def is_grid(instance: Instance) -> bool:
    """Whether the ground set is the cells of a board, so that its constructions can be drawn on one."""
    height, width = sides(instance.n)
    return instance.size == height * width and instance.points.shape[1] == 2 and not _is_graph(instance)


def _is_graph(instance: Instance) -> bool:
    return getattr(instance.problem.ground, "drawing", None) == "graph"


def board_scene(title: str, points: Sequence[Point], n: int, witness: Sequence[Point] = ()) -> Scene:
    """Points [row, column] on a board of size n; the forbidden set stands out by colour, rings and lines."""
    board = Board(0, 0, *sides(n))
    marked = set(witness)
    return Scene(
        title=counted(title, len(points)),
        width=board.width,
        height=board.height,
        radius=disc_radius(board.columns),
        boards=[board],
        plain=[board.centre(*p) for p in points if p not in marked],
        marked=[board.centre(*p) for p in points if p in marked],
        outline=around([board.centre(*p) for p in sorted(marked)]),
    )


def text(construction: Drawable) -> str:
    """The board as n lines of `.` and `#`.

    Raises ValueError, in one line, where the ground set is not a grid or a point is off the board.
    """
    height, width = sides(construction.n)
    if not is_grid(construction.instance):
        raise ValueError(f"{construction.instance} has no board to draw on: its ground set is not a grid")
    for point in construction.points:
        if len(point) != 2 or not (0 <= point[0] < height and 0 <= point[1] < width):
            raise ValueError(f"point {list(point)} is off the board ({height} x {width})")
    points = set(construction.points)
    return "".join("".join("#" if (r, c) in points else "." for c in range(width)) + "\n" for r in range(height))
