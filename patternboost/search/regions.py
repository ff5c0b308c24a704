"""Tabu search in an area: only some of a class's orbits may be members, renumbered so that their bitmaps are short.

An area comes from outside, as the cells that a model expects. It pays twice: no time is lost where good sets have
nothing, and the bitmaps of M of N orbits take (M / N)^3 of the memory, which is what a step waits for.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np
from numba import njit, types

from patternboost.problem import RULE_TYPE
from patternboost.problem.ground import IntArray
from patternboost.search.bitmaps import (
    BITROWS_TYPE,
    BitRows,
    bitmap,
    bitrows_nbytes,
    blank,
    with_planes,
    words_of,
)
from patternboost.search.tables import ROWS_TYPE, Table, evaluate_row, pair_index
from patternboost.search.walker import BitWalker, Walker

_ONE = np.uint64(1)


@njit(
    types.void(RULE_TYPE, ROWS_TYPE, types.int64[::1], types.int64[::1], BITROWS_TYPE, types.int64[::1]),
    cache=True,
    nogil=True,
)
def _fill(complete, rows, area, number, narrow, degree):  # type: ignore[no-untyped-def]
    """Set the bits of `narrow` (all zero) from the rows of the orbits `area`; number[o] is o's place in it or -1.

    `degree` (zeros, int64[M]) counts the rows every orbit is in.
    """
    total, count = len(rows.weight), len(area)
    bits, words = narrow.bits, narrow.words
    chosen = np.zeros(2, np.int64)
    out = np.zeros(len(rows.orbit_of), np.int64)
    stamp = np.zeros(total + 1, np.int64)
    scratch = np.zeros(total, np.uint16)
    for i in range(count):
        a = area[i]
        for t in range(rows.pair_start[a], rows.pair_start[a + 1]):
            c = number[rows.pair[t]]
            if c >= 0:
                bits[narrow.pair_at + i * words + (c >> 6)] |= _ONE << np.uint64(c & 63)
                degree[c] += 1
        if not narrow.triples:
            continue
        for j in range(i + 1, count):
            b = area[j]
            at = pair_index(count, i, j) * words
            if rows.compiled:
                index = pair_index(total, a, b)
                for t in range(rows.row_start[index], rows.row_start[index + 1]):
                    c = number[rows.row[t]]
                    if c >= 0:
                        bits[at + (c >> 6)] |= _ONE << np.uint64(c & 63)
                        degree[c] += 1
            else:
                for t in range(evaluate_row(complete, rows, a, b, chosen, out, stamp, scratch, 0)):
                    c = number[scratch[t]]
                    if c >= 0:
                        bits[at + (c >> 6)] |= _ONE << np.uint64(c & 63)
                        degree[c] += 1


def narrowed(table: Table, area: IntArray, memory: int) -> BitRows | None:
    """The bitmaps of the orbits `area` (int64[M], ascending) alone, renumbered 0 .. M - 1.

    None for forbidden sets of four and more, and where the bitmaps would not fit `memory` bytes.
    """
    rows, count = table.rows, len(area)
    triples = rows.k == 3
    if rows.k > 3 or bitrows_nbytes(count, triples) > memory:
        return None
    usable = rows.bad[area] == 0
    number = np.full(len(rows.weight), -1, np.int64)
    number[area[usable]] = np.flatnonzero(usable)
    narrow = blank(rows.weight[area], triples, usable)
    degree = np.zeros(count, np.int64)
    _fill(table.instance.problem.complete, rows, area, number, narrow, degree)
    return with_planes(narrow, degree)


def masked(bits: BitRows, area: IntArray) -> BitRows:
    """The bitmaps of a class where only the orbits `area` may be used; shares all memory but one bitmap."""
    inside = np.zeros(bits.orbits, bool)
    inside[area] = True
    return bits._replace(usable=bits.usable & bitmap(inside, bits.words))


class Areas:
    """The bitmaps of the areas in use, made once per process; the least recently used ones go."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._made: OrderedDict[tuple[int, bytes], tuple[Table, BitRows | None]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, table: Table, area: IntArray, memory: int) -> BitRows | None:
        """The bitmaps of the orbits `area` of a table, or None where they would not fit `memory` bytes."""
        key = (id(table), area.tobytes())
        with self._lock:
            if key not in self._made:
                self._made[key] = (table, narrowed(table, area, memory))  # keeps the table, and so its id, in use
            self._made.move_to_end(key)
            while len(self._made) > self._most:
                self._made.popitem(last=False)
            return self._made[key][1]


#: those of this process: of one class a model's four, the counted one, and the core
areas = Areas(6)


#: an area whose bitmaps take more than this share of the words that the class's take is not worth its own
_NARROW = 0.75


def area_walker(
    table: Table, bits: BitRows | None, area: IntArray, memory: int, tenure: tuple[int, int], seed: int
) -> Walker | None:
    """What walks in the orbits `area` of a class with the bitmaps `bits`; None where no bitmaps fit `memory` bytes."""
    if bits is not None and words_of(len(area)) > _NARROW * bits.words:
        return BitWalker(masked(bits, area), tenure, seed)
    rows = areas.get(table, area, memory)
    return None if rows is None else NarrowWalker(area, rows, tenure, seed)


class NarrowWalker:
    """The tabu search of one thread in an area; orbits go in and come out by their numbers in the class."""

    chunk = BitWalker.chunk

    def __init__(self, area: IntArray, rows: BitRows, tenure: tuple[int, int], seed: int) -> None:
        self._area = area
        self._inner = BitWalker(rows, tenure, seed)

    def start(self, orbits: IntArray) -> int:
        """See `Walker`; orbits outside the area are left out."""
        return self._inner.start(np.flatnonzero(np.isin(self._area, orbits)))

    def run(self, steps: int, patience: int, target: int) -> bool:
        """See `Walker`."""
        return self._inner.run(steps, patience, target)

    @property
    def steps(self) -> int:
        """See `Walker`."""
        return self._inner.steps

    @property
    def best(self) -> tuple[IntArray, int]:
        """See `Walker`."""
        orbits, points = self._inner.best
        return self._area[orbits], points
