"""Tabu search over a `BitState`: the walk's whole memory is in the state, so it can be stopped and resumed anywhere."""

from __future__ import annotations

import numpy as np
from numba import njit, types

from patternboost.search.bitmaps import BITROWS_TYPE
from patternboost.search.bitset import (
    ADDED,
    BEST_MEMBERS,
    BEST_POINTS,
    BEST_STEP,
    BITSTATE_TYPE,
    STEP,
    TABU_COUNT,
    add,
    drop,
    flip,
    least,
    repair,
    worst_member,
)
from patternboost.search.rng import random_below

#: why `tabu` returned: its steps are done, the target is reached, or the walk has stood still for its patience
STEPS_DONE, TARGET_REACHED, OUT_OF_PATIENCE = range(3)


@njit(types.void(BITSTATE_TYPE), cache=True, nogil=True)
def _keep_best(state):  # type: ignore[no-untyped-def]
    walk = state.walk
    walk[BEST_POINTS] = state.total[1]
    walk[BEST_MEMBERS] = state.total[0]
    walk[BEST_STEP] = walk[STEP]
    for i in range(state.total[0]):
        state.best[i] = state.member[i]


@njit(types.void(BITROWS_TYPE, BITSTATE_TYPE), cache=True, nogil=True)
def start_walk(rows, state):  # type: ignore[no-untyped-def]
    """Repair the set and start a new walk there: nothing tabu, step 0, the set is its best so far."""
    repair(rows, state)
    for i in range(state.walk[TABU_COUNT]):
        flip(state.bitmap, state.tabu[i])
    state.walk[:] = 0
    state.walk[ADDED] = -1
    _keep_best(state)


@njit(
    types.int64(BITROWS_TYPE, BITSTATE_TYPE, types.int64, types.int64, types.int64, types.int64, types.int64),
    cache=True,
    nogil=True,
)
def tabu(rows, state, steps, target, patience, tenure, span):  # type: ignore[no-untyped-def]
    """Walk at most `steps` steps on from where the state stands; returns why it stopped.

    A step adds least-conflicting orbits until the set has more points than the best so far; if it is valid then, it is
    the new best, and else the member in most violated sets (never the orbit added last) goes. What was dropped may not
    come back for `tenure` to `tenure + span - 1` steps. The walk ends once its best set has `target` points, or more
    than `patience` steps after it last improved; walking on returns at once then.
    """
    walk = state.walk
    end = walk[STEP] + steps
    while True:
        step = walk[STEP]
        if walk[BEST_POINTS] >= target:
            return TARGET_REACHED
        if step - walk[BEST_STEP] > patience:
            return OUT_OF_PATIENCE
        if step >= end:
            return STEPS_DONE
        i = 0
        while i < walk[TABU_COUNT]:
            a = state.tabu[i]
            if state.until[a] <= step:
                flip(state.bitmap, a)
                walk[TABU_COUNT] -= 1
                state.tabu[i] = state.tabu[walk[TABU_COUNT]]
            else:
                i += 1
        while state.total[1] <= walk[BEST_POINTS]:
            chosen = least(rows, state)
            if chosen < 0:
                break
            add(rows, state, chosen)
            walk[ADDED] = chosen
        worst = worst_member(rows, state, walk[ADDED])
        walk[STEP] = step + 1
        if worst >= 0:
            sits_out = tenure + random_below(state.rng, span)
            if sits_out > 0:
                flip(state.bitmap, worst)
                state.until[worst] = step + 1 + sits_out
                state.tabu[walk[TABU_COUNT]] = worst
                walk[TABU_COUNT] += 1
            drop(rows, state, worst)
        elif state.total[1] > walk[BEST_POINTS]:
            _keep_best(state)
        elif state.total[0] > 0:  # everything is tabu or a member
            drop(rows, state, np.int64(state.member[random_below(state.rng, state.total[0])]))
