"""Tabu search: aim at one point more than the best set, and swap members until nothing is violated.

After Glover (Tabu search I, ORSA J. Comput. 1, 1989), with a target size as in tabu search for colourings and for
independent sets (Hertz and de Werra, 1987; Friden, Hertz and de Werra, 1989): the set is invalid on the way and valid
only when it is a new best. The orbit added last is never the one to go, and the tenure is a step or two, random;
measured in docs/LOG.md, beside walks that stay valid.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from patternboost.problem import RULE_TYPE
from patternboost.search.kernels import (
    MEMBER,
    STATE_TYPE,
    TABU,
    add,
    drop,
    least,
    worst_member,
)
from patternboost.search.rng import random_below
from patternboost.search.tables import ROWS_TYPE

#: positions in Walk.info
STEP, BEST_POINTS, BEST_COUNT, BEST_STEP, TABU_COUNT, ADDED, TENURE, TENURE_SPAN = range(8)
_INFO = 8


class Walk(NamedTuple):
    """What one walk remembers between calls of `tabu`. N orbits."""

    #: see the positions above, int64[8]
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
    walk.info[ADDED] = -1
    walk.info[BEST_POINTS] = -1
    _remember(state, walk)


@njit(
    types.boolean(RULE_TYPE, ROWS_TYPE, STATE_TYPE, WALK_TYPE, types.int64, types.int64, types.int64),
    cache=True,
    nogil=True,
)
def tabu(complete, rows, state, walk, steps, patience, target):  # type: ignore[no-untyped-def]
    """Walk at most `steps` steps; returns whether the walk is over.

    A step adds least-conflicting orbits until the set has more points than the best so far; if it is valid then, it is
    the new best, and else the member in most violated sets goes and sits out TENURE to TENURE + TENURE_SPAN - 1 steps.

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
        while state.total[1] <= info[BEST_POINTS]:
            chosen = least(key, state.rng)
            if key[chosen] >= MEMBER:  # every orbit is a member or tabu
                break
            add(complete, rows, state, chosen)
            info[ADDED] = chosen
        worst = worst_member(state, info[ADDED])
        info[STEP] += 1
        if worst >= 0:
            drop(complete, rows, state, worst)
            sits_out = info[TENURE] + random_below(state.rng, info[TENURE_SPAN])
            if sits_out > 0:
                key[worst] |= TABU
                walk.until[worst] = info[STEP] + sits_out
                walk.tabu[info[TABU_COUNT]] = worst
                info[TABU_COUNT] += 1
        elif state.total[1] > info[BEST_POINTS]:
            _remember(state, walk)
        elif state.total[0] > 0:  # make room
            drop(complete, rows, state, np.int64(state.member[random_below(state.rng, state.total[0])]))
    return info[BEST_POINTS] >= target or info[STEP] - info[BEST_STEP] >= patience
