"""Plain baselines: what each fast kernel is measured against. Compiled too, so that the ratio is the algorithm's."""

from __future__ import annotations

import numpy as np
from numba import njit

from patternboost.search.rng import random_below


@njit(cache=True, nogil=True)
def greedy_pair_test(n, order, chosen):  # type: ignore[no-untyped-def]
    """Isosceles-free greedy fill of the n x n grid: each cell of `order` is tested against every pair chosen so far.

    Writes the chosen cells to `chosen` (int64) and returns how many there are.
    """
    count = 0
    for cell in order:
        r, c = cell // n, cell % n
        legal = True
        for i in range(count):
            ri, ci = chosen[i] // n, chosen[i] % n
            to_i = (r - ri) ** 2 + (c - ci) ** 2
            for j in range(i):
                rj, cj = chosen[j] // n, chosen[j] % n
                to_j = (r - rj) ** 2 + (c - cj) ** 2
                between = (ri - rj) ** 2 + (ci - cj) ** 2
                if to_i == to_j or to_i == between or to_j == between:
                    legal = False
                    break
            if not legal:
                break
        if legal:
            chosen[count] = cell
            count += 1
    return count


@njit(cache=True, nogil=True)
def _rescan(row_start, row, pair_start, pair, members, count, key):  # type: ignore[no-untyped-def]
    """Conflict counts of all orbits from nothing: every pair of members, every entry of its row."""
    total = len(key)
    key[:] = 0
    for i in range(count):
        a = members[i]
        for t in range(pair_start[a], pair_start[a + 1]):
            key[pair[t]] += 1
        for j in range(i):
            low, high = min(a, members[j]), max(a, members[j])
            index = low * (2 * total - low - 1) // 2 + high - low - 1
            for t in range(row_start[index], row_start[index + 1]):
                key[row[t]] += 1


@njit(cache=True, nogil=True)
def tabu_rescan(row_start, row, pair_start, pair, bad, steps, rng):  # type: ignore[no-untyped-def]
    """The same tabu search (tenure 0 to 2), but all conflict counts are computed anew after every change.

    Returns the most members seen.
    """
    total = len(bad)
    key = np.zeros(total, np.int64)
    members = np.zeros(total, np.int64)
    inside = np.zeros(total, np.uint8)
    until = np.zeros(total, np.int64)
    count = best = 0
    added = -1
    for step in range(steps):
        while count <= best:
            _rescan(row_start, row, pair_start, pair, members, count, key)
            added, ties, low = -1, 0, 1 << 60
            for a in range(total):
                if bad[a] == 0 and inside[a] == 0 and until[a] <= step and key[a] <= low:
                    ties = ties + 1 if key[a] == low else 1
                    low = key[a]
                    if random_below(rng, ties) == 0:
                        added = a
            members[count] = added
            inside[added] = 1
            count += 1
        _rescan(row_start, row, pair_start, pair, members, count, key)
        worst, ties, high = -1, 0, 1
        for i in range(count):
            if members[i] != added and key[members[i]] >= high:
                ties = ties + 1 if key[members[i]] == high else 1
                high = key[members[i]]
                if random_below(rng, ties) == 0:
                    worst = i
        if worst < 0:
            best = count
            continue
        victim = members[worst]
        inside[victim] = 0
        until[victim] = step + 1 + random_below(rng, 3)
        for i in range(worst, count - 1):
            members[i] = members[i + 1]
        count -= 1
    return best
