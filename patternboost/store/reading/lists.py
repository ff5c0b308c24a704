"""Sets of points in brackets, as Python and JSON write them, also within prose: nothing is run.

Brackets of any kind hold numbers (a point), points (a set) or sets. Points that follow each other without an outer
bracket make a set too; an empty line, a semicolon or other text ends it. Headings such as `n = 7` give the size of what
follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from patternboost.store.construction import MAX_POINTS
from patternboost.store.reading.source import Source

#: most characters of a list of points; a list of the most points that are read is far shorter
MAX_LIST = 2 << 20
_MAX_DEPTH = 8

_TOKEN = re.compile(r"\s+|#[^\n]*|([\[({])|([\])}])|(,)|([+-]?\d{1,4300}(?:\.\d*)?(?:[eE][+-]?\d{1,3})?)")
_CLOSES = {"[": "]", "(": ")", "{": "}"}
#: brackets that begin with a number, so that `(row, col)` in a heading is no list
_OPENS = re.compile(r"[\[({]\s*[+-]?\d")
_HEADING = re.compile(
    r"\bn\s*[=:]\s*(\d{1,6})\b|\bsize\s*[=:]\s*(\d{1,6})\b|\b(\d{1,6})\s*[x\u00d7]\s*(\d{1,6})\b", re.IGNORECASE
)

#: what brackets hold: numbers or nodes
Node: TypeAlias = "list[Any]"


def begins_list(line: str) -> int | None:
    """Where a list begins in a line, its outermost bracket; None: there is none."""
    match = _OPENS.search(line)
    if match is None:
        return None
    before = line[: match.start()].rstrip("[({ \t")
    return match.start() - len(line[len(before) : match.start()].lstrip())


def size_in(line: str) -> int | None:
    """The size that a heading gives; None where it gives none."""
    match = _HEADING.search(line)
    if match is None:
        return None
    if match[3] is not None:
        return int(match[3]) if match[3] == match[4] else None
    return int(match[1] or match[2])


def parse(source: Source, text: str, at: int) -> tuple[Node, int]:
    """The node whose bracket is text[at], and where the text goes on after it. Raises FileError."""
    fault = source.fault("not a list of points such as [[0, 1], [2, 3]] or [(0, 1), (2, 3)]")
    stack: list[tuple[str, Node]] = []
    end = len(text)
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise fault
        at = match.end()
        opened, closed, _, number = match.groups()
        if opened:
            if len(stack) == _MAX_DEPTH:
                raise fault
            stack.append((_CLOSES[opened], []))
        elif closed:
            bracket, node = stack.pop()
            if bracket != closed:
                raise fault
            if not stack:
                return node, at
            stack[-1][1].append(node)
        elif number:
            if len(number) > 40:
                raise source.fault("a coordinate must be an integer below 2^31")
            stack[-1][1].append(float(number) if re.search(r"[.eE]", number) else int(number))
    raise fault


def sets_of(source: Source, node: Node) -> Iterator[Node]:
    """The sets in a node: itself, or those that it holds; a lone point is a set of one. Raises FileError."""
    kinds = {_depth(source, child) for child in node}
    if kinds == {0}:
        yield [node]
    elif kinds == {1}:
        yield node
    elif len(kinds) == 1:
        for child in node:
            yield from sets_of(source, child)
    elif node:
        raise source.fault("not a list of points such as [[0, 1], [2, 3]] or [(0, 1), (2, 3)]")


def _depth(source: Source, node: Any) -> int:
    """0 for a number, 1 for a point, 2 for a set, ...: one more than what it holds, which must be all alike."""
    if not isinstance(node, list | tuple):
        return 0
    depths = {_depth(source, child) for child in node}
    if len(depths) != 1:
        raise source.fault("not a list of points such as [[0, 1], [2, 3]] or [(0, 1), (2, 3)]")
    return 1 + depths.pop()


def is_point(node: Node) -> bool:
    """Whether a node holds numbers alone."""
    return bool(node) and not any(isinstance(child, list | tuple) for child in node)


def too_long(source: Source, text: str) -> None:
    """Raise FileError for more text than any list of points has."""
    if len(text) > MAX_LIST:
        raise source.fault(f"a list of points longer than {MAX_LIST >> 20} MiB (or {MAX_POINTS} points), refused")
