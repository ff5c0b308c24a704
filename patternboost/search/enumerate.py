"""Writing out all forbidden sets, where they fit the memory and it is worth the time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from math import comb

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from patternboost.problem import RULE_TYPE, Instance
from patternboost.problem.objective import Forbidden
from patternboost.search.combinations import next_combination
from patternboost.search.hypergraph import Conflicts, bare_hypergraph
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
        if not next_combination(index, 1, size):
            return found


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
    """Whether the forbidden sets of an instance are few enough, by an estimate that is always the same."""
    expected = sum(_expected_sets(instance, part) for part in instance.problem.rules)
    return expected <= 1.1 * _most_sets(memory, instance.problem.k)


def _expected_sets(instance: Instance, part: Forbidden) -> float:
    """About how many forbidden sets there are; 0 where it takes no time to count them, infinity where it takes long."""
    k, size = part.k, instance.size
    calls = comb(size, k - 1)
    if calls <= _SAMPLE_FROM:
        return 0.0
    if calls > _MOST_CALLS:
        return float("inf")
    rng = np.array([1], np.uint64)
    return calls * int(_sample_completions(part.complete, instance.n, k, size, _SAMPLE, rng)) / _SAMPLE / k


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
    parts, size, k = instance.problem.rules, instance.size, max(2, instance.problem.k)
    own = len(parts) > 1 or (bool(parts) and parts[0].conflicts is not None)
    bare = bare_hypergraph(instance.n, k, size, own)
    if not can_be_written(instance, building.memory):
        return Conflicts(instance, bare)
    found: list[NDArray[np.uint16]] = []
    left = _most_sets(building.memory, k)
    for number, part in enumerate(parts):
        share = _Share(building, number / len(parts), 1 / len(parts))
        sets = _written_sets(instance, part, left, share)
        if sets is None:
            return Conflicts(instance, bare)
        left -= len(sets)
        found.append(np.pad(sets, ((0, 0), (0, k - part.k)), constant_values=size))
    sets = np.concatenate(found) if found else bare.sets
    start = np.zeros(size + 2, np.int64)  # the padding has a place too
    _count_incident(sets, start)
    incident = np.zeros(sets.size, np.uint32)
    _fill_incident(sets, start, incident)
    return Conflicts(instance, bare._replace(sets=sets, start=start, incident=incident, written=True))


@dataclass(frozen=True)
class _Share:
    """A part of something that is built: from which share done on, and how much of it."""

    building: Building
    first: float
    size: float

    def report(self, share: float) -> None:
        self.building.report(self.first + self.size * share)


def _written_sets(instance: Instance, forbidden: Forbidden, most: int, share: _Share) -> NDArray[np.uint16] | None:
    """The forbidden sets of one size, uint16 [sets, k]; None where they are more than `most`. Raises Interrupted."""
    k, size, complete = forbidden.k, instance.size, forbidden.complete
    nothing = np.zeros((0, k), np.uint16)
    counts = np.zeros(size, np.int64)

    def part(first: int) -> float:
        """The share of all combinations that begin with one of the elements up to `first`."""
        return 1.0 - (1 - (first + 1) / size) ** (k - 1)

    def count(first: int) -> int:
        share.building.check()
        return int(_find_sets(complete, instance.n, k, size, first, nothing))

    def write(first: int) -> int:
        share.building.check()
        return int(_find_sets(complete, instance.n, k, size, first, sets[ends[first] - counts[first] : ends[first]]))

    with ThreadPoolExecutor(max_workers=share.building.jobs) as pool:
        for first, found in enumerate(pool.map(count, range(size))):
            counts[first] = found
            share.report(part(first) / 2)
            if counts.sum() > most:
                pool.shutdown(cancel_futures=True)
                return None
        ends = np.cumsum(counts)
        sets = np.zeros((int(ends[-1]), k), np.uint16)
        for first, _ in enumerate(pool.map(write, range(size))):
            share.report((1 + part(first)) / 2)
    return sets


def shared_conflicts(instance: Instance, building: Building) -> Conflicts:
    """`find_conflicts`, found once for all symmetry classes of an instance. They get half of the memory."""
    half = replace(building, memory=building.memory // 2)
    key = "sets", instance.problem.rules, instance.name, instance.n, building.memory
    expected = half.memory if can_be_written(instance, half.memory) else 0
    return shared.get(key, building.memory, expected, lambda: find_conflicts(instance, half))
