"""Writing out all forbidden sets of four and more elements, where they fit the memory and it is worth the time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import comb

import numpy as np
from numba import njit, types

from patternboost.problem import RULE_TYPE, Instance
from patternboost.search.hypergraph import Conflicts, Hypergraph
from patternboost.search.memory import Building, shared
from patternboost.search.rng import random_below

#: more calls of the rule than this are estimated from a sample of so many before all are made
_SAMPLE_FROM, _SAMPLE = 500_000, 20_000
#: the sets are not written out where finding them would take more calls than this (a minute or two for slow rules)
_MOST_CALLS = 50_000_000


@njit(
    types.int64(RULE_TYPE, types.int64, types.int64, types.int64, types.int64, types.uint16[:, ::1]),
    cache=True,
    nogil=True,
)
def _find_sets(complete, n, k, size, first, target):  # type: ignore[no-untyped-def]
    """Count the forbidden sets whose least element is `first`; write as many as `target` has room for."""
    parts = k - 1
    index = np.zeros(parts, np.int64)
    out = np.zeros(size, np.int64)
    found = 0
    if first + parts > size:
        return found
    for i in range(parts):
        index[i] = first + i
    while True:
        for t in range(complete(n, index, out)):
            if out[t] > index[parts - 1]:
                if found < len(target):
                    for i in range(parts):
                        target[found, i] = index[i]
                    target[found, parts] = out[t]
                found += 1
        place = parts - 1
        while place >= 1 and index[place] == size - parts + place:
            place -= 1
        if place < 1:
            return found
        index[place] += 1
        for i in range(place + 1, parts):
            index[i] = index[i - 1] + 1


@njit(
    types.int64(RULE_TYPE, types.int64, types.int64, types.int64, types.int64, types.uint64[::1]),
    cache=True,
    nogil=True,
)
def _sample_completions(complete, n, k, size, draws, rng):  # type: ignore[no-untyped-def]
    """How many elements complete a forbidden set with k - 1 random ones, summed over `draws` of them."""
    chosen = np.zeros(k - 1, np.int64)
    out = np.zeros(size, np.int64)
    found = np.int64(0)
    for _ in range(draws):
        for i in range(k - 1):
            chosen[i] = random_below(rng, size)
            j = 0
            while j < i:
                if chosen[j] == chosen[i]:  # drawn before: again
                    chosen[i] = random_below(rng, size)
                    j = 0
                else:
                    j += 1
        found += complete(n, chosen, out)
    return found


def can_be_written(instance: Instance, memory: int) -> bool:
    """Whether the forbidden sets of an instance with k >= 4 are few enough, by an estimate that is always the same."""
    k, size = instance.problem.k, instance.size
    calls = comb(size, k - 1)
    if calls <= _SAMPLE_FROM:
        return True
    if calls > _MOST_CALLS:
        return False
    rng = np.array([1], np.uint64)
    found = int(_sample_completions(instance.problem.complete, instance.n, k, size, _SAMPLE, rng))
    return calls * found / _SAMPLE / k <= 1.1 * _most_sets(memory, k)


def _most_sets(memory: int, k: int) -> int:
    """How many sets fit `memory` bytes: k elements of two bytes, k incidences of four, and a count."""
    return memory // (6 * k + 1)


@njit(types.void(types.uint16[:, ::1], types.int64[::1]), cache=True, nogil=True)
def _count_incident(sets, start):  # type: ignore[no-untyped-def]
    """`start` (int64[m + 1], zeros): where each element's sets will begin."""
    for s in range(len(sets)):
        for e in sets[s]:
            start[e + 1] += 1
    for e in range(len(start) - 1):
        start[e + 1] += start[e]


@njit(types.void(types.uint16[:, ::1], types.int64[::1], types.uint32[::1]), cache=True, nogil=True)
def _fill_incident(sets, start, incident):  # type: ignore[no-untyped-def]
    """`incident` in order of the sets; `start` is int64[m + 1] with the places where every element's sets begin."""
    place = start.copy()
    for s in range(len(sets)):
        for e in sets[s]:
            incident[place[e]] = s
            place[e] += 1


def find_conflicts(instance: Instance, building: Building) -> Conflicts:
    """The forbidden sets of an instance, written out where they fit the memory. Raises Interrupted."""
    k, size = instance.problem.k, instance.size
    nothing = np.zeros((0, k), np.uint16)
    bare = Hypergraph(
        instance.n,
        k,
        nothing,
        np.zeros(size + 1, np.int64),
        np.zeros(0, np.uint32),
        False,
        instance.problem.conflicts is not None,
    )
    most = _most_sets(building.memory, k)
    if not can_be_written(instance, building.memory):
        return Conflicts(instance, bare)
    complete = instance.problem.complete
    counts = np.zeros(size, np.int64)

    def part(first: int) -> float:
        """The share of all combinations that begin with one of the elements up to `first`."""
        return 1.0 - (1 - (first + 1) / size) ** (k - 1)

    def count(first: int) -> int:
        building.check()
        return int(_find_sets(complete, instance.n, k, size, first, nothing))

    def write(first: int) -> int:
        building.check()
        return int(_find_sets(complete, instance.n, k, size, first, sets[ends[first] - counts[first] : ends[first]]))

    with ThreadPoolExecutor(max_workers=building.jobs) as pool:
        for first, found in enumerate(pool.map(count, range(size))):
            counts[first] = found
            building.report(part(first) / 2)
            if counts.sum() > most:
                pool.shutdown(cancel_futures=True)
                return Conflicts(instance, bare)
        ends = np.cumsum(counts)
        sets = np.zeros((int(ends[-1]), k), np.uint16)
        for first, _ in enumerate(pool.map(write, range(size))):
            building.report((1 + part(first)) / 2)
    start = np.zeros(size + 1, np.int64)
    _count_incident(sets, start)
    incident = np.zeros(sets.size, np.uint32)
    _fill_incident(sets, start, incident)
    return Conflicts(instance, bare._replace(sets=sets, start=start, incident=incident, written=True))


def shared_conflicts(instance: Instance, building: Building) -> Conflicts:
    """`find_conflicts`, found once for all symmetry classes of an instance. They get half of the memory."""
    half = replace(building, memory=building.memory // 2)
    key = "sets", id(instance.problem.complete), instance.name, instance.n, building.memory
    expected = half.memory if can_be_written(instance, half.memory) else 0
    return shared.get(key, building.memory, expected, lambda: find_conflicts(instance, half))
