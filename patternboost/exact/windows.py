"""Smaller boards inside a larger one: what is proved for the small bounds every copy of it in the large.

Where forbidden sets stay forbidden when they are moved, the points of a construction inside any k x k window are a
construction of size k, so that the window holds at most the optimum of size k: Russian doll search (Verfaillie,
Lemaitre, Schiex, AAAI 1996). Where the window lies symmetrically the optimum within a symmetry class of size k will do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from patternboost.problem import Instance
from patternboost.problem.ground import BoardSize, Grid, IntArray
from patternboost.problem.symmetry import Orbits, class_orbits

#: smaller windows say nothing that the forbidden sets do not say
_LEAST = 3


class Window(NamedTuple):
    """At most `bound` points: the sum of counts[i] times orbits[i] chosen."""

    orbits: IntArray
    counts: IntArray
    bound: int


def has_windows(instance: Instance) -> bool:
    """Whether windows of smaller size bound an instance."""
    square = isinstance(instance.problem.ground, Grid) and not isinstance(instance.n, BoardSize)
    return instance.problem.translations and square


def windows(instance: Instance, symmetry: str, upper: Mapping[tuple[int, str], int]) -> Iterator[Window]:
    """The windows of all sizes k < n with a bound in `upper` (by k and class), each once up to symmetry."""
    if not has_windows(instance):
        return
    n, orbits = instance.n, class_orbits(instance, symmetry)
    seen: set[bytes] = set()
    for k in sorted({k for k, _ in upper if _LEAST <= k < n}):
        rows, columns = np.divmod(np.arange(k * k), k)
        classes = [(name, bound) for (size, name), bound in upper.items() if size == k]
        parts = {name: class_orbits(instance.problem.at(k), name) for name, _ in classes}
        for top in range(n - k + 1):
            for left in range(n - k + 1):
                cells = (rows + top) * n + columns + left
                bounds = [b for name, b in classes if _holds_unions(orbits, cells, parts[name])]
                if not bounds:
                    continue
                counts = np.bincount(orbits.orbit_of[cells], minlength=orbits.count)
                key = counts.astype(np.int16).tobytes()
                if key not in seen:
                    seen.add(key)
                    met = np.flatnonzero(counts)
                    yield Window(met, counts[met], min(bounds))


def _holds_unions(orbits: Orbits, cells: IntArray, small: Orbits) -> bool:
    """Whether unions of `orbits`, seen through the window `cells`, are always unions of the small board's orbits."""
    seen = orbits.orbit_of[cells[small.members]]
    return bool((seen == np.repeat(seen[small.start[:-1]], small.weights)).all())
