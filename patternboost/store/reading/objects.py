"""JSON objects: our certificates, and points under the names that others give them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from patternboost.problem import ProblemError
from patternboost.problem.registry import find_problem
from patternboost.store.construction import Construction, load
from patternboost.store.files import read_json
from patternboost.store.reading import lists
from patternboost.store.reading.source import Source

_POINTS = ("points", "solution", "solutions", "set", "sets", "cells", "coordinates", "elements", "edges", "best")
_SIZES = ("n", "N", "size", "side", "order")
#: objects within the object that may hold points or the size
_WITHIN = ("instance", "result", "construction", "data", "parameters", "params")


def read_object(source: Source) -> tuple[str, list[Construction]]:
    """What a JSON object was taken for, and its constructions. Raises FileError, ProblemError."""
    data = read_json(source.path)
    if isinstance(data, dict) and {"format", "sha256"} & data.keys():
        return "certificate", [_read_certificate(source)]
    if not isinstance(data, dict):
        raise source.fault("not an object with points")
    parts = [data, *(part for name in _WITHIN if isinstance(part := data.get(name), dict))]
    node = _first(parts, _POINTS, list)
    if node is None:
        raise source.fault(f"an object without points: they may be called {', '.join(_POINTS)}")
    n, name = _first(parts, _SIZES, int), _first(parts, ("problem",), str)
    return "json", list(_read_sets(source, node, _known(source, name), n))


def _first(parts: list[dict[str, Any]], names: tuple[str, ...], kind: type) -> Any:
    return next((part[name] for part in parts for name in names if type(part.get(name)) is kind), None)


def _known(source: Source, name: str | None) -> str | None:
    """The problem that the object names, where it is one of ours; beside the caller's another name means nothing."""
    if name is None or len(name) > 64 or "/" in name or name.endswith(".py"):
        return None
    try:
        return find_problem(name).name
    except ProblemError:
        if source.problem_name is None:
            raise
        return None


def _read_sets(source: Source, node: list[Any], name: str | None, n: int | None) -> Iterator[Construction]:
    for one in lists.sets_of(source, node):
        yield source.construction(one, name, n)


def _read_certificate(source: Source) -> Construction:
    expected = find_problem(source.problem_name) if source.problem_name is not None else None
    construction = load(source.path, expected)
    source.instance(construction.problem, construction.n)  # agrees with what the caller says, or raises
    return construction
