"""What the research experiments learn from: attempts, and the best of many short searches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from patternboost.model.tokens import Example
from patternboost.problem.ground import IntArray
from patternboost.problem.registry import problem
from patternboost.problem.symmetry import canonical_key
from patternboost.search.greedy import Greedy
from patternboost.search.tasks import prepare
from patternboost.search.walker import make_walker

#: tabu steps per construction
STEPS = 3_000
#: classes in which good constructions are searched
_CLASSES = ("none", "mirror", "both-mirrors")
#: classes of symmetric attempts
_SYMMETRIC = ("none", "mirror", "diagonal", "both-mirrors", "both-diagonals", "half-turn")


class Attempts:
    """Random greedy fills: of the whole grid, or (`symmetric`) of symmetry classes in turn; as sets of cells."""

    def __init__(self, name: str, n: int, symmetric: bool) -> None:
        self._n = n
        self._greedy = Greedy.of(problem(name, n))
        self._walkers = []
        if symmetric:
            for symmetry in (s for s in _SYMMETRIC if s in problem(name, n).classes):
                prepared = prepare(problem(name, n), symmetry)
                self._walkers.append((prepared.table.orbits, prepared.table, prepared.bits))

    def one(self, seed: int) -> IntArray:
        """The attempt of a seed, sorted elements."""
        if not self._walkers:
            return self._greedy.sample(1, seed)[0]
        orbits, table, bits = self._walkers[seed % len(self._walkers)]
        walker = make_walker(table, bits, (1, 3), seed)
        walker.start(np.empty(0, np.int64))
        return orbits.expand(np.sort(walker.best[0]))

    def many(self, count: int, seed: int) -> list[Example]:
        """So many attempts, as examples without symmetry."""
        if not self._walkers:
            return [Example(self._n, "none", elements) for elements in self._greedy.sample(count, seed)]
        seeds = np.random.default_rng(seed).integers(0, 1 << 40, count)
        return [Example(self._n, "none", self.one(int(s))) for s in seeds]


def best_of(name: str, n: int, count: int, seed: int, over: Callable[[], bool] = lambda: False) -> list[Example]:
    """The best distinct constructions of size n that short walks find, as sets without symmetry, best first."""
    instance = problem(name, n)
    found: dict[bytes, Example] = {}
    for symmetry in (s for s in _CLASSES if s in instance.classes):
        prepared = prepare(instance, symmetry)
        walker = make_walker(prepared.table, prepared.bits, (1, 3), seed)
        for _ in range(count):
            if over():
                break
            walker.start(np.empty(0, np.int64))
            walker.run(STEPS, STEPS, instance.upper_bound)
            elements = prepared.table.orbits.expand(np.sort(walker.best[0]))
            if len(elements):
                found.setdefault(canonical_key(instance, elements), Example(n, "none", elements))
    return sorted(found.values(), key=lambda e: -len(e.elements))[:count]


def smaller_sizes(name: str, n: int, count: int, seed: int, over: Callable[[], bool]) -> list[Example]:
    """The best constructions of the sizes from 4 to n - 1."""
    return [example for m in range(4, n) for example in best_of(name, m, count, seed, over)]
