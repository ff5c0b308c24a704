"""Tabu search: add the least-conflicting orbit, drop what it conflicts with, and do not add that again at once.

After Glover (Tabu search I, ORSA J. Comput. 1, 1989) in the form that pays for forbidden-set problems: the set stays
valid between steps, the added orbit is never the one to go, the worst victim goes first, and the tenure is as short as
it can be (one to three steps, random); measured in docs/LOG.md.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from patternboost.problem import RULE_TYPE
from patternboost.search.chance import random_below
from patternboost.search.kernels import (
    COUNT_MASK,
    MEMBER,
    STATE_TYPE,
    TABU,
    add,
    drop,
    least,
    worst_member,
)
from patternboost.search.tables import ROWS_TYPE

#: positions in Walk.info
STEP, BEST_POINTS, BEST_COUNT, BEST_STEP, TABU_COUNT, TENURE, TENURE_SPAN = range(7)
_INFO = 7


class Walk(NamedTuple):
    """What one walk remembers between calls of `tabu`. N orbits."""

    #: see the positions above, int64[7]
    info: NDArray[np.int64]
    #: members of the best set so far, int32[N]
    best: NDArray[np.int32]
    #: orbits that are tabu now, int32[N], and until which step each is, int64[N]
    tabu: NDArray[np.int32]
    until: NDArray[np.int64]


WALK_TYPE = types.NamedTuple([types.int64[::1], types.int32[::1], types.int32[::1], types.int64[::1]], Walk)


def new_walk(count: int, tenure: tuple[int, int]) -> Walk:
    """The memory of a walk over `count` orbits with tenures drawn from tenure[0] .. tenure[1]."""
    info = np.zeros(_INFO, np.int64)
    info[TENURE], info[TENURE_SPAN] = tenure[0], tenure[1] - tenure[0] + 1
    return Walk(info, np.zeros(count, np.int32), np.zeros(count, np.int32), np.zeros(count, np.int64))


@njit(types.void(STATE_TYPE, WALK_TYPE), cache=True, nogil=True)
def _remember(state, walk):  # type: ignore[no-untyped-def]
    if state.total[1] > walk.info[BEST_POINTS]:
        walk.info[BEST_POINTS] = state.total[1]
        walk.info[BEST_COUNT] = state.total[0]
        walk.info[BEST_STEP] = walk.info[STEP]
        for i in range(state.total[0]):
            walk.best[i] = state.member[i]


@njit(types.void(STATE_TYPE, WALK_TYPE), cache=True, nogil=True)
def begin(state, walk):  # type: ignore[no-untyped-def]
    """Start a walk at the state's set (which must be valid): it is the best so far, and nothing is tabu."""
    for i in range(walk.info[TABU_COUNT]):
        state.key[walk.tabu[i]] &= ~TABU
    walk.info[TABU_COUNT] = 0
    walk.info[STEP] = 0
    walk.info[BEST_POINTS] = -1
    _remember(state, walk)


@njit(
    types.boolean(RULE_TYPE, ROWS_TYPE, STATE_TYPE, WALK_TYPE, types.int64, types.int64, types.int64),
    cache=True,
    nogil=True,
)
def tabu(complete, rows, state, walk, steps, patience, target):  # type: ignore[no-untyped-def]
    """Walk at most `steps` steps; returns whether the walk is over.

    It is over when the best set has `target` points, or has not improved for `patience` steps. Calling it again goes on
    exactly where it was.
    """
    info = walk.info
    key = state.key
    for _ in range(steps):
        if info[BEST_POINTS] >= target or info[STEP] - info[BEST_STEP] >= patience:
            return True
        i = 0
        while i < info[TABU_COUNT]:
            a = walk.tabu[i]
            if walk.until[a] <= info[STEP]:
                key[a] &= ~TABU
                info[TABU_COUNT] -= 1
                walk.tabu[i] = walk.tabu[info[TABU_COUNT]]
            else:
                i += 1
        added = least(key, state.rng)
        info[STEP] += 1
        if key[added] >= MEMBER:  # every orbit is a member or tabu: make room
            if state.total[0] > 0:
                drop(complete, rows, state, np.int64(state.member[random_below(state.rng, state.total[0])]))
            continue
        add(complete, rows, state, added)
        while key[added] & COUNT_MASK:
            victim = worst_member(state, added)
            drop(complete, rows, state, victim)
            key[victim] |= TABU
            walk.until[victim] = info[STEP] - 1 + info[TENURE] + random_below(state.rng, info[TENURE_SPAN])
            walk.tabu[info[TABU_COUNT]] = victim
            info[TABU_COUNT] += 1
        _remember(state, walk)
    return info[BEST_POINTS] >= target or info[STEP] - info[BEST_STEP] >= patience
