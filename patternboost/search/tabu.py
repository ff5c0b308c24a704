"""The tabu walk, once for all forms of conflict counts: aim at one point more than the best set, and swap members.

After Glover (Tabu search I, ORSA J. Comput. 1, 1989), with a target size as in tabu search for colourings and for
independent sets (Hertz and de Werra, 1987; Friden, Hertz and de Werra, 1989): the set is invalid on the way and valid
only when it is a new best. The orbit added last is never the one to go, and the tenure is a step or two, random;
measured in docs/LOG.md, beside walks that stay valid.

`sparse`, `bitsliced` and `set_by_set` hold the counts and give the moves; each compiles `tabu_walk` with its own moves
inlined. Same seed and same counts make the same walk in every form.

The moves get no more than they need, and `add` and `drop` have no wrapper between: numba counts the references to every
array that a call passes on, which cost a step a fifth of its time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit, typeof
from numpy.typing import NDArray

from patternboost.search.rng import random_below

#: positions in Walk.info
STEP, BEST_POINTS, BEST_COUNT, BEST_STEP, TABU_COUNT, ADDED, TENURE, TENURE_SPAN = range(8)


class Form(NamedTuple):
    """The kernels of one form of conflict counts; all take (*space, state), and what follows."""

    clear: Callable[..., None]
    load: Callable[..., None]
    repair: Callable[..., None]
    fill: Callable[..., None]
    tabu: Callable[..., bool]
    #: steps that take well under a second: how often to look at the clock
    chunk: int


class Walk(NamedTuple):
    """What one walk remembers between calls of `tabu_walk`. N orbits."""

    #: see the positions above, int64[8]
    info: NDArray[np.int64]
    #: members of the best set so far, int32[N]
    best: NDArray[np.int32]
    #: orbits that are tabu now, int32[N], and until which step each is, int64[N]
    tabu: NDArray[np.int32]
    until: NDArray[np.int64]


def new_walk(count: int, tenure: tuple[int, int]) -> Walk:
    """The memory of a walk over `count` orbits with tenures drawn from tenure[0] .. tenure[1]."""
    info = np.zeros(8, np.int64)
    info[TENURE], info[TENURE_SPAN] = tenure[0], tenure[1] - tenure[0] + 1
    return Walk(info, np.zeros(count, np.int32), np.zeros(count, np.int32), np.zeros(count, np.int64))


WALK_TYPE = typeof(new_walk(1, (1, 1)))


def begin(state: Any, walk: Walk) -> None:
    """Start a walk at the state's set, which must be valid, with nothing tabu: it is the best so far."""
    members, points = state.total[:2]
    walk.info[:TENURE] = 0
    walk.info[BEST_POINTS], walk.info[BEST_COUNT], walk.info[ADDED] = points, members, -1
    walk.best[:members] = state.member[:members]


@njit(forceinline=True)
def tabu_walk(  # type: ignore[no-untyped-def]
    complete, rows, state, walk, steps, patience, target, least, worst_member, add, drop, forbid, allow
):
    """Walk at most `steps` steps; returns whether the walk is over. Calling it again goes on exactly where it was.

    A step adds least-conflicting orbits until the set has more points than the best so far; if it is valid then, it is
    the new best, and else the member in most violated sets goes and sits out TENURE to TENURE + TENURE_SPAN - 1 steps.
    The walk is over when its best set has `target` points, or has not improved for `patience` steps.

    `complete` is the problem's compiled rule (0 in a form that needs none), `rows` is what else the form reads.
    `state.total` is [members, points, ...], `state.member` the members, `state.rng` the random state. A form gives its
    moves: `least(state)`, a random one of the least-conflicting orbits that may be added, or -1;
    `worst_member(state, spared)`, a random one of the members in most violated sets, or -1; `add(complete, rows, state,
    a)` and `drop(complete, rows, state, a)`; `forbid(state, a)` and `allow(state, a)`, which take an orbit outside the
    set from those that may be added, and give it back.
    """
    info = walk.info
    for _ in range(steps):
        step = info[STEP]
        if info[BEST_POINTS] >= target or step - info[BEST_STEP] >= patience:
            return True
        i = 0
        while i < info[TABU_COUNT]:
            a = np.int64(walk.tabu[i])
            if walk.until[a] <= step:
                allow(state, a)
                info[TABU_COUNT] -= 1
                walk.tabu[i] = walk.tabu[info[TABU_COUNT]]
            else:
                i += 1
        while state.total[1] <= info[BEST_POINTS]:
            chosen = least(state)
            if chosen < 0:  # every orbit is a member or tabu
                break
            add(complete, rows, state, chosen)
            info[ADDED] = chosen
        worst = worst_member(state, info[ADDED])
        info[STEP] = step + 1
        if worst >= 0:
            drop(complete, rows, state, worst)
            sits_out = info[TENURE] + random_below(state.rng, info[TENURE_SPAN])
            if sits_out > 0:
                forbid(state, worst)
                walk.until[worst] = step + 1 + sits_out
                walk.tabu[info[TABU_COUNT]] = worst
                info[TABU_COUNT] += 1
        elif state.total[1] > info[BEST_POINTS]:
            info[BEST_POINTS], info[BEST_COUNT], info[BEST_STEP] = state.total[1], state.total[0], step + 1
            for i in range(state.total[0]):
                walk.best[i] = state.member[i]
        elif state.total[0] > 0:  # make room
            drop(complete, rows, state, np.int64(state.member[random_below(state.rng, state.total[0])]))
    return info[BEST_POINTS] >= target or info[STEP] - info[BEST_STEP] >= patience
