"""Tabu search on orbits for forbidden sets of four and more elements, by the conflict counts of `families`.

The walk is that of `tabu`. An orbit outside the set is judged by the counts of its elements: the forbidden sets that
one of its elements completes. Sets that need two of its elements show once it is added. So the counts of members, and
with them validity, are exact, and only the guess which orbit conflicts least is a lower bound.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from patternboost.problem import RULE_TYPE, UPDATE_TYPE
from patternboost.problem.ground import IntArray
from patternboost.problem.symmetry import Orbits
from patternboost.search.hypergraph import FAMILY_TYPE, TALLY_TYPE, Conflicts, add_element, drop_element
from patternboost.search.rng import random_below, seeded

#: flags of an orbit
_MEMBER, _TABU, _BAD, _TRIED = 1, 2, 4, 8
#: positions in Space.info
STEP, BEST_POINTS, BEST_COUNT, BEST_STEP, POINTS, TABU_COUNT, ADDED = range(7)


class Space(NamedTuple):
    """Orbits, which of them are chosen, and what a walk remembers. N orbits, m elements."""

    #: orbits' elements: members[start[i]:start[i + 1]], int64
    start: NDArray[np.int64]
    members: NDArray[np.int64]
    #: flag bits, uint8[N]
    flag: NDArray[np.uint8]
    #: see the positions above, int64[7]
    info: NDArray[np.int64]
    #: orbits of the best set so far, int64[N]
    best: NDArray[np.int64]
    #: orbits that are tabu now and until which step each is, int64[N]
    tabu: NDArray[np.int64]
    until: NDArray[np.int64]
    #: random state, uint64[1]
    rng: NDArray[np.uint64]


SPACE_TYPE = types.NamedTuple(
    [
        types.int64[::1],
        types.int64[::1],
        types.uint8[::1],
        types.int64[::1],
        types.int64[::1],
        types.int64[::1],
        types.int64[::1],
        types.uint64[::1],
    ],
    Space,
)

_ORBIT = types.void(RULE_TYPE, UPDATE_TYPE, FAMILY_TYPE, TALLY_TYPE, SPACE_TYPE, types.int64)
_WHOLE = types.void(RULE_TYPE, UPDATE_TYPE, FAMILY_TYPE, TALLY_TYPE, SPACE_TYPE)


def new_space(orbits: Orbits, seed: int) -> Space:
    """An empty set of orbits."""
    count = orbits.count
    return Space(
        orbits.start,
        orbits.members,
        np.zeros(count, np.uint8),
        np.zeros(7, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        seeded(seed),
    )


@njit(types.int64(TALLY_TYPE, SPACE_TYPE, types.int64), cache=True, nogil=True)
def _conflicts_of(tally, space, orbit):  # type: ignore[no-untyped-def]
    total = np.int64(0)
    for i in range(space.start[orbit], space.start[orbit + 1]):
        total += tally.counts[space.members[i]]
    return total


@njit(_ORBIT, cache=True, nogil=True)
def add_orbit(complete, conflicts, family, tally, space, orbit):  # type: ignore[no-untyped-def]
    """Put an orbit (not a member) into the set."""
    for i in range(space.start[orbit], space.start[orbit + 1]):
        add_element(complete, conflicts, family, tally, space.members[i])
    space.flag[orbit] |= _MEMBER
    space.info[POINTS] += space.start[orbit + 1] - space.start[orbit]


@njit(_ORBIT, cache=True, nogil=True)
def drop_orbit(complete, conflicts, family, tally, space, orbit):  # type: ignore[no-untyped-def]
    """Take a member out of the set."""
    for i in range(space.start[orbit], space.start[orbit + 1]):
        drop_element(complete, conflicts, family, tally, space.members[i])
    space.flag[orbit] &= ~np.uint8(_MEMBER)
    space.info[POINTS] -= space.start[orbit + 1] - space.start[orbit]


@njit(types.int64(TALLY_TYPE, SPACE_TYPE, types.int64), cache=True, nogil=True)
def _worst(tally, space, spared):  # type: ignore[no-untyped-def]
    """A member other than `spared` in most violated sets per element, ties at random; `spared` where only it is; or -1.

    Orbits of several elements are compared by the sum over their elements divided by their number.
    """
    chosen, ties = -1, 0
    most, size = np.int64(0), np.int64(1)
    for orbit in range(len(space.flag)):
        if space.flag[orbit] & _MEMBER and orbit != spared:
            value = _conflicts_of(tally, space, orbit)
            if value > 0:
                length = space.start[orbit + 1] - space.start[orbit]
                order = value * size - most * length
                if chosen < 0 or order > 0:
                    most, size, chosen, ties = value, length, orbit, 1
                elif order == 0:
                    ties += 1
                    if random_below(space.rng, ties) == 0:
                        chosen = orbit
    if chosen < 0 and spared >= 0 and space.flag[spared] & _MEMBER and _conflicts_of(tally, space, spared) > 0:
        return spared
    return chosen


@njit(types.int64(TALLY_TYPE, SPACE_TYPE, types.boolean), cache=True, nogil=True)
def _least(tally, space, free):  # type: ignore[no-untyped-def]
    """A random one among the unflagged orbits of least conflict per element (`free`: of none at all), or -1."""
    chosen, ties = -1, 0
    low, size = np.int64(0), np.int64(1)
    for orbit in range(len(space.flag)):
        if space.flag[orbit] == 0:
            value = _conflicts_of(tally, space, orbit)
            if free and value:
                continue
            length = space.start[orbit + 1] - space.start[orbit]
            order = value * size - low * length
            if chosen < 0 or order < 0:
                low, size, chosen, ties = value, length, orbit, 1
            elif order == 0:
                ties += 1
                if random_below(space.rng, ties) == 0:
                    chosen = orbit
    return chosen


@njit(_WHOLE, cache=True, nogil=True)
def mark_bad(complete, conflicts, family, tally, space):  # type: ignore[no-untyped-def]
    """Find the orbits that are forbidden by themselves; the set must be empty."""
    for orbit in range(len(space.flag)):
        add_orbit(complete, conflicts, family, tally, space, orbit)
        if _conflicts_of(tally, space, orbit) > 0:
            space.flag[orbit] |= _BAD
        drop_orbit(complete, conflicts, family, tally, space, orbit)


@njit(_WHOLE, cache=True, nogil=True)
def clear(complete, conflicts, family, tally, space):  # type: ignore[no-untyped-def]
    """Empty the set and forget what is tabu."""
    space.flag[:] &= np.uint8(_BAD)
    for i in range(tally.size[0]):
        tally.position[tally.member[i]] = -1
    tally.size[0] = 0
    tally.counts[:] = 0
    tally.inside[:] = 0
    space.info[:] = 0


@njit(_WHOLE, cache=True, nogil=True)
def repair(complete, conflicts, family, tally, space):  # type: ignore[no-untyped-def]
    """Drop the member in most violated sets until none is violated."""
    worst = _worst(tally, space, -1)
    while worst >= 0:
        drop_orbit(complete, conflicts, family, tally, space, worst)
        worst = _worst(tally, space, -1)


@njit(_WHOLE, cache=True, nogil=True)
def fill(complete, conflicts, family, tally, space):  # type: ignore[no-untyped-def]
    """Add random orbits that leave the set valid until there is none."""
    while True:
        orbit = _least(tally, space, True)
        if orbit < 0:
            break
        add_orbit(complete, conflicts, family, tally, space, orbit)
        if _conflicts_of(tally, space, orbit) > 0:  # a forbidden set needed two of its elements
            drop_orbit(complete, conflicts, family, tally, space, orbit)
            space.flag[orbit] |= _TRIED
    for orbit in range(len(space.flag)):
        space.flag[orbit] &= ~np.uint8(_TRIED)


@njit(types.void(SPACE_TYPE), cache=True, nogil=True)
def _remember(space):  # type: ignore[no-untyped-def]
    info = space.info
    if info[POINTS] > info[BEST_POINTS]:
        info[BEST_POINTS], info[BEST_STEP], info[BEST_COUNT] = info[POINTS], info[STEP], 0
        for orbit in range(len(space.flag)):
            if space.flag[orbit] & _MEMBER:
                space.best[info[BEST_COUNT]] = orbit
                info[BEST_COUNT] += 1


@njit(types.void(SPACE_TYPE), cache=True, nogil=True)
def begin(space):  # type: ignore[no-untyped-def]
    """Start a walk at the set as it is (valid): it is the best so far, and nothing is tabu."""
    for i in range(space.info[TABU_COUNT]):
        space.flag[space.tabu[i]] &= ~np.uint8(_TABU)
    space.info[TABU_COUNT] = space.info[STEP] = 0
    space.info[ADDED] = space.info[BEST_POINTS] = -1
    _remember(space)


@njit(types.int64(SPACE_TYPE), cache=True, nogil=True)
def _any_member(space):  # type: ignore[no-untyped-def]
    """A random member, -1 where there is none."""
    chosen, ties = -1, 0
    for orbit in range(len(space.flag)):
        if space.flag[orbit] & _MEMBER:
            ties += 1
            if random_below(space.rng, ties) == 0:
                chosen = orbit
    return chosen


@njit(
    types.boolean(
        RULE_TYPE,
        UPDATE_TYPE,
        FAMILY_TYPE,
        TALLY_TYPE,
        SPACE_TYPE,
        types.int64,
        types.int64,
        types.int64,
        types.int64,
        types.int64,
    ),
    cache=True,
    nogil=True,
)
def tabu(complete, conflicts, family, tally, space, steps, patience, target, tenure, span):  # type: ignore[no-untyped-def]
    """Walk at most `steps` steps, tenures from `tenure` to `tenure + span - 1`; returns whether the walk is over."""
    info, flag = space.info, space.flag
    for _ in range(steps):
        if info[BEST_POINTS] >= target or info[STEP] - info[BEST_STEP] >= patience:
            return True
        i = 0
        while i < info[TABU_COUNT]:
            orbit = space.tabu[i]
            if space.until[orbit] <= info[STEP]:
                flag[orbit] &= ~np.uint8(_TABU)
                info[TABU_COUNT] -= 1
                space.tabu[i] = space.tabu[info[TABU_COUNT]]
            else:
                i += 1
        while info[POINTS] <= info[BEST_POINTS]:
            chosen = _least(tally, space, False)
            if chosen < 0:  # every orbit is a member or tabu
                break
            add_orbit(complete, conflicts, family, tally, space, chosen)
            info[ADDED] = chosen
        worst = _worst(tally, space, info[ADDED])
        info[STEP] += 1
        if worst >= 0:
            drop_orbit(complete, conflicts, family, tally, space, worst)
            sits_out = tenure + random_below(space.rng, span)
            if sits_out > 0:
                flag[worst] |= _TABU
                space.until[worst] = info[STEP] + sits_out
                space.tabu[info[TABU_COUNT]] = worst
                info[TABU_COUNT] += 1
        elif info[POINTS] > info[BEST_POINTS]:
            _remember(space)
        elif info[POINTS] > 0:  # make room
            drop_orbit(complete, conflicts, family, tally, space, _any_member(space))
    return info[BEST_POINTS] >= target or info[STEP] - info[BEST_STEP] >= patience


class SetWalker:
    """The tabu search of one thread on the orbits of a class; see `patternboost.search.walker.Walker`."""

    chunk = 200

    def __init__(
        self, conflicts: Conflicts, orbits: Orbits, bad: NDArray[np.uint8], tenure: tuple[int, int], seed: int
    ):
        self._space = new_space(orbits, seed)
        self._space.flag[:] = np.where(bad, _BAD, 0)
        self._tenure = tenure
        self._what = (
            conflicts.instance.problem.complete,
            conflicts.update,
            conflicts.family,
            conflicts.tally(),
            self._space,
        )

    def start(self, orbits: IntArray) -> int:
        """Load orbits, repair, fill, and begin a walk there; returns the points left after the repair."""
        self.valid(orbits, False)
        left = int(self._space.info[POINTS])
        fill(*self._what)
        begin(self._space)
        return left

    def valid(self, orbits: IntArray, filled: bool) -> IntArray:
        """Load orbits, repair, and fill if asked to; returns what is chosen then, ascending."""
        clear(*self._what)
        for orbit in orbits:
            if self._space.flag[orbit] == 0:
                add_orbit(*self._what, int(orbit))
        repair(*self._what)
        if filled:
            fill(*self._what)
        return np.flatnonzero(self._space.flag & _MEMBER).astype(np.int64)

    def run(self, steps: int, patience: int, target: int) -> bool:
        """Walk on; whether the walk is over: at `target` points, or `patience` steps after its best last improved."""
        shortest, longest = self._tenure
        return bool(tabu(*self._what, steps, patience, target, shortest, longest - shortest + 1))

    @property
    def steps(self) -> int:
        """Steps of the walk so far."""
        return int(self._space.info[STEP])

    @property
    def best(self) -> tuple[IntArray, int]:
        """The orbits of the walk's best set, and its points."""
        info = self._space.info
        return self._space.best[: info[BEST_COUNT]].copy(), int(info[BEST_POINTS])


def bad_orbits(conflicts: Conflicts, orbits: Orbits) -> NDArray[np.uint8]:
    """1 for orbits that are forbidden by themselves, uint8[N]."""
    space = new_space(orbits, 0)
    mark_bad(conflicts.instance.problem.complete, conflicts.update, conflicts.family, conflicts.tally(), space)
    return (space.flag & _BAD > 0).astype(np.uint8)
