"""No-three-in-line with 2n points and quarter-turn symmetry, n even: randomised depth-first completion, row by row.

A set of 2n points has exactly two in every row and column. Rows r and n - 1 - r and the columns of the same numbers are
images of each other, so there are n / 2 *levels*, each with two points to give; an orbit (four points) gives one to the
level of its row and one to that of its column, or two to one level on the diagonals. The search picks the level with
the fewest orbits left (Warnsdorff's rule), tries them in random order, and turns back as soon as a level has too few.
It restarts after a number of nodes: what it finds, it finds early.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import njit, types

from patternboost.exact.hypergraph import hypergraph
from patternboost.ground import IntArray
from patternboost.search.kernels import random_below
from patternboost.search.tables import Table
from patternboost.search.words import bit_count, lowest_bit

_ONE = np.uint64(1)
#: points that every level takes
_NEED = 2
#: nodes between two looks at the clock
_CHUNK = 1_000_000


@njit(types.void(types.int32[:, ::1], types.uint64[:, :, ::1]), cache=True, nogil=True)
def _fill_third(triples, third):  # type: ignore[no-untyped-def]
    for i in range(len(triples)):
        a, b, c = triples[i]
        for x, y, z in ((a, b, c), (b, a, c), (a, c, b), (c, a, b), (b, c, a), (c, b, a)):
            third[x, y, z >> 6] |= _ONE << np.uint64(z & 63)


@njit(
    types.int64(
        types.uint64[:, :, ::1],
        types.uint64[:, ::1],
        types.uint64[:, ::1],
        types.int64[:, ::1],
        types.uint64[::1],
        types.int64,
        types.int64,
        types.uint64[::1],
        types.int64[::1],
        types.int64[::1],
    ),
    cache=True,
    nogil=True,
)
def _descend(third, beside, touch, levels, start, nodes, limit, rng, members, used):  # type: ignore[no-untyped-def]
    """Search for at most `nodes` nodes, from the top again after every `limit`; returns the members found, or 0.

    third, beside: bitmaps of what two orbits, or one, forbid; touch: of the orbits of each level; levels: the two
    levels of each orbit; start: bitmap of the orbits there are; used[0] counts the nodes.
    """
    words = len(start)
    depth_most = len(touch)
    free = np.zeros((depth_most + 1, words), np.uint64)
    need = np.zeros(depth_most, np.int64)
    spent = np.int64(0)
    depth = np.int64(0)
    picked = np.zeros(depth_most + 1, np.int64)  # the level branched on at each depth
    free[0] = start
    need[:] = _NEED
    picked[0] = -1
    since = np.int64(0)
    while spent < nodes:
        if since >= limit:  # restart
            depth, since = np.int64(0), np.int64(0)
            free[0] = start
            need[:] = _NEED
            picked[0] = -1
        if picked[depth] < 0:  # a new node: choose the level to branch on, or see that it is hopeless
            spent += 1
            since += 1
            best = np.int64(-1)
            fewest = np.int64(1 << 60)
            ties = 0
            open_levels = 0
            for v in range(depth_most):
                if need[v] == 0:
                    continue
                open_levels += 1
                count = np.int64(0)
                for w in range(words):
                    count += bit_count(free[depth, w] & touch[v, w])
                value = count + 1 - need[v]  # of two points to give the second has one choice less
                if count == 0:
                    value = np.int64(-1)
                elif need[v] == 2 and count == 1:  # one orbit would have to give both
                    for w in range(words):
                        word = free[depth, w] & touch[v, w]
                        if word:
                            alone = np.int64((w << 6) + lowest_bit(word))
                            if levels[alone, 0] != levels[alone, 1]:
                                value = np.int64(-1)
                if value < fewest:
                    fewest, best, ties = value, np.int64(v), 1
                elif value == fewest:
                    ties += 1
                    if random_below(rng, ties) == 0:
                        best = np.int64(v)
            if open_levels == 0:
                used[0] += spent
                return depth
            if fewest < 0:  # nothing can give this level its points: leave no choice, so that it backs up
                for w in range(words):
                    free[depth, w] &= ~touch[best, w]
            picked[depth] = best
        level = picked[depth]
        count = np.int64(0)
        for w in range(words):
            count += bit_count(free[depth, w] & touch[level, w])
        if count == 0:  # back up: the orbit chosen above did not work
            if depth == 0:
                used[0] += spent
                return np.int64(-1)  # searched through
            depth -= 1
            a = members[depth]
            need[levels[a, 0]] += 1
            need[levels[a, 1]] += 1
            continue
        left = random_below(rng, count)
        a = np.int64(-1)
        for w in range(words):
            word = free[depth, w] & touch[level, w]
            inside = bit_count(word)
            if left >= inside:
                left -= inside
                continue
            while left > 0:
                word &= word - _ONE
                left -= 1
            a = np.int64((w << 6) + lowest_bit(word))
            break
        free[depth, a >> 6] &= ~(_ONE << np.uint64(a & 63))  # tried here
        members[depth] = a
        need[levels[a, 0]] -= 1
        need[levels[a, 1]] -= 1
        for w in range(words):
            word = free[depth, w] & ~beside[a, w]
            for d in range(depth):
                word &= ~third[a, members[d], w]
            free[depth + 1, w] = word
        for side in range(2):
            v = levels[a, side]
            if need[v] == 0:
                for w in range(words):
                    free[depth + 1, w] &= ~touch[v, w]
            elif need[v] == 1:  # orbits that would give it two
                for w in range(words):
                    word = free[depth + 1, w] & touch[v, w]
                    while word:
                        b = np.int64((w << 6) + lowest_bit(word))
                        word &= word - _ONE
                        if levels[b, 0] == levels[b, 1]:
                            free[depth + 1, w] &= ~(_ONE << np.uint64(b & 63))
        depth += 1
        picked[depth] = -1
    used[0] += spent
    return np.int64(0)


class RowwiseSearch:
    """The search on one table (no-three-in-line, quarter-turn, n even)."""

    def __init__(self, table: Table, seed: int, limit: int) -> None:
        self._table, self._limit = table, limit
        self._graph = graph = hypergraph(table)
        n = table.instance.n
        words = -(-graph.count // 64)
        self._third = np.zeros((graph.count, graph.count, words), np.uint64)
        _fill_third(graph.triples, self._third)
        self._beside = np.zeros((graph.count, words), np.uint64)
        for a, b in graph.pairs.tolist():
            self._beside[a, b >> 6] |= _ONE << np.uint64(b & 63)
            self._beside[b, a >> 6] |= _ONE << np.uint64(a & 63)
        points = table.instance.points[table.orbits.representatives[graph.orbits]]
        self._levels = np.minimum(points, n - 1 - points).astype(np.int64)
        self._touch = np.zeros((n // 2, words), np.uint64)
        self._start = np.zeros(words, np.uint64)
        for a, (r, c) in enumerate(self._levels.tolist()):
            bit = _ONE << np.uint64(a & 63)
            self._start[a >> 6] |= bit
            self._touch[r, a >> 6] |= bit
            self._touch[c, a >> 6] |= bit
        self._rng = np.array([seed * 2 + 1], np.uint64)
        for _ in range(16):
            random_below(self._rng, 2)
        self.nodes = 0

    def run(self, over: Callable[[], bool]) -> IntArray | None:
        """Orbits (of the table) of a set of 2n points, or None where `over` came first or there is none."""
        members = np.zeros(len(self._touch) + 1, np.int64)
        used = np.zeros(1, np.int64)
        while not over():
            found = _descend(
                self._third,
                self._beside,
                self._touch,
                self._levels,
                self._start,
                _CHUNK,
                self._limit,
                self._rng,
                members,
                used,
            )
            self.nodes = int(used[0])
            if found:
                return None if found < 0 else np.sort(self._graph.orbits[members[:found]])
        return None
