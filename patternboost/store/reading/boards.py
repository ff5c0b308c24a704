"""Boards of any two characters, strings of 0 and 1, and run length encoded boards."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from patternboost.store.construction import MAX_POINTS, Construction
from patternboost.store.drawing.board import is_grid
from patternboost.store.reading.source import MAX_ALL_POINTS, MAX_CONSTRUCTIONS, Source

#: characters that stand for an empty cell: a dot is empty beside anything, a nought or an O beside all but these
_SURELY_EMPTY, _OFTEN_EMPTY = ".·_-", "0oO"
#: characters that no board is made of: those of lists, headings and CSV
_NEVER = frozenset("[](){},;:=\"'|/\\23456789")
_RULE = re.compile(r"([-=_*~+#])\1*")


def cells_of(line: str) -> str | None:
    """The cells of a line that may be a row of a board, blanks left out; None for any other line."""
    cells = "".join(line.split())
    return cells if cells and len(set(cells)) <= 2 and not _NEVER & set(cells) else None


def is_ruler(line: str) -> bool:
    """Whether a line is one of the kind that underlines a heading."""
    return len(line.strip()) > 2 and _RULE.fullmatch(line.strip()) is not None


def roles(source: Source, characters: set[str]) -> str | None:
    """Which of the characters of a board is a point; None: none is, all cells are empty.

    A dot, an underscore or a dash is empty; of other pairs a nought or an O is; where neither decides, `--point` does.
    Raises FileError where it is in doubt.
    """
    if source.point is not None:
        return source.point if source.point in characters else None
    ranks = {c: 2 if c in _SURELY_EMPTY else 1 if c in _OFTEN_EMPTY else 0 for c in characters}
    if len(ranks) == 1:
        (only,) = ranks
        return None if ranks[only] else only
    first, second = sorted(ranks, key=lambda c: (ranks[c], c))
    if ranks[first] == ranks[second]:
        choice = " or ".join(f"--point '{c}'" for c in sorted(characters))
        raise source.fault(f"which of {first!r} and {second!r} is a point? pass {choice}")
    return first


def read_run(source: Source, number: int, rows: Sequence[str]) -> Iterator[Construction]:
    """The constructions in consecutive lines of cells, equally long; the first one is line `number` of the file.

    As many rows as cells in a row are a board, unless n says that they are strings; else every row must be a string of
    bits: n * n for a board, or the upper triangle of a graph's adjacency matrix.
    """
    height, width = len(rows), len(rows[0])
    bits = set("".join(rows)) <= {"0", "1"}
    if height == width and not source.of_graphs and not (bits and source.n is not None and width == source.n**2 > 1):
        yield _board(source, width, "".join(rows))
        return
    if bits:
        for i, row in enumerate(rows):
            yield _string(source, number + i, row, height)
        return
    raise source.fault(f"line {number}: a board of {height} x {width}: a board must have as many rows as columns")


def _board(source: Source, size: int, cells: str) -> Construction:
    point = roles(source, set(cells))
    return _on_grid(source, size, [i for i, c in enumerate(cells) if c == point])


def _on_grid(source: Source, size: int, places: Sequence[int]) -> Construction:
    instance = source.instance(n=size)  # also refuses a size that is out of range, before the points are listed
    if not is_grid(instance):
        raise source.fault(f"is a board, but {instance} has none: give a list of points instead")
    return Construction.of(instance, [divmod(i, size) for i in places])


def _string(source: Source, number: int, cells: str, rows: int) -> Construction:
    if source.of_graphs:
        n = (1 + math.isqrt(1 + 8 * len(cells))) // 2
        if n * (n - 1) // 2 != len(cells):
            raise source.fault(f"line {number}: {len(cells)} bits are no upper triangle: these are n (n - 1) / 2")
        instance = source.instance(n=n)
        chosen = [i for i, c in enumerate(cells) if c == "1"]
        return Construction.of(instance, [tuple(p) for p in instance.points[chosen].tolist()])
    size = math.isqrt(len(cells))
    if size * size != len(cells):
        raise source.fault(
            f"line {number}: a board must have as many rows as cells in a row, not {rows} row(s) with {len(cells)} "
            "cells; a string of bits must be n * n zeros and ones"
        )
    return _on_grid(source, size, [i for i, c in enumerate(cells) if c == "1"])


def bounded(source: Source, found: Iterator[Construction]) -> Iterator[Construction]:
    """The constructions, while they are not too many. Raises FileError."""
    points = 0
    for count, construction in enumerate(found, start=1):
        points += len(construction.points)
        if count > MAX_CONSTRUCTIONS or points > MAX_ALL_POINTS:
            raise source.fault(f"more than {MAX_CONSTRUCTIONS} constructions or {MAX_ALL_POINTS} points, refused")
        yield construction


# -- run length encoding -----------------------------------------------------------------------------------------------

_HEADER = re.compile(r"x\s*=\s*(\d{1,6})\s*,\s*y\s*=\s*(\d{1,6})\b.*", re.I)
_BODY = re.compile(r"[\dbo.A$!\s]+")


def is_rle(text: str) -> bool:
    """Whether a text holds boards as programs for cellular automata write them: comments, a header, and bodies."""
    body = "".join(line for line in text.splitlines() if not line.startswith("#") and not _HEADER.fullmatch(line))
    return "!" in body and _BODY.fullmatch(body) is not None


def read_rle(source: Source, text: str) -> Iterator[Construction]:
    """Run length encoded boards: b or . is an empty cell, o or A a point, $ ends a row, ! a board."""
    size: int | None = None
    body = ""
    for line in text.splitlines():
        header = _HEADER.fullmatch(line)
        if header:
            width, height = int(header[1]), int(header[2])
            if width != height and source.n is None:
                raise source.fault(f"a board of {height} x {width}: pass --n N for the side of the square it lies in")
            if source.n is not None and max(width, height) > source.n:
                raise source.fault(f"a board of {height} x {width}, which is more than n = {source.n}")
            size = max(width, height)
        elif not line.startswith("#"):
            body += line
    for coded in body.split("!")[:-1]:
        points, extent = _decoded(source, coded)
        yield source.construction(points, n=None if source.n is not None else size or extent)


def _decoded(source: Source, coded: str) -> tuple[list[tuple[int, int]], int]:
    """Points of one board, and the larger of its height and width."""
    row = column = width = 0
    points: list[tuple[int, int]] = []
    for count, kind in re.findall(r"(\d{0,7})\s*([bo.A$])", coded):
        times = int(count or 1)
        if kind == "$":
            row, column = row + times, 0
            continue
        if kind in "oA":
            if len(points) + times > MAX_POINTS:
                raise source.fault(f"more than {MAX_POINTS} points, refused")
            points += [(row, column + i) for i in range(times)]
        column += times
        width = max(width, column)
    return points, max(width, row + 1)
