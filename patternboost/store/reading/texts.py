"""Text that holds boards, lists of points, or both between lines of prose: a report, a page of solutions."""

from __future__ import annotations

from collections.abc import Iterator

from patternboost.store.construction import Construction
from patternboost.store.reading import boards, lists
from patternboost.store.reading.lists import Node
from patternboost.store.reading.source import MAX_CONSTRUCTIONS, Source


def holds_sets(text: str) -> bool:
    """Whether a text has a list in brackets or a line of cells."""
    return any(lists.begins_list(line) is not None or boards.cells_of(line) for line in text.splitlines())


def read_text_of(source: Source, text: str) -> tuple[str, list[Construction]]:
    """What a text holds, in a word, and its constructions, each once: a report may show one as a board and as a list.

    Raises FileError.
    """
    kinds: set[str] = set()

    def told() -> Iterator[Construction]:
        for kind, construction in _scan(source, text):
            kinds.add(kind)
            yield construction

    found: dict[tuple[int, tuple[tuple[int, ...], ...]], Construction] = {}
    for construction in boards.bounded(source, told()):
        found.setdefault((construction.n, construction.points), construction)
    if kinds == {"boards"} and _one_line_each(text, len(found)):
        kinds = {"0/1 strings"}
    return " and ".join(sorted(kinds)) or "text", list(found.values())


def _one_line_each(text: str, sets: int) -> bool:
    return sum(1 for line in text.splitlines() if line.strip()) == sets


def _scan(source: Source, text: str) -> Iterator[tuple[str, Construction]]:
    """Go through the lines: runs of cells are boards, brackets hold points, and what else there is ends a set."""
    size: int | None = None
    points: list[Node] = []
    lines = text.splitlines()
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    number = 0
    while number < len(lines):
        line = lines[number]
        begins = lists.begins_list(line)
        cells = None if begins is not None else boards.cells_of(line)
        if begins is None and points and not _continues(line):
            yield "list of points", _set(source, points, size)
            points = []
        if begins is not None:
            size = lists.size_in(line[:begins]) or size
            at = starts[number] + begins
            while True:
                node, at = lists.parse(source, text, at)
                if lists.is_point(node):
                    if len(node) > 1:  # a lone number in brackets is prose: a year, a reference
                        points.append(node)
                else:
                    if points:
                        yield "list of points", _set(source, points, size)
                        points = []
                    for one in lists.sets_of(source, node):
                        yield "list of points", _set(source, one, size)
                number = _line_of(starts, at, number)
                rest = text[at : starts[number + 1]]
                following = lists.begins_list(rest)
                if points and (";" in (rest if following is None else rest[:following])):
                    yield "list of points", _set(source, points, size)
                    points = []
                if following is None:
                    break
                at += following
            number += 1
        elif cells is not None and not (boards.is_ruler(line) and not _row_follows(lines, number, cells)):
            rows = [cells]
            while len(rows) <= MAX_CONSTRUCTIONS and number + len(rows) < len(lines):
                further = boards.cells_of(lines[number + len(rows)])
                if further is None or len(further) != len(cells) or len(set("".join((*rows[-1:], further)))) > 2:
                    break
                rows.append(further)
            if len(rows) > MAX_CONSTRUCTIONS:
                raise source.fault(f"more than {MAX_CONSTRUCTIONS} lines without an empty line, refused")
            for construction in boards.read_run(source, number + 1, rows):
                yield "boards", construction
            number += len(rows)
        else:
            size = lists.size_in(line) or size
            number += 1
    if points:
        yield "list of points", _set(source, points, size)


def _row_follows(lines: list[str], number: int, cells: str) -> bool:
    """Whether the line after this one is a row of cells as long."""
    further = boards.cells_of(lines[number + 1]) if number + 1 < len(lines) else None
    return further is not None and len(further) == len(cells)


def _continues(line: str) -> bool:
    """Whether a line between two points of a set ends it not: one with commas alone."""
    return line.strip() == ","


def _line_of(starts: list[int], at: int, number: int) -> int:
    while starts[number + 1] <= at and number + 2 < len(starts):
        number += 1
    return number


def _set(source: Source, points: list[Node], size: int | None) -> Construction:
    return source.construction(points, n=None if source.n is not None else size)
