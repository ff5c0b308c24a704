"""One face for both forms of the tabu search: bitmaps where they fit the memory, sparse conflict counts elsewhere."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from patternboost.problem.ground import IntArray
from patternboost.search import bitset, bittabu, kernels, tabu
from patternboost.search.bitmaps import BitRows
from patternboost.search.setwalk import SetWalker
from patternboost.search.tables import Table


class Walker(Protocol):
    """A tabu search on one table, for one thread."""

    #: steps that take well under a second: how often to look at the clock
    chunk: int

    def start(self, orbits: IntArray) -> int:
        """Load orbits, repair, fill, and begin a walk there; returns the points left after the repair."""

    def run(self, steps: int, patience: int, target: int) -> bool:
        """Walk on; whether the walk is over: at `target` points, or `patience` steps after its best last improved."""

    @property
    def steps(self) -> int:
        """Steps of the walk so far."""

    @property
    def best(self) -> tuple[IntArray, int]:
        """The orbits of the walk's best set, and its points."""


class SparseWalker:
    """Conflict counts as numbers, rows as lists: any table of rows."""

    chunk = 10_000

    def __init__(self, table: Table, tenure: tuple[int, int], seed: int) -> None:
        self._complete, self._rows = table.instance.problem.complete, table.rows
        self._state = kernels.new_state(self._rows, seed)
        self._walk = tabu.new_walk(table.orbits.count, tenure)

    def start(self, orbits: IntArray) -> int:
        """See `Walker`."""
        kernels.clear(self._complete, self._rows, self._state)
        kernels.load(self._complete, self._rows, self._state, orbits)
        kernels.repair(self._complete, self._rows, self._state)
        left = int(self._state.total[1])
        kernels.fill(self._complete, self._rows, self._state)
        tabu.begin(self._state, self._walk)
        return left

    def run(self, steps: int, patience: int, target: int) -> bool:
        """See `Walker`."""
        return bool(tabu.tabu(self._complete, self._rows, self._state, self._walk, steps, patience, target))

    @property
    def steps(self) -> int:
        """See `Walker`."""
        return int(self._walk.info[tabu.STEP])

    @property
    def best(self) -> tuple[IntArray, int]:
        """See `Walker`."""
        info = self._walk.info
        return self._walk.best[: info[tabu.BEST_COUNT]].astype(np.int64), int(info[tabu.BEST_POINTS])


class BitWalker:
    """Conflict counts bit-sliced, rows as bitmaps: three to five times as fast, for tables of few orbits."""

    chunk = 10_000

    def __init__(self, rows: BitRows, tenure: tuple[int, int], seed: int) -> None:
        self._rows = rows
        self._tenure = tenure
        self._state = bitset.new_bitstate(rows, seed)

    def start(self, orbits: IntArray) -> int:
        """See `Walker`."""
        bitset.load_members(self._rows, self._state, orbits.astype(np.int32))
        bitset.repair(self._rows, self._state)
        left = int(self._state.total[1])
        bitset.fill(self._rows, self._state)
        bittabu.start_walk(self._rows, self._state)
        return left

    def run(self, steps: int, patience: int, target: int) -> bool:
        """See `Walker`."""
        shortest, longest = self._tenure
        status = bittabu.tabu(self._rows, self._state, steps, target, patience, shortest, longest - shortest + 1)
        return bool(status != bittabu.STEPS_DONE)

    @property
    def steps(self) -> int:
        """See `Walker`."""
        return int(self._state.walk[bitset.STEP])

    @property
    def best(self) -> tuple[IntArray, int]:
        """See `Walker`."""
        walk = self._state.walk
        return self._state.best[: walk[bitset.BEST_MEMBERS]].astype(np.int64), int(walk[bitset.BEST_POINTS])


def make_walker(table: Table, bits: BitRows | None, tenure: tuple[int, int], seed: int) -> Walker:
    """The faster walker that the table's form allows."""
    if table.conflicts is not None:
        return SetWalker(table.conflicts, table.orbits, table.rows.bad, tenure, seed)
    return SparseWalker(table, tenure, seed) if bits is None else BitWalker(bits, tenure, seed)
