"""Conflict counts set by set: the form for all problems that have no rows of pairs, by the counts of `hypergraph`.

An orbit outside the set is judged by the counts of its elements: the forbidden sets that one of its elements completes.
Sets that need two of its elements show once it is added. So the counts of members, and with them validity, are exact,
and only the guess which orbit conflicts least is a lower bound. Orbits of several elements are compared by the sum over
their elements divided by their number.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit, typeof, types
from numpy.typing import NDArray

from patternboost.problem import RULE_TYPE, UPDATE_TYPE
from patternboost.problem.symmetry import Orbits
from patternboost.search.hypergraph import (
    HYPERGRAPH_TYPE,
    Conflicts,
    ElementCounts,
    add_element,
    drop_element,
    empty_counts,
    new_counts,
)
from patternboost.search.rng import random_below, seeded
from patternboost.search.tabu import WALK_TYPE, Form, tabu_walk

#: flags of an orbit
_MEMBER, _TABU, _BAD, _TRIED = 1, 2, 4, 8


class SetState(NamedTuple):
    """Orbits, which of them are chosen, and the counts of their elements. N orbits, m elements."""

    #: orbits' elements: elements[start[i]:start[i + 1]], int64
    start: NDArray[np.int64]
    elements: NDArray[np.int64]
    #: flag bits, uint8[N]
    flag: NDArray[np.uint8]
    #: the members, int32[N], in no order; where each orbit stands in it (-1 outside), int32[N]
    member: NDArray[np.int32]
    position: NDArray[np.int32]
    #: [number of members, number of points], int64[2]
    total: NDArray[np.int64]
    #: scratch: orbits that tie, int32[N]
    tied: NDArray[np.int32]
    counts: ElementCounts
    #: random state, uint64[1]
    rng: NDArray[np.uint64]


def new_state(orbits: Orbits, counts: ElementCounts, bad: NDArray[np.uint8], seed: int) -> SetState:
    """An empty set of orbits; those that `bad` (uint8[N]) marks are forbidden by themselves."""
    count = orbits.count
    return SetState(
        orbits.start,
        orbits.members,
        np.where(bad, _BAD, 0).astype(np.uint8),
        np.zeros(count, np.int32),
        np.full(count, -1, np.int32),
        np.zeros(2, np.int64),
        np.zeros(count, np.int32),
        counts,
        seeded(seed),
    )


_NO_ORBITS = Orbits(np.zeros(0, np.int32), np.zeros(1, np.int64), np.zeros(0, np.int64))
STATE_TYPE = typeof(new_state(_NO_ORBITS, new_counts(0, 4, 0), np.zeros(0, np.uint8), 0))
SPACE = (RULE_TYPE, UPDATE_TYPE, HYPERGRAPH_TYPE)
_WHOLE = types.void(*SPACE, STATE_TYPE)
_ORBIT = types.void(*SPACE, STATE_TYPE, types.int64)


@njit(types.int64(STATE_TYPE, types.int64), cache=True, nogil=True)
def _conflicts_of(state, orbit):  # type: ignore[no-untyped-def]
    total = np.int64(0)
    for i in range(state.start[orbit], state.start[orbit + 1]):
        total += state.counts.counts[state.elements[i]]
    return total


@njit(_ORBIT, cache=True, nogil=True)
def add(complete, update, hypergraph, state, orbit):  # type: ignore[no-untyped-def]
    """Put an orbit (not a member) into the set."""
    for i in range(state.start[orbit], state.start[orbit + 1]):
        add_element(complete, update, hypergraph, state.counts, state.elements[i])
    state.flag[orbit] |= _MEMBER
    state.position[orbit] = state.total[0]
    state.member[state.total[0]] = orbit
    state.total[0] += 1
    state.total[1] += state.start[orbit + 1] - state.start[orbit]


@njit(_ORBIT, cache=True, nogil=True)
def drop(complete, update, hypergraph, state, orbit):  # type: ignore[no-untyped-def]
    """Take a member out of the set."""
    for i in range(state.start[orbit], state.start[orbit + 1]):
        drop_element(complete, update, hypergraph, state.counts, state.elements[i])
    state.flag[orbit] &= ~np.uint8(_MEMBER)
    state.total[0] -= 1
    state.total[1] -= state.start[orbit + 1] - state.start[orbit]
    last = state.member[state.total[0]]
    state.member[state.position[orbit]] = last
    state.position[last] = state.position[orbit]
    state.position[orbit] = -1


@njit(types.int64(STATE_TYPE, types.int64), cache=True, nogil=True)
def worst_member(state, spared):  # type: ignore[no-untyped-def]
    """A member other than `spared` in most violated sets per element, ties at random; -1 where none is violated."""
    ties = 0
    most, size = np.int64(0), np.int64(1)
    for orbit in range(len(state.flag)):
        if state.flag[orbit] & _MEMBER and orbit != spared:
            value = _conflicts_of(state, orbit)
            if value > 0:
                length = state.start[orbit + 1] - state.start[orbit]
                order = value * size - most * length
                if order > 0:
                    most, size, ties = value, length, 0
                if order >= 0:
                    state.tied[ties] = orbit
                    ties += 1
    if ties == 0:
        return -1
    return np.int64(state.tied[random_below(state.rng, ties) if ties > 1 else 0])


@njit(types.int64(STATE_TYPE), cache=True, nogil=True)
def least(state):  # type: ignore[no-untyped-def]
    """A random one among the unflagged orbits of least conflict per element, or -1."""
    ties = 0
    low, size = np.int64(0), np.int64(1)
    for orbit in range(len(state.flag)):
        if state.flag[orbit] == 0:
            value = _conflicts_of(state, orbit)
            length = state.start[orbit + 1] - state.start[orbit]
            order = value * size - low * length
            if ties == 0 or order < 0:
                low, size, ties = value, length, 0
                order = 0
            if order == 0:
                state.tied[ties] = orbit
                ties += 1
    if ties == 0:
        return -1
    return np.int64(state.tied[random_below(state.rng, ties) if ties > 1 else 0])


@njit(_WHOLE, cache=True, nogil=True)
def mark_bad(complete, update, hypergraph, state):  # type: ignore[no-untyped-def]
    """Find the orbits that are forbidden by themselves; the set must be empty."""
    for orbit in range(len(state.flag)):
        add(complete, update, hypergraph, state, orbit)
        if _conflicts_of(state, orbit) > 0:
            state.flag[orbit] |= _BAD
        drop(complete, update, hypergraph, state, orbit)


@njit(_WHOLE, cache=True, nogil=True)
def clear(complete, update, hypergraph, state):  # type: ignore[no-untyped-def]
    """Empty the set; nothing is tabu then."""
    state.flag[:] &= np.uint8(_BAD)
    for i in range(state.total[0]):
        state.position[state.member[i]] = -1
    state.total[:] = 0
    empty_counts(hypergraph, state.counts)


@njit(types.void(*SPACE, STATE_TYPE, types.int64[::1]), cache=True, nogil=True)
def load(complete, update, hypergraph, state, orbits):  # type: ignore[no-untyped-def]
    """Add orbits (int64) to the set, conflicts or not; members and orbits forbidden by themselves stay out."""
    for orbit in orbits:
        if state.flag[orbit] == 0:
            add(complete, update, hypergraph, state, orbit)


@njit(_WHOLE, cache=True, nogil=True)
def repair(complete, update, hypergraph, state):  # type: ignore[no-untyped-def]
    """Drop the member in most violated sets until none is violated."""
    worst = worst_member(state, -1)
    while worst >= 0:
        drop(complete, update, hypergraph, state, worst)
        worst = worst_member(state, -1)


@njit(_WHOLE, cache=True, nogil=True)
def fill(complete, update, hypergraph, state):  # type: ignore[no-untyped-def]
    """Add random orbits that leave the set valid until there is none."""
    while True:
        orbit = least(state)
        if orbit < 0 or _conflicts_of(state, orbit) > 0:
            break
        add(complete, update, hypergraph, state, orbit)
        if _conflicts_of(state, orbit) > 0:  # a forbidden set needed two of its elements
            drop(complete, update, hypergraph, state, orbit)
            state.flag[orbit] |= _TRIED
    for orbit in range(len(state.flag)):
        state.flag[orbit] &= ~np.uint8(_TRIED)


# -- the moves of `tabu_walk` on rows = (update, hypergraph) -----------------------------------------------------------


@njit(forceinline=True)
def _add(complete, rows, state, a):  # type: ignore[no-untyped-def]
    add(complete, rows[0], rows[1], state, a)


@njit(forceinline=True)
def _drop(complete, rows, state, a):  # type: ignore[no-untyped-def]
    drop(complete, rows[0], rows[1], state, a)


@njit(forceinline=True)
def _forbid(state, a):  # type: ignore[no-untyped-def]
    state.flag[a] |= _TABU


@njit(forceinline=True)
def _allow(state, a):  # type: ignore[no-untyped-def]
    state.flag[a] &= ~np.uint8(_TABU)


@njit(
    types.boolean(*SPACE, STATE_TYPE, WALK_TYPE, types.int64, types.int64, types.int64),
    cache=True,
    nogil=True,
)
def tabu(complete, update, hypergraph, state, walk, steps, patience, target):  # type: ignore[no-untyped-def]
    """Walk on; see `tabu.tabu_walk`."""
    rows = (update, hypergraph)
    return tabu_walk(
        complete, rows, state, walk, steps, patience, target, least, worst_member, _add, _drop, _forbid, _allow
    )


FORM = Form(clear, load, repair, fill, tabu, chunk=200)


def space_of(conflicts: Conflicts) -> tuple[object, ...]:
    """What every kernel here takes first."""
    return conflicts.complete, conflicts.update, conflicts.hypergraph


def bad_orbits(conflicts: Conflicts, orbits: Orbits) -> NDArray[np.uint8]:
    """1 for orbits that are forbidden by themselves, uint8[N]."""
    state = new_state(orbits, conflicts.empty(), np.zeros(orbits.count, np.uint8), 0)
    mark_bad(*space_of(conflicts), state)  # type: ignore[call-arg]
    return (state.flag & _BAD > 0).astype(np.uint8)
