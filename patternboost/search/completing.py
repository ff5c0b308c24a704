"""Filling a set up with free orbits, straight from the rule: for walks that had no table of their whole class."""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from patternboost.problem import RULE_TYPE, Instance
from patternboost.problem.ground import IntArray
from patternboost.problem.symmetry import class_orbits


@njit(
    types.void(RULE_TYPE, types.int64, types.int64, types.int64[::1], types.int64[::1], types.uint8[::1]),
    cache=True,
    nogil=True,
)
def _mark(complete, n, k, new, members, mark):  # type: ignore[no-untyped-def]
    """Mark what completes a forbidden set of one element of `new` and, for k = 3, one further of `new` or `members`."""
    chosen = np.zeros(2, np.int64)
    out = np.zeros(len(mark), np.int64)
    for i in range(len(new)):
        chosen[0] = new[i]
        if k == 2:
            for t in range(complete(n, chosen[:1], out)):
                mark[out[t]] = 1
            continue
        for j in range(i + 1, len(new) + len(members)):
            chosen[1] = new[j] if j < len(new) else members[j - len(new)]
            for t in range(complete(n, chosen, out)):
                mark[out[t]] = 1


def fill_up(instance: Instance, symmetry: str, chosen: IntArray) -> IntArray:
    """A valid set of a class's orbits (int64) with free orbits added until there is none, the heaviest first.

    Not for forbidden sets of four and more elements.
    """
    orbits, problem = class_orbits(instance, symmetry), instance.problem
    mark = np.zeros(instance.size, np.uint8)
    members = orbits.expand(chosen)
    _mark(problem.complete, instance.n, problem.k, members, np.empty(0, np.int64), mark)
    taken = [*chosen.tolist()]
    for orbit in _free(orbits.orbit_of, orbits.weights, mark, members):
        new = orbits.members[orbits.start[orbit] : orbits.start[orbit + 1]]
        if mark[new].any():
            continue
        after = mark.copy()
        _mark(problem.complete, instance.n, problem.k, new, members, after)
        both = np.concatenate([members, new])
        if not after[both].any():
            mark, members = after, both
            taken.append(int(orbit))
    return np.array(sorted(taken), np.int64)


def _free(
    orbit_of: NDArray[np.int32], weights: NDArray[np.int32], mark: NDArray[np.uint8], members: IntArray
) -> IntArray:
    """Orbits outside the set of which no element is marked, the heaviest first."""
    unmarked = np.bincount(orbit_of[mark == 0], minlength=len(weights))
    unmarked[orbit_of[members]] = 0
    free = np.flatnonzero(unmarked == weights)
    return free[np.argsort(-weights[free], kind="stable")].astype(np.int64)
