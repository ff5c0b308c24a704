"""A construction as a picture: SVG, PNG and TikZ, drawn as its ground set asks for.

A ground set may say how its constructions are drawn by an attribute `drawing`: 'board' (points of the n x n grid),
'layers' (points of two or more coordinates, the last two on a board) or 'graph' (edges between n vertices). Without it
the n x n grid is a board, points of three coordinates are layers, and the rest has no picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from patternboost.problem import Instance
from patternboost.store.drawing import render
from patternboost.store.drawing.board import board_scene, is_grid
from patternboost.store.drawing.graph import graph_scene
from patternboost.store.drawing.layers import layers_scene
from patternboost.store.drawing.scene import Drawable, Scene

_DRAWINGS: dict[str, Callable[..., Scene]] = {"board": board_scene, "layers": layers_scene, "graph": graph_scene}

#: picture formats by the ending of a file's name
BY_SUFFIX = {".svg": "svg", ".png": "png", ".tikz": "tikz", ".tex": "tikz"}


def drawing_of(instance: Instance) -> str | None:
    """'board', 'layers' or 'graph', or None where there is no drawing."""
    asked = getattr(instance.problem.ground, "drawing", None)
    if asked in _DRAWINGS:
        return str(asked)
    if is_grid(instance):
        return "board"
    return "layers" if instance.points.shape[1] == 3 else None


def scene_of(construction: Drawable, witness: Sequence[Sequence[int]] = ()) -> Scene:
    """What to draw. Raises ValueError, in one line, where nothing can be drawn or `witness` is not part of it."""
    instance = construction.instance
    drawing = drawing_of(instance)
    if drawing is None:
        raise ValueError(f"{instance} has no picture: its ground set has no drawing")
    sizes = instance.points.max(axis=0) + 1
    for point in construction.points:
        if len(point) != len(sizes) or any(not 0 <= x < s for x, s in zip(point, sizes)):
            raise ValueError(f"point {list(point)} is off the board")
    marked = [tuple(p) for p in witness]
    for point in sorted(set(marked) - set(construction.points)):
        raise ValueError(f"witness point {list(point)} is not a point of the construction")
    # in F_3^n the side is 3, whatever n is, and a cube of n dimensions has 2^n vertices
    side = construction.n if drawing == "board" else int(sizes.max())
    own = instance.problem.objective
    title = str(instance) if own is None else f"{instance}, {instance.problem.counted(construction.score)}"
    return _DRAWINGS[drawing](title, construction.points, side, marked)


def svg(construction: Drawable, witness: Sequence[Sequence[int]] = ()) -> str:
    """The construction as one self-contained SVG, with the points of `witness` marked.

    The size is the viewer's choice: the file gives only a viewBox. Raises ValueError as `scene_of`.
    """
    return render.svg(scene_of(construction, witness))


def svg_if_any(construction: Drawable) -> str | None:
    """The picture of `svg`, with a forbidden set in it marked; None where there is nothing that can be drawn."""
    try:
        scene_of(construction)  # before the witness, which needs every point to be on the board
        return svg(construction, construction.witness())
    except ValueError:
        return None


def png(construction: Drawable, witness: Sequence[Sequence[int]] = ()) -> bytes:
    """The picture of `svg` as a PNG of about 800 x 800 pixels, always the same bytes. Raises ValueError as `svg`."""
    return render.png(scene_of(construction, witness))


def tikz(construction: Drawable, witness: Sequence[Sequence[int]] = ()) -> str:
    """The picture of `svg` as a tikzpicture, for a document that loads tikz. Raises ValueError as `svg`."""
    return render.tikz(scene_of(construction, witness))


def picture_bytes(construction: Drawable, suffix: str, witness: Sequence[Sequence[int]] = ()) -> bytes:
    """The picture in the format that the ending of a file's name stands for: .svg .png .tikz .tex, else ValueError."""
    kind = BY_SUFFIX.get(suffix.lower())
    if kind is None:
        raise ValueError(f"a picture's name must end in {', '.join(BY_SUFFIX)}, not {suffix or 'nothing'}")
    if kind == "png":
        return png(construction, witness)
    return (svg if kind == "svg" else tikz)(construction, witness).encode("utf-8")
