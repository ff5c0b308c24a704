"""Forbidden pairs and triples gathered into fewer, stronger constraints.

Three shapes, grown greedily from forbidden sets that none has covered yet:

* a set of orbits in which every pair is forbidden: at most 1 of them (a clique);
* a set in which every triple is forbidden: at most 2 (the points of a line, for no-three-in-line);
* an orbit g and a set of orbits every two of which are forbidden beside g: at most 1 of them where g is chosen (the
  points of a circle around g, for isosceles triangles).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numba import njit, types

from patternboost.exact.constraints import Hypergraph
from patternboost.problem.ground import IntArray
from patternboost.search.simd_u64 import bit_count, lowest_bit

_ONE = np.uint64(1)
_NONE = np.int64(-1)
#: smaller sets of which at most 2 may be chosen are left to the other shapes: the solver counts slower than it implies
_LEAST_TRIPLES = 6


class AtMost(NamedTuple):
    """At most `limit` of the orbits `members` (the hypergraph's numbers); where `given` is chosen, if it is >= 0."""

    members: IntArray
    limit: int
    given: int


_BITS = types.uint64[::1]
_MATRIX = types.uint64[:, ::1]
_CUBE = types.uint64[:, :, ::1]


@njit(types.void(_BITS, types.int64), cache=True, nogil=True)
def _set(bits, i):  # type: ignore[no-untyped-def]
    bits[i >> 6] |= _ONE << np.uint64(i & 63)


@njit(types.boolean(_BITS, types.int64), cache=True, nogil=True)
def _has(bits, i):  # type: ignore[no-untyped-def]
    return (bits[i >> 6] >> np.uint64(i & 63)) & _ONE != 0


@njit(types.int64(_BITS), cache=True, nogil=True)
def _first(bits):  # type: ignore[no-untyped-def]
    """The lowest bit that is set, or -1."""
    for w in range(len(bits)):
        if bits[w]:
            return np.int64((w << 6) + lowest_bit(bits[w]))
    return np.int64(-1)


@njit(types.void(types.int32[:, ::1], types.int32[:, ::1], _MATRIX, _CUBE), cache=True, nogil=True)
def _fill(pairs, triples, beside, third):  # type: ignore[no-untyped-def]
    """Bitmaps: beside[a] of what is a forbidden pair with a; third[a, b] of what is forbidden together with a and b."""
    count = len(beside)
    for i in range(len(pairs)):
        a, b = pairs[i]
        _set(beside[a], b)
        _set(beside[b], a)
    if not len(triples):
        return
    for a in range(count):
        for b in range(count):
            if a == b:
                continue
            if _has(beside[a], b):
                for c in range(count):
                    if c != a and c != b:
                        _set(third[a, b], c)
            else:
                third[a, b] |= beside[a] | beside[b]
    for i in range(len(triples)):
        a, b, c = triples[i]
        _set(third[a, b], c)
        _set(third[b, a], c)
        _set(third[a, c], b)
        _set(third[c, a], b)
        _set(third[b, c], a)
        _set(third[c, b], a)


@njit(types.int64(_MATRIX, types.int64, types.int64, types.int32[::1], _BITS), cache=True, nogil=True)
def _grow_clique(link, a, b, members, candidates):  # type: ignore[no-untyped-def]
    """Grow the clique {a, b} of the graph with the bitmaps `link`; writes to `members`, returns how many."""
    members[0], members[1] = a, b
    candidates[:] = link[a] & link[b]
    size = 2
    while True:
        c = _first(candidates)
        if c < 0:
            return size
        members[size] = c
        size += 1
        candidates &= link[c]


@njit(types.int64(_CUBE, types.int32[::1], types.int32[::1], _BITS), cache=True, nogil=True)
def _grow_triples(third, triple, members, candidates):  # type: ignore[no-untyped-def]
    """Grow the set `triple` while every triple in it is forbidden; writes to `members`, returns how many."""
    members[:3] = triple
    candidates[:] = third[triple[0], triple[1]] & third[triple[0], triple[2]] & third[triple[1], triple[2]]
    size = 3
    while True:
        # Of all candidates the one that leaves most others possible: the points of one line keep together.
        best, most = np.int64(-1), np.int64(-1)
        for w in range(len(candidates)):
            left = candidates[w]
            while left:
                c = (w << 6) + np.int64(lowest_bit(left))
                left &= left - _ONE
                after = np.int64(0)
                for v in range(len(candidates)):
                    word = candidates[v]
                    for i in range(size):
                        word &= third[members[i], c, v]
                    after += bit_count(word)
                if after > most:
                    best, most = c, after
        if best < 0:
            return size
        for i in range(size):
            candidates &= third[members[i], best]
        members[size] = best
        size += 1


@njit(types.void(_CUBE, types.int64, types.int64, types.int64), cache=True, nogil=True)
def _cover(covered, a, b, c):  # type: ignore[no-untyped-def]
    low, high = min(a, b, c), max(a, b, c)
    _set(covered[low, a + b + c - low - high], high)


_RESULT = types.Tuple([types.int64, types.int64])


@njit(
    _RESULT(types.int32[:, ::1], _MATRIX, _MATRIX, types.int64, types.int32[::1]),
    cache=True,
    nogil=True,
)
def _next_pair_cover(pairs, beside, covered, at, members):  # type: ignore[no-untyped-def]
    """The clique around the first uncovered pair from pairs[at] on: where that is (or -1), and its size."""
    candidates = np.zeros(beside.shape[1], np.uint64)
    for i in range(at, len(pairs)):
        a, b = pairs[i]
        if not _has(covered[a], b):
            size = _grow_clique(beside, a, b, members, candidates)
            for x in range(size):
                for y in range(size):
                    if x != y:
                        _set(covered[members[x]], members[y])
            return np.int64(i), size
    return _NONE, np.int64(0)


@njit(
    types.Tuple([types.int64, types.int64, types.int64])(
        types.int32[:, ::1], _CUBE, _CUBE, types.int64, types.int32[::1]
    ),
    cache=True,
    nogil=True,
)
def _next_triple_cover(triples, third, covered, at, members):  # type: ignore[no-untyped-def]
    """The shape that covers most triples around the first uncovered one from triples[at] on.

    Returns where that is (or -1), how many `members` it has, and the orbit it is beside (-1: at most two of a set).
    """
    candidates = np.zeros(third.shape[2], np.uint64)
    trial = np.zeros(len(members), np.int32)
    for i in range(at, len(triples)):
        a, b, c = triples[i]
        if _has(covered[a, b], c):
            continue
        best = _grow_triples(third, triples[i], members, candidates)
        if best < _LEAST_TRIPLES:
            best = np.int64(3)
        given, most = np.int64(-1), best * (best - 1) * (best - 2) // 6
        for g, x, y in ((a, b, c), (b, a, c), (c, a, b)):
            size = _grow_clique(third[g], x, y, trial, candidates)
            if size * (size - 1) // 2 > most:
                best, given, most = size, np.int64(g), size * (size - 1) // 2
                members[:size] = trial[:size]
        for x in range(best):
            for y in range(x):
                if given >= 0:
                    _cover(covered, given, members[x], members[y])
                else:
                    for z in range(y):
                        _cover(covered, members[x], members[y], members[z])
        return np.int64(i), best, given
    return _NONE, np.int64(0), _NONE


def at_most(graph: Hypergraph) -> Iterator[AtMost]:
    """Constraints that together say exactly: no forbidden pair, no forbidden triple (larger sets are left)."""
    count = graph.count
    words = max(1, -(-count // 64))
    beside = np.zeros((count, words), np.uint64)
    third = np.zeros((count, count, words) if len(graph.triples) else (0, 0, words), np.uint64)
    _fill(graph.pairs, graph.triples, beside, third)
    members = np.zeros(count + 1, np.int32)
    covered_pairs, at = np.zeros_like(beside), 0
    while at >= 0:
        at, size = _next_pair_cover(graph.pairs, beside, covered_pairs, at, members)
        if at >= 0:
            yield AtMost(np.sort(members[:size]).astype(np.int64), 1, -1)
    covered, at = np.zeros_like(third), 0
    while at >= 0:
        at, size, given = _next_triple_cover(graph.triples, third, covered, at, members)
        if at >= 0:
            yield AtMost(np.sort(members[:size]).astype(np.int64), 2 if given < 0 else 1, int(given))
