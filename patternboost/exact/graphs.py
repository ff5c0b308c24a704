"""All graphs of so many vertices and edges without forbidden sets, up to isomorphism, grown vertex by vertex.

A graph with e edges on n vertices has a vertex of least degree d <= 2 e / n. Without it, a graph with e - d edges on
n - 1 vertices is left, and it has no forbidden set either. So the graphs with e edges come from the few with nearly the
most edges one size below: how extremal graphs are enumerated since Clapham, Flockhart and Sheehan (1989). Of graphs
that are equal up to isomorphism one is kept (canonical forms of pynauty). What is valid only the definition says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from patternboost.exact.solver import ExactError
from patternboost.problem import Instance
from patternboost.problem.base import Problem
from patternboost.problem.ground import IntArray
from patternboost.problem.ground.base import OfVertices, has_pynauty
from patternboost.problem.ground.edges import Edges
from patternboost.problem.symmetry import canonical_form

Edge = tuple[int, int]


class _Stopped(Exception):
    """It was time to stop."""


def is_of_graphs(instance: Instance) -> bool:
    """Whether constructions are graphs and all permutations of the vertices preserve what is forbidden."""
    return isinstance(instance.problem.ground, Edges) and instance.problem.symmetries == "all"


def require_canonical(instance: Instance) -> None:
    """Raises ExactError where equal graphs cannot be told, since pynauty is missing."""
    if isinstance(instance.problem.ground, OfVertices) and not has_pynauty():
        raise ExactError("graphs up to isomorphism need an extra: pip install 'patternboost[graphs]'")


def graphs(instance: Instance, edges: int, over: Callable[[], bool], keep: Callable[[IntArray], None]) -> bool:
    """Hand every graph with so many edges to `keep` (int64, sorted); returns whether these are all.

    They are not all where `over` ended it.
    """
    try:
        for found in _Graphs(instance.problem, over).all(instance.n, edges):
            keep(found)
    except _Stopped:
        return False
    return True


class _Graphs:
    """The graphs of a problem by numbers of vertices and edges, each number worked out once."""

    def __init__(self, problem: Problem, over: Callable[[], bool]) -> None:
        self.problem, self.over = problem, over
        self.known: dict[tuple[int, int], list[IntArray]] = {}

    def all(self, n: int, edges: int) -> list[IntArray]:
        """The graphs on n vertices with so many edges, in canonical form."""
        if not 0 <= edges <= n * (n - 1) // 2:
            return []
        if n == 1:
            return [np.empty(0, np.int64)]
        if (n, edges) not in self.known:
            instance = self.problem.at(n)
            found: dict[bytes, IntArray] = {}
            for degree in range(min(n - 1, 2 * edges // n) + 1):
                for small in self.all(n - 1, edges - degree):
                    if self.over():
                        raise _Stopped
                    for grown in self._grown(instance, small, degree):
                        form = canonical_form(instance, grown)
                        found.setdefault(form.tobytes(), form)
            self.known[n, edges] = list(found.values())
        return self.known[n, edges]

    def _grown(self, instance: Instance, small: IntArray, degree: int) -> Iterator[IntArray]:
        """A graph with one vertex more, which has `degree` neighbours and of all vertices the fewest."""
        new = instance.n - 1
        base = [] if new == 1 else self.problem.at(new).to_points(small)
        degrees = np.bincount(np.asarray(base, np.int64).ravel(), minlength=new)
        # Vertices of too few neighbours need the new one among theirs, and one more may not be enough.
        needed = frozenset(np.flatnonzero(degrees < degree).tolist())
        if degrees.min() < degree - 1 or len(needed) > degree:
            return

        def choose(joined: list[int], first: int) -> Iterator[list[int]]:
            if len(joined) == degree:
                if needed.issubset(joined):
                    yield joined
                return
            for vertex in range(first, new):
                more = [*joined, vertex]
                if instance.violation([*base, *((v, new) for v in more)]) is None:
                    yield from choose(more, vertex + 1)

        for neighbours in choose([], 0):
            yield instance.to_elements([*base, *((v, new) for v in neighbours)])
