"""Forbidden sets of four and more elements as forbidden sets of free orbits, for `hypergraph`.

Read off the written-out sets of `patternboost.search.hypergraph`: elements become orbits, fixed ones leave their sets,
and what is left of a set is a forbidden set of the free orbits alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from patternboost.problem import Instance, ProblemError
from patternboost.problem.ground import IntArray
from patternboost.search.masks import legality_mask
from patternboost.search.tables import Table

if TYPE_CHECKING:
    from patternboost.search.hypergraph import Conflicts

#: what fills the places of a row that are not used; orbits that are neither free nor fixed
_NOTHING, _ABSENT = -1, -2


class TooLarge(ValueError):
    """More orbits or forbidden sets than the exact half can hold; the message is one line."""


def require_points(instance: Instance) -> None:
    """Raises ProblemError for a problem whose scores are values: the solver knows numbers of elements."""
    if instance.problem.by_value:
        raise ProblemError(f"{instance}: proofs and the solver know numbers of points, not values; use --improve tabu")


def require_written(instance: Instance, memory: int) -> None:
    """Raises TooLarge where sets are to be written out and there are more than the memory holds."""
    if instance.problem.by_rows:
        return
    from patternboost.search.enumerate import can_be_written  # late: most problems need none of its kernels

    if not can_be_written(instance, memory):
        raise TooLarge(f"{instance} has more forbidden sets than the exact half can write out: a smaller n has fewer")


def free_of_larger(table: Table, fixed: IntArray) -> IntArray:
    """The orbits that may join `fixed` (a valid set, int64) one by one, ascending."""
    mask = legality_mask(table, 1)
    for orbit in fixed:
        mask.extend(np.array([orbit]))
    return np.flatnonzero(mask.blocked[0, :-1] == 0).astype(np.int64)


def larger_sets(conflicts: Conflicts, table: Table, fixed: IntArray, free: IntArray) -> list[NDArray[np.int32]]:
    """The forbidden sets of the `free` orbits (by their place in it), ascending rows, one array for each size from two.

    Sets that hold a forbidden pair are left out. int32, shapes (sets, size).
    """
    # Smaller sets are padded by an element after the last (see `hypergraph`), which stands for no orbit.
    place = np.full(table.orbits.count + 1, _ABSENT, np.int32)
    place[-1] = _NOTHING
    place[fixed] = _NOTHING
    place[free] = np.arange(len(free))
    orbit_of = np.append(table.orbits.orbit_of, table.orbits.count)
    rows = place[orbit_of[conflicts.hypergraph.sets.astype(np.int64)]]
    rows = np.sort(rows[(rows != _ABSENT).all(axis=1)], axis=1)
    rows[:, 1:][rows[:, 1:] == rows[:, :-1]] = _NOTHING  # two elements of one orbit
    rows = np.unique(np.sort(rows, axis=1), axis=0)
    length = (rows != _NOTHING).sum(axis=1)
    k = rows.shape[1]
    pairs = rows[length == 2][:, k - 2 :]
    paired = np.zeros((len(free), len(free)), bool)
    paired[pairs[:, 0], pairs[:, 1]] = True
    found = [np.ascontiguousarray(pairs)]
    for size in range(3, k + 1):
        sets = rows[length == size][:, k - size :]
        for i in range(size):
            for j in range(i + 1, size):
                sets = sets[~paired[sets[:, i], sets[:, j]]]
        found.append(np.ascontiguousarray(sets))
    return found
