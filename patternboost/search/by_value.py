"""Local search for any value: simulated annealing by flips and swaps of orbits, with a weight for what does not count.

After Kirkpatrick, Gelatt and Vecchi (Optimization by simulated annealing, Science 220, 1983). Temperatures are measured
in the mean change of a step, so that one schedule serves values of any size. Sets never hold a forbidden set: what an
orbit that joins violates leaves. How far a set is from one that counts (`excess`; for smallest maximal sets the free
elements) is charged by a weight that rises while sets do not count and falls while they do (strategic oscillation;
Glover and Laguna, Tabu search, 1997).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, typeof, types
from numpy.typing import NDArray

from patternboost.problem import DIFFERENCE_TYPE, MEASURE_TYPE, IntArray, Problem, difference, measure
from patternboost.problem.base import NOTHING
from patternboost.search import set_by_set
from patternboost.search.rng import random_below
from patternboost.search.set_by_set import SPACE, STATE_TYPE, add, drop, least, worst_member
from patternboost.search.tables import Table, unusable_orbits

#: positions in Walk.info
_STEP, _BEST, _BEST_COUNT, _MERIT, _EXCESS, _LENGTH, _FEASIBLE = range(7)
#: steps between two looks at how many sets counted, and the shares of them below and above which the weight moves
_LOOK, _FEW, _MANY, _FACTOR = 64, 0.2, 0.6, 1.25
#: temperature at the beginning, in mean changes of a step: drawn between these; and by what it falls in a walk
_COOLEST, _HOTTEST, _FALL = 0.05, 2.0, 0.01


class Goal(NamedTuple):
    """What kernels have to know of a problem's objective."""

    #: 1 or -1: what a value is multiplied by to be a merit
    sign: int
    #: whether the value is the number of elements, whether there is a `change`, and whether there is an `excess`
    counted: bool
    changes: bool
    exceeds: bool
    #: whether sets count where they are maximal
    maximal: bool


class Walk(NamedTuple):
    """What one walk remembers. N orbits."""

    #: see the positions above, int64[7]
    info: NDArray[np.int64]
    #: the weight of a unit of excess, the temperature, and what it is multiplied by at every look, float64[3]
    heat: NDArray[np.float64]
    #: members of the best set so far, int32[N]
    best: NDArray[np.int32]
    #: scratch: the orbits that a step added (first) and dropped, int32[N + 1]; a random order, int32[N]
    moved: NDArray[np.int32]
    order: NDArray[np.int32]


def new_walk(count: int) -> Walk:
    """The memory of walks over `count` orbits."""
    return Walk(
        np.zeros(7, np.int64),
        np.ones(3),
        np.zeros(count, np.int32),
        np.zeros(count + 1, np.int32),
        np.arange(count, dtype=np.int32),
    )


GOAL_TYPE = typeof(Goal(1, False, False, False, False))
WALK_TYPE = typeof(new_walk(1))
_MEASURES = (MEASURE_TYPE, DIFFERENCE_TYPE, MEASURE_TYPE, GOAL_TYPE)
_WHAT = (*SPACE, *_MEASURES, STATE_TYPE)


@measure
def _no_measure(n, members, count):  # type: ignore[no-untyped-def]
    """Is never asked."""
    return 0


@difference
def _no_difference(n, members, count, element):  # type: ignore[no-untyped-def]
    """Is never asked."""
    return 0


@njit(types.int64(*_WHAT), cache=True, nogil=True)
def _merit(complete, update, hypergraph, value, change, excess, goal, state):  # type: ignore[no-untyped-def]
    """The merit of the state's set."""
    counts = state.counts
    if goal.counted:
        return goal.sign * counts.size[0]
    return goal.sign * value(hypergraph.n, counts.member, counts.size[0])


@njit(types.int64(*_WHAT), cache=True, nogil=True)
def _excess(complete, update, hypergraph, value, change, excess, goal, state):  # type: ignore[no-untyped-def]
    """How far the state's set is from one that counts."""
    counts = state.counts
    if goal.exceeds:
        return excess(hypergraph.n, counts.member, counts.size[0])
    free = np.int64(0)
    if goal.maximal:
        for e in range(len(counts.member)):
            free += counts.counts[e] == 0 and counts.position[e] < 0
    return free


@njit(types.void(*SPACE, STATE_TYPE, types.int32[::1], types.int64), cache=True, nogil=True)
def _undo(complete, update, hypergraph, state, moved, dropped):  # type: ignore[no-untyped-def]
    """Take back a step: moved[0] was added (-1: none), moved[1:dropped + 1] were dropped."""
    if moved[0] >= 0:
        drop(complete, update, hypergraph, state, np.int64(moved[0]))
    for i in range(dropped, 0, -1):
        add(complete, update, hypergraph, state, np.int64(moved[i]))


