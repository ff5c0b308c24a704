"""The forbidden sets of an orbit table written out: which sets of free orbits no construction may hold.

Some orbits may be fixed as members. What is forbidden together with them becomes a smaller forbidden set of free
orbits, so that the same form serves a whole problem (nothing fixed) and the rest of a construction (most of it fixed).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from patternboost.exact.constraints_of_four import TooLarge, free_of_larger, larger_sets
from patternboost.problem import RULE_TYPE
from patternboost.problem.ground import IntArray
from patternboost.search.tables import ROWS_TYPE, Table, evaluate_row, pair_index


@dataclass(frozen=True)
class Hypergraph:
    """Forbidden sets of V free orbits, numbered 0 .. V - 1. None holds a forbidden pair, but for the pairs."""

    #: the free orbits that the fixed ones leave possible, as numbered in the table; int64, shape (V,), ascending
    orbits: IntArray
    #: elements per free orbit, int64, shape (V,)
    weights: IntArray
    #: int32, shapes (pairs, 2) and (triples, 3), each row ascending
    pairs: NDArray[np.int32]
    triples: NDArray[np.int32]
    #: sets of four orbits, of five, and so on
    larger: tuple[NDArray[np.int32], ...] = ()

    @property
    def count(self) -> int:
        """V, the number of free orbits."""
        return len(self.orbits)


_SCAN_SIGNATURE = types.int64(
    RULE_TYPE, ROWS_TYPE, types.int64[::1], types.int32[::1], types.uint8[:, ::1], types.int32[:, ::1]
)
#: most orbits (bitmaps of what every two forbid take their cube in bits) and forbidden triples that are written out
MAX_ORBITS = 1_500
MAX_TRIPLES = 6_000_000
#: what the place of an orbit is when it is no free one
_ABSENT, _FIXED = -1, -2


@njit(
    types.int64(
        RULE_TYPE,
        ROWS_TYPE,
        types.int64,
        types.int64,
        types.int64[::1],
        types.int64[::1],
        types.int64[::1],
        types.uint16[::1],
    ),
    cache=True,
    nogil=True,
)
def _copy_row(complete, rows, a, b, chosen, out, stamp, target):  # type: ignore[no-untyped-def]
    """Write the row of orbits a < b to `target`; returns its length."""
    if rows.k != 3:
        return 0
    if not rows.compiled:
        return evaluate_row(complete, rows, a, b, chosen, out, stamp, target, 0)
    index = pair_index(len(rows.weight), a, b)
    first = np.int64(rows.row_start[index])
    length = np.int64(rows.row_start[index + 1]) - first
    target[:length] = rows.row[first : first + length]
    return length


@njit(types.void(RULE_TYPE, ROWS_TYPE, types.int64[::1], types.uint8[::1]), cache=True, nogil=True)
def _block(complete, rows, fixed, blocked):  # type: ignore[no-untyped-def]
    """Mark in blocked (uint8[N]) every orbit that one or two of the `fixed` ones (ascending) forbid."""
    chosen = np.zeros(2, np.int64)
    out = np.zeros(len(rows.orbit_of), np.int64)
    stamp = np.zeros(len(rows.weight) + 1, np.int64)
    target = np.zeros(len(rows.weight), np.uint16)
    for i in range(len(fixed)):
        a = fixed[i]
        for t in range(rows.pair_start[a], rows.pair_start[a + 1]):
            blocked[rows.pair[t]] = 1
        for j in range(i + 1, len(fixed)):
            for t in range(_copy_row(complete, rows, a, fixed[j], chosen, out, stamp, target)):
                blocked[target[t]] = 1


@njit(types.void(RULE_TYPE, ROWS_TYPE, types.int64[::1], types.int32[::1], types.uint8[:, ::1]), cache=True, nogil=True)
def _find_pairs(complete, rows, orbits, place, matrix):  # type: ignore[no-untyped-def]
    """Mark in matrix (uint8[V, V]) the free orbits that are a forbidden pair, alone or with a fixed orbit."""
    chosen = np.zeros(2, np.int64)
    out = np.zeros(len(rows.orbit_of), np.int64)
    stamp = np.zeros(len(rows.weight) + 1, np.int64)
    target = np.zeros(len(rows.weight), np.uint16)
    for i in range(len(orbits)):
        a = orbits[i]
        for t in range(rows.pair_start[a], rows.pair_start[a + 1]):
            j = place[rows.pair[t]]
            if j >= 0:
                matrix[i, j] = matrix[j, i] = 1
        for j in range(i + 1, len(orbits)):
            for t in range(_copy_row(complete, rows, a, orbits[j], chosen, out, stamp, target)):
                if place[target[t]] == _FIXED:
                    matrix[i, j] = matrix[j, i] = 1


@njit(_SCAN_SIGNATURE, cache=True, nogil=True)
def _find_triples(complete, rows, orbits, place, matrix, triples):  # type: ignore[no-untyped-def]
    """Count the forbidden triples of free orbits without a forbidden pair; write as many as `triples` has room for."""
    chosen = np.zeros(2, np.int64)
    out = np.zeros(len(rows.orbit_of), np.int64)
    stamp = np.zeros(len(rows.weight) + 1, np.int64)
    target = np.zeros(len(rows.weight), np.uint16)
    found = 0
    for i in range(len(orbits)):
        for j in range(i + 1, len(orbits)):
            if matrix[i, j]:
                continue
            for t in range(_copy_row(complete, rows, orbits[i], orbits[j], chosen, out, stamp, target)):
                k = place[target[t]]
                if k > j and not matrix[i, k] and not matrix[j, k]:
                    if found < len(triples):
                        triples[found, 0], triples[found, 1], triples[found, 2] = i, j, k
                    found += 1
    return found


def require_room(count: int, what: str) -> None:
    """Raises TooLarge where a hypergraph of `count` orbits would not fit."""
    if count > MAX_ORBITS:
        raise TooLarge(
            f"{what} has {count:,} orbits, more than the exact half holds ({MAX_ORBITS:,}): "
            "a smaller n or a class of more symmetry has fewer"
        )


def free_orbits(table: Table, fixed: IntArray) -> IntArray:
    """The orbits that may join `fixed` (a valid set, int64) one by one, ascending."""
    if table.conflicts is not None:
        return free_of_larger(table, fixed)
    rows = table.rows
    blocked = rows.bad.copy()
    _block(table.instance.problem.complete, rows, np.sort(fixed), blocked)
    blocked[fixed] = 1
    return np.flatnonzero(blocked == 0).astype(np.int64)


def hypergraph(table: Table, fixed: IntArray | None = None, free: IntArray | None = None) -> Hypergraph:
    """The forbidden sets among the `free` orbits (all, where it is None) beside the `fixed` ones (none).

    Both are orbit numbers, int64; `fixed` must be valid as it stands. Free orbits that are fixed, forbidden by
    themselves or forbidden by fixed ones are left out. Raises TooLarge.
    """
    rows = table.rows
    complete = table.instance.problem.complete
    members = np.empty(0, np.int64) if fixed is None else fixed
    orbits = free_orbits(table, members)
    if free is not None:
        orbits = np.intersect1d(orbits, free)
    what = f"{table.instance} within class {table.symmetry!r}"
    require_room(len(orbits), what)
    if table.conflicts is not None:
        if not table.conflicts.hypergraph.written:
            raise TooLarge(f"{what} has more forbidden sets than the exact half can write out: a smaller n has fewer")
        pairs, triples, *larger = larger_sets(table.conflicts, table, members, orbits)
        if sum(map(len, (triples, *larger))) > MAX_TRIPLES:
            raise TooLarge(f"{what} has more forbidden sets than the exact half holds ({MAX_TRIPLES:,})")
        return Hypergraph(orbits, rows.weight[orbits].astype(np.int64), pairs, triples, tuple(larger))
    place = np.full(len(rows.weight), _ABSENT, np.int32)
    place[members] = _FIXED
    place[orbits] = np.arange(len(orbits))
    matrix = np.zeros((len(orbits), len(orbits)), np.uint8)
    _find_pairs(complete, rows, orbits, place, matrix)
    triples = np.zeros((0, 3), np.int32)
    found = _find_triples(complete, rows, orbits, place, matrix, triples)
    if found > MAX_TRIPLES:
        raise TooLarge(
            f"{what} has {found:,} forbidden triples of orbits, more than the exact half holds ({MAX_TRIPLES:,}): "
            "a smaller n or a class of more symmetry has fewer"
        )
    if found:
        triples = np.zeros((found, 3), np.int32)
        _find_triples(complete, rows, orbits, place, matrix, triples)
    pairs = np.ascontiguousarray(np.argwhere(np.triu(matrix)), np.int32)
    return Hypergraph(orbits, rows.weight[orbits].astype(np.int64), pairs, triples)
