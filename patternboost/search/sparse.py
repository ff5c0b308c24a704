"""Conflict counts as numbers, rows as lists: the form for any table of rows, compiled or evaluated on the fly.

``key[o]`` counts the forbidden sets (edges of the orbit hypergraph) that hold o and otherwise only members: for an
orbit outside the set, what adding it would complete; for a member, the violated sets it is in. Two high bits of the key
mark members and tabu orbits, so that one scan for the smallest key finds the least-conflicting free orbit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit, typeof, types
from numpy.typing import NDArray

from patternboost.problem import RULE_TYPE
from patternboost.search.rng import kth_smallest, random_below, seeded
from patternboost.search.tables import EMPTY_ROWS, ROWS_TYPE, Rows, evaluate_row, pair_index
from patternboost.search.tabu import WALK_TYPE, Form, tabu_walk

#: key bits: member, tabu; counts stay far below
MEMBER = 1 << 28
TABU = 1 << 29
_COUNT = MEMBER - 1


class State(NamedTuple):
    """A set of orbits with its conflict counts, and the scratch space of one thread. N orbits, m elements."""

    #: conflict count and flag bits, int32[N]
    key: NDArray[np.int32]
    #: the members, int32[N], in no order; where each orbit stands in it (-1 outside), int32[N]
    member: NDArray[np.int32]
    position: NDArray[np.int32]
    #: [number of members, number of points], int64[2]
    total: NDArray[np.int64]
    #: scratch for evaluated rows: int64[2], int64[m], int64[N + 1], uint16[N]
    chosen: NDArray[np.int64]
    out: NDArray[np.int64]
    stamp: NDArray[np.int64]
    scratch: NDArray[np.uint16]
    #: random state, uint64[1]
    rng: NDArray[np.uint64]


def new_state(rows: Rows, seed: int) -> State:
    """An empty set; orbits that are forbidden by themselves are marked tabu for ever."""
    count = len(rows.weight)
    return State(
        np.where(rows.bad == 1, TABU, 0).astype(np.int32),
        np.zeros(count, np.int32),
        np.full(count, -1, np.int32),
        np.zeros(2, np.int64),
        np.zeros(2, np.int64),
        np.zeros(len(rows.orbit_of), np.int64),
        np.zeros(count + 1, np.int64),
        np.zeros(count, np.uint16),
        seeded(seed),
    )


STATE_TYPE = typeof(new_state(EMPTY_ROWS, 0))
_WHOLE = types.void(RULE_TYPE, ROWS_TYPE, STATE_TYPE)
_ORBIT = types.void(RULE_TYPE, ROWS_TYPE, STATE_TYPE, types.int64)
_ORBITS = types.void(RULE_TYPE, ROWS_TYPE, STATE_TYPE, types.int64[::1])


@njit(types.void(RULE_TYPE, ROWS_TYPE, STATE_TYPE, types.int64, types.int64), cache=True, nogil=True)
def _shift(complete, rows, state, a, sign):  # type: ignore[no-untyped-def]
    """Add `sign` to the key of every orbit that a and the other members forbid."""
    key = state.key
    count = len(key)
    if rows.compiled and len(rows.row):
        # Touch every row first: the misses then overlap instead of waiting for each other.
        touched = 0
        for i in range(state.total[0]):
            b = np.int64(state.member[i])
            if b != a:
                at = rows.row_start[pair_index(count, min(a, b), max(a, b))]
                touched += int(rows.row[min(at, len(rows.row) - 1)])
        if touched < 0:
            return
        for i in range(state.total[0]):
            b = np.int64(state.member[i])
            if b != a:
                index = pair_index(count, min(a, b), max(a, b))
                for t in range(rows.row_start[index], rows.row_start[index + 1]):
                    key[rows.row[t]] += sign
    elif rows.k == 3 and not rows.compiled:
        for i in range(state.total[0]):
            b = np.int64(state.member[i])
            if b != a:
                for t in range(
                    evaluate_row(complete, rows, a, b, state.chosen, state.out, state.stamp, state.scratch, 0)
                ):
                    key[state.scratch[t]] += sign
    for t in range(rows.pair_start[a], rows.pair_start[a + 1]):
        key[rows.pair[t]] += sign


@njit(_ORBIT, cache=True, nogil=True)
def add(complete, rows, state, a):  # type: ignore[no-untyped-def]
    """Put orbit a (not a member) into the set."""
    _shift(complete, rows, state, a, 1)
    state.position[a] = state.total[0]
    state.member[state.total[0]] = a
    state.total[0] += 1
    state.total[1] += rows.weight[a]
    state.key[a] |= MEMBER


@njit(_ORBIT, cache=True, nogil=True)
def drop(complete, rows, state, a):  # type: ignore[no-untyped-def]
    """Take member a out of the set."""
    state.total[0] -= 1
    state.total[1] -= rows.weight[a]
    last = state.member[state.total[0]]
    state.member[state.position[a]] = last
    state.position[last] = state.position[a]
    state.position[a] = -1
    state.key[a] &= ~MEMBER
    _shift(complete, rows, state, a, -1)


@njit(types.int64(types.int32[::1], types.uint64[::1]), cache=True, nogil=True)
def least(key: NDArray[np.int32], rng: NDArray[np.uint64]) -> int:
    """A random one among the orbits of smallest key; -1 where all are members or tabu, or there are none."""
    count = len(key)
    low = MEMBER
    for i in range(count):
        low = min(low, key[i])
    if low >= MEMBER:
        return -1
    ties = 0
    for i in range(count):
        ties += key[i] == low
    left = random_below(rng, ties) if ties > 1 else 0
    begin = 0
    while begin + 64 <= count:  # skip whole blocks: their ties are counted without a branch
        inside = 0
        for i in range(begin, begin + 64):
            inside += key[i] == low
        if inside > left:
            break
        left -= inside
        begin += 64
    for i in range(begin, count):
        if key[i] == low:
            if left == 0:
                return i
            left -= 1
    return -1


@njit(types.int64(STATE_TYPE, types.int64), cache=True, nogil=True)
def worst_member(state, spared):  # type: ignore[no-untyped-def]
    """A member (other than `spared`) in most violated sets, ties at random; -1 where none is violated."""
    worst, ties = 1, 0
    for i in range(state.total[0]):
        a = state.member[i]
        value = state.key[a] & _COUNT
        if a != spared and value >= worst:
            if value > worst:
                worst, ties = value, 0
            state.scratch[ties] = a
            ties += 1
    if ties == 0:
        return -1
    if ties == 1:
        return np.int64(state.scratch[0])
    # The members are in no order that other forms share: the choice is among them in ascending order.
    return kth_smallest(state.scratch, ties, random_below(state.rng, ties))


@njit(_WHOLE, cache=True, nogil=True)
def clear(complete, rows, state):  # type: ignore[no-untyped-def]
    """Empty the set; nothing is tabu then."""
    for i in range(state.total[0]):
        state.position[state.member[i]] = -1
    state.total[:] = 0
    for a in range(len(state.key)):
        state.key[a] = TABU if rows.bad[a] else 0


@njit(_ORBITS, cache=True, nogil=True)
def load(complete, rows, state, orbits):  # type: ignore[no-untyped-def]
    """Add orbits (int64) to the set, conflicts or not; members and orbits forbidden by themselves stay out."""
    for a in orbits:
        if state.position[a] < 0 and rows.bad[a] == 0:
            add(complete, rows, state, a)


@njit(_WHOLE, cache=True, nogil=True)
def repair(complete, rows, state):  # type: ignore[no-untyped-def]
    """Drop the member in most violated sets until none is violated."""
    worst = worst_member(state, -1)
    while worst >= 0:
        drop(complete, rows, state, worst)
        worst = worst_member(state, -1)


@njit(_WHOLE, cache=True, nogil=True)
def fill(complete, rows, state):  # type: ignore[no-untyped-def]
    """Add random orbits that complete nothing until there is none."""
    a = least(state.key, state.rng)
    while a >= 0 and state.key[a] == 0:
        add(complete, rows, state, a)
        a = least(state.key, state.rng)


@njit(_ORBITS, cache=True, nogil=True)
def fill_in_order(complete, rows, state, order):  # type: ignore[no-untyped-def]
    """Greedy fill: add the orbits of `order` (int64) one by one, each if it completes nothing."""
    for a in order:
        if state.key[a] == 0:
            add(complete, rows, state, a)


# -- the moves of `tabu_walk` ------------------------------------------------------------------------------------------


@njit(forceinline=True)
def _least(state):  # type: ignore[no-untyped-def]
    return least(state.key, state.rng)


@njit(forceinline=True)
def _forbid(state, a):  # type: ignore[no-untyped-def]
    state.key[a] |= TABU


@njit(forceinline=True)
def _allow(state, a):  # type: ignore[no-untyped-def]
    state.key[a] &= ~TABU


@njit(
    types.boolean(RULE_TYPE, ROWS_TYPE, STATE_TYPE, WALK_TYPE, types.int64, types.int64, types.int64),
    cache=True,
    nogil=True,
)
def tabu(complete, rows, state, walk, steps, patience, target):  # type: ignore[no-untyped-def]
    """Walk on; see `tabu.tabu_walk`."""
    return tabu_walk(
        complete, rows, state, walk, steps, patience, target, _least, worst_member, add, drop, _forbid, _allow
    )


FORM = Form(clear, load, repair, fill, tabu, chunk=10_000)