@njit(types.int64(*SPACE, STATE_TYPE, types.int64, types.int32[::1], types.int64), cache=True, nogil=True)
def _join(complete, update, hypergraph, state, orbit, moved, dropped):  # type: ignore[no-untyped-def]
    """Add an orbit and drop whatever it violates; returns how many were dropped in all."""
    add(complete, update, hypergraph, state, orbit)
    moved[0] = orbit
    worst = worst_member(state, orbit)
    while worst >= 0:
        drop(complete, update, hypergraph, state, worst)
        dropped += 1
        moved[dropped] = worst
        worst = worst_member(state, orbit)
    return dropped


@njit(types.int64(*SPACE, STATE_TYPE, types.int32[::1]), cache=True, nogil=True)
def _step(complete, update, hypergraph, state, moved):  # type: ignore[no-untyped-def]
    """Flip an orbit, swap two, or add one of least conflict; returns how many were dropped, -1: nothing was done."""
    count = len(state.flag)
    members = state.total[0]
    kind = random_below(state.rng, 10)
    moved[0] = -1
    dropped = 0
    if kind >= 8 and members < count:
        orbit = least(state)
        return -1 if orbit < 0 else _join(complete, update, hypergraph, state, orbit, moved, 0)
    orbit = random_below(state.rng, count)
    for _ in range(count):  # a swap adds an orbit that is no member
        if kind < 4 or state.flag[orbit] == 0:
            break
        orbit = random_below(state.rng, count)
    if state.position[orbit] >= 0:
        drop(complete, update, hypergraph, state, orbit)
        moved[1] = orbit
        return 1
    if state.flag[orbit] != 0:  # forbidden by itself
        return -1
    if kind >= 4 and members > 0:
        out = np.int64(state.member[random_below(state.rng, members)])
        drop(complete, update, hypergraph, state, out)
        dropped = 1
        moved[1] = out
    return _join(complete, update, hypergraph, state, orbit, moved, dropped)


@njit(types.void(STATE_TYPE, WALK_TYPE), cache=True, nogil=True)
def _note_best(state, walk):  # type: ignore[no-untyped-def]
    walk.info[_BEST], walk.info[_BEST_COUNT] = walk.info[_MERIT], state.total[0]
    for i in range(state.total[0]):
        walk.best[i] = state.member[i]


@njit(types.void(*_WHAT, WALK_TYPE), cache=True, nogil=True)
def greedy(complete, update, hypergraph, value, change, excess, goal, state, walk):  # type: ignore[no-untyped-def]
    """Go through the orbits in random order twice: add those that do no harm, then drop those that only do harm.

    Before all else a set should count; then its value matters. Where large values are wanted an orbit that changes
    nothing joins; where small ones are wanted only one that is needed does.
    """
    order, count = walk.order, len(state.flag)
    for i in range(count - 1, 0, -1):
        j = random_below(state.rng, i + 1)
        order[i], order[j] = order[j], order[i]
    merit = _merit(complete, update, hypergraph, value, change, excess, goal, state)
    far = _excess(complete, update, hypergraph, value, change, excess, goal, state)
    for adding in (True, False):
        for orbit in order:
            if adding != (state.position[orbit] < 0) or (adding and state.flag[orbit] != 0):
                continue
            if adding:
                add(complete, update, hypergraph, state, np.int64(orbit))
                bad = worst_member(state, -1) >= 0
            else:
                drop(complete, update, hypergraph, state, np.int64(orbit))
                bad = False
            if not bad:
                new = _merit(complete, update, hypergraph, value, change, excess, goal, state)
                now = _excess(complete, update, hypergraph, value, change, excess, goal, state)
                same = adding and goal.sign > 0
                if now < far or (now == far and (new > merit or (same and new == merit))):
                    merit, far = new, now
                    continue
            if adding:
                drop(complete, update, hypergraph, state, np.int64(orbit))
            else:
                add(complete, update, hypergraph, state, np.int64(orbit))


@njit(types.void(*_WHAT, WALK_TYPE, types.int64, types.float64), cache=True, nogil=True)
def begin(complete, update, hypergraph, value, change, excess, goal, state, walk, length, heat):  # type: ignore[no-untyped-def]
    """Begin a walk of `length` steps at the state's set; `heat` is the temperature in mean changes of a step."""
    info, moved = walk.info, walk.moved
    info[:] = 0
    merit = _merit(complete, update, hypergraph, value, change, excess, goal, state)
    far = _excess(complete, update, hypergraph, value, change, excess, goal, state)
    info[_MERIT], info[_EXCESS], info[_LENGTH], info[_BEST] = merit, far, length, NOTHING
    if far == 0:
        _note_best(state, walk)
    changes = 0.0
    for _ in range(_LOOK):
        dropped = _step(complete, update, hypergraph, state, moved)
        if dropped >= 0:
            new = _merit(complete, update, hypergraph, value, change, excess, goal, state)
            changes += abs(float(new - merit)) / _LOOK
            _undo(complete, update, hypergraph, state, moved, dropped)
    walk.heat[0] = max(1.0, changes)
    walk.heat[1] = heat * max(0.5, changes)
    walk.heat[2] = _FALL ** (_LOOK / max(length, _LOOK))


