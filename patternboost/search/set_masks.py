"""Legality masks for forbidden sets of four and more elements: exact, by trial where an orbit has several elements."""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from patternboost.problem import RULE_TYPE, UPDATE_TYPE
from patternboost.problem.ground import IntArray
from patternboost.search.hypergraph import (
    COUNTS_TYPE,
    HYPERGRAPH_TYPE,
    Conflicts,
    add_element,
    bare_hypergraph,
    drop_element,
)
from patternboost.search.tables import Table

#: memory for what the written-out sets hold of every construction of a batch, bytes; past it the rule is asked
_MOST_INSIDE = 1 << 30


_WHAT = (RULE_TYPE, UPDATE_TYPE, HYPERGRAPH_TYPE, COUNTS_TYPE, types.int64[::1], types.int64[::1])


@njit(types.boolean(*_WHAT, types.int64[::1]), cache=True, nogil=True)
def _fits(complete, conflicts, hypergraph, counts, start, members, orbits):  # type: ignore[no-untyped-def]
    """Whether orbits (distinct, none of them chosen) can all join: they are added one by one, and taken out again."""
    before = counts.size[0]
    fits = True
    for orbit in orbits:
        for i in range(start[orbit], start[orbit + 1]):
            fits = fits and counts.counts[members[i]] == 0
            if fits:
                add_element(complete, conflicts, hypergraph, counts, members[i])
    while counts.size[0] > before:
        drop_element(complete, conflicts, hypergraph, counts, counts.member[counts.size[0] - 1])
    return fits


@njit(types.void(*_WHAT, types.uint8[::1], types.int64), cache=True, nogil=True)
def _extend(complete, conflicts, hypergraph, counts, start, members, blocked, added):  # type: ignore[no-untyped-def]
    """Add an orbit, and block it and every orbit that can no longer join."""
    for i in range(start[added], start[added + 1]):
        add_element(complete, conflicts, hypergraph, counts, members[i])
    blocked[added] = 1
    alone = np.empty(1, np.int64)
    for orbit in range(len(start) - 1):
        if not blocked[orbit]:
            alone[0] = orbit
            if start[orbit + 1] - start[orbit] == 1:
                blocked[orbit] = counts.counts[members[start[orbit]]] > 0
            else:
                blocked[orbit] = not _fits(complete, conflicts, hypergraph, counts, start, members, alone)


@njit(
    types.void(*_WHAT, types.uint8[::1], types.int64[::1], types.int64[::1], types.uint8[::1]), cache=True, nogil=True
)
def _block_groups(complete, conflicts, hypergraph, counts, start, members, blocked, group, parts, out):  # type: ignore[no-untyped-def]
    """out[g] = 1 where the orbits parts[group[g]:group[g + 1]] cannot all join."""
    for g in range(len(group) - 1):
        which = parts[group[g] : group[g + 1]]
        bad = False
        for orbit in which:
            bad = bad or blocked[orbit] == 1
        out[g] = bad or not _fits(complete, conflicts, hypergraph, counts, start, members, which)


class SetMask:
    """The free orbits of `batch` constructions that grow one orbit at a time; as `masking.LegalityMask`."""

    def __init__(self, table: Table, batch: int) -> None:
        conflicts = table.conflicts
        if conflicts is None:
            raise ValueError(f"{table.instance}: forbidden sets of {table.rows.k} elements have masks by rows")
        self._orbits = table.orbits
        hypergraph = conflicts.hypergraph
        if batch * len(hypergraph.sets) > _MOST_INSIDE:
            hypergraph = bare_hypergraph(hypergraph.n, hypergraph.k, table.instance.size, hypergraph.own)
            conflicts = Conflicts(table.instance, hypergraph)
        self._what = (conflicts.complete, conflicts.update, hypergraph)
        self._tallies = [conflicts.empty() for _ in range(batch)]
        #: 1 where an orbit is not free, uint8[batch, N + 1]; the last column, for "no more", stays 0
        self.blocked: NDArray[np.uint8] = np.tile(np.append(table.rows.bad, np.uint8(0)), (batch, 1))

    def extend(self, added: IntArray) -> None:
        """Add one orbit per construction (-1: none)."""
        for counts, blocked, orbit in zip(self._tallies, self.blocked, added, strict=True):
            if orbit >= 0:
                _extend(*self._what, counts, self._orbits.start, self._orbits.members, blocked[:-1], int(orbit))

    def groups(self, start: IntArray, parts: IntArray) -> NDArray[np.uint8]:
        """1 where the orbits parts[start[g]:start[g + 1]] cannot all join, uint8[batch, groups]."""
        out = np.zeros((len(self._tallies), len(start) - 1), np.uint8)
        for counts, blocked, row in zip(self._tallies, self.blocked, out, strict=True):
            _block_groups(
                *self._what, counts, self._orbits.start, self._orbits.members, blocked[:-1], start, parts, row
            )
        return out

    def keep(self, rows: IntArray) -> None:
        """Forget all constructions but `rows`."""
        self._tallies = [self._tallies[r] for r in rows]
        self.blocked = self.blocked[rows]
