"""Graphs: graph6 and sparse6, read by networkx, and DIMACS."""

from __future__ import annotations

import re
from collections.abc import Iterator

from patternboost.store.construction import MAX_POINTS, Construction
from patternboost.store.reading.source import Source

_ENDINGS = (".g6", ".s6", ".graph6", ".sparse6")
_HEADERS = (">>graph6<<", ">>sparse6<<")
#: vertices of the largest graph that is read; the ground set has no more
_MAX_VERTICES = 400


def is_coded(source: Source, text: str) -> bool:
    """Whether a text is graph6 or sparse6: its name or its header says so, or it is a problem of graphs."""
    if source.path.suffix.lower() in _ENDINGS or text.startswith(_HEADERS):
        return True
    lines = text.split()
    coded = bool(lines) and all(re.fullmatch(r":?[?-~]{1,100000}", line) for line in lines)
    return source.of_graphs and coded


def read_coded(source: Source, text: str) -> Iterator[Construction]:
    """A graph a line, as graph6 or sparse6. Raises FileError."""
    for line in text.splitlines():
        code = line.strip()
        for header in _HEADERS:
            code = code.removeprefix(header)
        if code:
            n, edges = _decoded(source, code)
            yield source.construction(edges, n=n)


def _decoded(source: Source, code: str) -> tuple[int, list[tuple[int, int]]]:
    try:
        import networkx  # late, and not ours to need: torch brings it
    except ImportError as error:
        raise source.fault("graph6 and sparse6 need networkx: pip install networkx") from error
    if not re.fullmatch(r":?[?-~]+", code) or code.lstrip(":")[0] == "~":
        raise source.fault(f"{code[:40]!r} is no graph6 of at most 62 vertices")
    try:
        read = networkx.from_sparse6_bytes if code[0] == ":" else networkx.from_graph6_bytes
        graph = read(code.encode())
    except (networkx.NetworkXError, ValueError, IndexError) as error:
        raise source.fault(f"{code[:40]!r} is no graph6 or sparse6") from error
    edges = [(min(u, v), max(u, v)) for u, v in graph.edges()]
    if any(u == v for u, v in edges):
        raise source.fault(f"{code[:40]!r}: an edge from a vertex to itself")
    return graph.number_of_nodes(), sorted(set(edges))


def is_dimacs(text: str) -> bool:
    """Whether a text is a graph in DIMACS form."""
    return re.search(r"^p\s+(edge|edges|col)\s+\d", text, re.MULTILINE) is not None


def read_dimacs(source: Source, text: str) -> Construction:
    """A graph in DIMACS form: `p edge N M`, then a line `e U V` for each edge, counted from 1. Raises FileError."""
    n: int | None = None
    edges: set[tuple[int, int]] = set()
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0] in ("c", "n"):
            continue
        if not all(re.fullmatch(r"\d{1,9}", word) for word in words[2 if words[0] == "p" else 1 :]):
            raise source.fault(f"line {number}: not DIMACS")
        if words[0] == "p" and len(words) == 4:
            n = int(words[2])
        elif words[0] == "e" and len(words) == 3:
            u, v = sorted((int(words[1]) - 1, int(words[2]) - 1))
            if u == v:
                raise source.fault(f"line {number}: an edge from a vertex to itself")
            edges.add((u, v))
        else:
            raise source.fault(f"line {number}: not DIMACS")
        if len(edges) > MAX_POINTS:
            raise source.fault(f"more than {MAX_POINTS} edges, refused")
    if n is None or n > _MAX_VERTICES:
        raise source.fault(f"a graph must have at most {_MAX_VERTICES} vertices")
    source.from_one = False  # the form counts from 1 by itself, and that is done
    return source.construction(sorted(edges), n=n)
