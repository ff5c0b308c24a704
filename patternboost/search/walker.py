"""One walker for all forms of conflict counts: bitmaps where they fit the memory, sparse counts elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from patternboost.problem import IntArray
from patternboost.search import bitsliced, sparse
from patternboost.search.bitmaps import BitRows
from patternboost.search.bitstate import new_bitstate
from patternboost.search.tables import Table, unusable_orbits
from patternboost.search.tabu import BEST_COUNT, BEST_POINTS, STEP, Form, begin, new_walk


class Walker:
    """A tabu search on one table, for one thread."""

    def __init__(self, form: Form, space: tuple[Any, ...], state: Any, tenure: tuple[int, int]) -> None:
        self.form = form
        self.state = state
        self._what = (*space, state)
        self._walk = new_walk(len(state.position), tenure)

    @property
    def chunk(self) -> int:
        """Steps that take well under a second."""
        return self.form.chunk

    def valid(self, orbits: IntArray, filled: bool) -> IntArray:
        """Load orbits (int64), repair, and fill if asked to; returns what is chosen then, int64, ascending."""
        self.form.clear(*self._what)
        self.form.load(*self._what, np.asarray(orbits, np.int64))
        self.form.repair(*self._what)
        if filled:
            self.form.fill(*self._what)
        return np.sort(self.state.member[: self.state.total[0]]).astype(np.int64)

    def start(self, orbits: IntArray) -> int:
        """Load orbits, repair, fill, and begin a walk there; returns the points left after the repair."""
        self.valid(orbits, filled=False)
        left = int(self.state.total[1])
        self.form.fill(*self._what)
        begin(self.state, self._walk)
        return left

    def run(self, steps: int, patience: int, target: int) -> bool:
        """Walk on; whether the walk is over: at `target` points, or `patience` steps after its best last improved."""
        return bool(self.form.tabu(*self._what, self._walk, steps, patience, target))

    @property
    def steps(self) -> int:
        """Steps of the walk so far."""
        return int(self._walk.info[STEP])

    @property
    def best(self) -> tuple[IntArray, int]:
        """The orbits of the walk's best set (int64), and its points."""
        info = self._walk.info
        return self._walk.best[: info[BEST_COUNT]].astype(np.int64), int(info[BEST_POINTS])


def sparse_walker(table: Table, tenure: tuple[int, int], seed: int) -> Walker:
    """Any table of rows."""
    space = table.instance.problem.complete, table.rows
    return Walker(sparse.FORM, space, sparse.new_state(table.rows, seed), tenure)


def bit_walker(rows: BitRows, tenure: tuple[int, int], seed: int) -> Walker:
    """Five to thirteen times as fast (benchmarks/cost_per_step.py), for tables of few orbits."""
    return Walker(bitsliced.FORM, (rows,), new_bitstate(rows, seed), tenure)


def set_walker(table: Table, tenure: tuple[int, int], seed: int, region: IntArray | None = None) -> Walker:
    """Forbidden sets of four and more elements, in the orbits `region` (None: all). Raises ValueError for rows."""
    if table.conflicts is None:
        raise ValueError(f"{table.instance}: forbidden sets of {table.rows.k} elements are counted by rows")
    from patternboost.search import set_by_set  # late: most problems need none of its kernels

    unusable = unusable_orbits(table, region)
    state = set_by_set.new_state(table.orbits, table.conflicts.empty(), unusable, seed)
    return Walker(set_by_set.FORM, set_by_set.space_of(table.conflicts), state, tenure)


def make_walker(table: Table, bits: BitRows | None, tenure: tuple[int, int], seed: int) -> Walker:
    """The fastest walker that the table's form allows."""
    if table.conflicts is not None:
        return set_walker(table, tenure, seed)
    return sparse_walker(table, tenure, seed) if bits is None else bit_walker(bits, tenure, seed)
