"""Legality masks: which orbits a partial construction already forbids, kept for a batch of growing constructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from patternboost.problem import RULE_TYPE
from patternboost.problem.ground import IntArray
from patternboost.search.tables import ROWS_TYPE, Table, evaluate_row, pair_index

if TYPE_CHECKING:
    from patternboost.search.set_masks import SetMask


@njit(
    types.void(RULE_TYPE, ROWS_TYPE, types.int32[:, ::1], types.int64[::1], types.uint8[:, ::1], types.int64[::1]),
    cache=True,
    nogil=True,
)
def _extend(complete, rows, member, sizes, blocked, added):  # type: ignore[no-untyped-def]
    """Give row r of the batch the orbit added[r] (-1: none), and block what it forbids with the others and itself."""
    count = len(rows.weight)
    chosen = np.zeros(2, np.int64)
    out = np.zeros(len(rows.orbit_of), np.int64)
    stamp = np.zeros(count + 1, np.int64)
    scratch = np.zeros(count, np.uint16)
    for r in range(len(added)):
        a = added[r]
        if a < 0:
            continue
        blocked[r, a] = 1
        for t in range(rows.pair_start[a], rows.pair_start[a + 1]):
            blocked[r, rows.pair[t]] = 1
        for i in range(sizes[r]):
            b = np.int64(member[r, i])
            if rows.compiled:
                index = pair_index(count, min(a, b), max(a, b))
                for t in range(rows.row_start[index], rows.row_start[index + 1]):
                    blocked[r, rows.row[t]] = 1
            elif rows.k == 3:
                for t in range(evaluate_row(complete, rows, a, b, chosen, out, stamp, scratch, 0)):
                    blocked[r, scratch[t]] = 1
        member[r, sizes[r]] = a
        sizes[r] += 1


def third_orbits(table: Table, a: int, b: int) -> NDArray[np.uint16]:
    """The row of orbits a != b: every third orbit that a forbidden set has with exactly these two."""
    complete = table.instance.problem.complete
    elements, count = len(table.rows.orbit_of), table.orbits.count
    if table.rows.k != 3:
        return np.zeros(0, np.uint16)
    row = np.zeros(count, np.uint16)
    scratch = np.zeros(2, np.int64), np.zeros(elements, np.int64), np.zeros(count + 1, np.int64)
    return row[: evaluate_row(complete, table.rows, a, b, *scratch, row, 0)]


class LegalityMask:
    """The free orbits of `batch` constructions that grow one orbit at a time."""

    def __init__(self, table: Table, batch: int) -> None:
        self._table = table
        count = table.orbits.count
        self._member = np.zeros((batch, count), np.int32)
        self._sizes = np.zeros(batch, np.int64)
        #: 1 where an orbit is not free, uint8[batch, N + 1]; the last column, for "no more", stays 0
        self.blocked: NDArray[np.uint8] = np.tile(np.append(table.rows.bad, np.uint8(0)), (batch, 1))

    def extend(self, added: IntArray) -> None:
        """Add one orbit per construction (-1: none)."""
        complete = self._table.instance.problem.complete
        _extend(complete, self._table.rows, self._member, self._sizes, self.blocked, added)

    def keep(self, rows: IntArray) -> None:
        """Forget all constructions but `rows`."""
        self._member = self._member[rows]
        self._sizes = self._sizes[rows]
        self.blocked = self.blocked[rows]


def legality_mask(table: Table, batch: int) -> LegalityMask | SetMask:
    """The masks of `batch` constructions that are empty so far, in the form that the table's forbidden sets need."""
    if table.conflicts is None:
        return LegalityMask(table, batch)
    from patternboost.search.set_masks import SetMask  # late: most problems need none of its kernels

    return SetMask(table, batch)


def sequential_fill(table: Table, rng: np.random.Generator, share: float) -> set[int]:
    """Go through the orbits in order and take each one that is allowed with probability `share`; what was taken."""
    mask = legality_mask(table, 1)
    chosen: set[int] = set()
    for orbit in range(table.orbits.count):
        if not mask.blocked[0, orbit] and rng.random() < share:
            mask.extend(np.array([orbit]))
            chosen.add(orbit)
    return chosen