@njit(types.boolean(*_WHAT, WALK_TYPE, types.int64, types.int64), cache=True, nogil=True)
def walk_on(  # type: ignore[no-untyped-def]
    complete, update, hypergraph, value, change, excess, goal, state, walk, steps, target
):
    """Walk at most `steps` steps; returns whether the walk is over: at the merit `target`, or at its length."""
    info, moved, heat = walk.info, walk.moved, walk.heat
    counts = state.counts
    for _ in range(steps):
        if info[_BEST] >= target or info[_STEP] >= info[_LENGTH]:
            return True
        info[_STEP] += 1
        dropped = _step(complete, update, hypergraph, state, moved)
        if dropped >= 0:
            one = moved[0] if dropped == 0 else moved[1]
            single = (dropped == 0 or (dropped == 1 and moved[0] < 0)) and state.start[one + 1] - state.start[one] == 1
            if goal.changes and single:
                element, size = state.elements[state.start[one]], counts.size[0]
                if dropped == 0:  # the member that came last is the new one
                    merit = info[_MERIT] + goal.sign * change(hypergraph.n, counts.member, size - 1, element)
                else:
                    merit = info[_MERIT] - goal.sign * change(hypergraph.n, counts.member, size, element)
            else:
                merit = _merit(complete, update, hypergraph, value, change, excess, goal, state)
            far = _excess(complete, update, hypergraph, value, change, excess, goal, state)
            gain = float(merit - info[_MERIT]) - heat[0] * (far - info[_EXCESS])
            if gain >= 0 or random_below(state.rng, 1 << 30) < np.exp(gain / heat[1]) * (1 << 30):
                info[_MERIT], info[_EXCESS] = merit, far
                if far == 0 and merit > info[_BEST]:
                    _note_best(state, walk)
            else:
                _undo(complete, update, hypergraph, state, moved, dropped)
        info[_FEASIBLE] += info[_EXCESS] == 0
        if info[_STEP] % _LOOK == 0:
            heat[1] *= heat[2]
            if info[_FEASIBLE] < _FEW * _LOOK:
                heat[0] = min(1e15, heat[0] * _FACTOR)
            elif info[_FEASIBLE] > _MANY * _LOOK:
                heat[0] = max(1e-3, heat[0] / _FACTOR)
            info[_FEASIBLE] = 0
    return info[_BEST] >= target or info[_STEP] >= info[_LENGTH]


def goal_of(problem: Problem) -> Goal:
    """What kernels have to know of a problem."""
    own = problem.objective
    counted = own is None or own.value is None
    return Goal(
        -1 if problem.minimises else 1,
        counted,
        own is not None and own.change is not None,
        own is not None and own.excess is not None,
        problem.smallest_maximal,
    )


class ValueWalker:
    """A walk by value on one table, for one thread; the same doors as `walker.Walker`, with merits for points."""

    #: steps that take well under a second
    chunk = 500

    def __init__(self, table: Table, length: int, seed: int, region: IntArray | None = None) -> None:
        conflicts, own = table.conflicts, table.instance.problem.objective
        if conflicts is None:
            raise ValueError(f"{table.instance}: rows do not know values")
        self._space = set_by_set.space_of(conflicts)
        unusable = unusable_orbits(table, region)
        self._state: Any = set_by_set.new_state(table.orbits, conflicts.empty(), unusable, seed)
        self._walk = new_walk(table.orbits.count)
        value, change, excess = (None, None, None) if own is None else (own.value, own.change, own.excess)
        measures = value or _no_measure, change or _no_difference, excess or _no_measure
        self._what = (*self._space, *measures, goal_of(table.instance.problem), self._state)
        self._length = length
        self._rng = np.random.default_rng(seed)

    def start(self, orbits: IntArray) -> int:
        """Load orbits, repair, improve greedily, and begin a walk there; the merit after the repair, or `NOTHING`."""
        form = set_by_set.FORM
        form.clear(*self._space, self._state)
        form.load(*self._space, self._state, np.asarray(orbits, np.int64))
        form.repair(*self._space, self._state)
        before = NOTHING if _excess(*self._what) else int(_merit(*self._what))
        greedy(*self._what, self._walk)  # type: ignore[call-arg]
        # How much heat pays differs from problem to problem: each walk draws its own.
        heat = float(np.exp(self._rng.uniform(np.log(_COOLEST), np.log(_HOTTEST))))
        begin(*self._what, self._walk, self._length, heat)  # type: ignore[call-arg]
        return before

    def run(self, steps: int, patience: int, target: int) -> bool:
        """Walk on; whether the walk is over: at the merit `target`, or at its length."""
        return bool(walk_on(*self._what, self._walk, steps, target))  # type: ignore[call-arg]

    @property
    def steps(self) -> int:
        """Steps of the walk so far."""
        return int(self._walk.info[_STEP])

    @property
    def best(self) -> tuple[IntArray, int]:
        """The orbits of the walk's best set that counts (int64), and its merit; none and `NOTHING` if no set did."""
        info = self._walk.info
        return self._walk.best[: info[_BEST_COUNT]].astype(np.int64), int(info[_BEST])
