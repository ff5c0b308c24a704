"""Walks in a region: only some of a class's orbits may be members, renumbered so that their bitmaps are short.

A region is the fewest orbits that hold a share of a density (see `patternboost.loop.regions`). It pays twice: no time
is lost where good sets have nothing, and the bitmaps of M of N orbits take (M / N)^3 of the memory, which is what a
step waits for. The bitmaps are those of the sub-hypergraph that the orbits induce, made straight from the rule.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit, types
from typing_extensions import override

from patternboost.problem import RULE_TYPE, Instance
from patternboost.problem.ground import IntArray
from patternboost.problem.symmetry import Orbits, class_orbits, inner_board
from patternboost.search.bitmaps import (
    BITROWS_TYPE,
    BitRows,
    bitmap,
    bitrows_nbytes,
    blank,
    with_planes,
    words_of,
)
from patternboost.search.bitsliced import FORM
from patternboost.search.bitstate import new_bitstate
from patternboost.search.memory import Building
from patternboost.search.simd_u64 import lowest_bit
from patternboost.search.tables import ROWS_TYPE, Rows, bare_rows, pair_chunks, pair_index, symmetric
from patternboost.search.walker import Walker

_ONE = np.uint64(1)
_DEFAULT = Building()


@njit(forceinline=True)
def _set_pair(made, a, b):  # type: ignore[no-untyped-def]
    made.bits[made.pair_at + a * made.words + (b >> 6)] |= _ONE << np.uint64(b & 63)


@njit(types.void(RULE_TYPE, ROWS_TYPE, types.int64[::1], BITROWS_TYPE), cache=True, nogil=True)
def _pairs(complete, rows, number, made):  # type: ignore[no-untyped-def]
    """Set the bits of the forbidden pairs among a region's orbits, and mark in `rows.bad` those forbidden alone.

    `rows` has the region's orbits only; number[e] is the place in it of the orbit of element e, or -1.
    """
    chosen = np.zeros(2, np.int64)
    out = np.zeros(len(number), np.int64)
    for a in range(len(rows.weight)):
        end = rows.start[a + 1]
        for i in range(rows.start[a], end):
            chosen[0] = rows.members[i]
            for j in range(i + 1, i + 2 if rows.k == 2 else end):
                if rows.k == 2:
                    found = complete(rows.n, chosen[:1], out)
                else:
                    chosen[1] = rows.members[j]
                    found = complete(rows.n, chosen, out)
                for t in range(found):
                    b = number[out[t]]
                    if b == a:
                        rows.bad[a] = 1
                    elif b >= 0:
                        _set_pair(made, a, b)
                        _set_pair(made, b, a)


@njit(
    types.void(RULE_TYPE, ROWS_TYPE, types.int64[::1], BITROWS_TYPE, types.int64, types.int64),
    cache=True,
    nogil=True,
)
def _triples(complete, rows, number, made, first, last):  # type: ignore[no-untyped-def]
    """Set the bits of the rows of all pairs a < b with first <= a < last, as `tables.evaluate_row` has them."""
    count, words, bits = len(rows.weight), made.words, made.bits
    chosen = np.zeros(2, np.int64)
    out = np.zeros(len(number), np.int64)
    for a in range(first, last):
        pairs_a = made.pair_at + a * words
        if rows.bad[a]:
            continue
        end = rows.start[a] + 1 if rows.transitive else rows.start[a + 1]
        for b in range(a + 1, count):
            if rows.bad[b] or (bits[pairs_a + (b >> 6)] >> np.uint64(b & 63)) & _ONE:
                continue
            at = pair_index(count, a, b) * words
            for i in range(rows.start[a], end):
                chosen[0] = rows.members[i]
                for j in range(rows.start[b], rows.start[b + 1]):
                    chosen[1] = rows.members[j]
                    for t in range(complete(rows.n, chosen, out)):
                        c = number[out[t]]
                        if c >= 0:
                            bits[at + (c >> 6)] |= _ONE << np.uint64(c & 63)
            pairs_b = made.pair_at + b * words
            for w in range(words):
                bits[at + w] &= made.usable[w] & ~(bits[pairs_a + w] | bits[pairs_b + w])


@njit(types.void(BITROWS_TYPE, types.int64[::1]), cache=True, nogil=True)
def _degrees(made, degree):  # type: ignore[no-untyped-def]
    """Count in `degree` (zeros, int64[N]) the rows and pairs that every orbit is in."""
    words = made.words
    for at in range(0, made.zero_at, words):
        for w in range(words):
            word = made.bits[at + w]
            while word:
                degree[64 * w + lowest_bit(word)] += 1
                word &= word - _ONE


def _rows_of(instance: Instance, symmetry: str, region: IntArray) -> tuple[Rows, IntArray]:
    """A region's orbits as rows that are not compiled, and every element's place among them (int64[size], -1: none)."""
    orbits = class_orbits(instance, symmetry)
    weights = orbits.weights[region]
    start = np.zeros(len(region) + 1, np.int64)
    np.cumsum(weights, out=start[1:])
    members = [orbits.members[orbits.start[o] : orbits.start[o + 1]] for o in region]
    number = np.full(orbits.count, -1, np.int64)
    number[region] = np.arange(len(region))
    inside = Orbits(orbits.orbit_of, start, np.concatenate(members or [np.zeros(0, np.int64)]))
    inner = inner_board(instance, symmetry)
    # Where moved sets stay forbidden, a class's partial maps are symmetries of its inner board.
    moves = instance.problem.translations and inner is not None and bool(np.isin(region, inner).all())
    transitive = moves or symmetric(instance, symmetry)
    return bare_rows(instance.n, instance.problem.k, inside, transitive), number[orbits.orbit_of]


def region_bitmaps(
    instance: Instance, symmetry: str, region: IntArray, memory: int, building: Building = _DEFAULT
) -> BitRows | None:
    """The bitmaps of the orbits `region` (int64[M], ascending) alone, renumbered 0 .. M - 1, straight from the rule.

    No table of the class is needed, so that boards can be searched whose tables no memory holds. None for forbidden
    sets of four and more, and where the bitmaps would not fit `memory` bytes. Raises Interrupted.
    """
    problem, count = instance.problem, len(region)
    triples = problem.k == 3
    if not problem.by_rows or bitrows_nbytes(count, triples) > memory:
        return None
    rows, number = _rows_of(instance, symmetry, region)
    made = blank(rows.weight, triples, np.ones(count, bool))
    _pairs(problem.complete, rows, number, made)
    good = rows.bad == 0
    made = made._replace(usable=bitmap(good, made.words))
    paired = made.bits[made.pair_at : made.zero_at].reshape(count, made.words)
    paired &= made.usable
    paired[~good] = 0
    if triples:
        with ThreadPoolExecutor(max_workers=building.jobs) as pool:

            def part(first: int, last: int) -> None:
                building.check()
                _triples(problem.complete, rows, number, made, first, last)

            for work in [pool.submit(part, s, e) for s, e in pair_chunks(count, 8 * building.jobs)]:
                work.result()
    degree = np.zeros(count, np.int64)
    _degrees(made, degree)
    return with_planes(made, degree)


def masked(bits: BitRows, region: IntArray) -> BitRows:
    """The bitmaps of a class where only the orbits `region` may be used; shares all memory but one bitmap."""
    inside = np.zeros(bits.orbits, bool)
    inside[region] = True
    return bits._replace(usable=bits.usable & bitmap(inside, bits.words))


#: a region whose bitmaps take more than this share of the words that the class's take is not worth its own
_SMALLER = 0.75


def is_most_of(region: IntArray, bits: BitRows) -> bool:
    """Whether a region's own bitmaps would be hardly shorter than those of its class."""
    return words_of(len(region)) > _SMALLER * bits.words


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
