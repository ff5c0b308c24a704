"""Walks in a region: only some of a class's orbits may be members, renumbered so that their bitmaps are short.

A region is the fewest orbits that hold a share of a density (see `patternboost.loop.regions`). It pays twice: no time
is lost where good sets have nothing, and the bitmaps of M of N orbits take (M / N)^3 of the memory, which is what a
step waits for. The sub-hypergraph is the one that the orbits induce.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit, types
from typing_extensions import override

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
from patternboost.search.bitsliced import FORM, new_bitstate
from patternboost.search.memory import shared
from patternboost.search.tables import ROWS_TYPE, Table, evaluate_row, pair_index
from patternboost.search.walker import Walker, bit_walker

_ONE = np.uint64(1)
#: the bitmaps of one region may take this part of the memory
_SHARE = 4


@njit(
    types.void(RULE_TYPE, ROWS_TYPE, types.int64[::1], types.int64[::1], BITROWS_TYPE, types.int64[::1]),
    cache=True,
    nogil=True,
)
def _fill(complete, rows, region, number, restricted, degree):  # type: ignore[no-untyped-def]
    """Set the bits of `restricted` (all zero) from the rows of the orbits `region`; number[o] is o's place in it or -1.

    `degree` (zeros, int64[M]) counts the rows every orbit is in.
    """
    total, count = len(rows.weight), len(region)
    bits, words = restricted.bits, restricted.words
    chosen = np.zeros(2, np.int64)
    out = np.zeros(len(rows.orbit_of), np.int64)
    stamp = np.zeros(total + 1, np.int64)
    scratch = np.zeros(total, np.uint16)
    for i in range(count):
        a = region[i]
        for t in range(rows.pair_start[a], rows.pair_start[a + 1]):
            c = number[rows.pair[t]]
            if c >= 0:
                bits[restricted.pair_at + i * words + (c >> 6)] |= _ONE << np.uint64(c & 63)
                degree[c] += 1
        if not restricted.triples:
            continue
        for j in range(i + 1, count):
            b = region[j]
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


def restricted(table: Table, region: IntArray, memory: int) -> BitRows | None:
    """The bitmaps of the orbits `region` (int64[M], ascending) alone, renumbered 0 .. M - 1.

    None for forbidden sets of four and more, and where the bitmaps would not fit `memory` bytes.
    """
    rows, count = table.rows, len(region)
    triples = rows.k == 3
    if rows.k > 3 or bitrows_nbytes(count, triples) > memory:
        return None
    usable = rows.bad[region] == 0
    number = np.full(len(rows.weight), -1, np.int64)
    number[region[usable]] = np.flatnonzero(usable)
    made = blank(rows.weight[region], triples, usable)
    degree = np.zeros(count, np.int64)
    _fill(table.instance.problem.complete, rows, region, number, made, degree)
    return with_planes(made, degree)


def masked(bits: BitRows, region: IntArray) -> BitRows:
    """The bitmaps of a class where only the orbits `region` may be used; shares all memory but one bitmap."""
    inside = np.zeros(bits.orbits, bool)
    inside[region] = True
    return bits._replace(usable=bits.usable & bitmap(inside, bits.words))


#: a region whose bitmaps take more than this share of the words that the class's take is not worth its own
_SMALLER = 0.75


@dataclass(frozen=True)
class _Bitmaps:
    """A region's bitmaps, None where they do not fit. Keeps the table, and so its id, in use."""

    table: Table
    rows: BitRows | None

    @property
    def nbytes(self) -> int:
        return 0 if self.rows is None else self.rows.nbytes


def region_rows(table: Table, region: IntArray, memory: int) -> BitRows | None:
    """`restricted`, made once per process and kept while it fits beside the tables."""
    room = memory // _SHARE
    expected = bitrows_nbytes(len(region), table.rows.k == 3)
    key = "region", id(table), region.tobytes(), memory
    kept = shared.get(
        key, memory, expected if expected <= room else 0, lambda: _Bitmaps(table, restricted(table, region, room))
    )
    return kept.rows


def region_walker(
    table: Table, bits: BitRows | None, region: IntArray, memory: int, tenure: tuple[int, int], seed: int
) -> Walker | None:
    """What walks in the orbits `region` of a class with the bitmaps `bits`; None where no bitmaps fit the memory."""
    if bits is not None and words_of(len(region)) > _SMALLER * bits.words:
        return bit_walker(masked(bits, region), tenure, seed)
    rows = region_rows(table, region, memory)
    return None if rows is None else RegionWalker(region, rows, tenure, seed)


class RegionWalker(Walker):
    """A walk in a region; orbits go in and come out by their numbers in the class."""

    def __init__(self, region: IntArray, rows: BitRows, tenure: tuple[int, int], seed: int) -> None:
        super().__init__(FORM, (rows,), new_bitstate(rows, seed), tenure)
        self._region = region

    @override
    def start(self, orbits: IntArray) -> int:
        return super().start(np.flatnonzero(np.isin(self._region, orbits)))

    @property
    @override
    def best(self) -> tuple[IntArray, int]:
        orbits, points = super().best
        return self._region[orbits], points
