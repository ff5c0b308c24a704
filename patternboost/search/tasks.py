"""Local search as a task: start sets in, improved sets out. This is what one worker runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from patternboost.problem import Instance, Problem
from patternboost.problem.base import MOST
from patternboost.problem.ground import IntArray
from patternboost.problem.symmetry import class_orbits
from patternboost.search.bitmaps import BitRows, build_bitrows
from patternboost.search.completing import fill_up
from patternboost.search.memory import DEFAULT_MEMORY, Building, Interrupted, never, shared
from patternboost.search.region_cache import region_rows
from patternboost.search.regions import RegionWalker, is_most_of, masked
from patternboost.search.tables import Table, build_table, symmetric
from patternboost.search.walker import Walker, bit_walker, make_walker, set_walker

if TYPE_CHECKING:
    from patternboost.search.by_value import ValueWalker

#: a walk in a region goes on around it for one of this many steps of its patience (docs/LOG.md)
_AROUND = 8
_DEFAULT = Building()


@dataclass(frozen=True)
class Effort:
    """How hard local search tries from one start."""

    #: a walk ends after this many steps without a new best
    patience: int
    #: and after this many steps in all
    max_steps: int
    #: tabu tenure, shortest and longest: steps that what was dropped sits out
    tenure: tuple[int, int] = (1, 2)


@dataclass(frozen=True)
class Task:
    """A batch of starts in one symmetry class, for one worker."""

    instance: Instance
    symmetry: str
    #: sets of elements to start from (sorted, int64); an empty one starts from nothing
    starts: tuple[IntArray, ...]
    effort: Effort
    seed: int
    #: stop as soon as a set has this merit
    target: int
    memory: int = DEFAULT_MEMORY
    #: seconds after which the batch ends early (a walk in progress keeps its best); None: never
    seconds: float | None = None
    #: the only orbits that walks may use (int64, ascending); None: all
    region: IntArray | None = None
    #: whether a walk in a region goes on around it at the end; without, no table of the class is needed
    around: bool = True
    #: walks in a region that do not go on around it are filled up where they have this many points
    filled_from: int = 0

    def run(self, stopped: Callable[[], bool] | None = None) -> list[Outcome]:
        """Improve every start; `run_task` of it."""
        return run_task(self, stopped)


class Work(Protocol):
    """What workers run: a `Task`, or another way to improve starts."""

    @property
    def symmetry(self) -> str:
        """The symmetry class of the sets."""

    @property
    def starts(self) -> tuple[IntArray, ...]:
        """The sets to start from."""

    @property
    def seed(self) -> int:
        """Seed of all its randomness, different for every task of a search."""

    def run(self, stopped: Callable[[], bool] | None = None) -> list[Outcome]:
        """Improve every start; fewer outcomes come back where time ran out or `stopped` said so."""


@dataclass(frozen=True)
class Outcome:
    """What local search made of one start."""

    #: the best set found, sorted element numbers
    elements: IntArray
    #: merit of what is left of the start after projection to orbits and repair, and of the best set
    before: int
    after: int
    steps: int
    #: seconds it took, what had to be built for it included
    seconds: float = 0.0


class Prepared(NamedTuple):
    """A table and, where they fit, its bitmaps."""

    table: Table
    bits: BitRows | None

    @property
    def nbytes(self) -> int:
        """Memory held, bytes."""
        return self.table.nbytes + (0 if self.bits is None else self.bits.nbytes)


#: steps in the time that two orbits take in a table and in the bitmaps of a region, where one element of the first is
#: enough, and where all are needed; measured for isosceles, a step at 140 ns (docs/LOG.md)
_TABLE_ONE, _TABLE_ALL = 5.0, 15.0
_REGION_ONE, _REGION_ALL = 2.5, 10.0


def table_steps(instance: Instance, symmetry: str) -> float:
    """About how many steps of tabu search the table of a class takes the time of."""
    each = _TABLE_ONE if symmetric(instance, symmetry) else _TABLE_ALL
    return each * class_orbits(instance, symmetry).count ** 2


def region_steps(instance: Instance, symmetry: str, share: float) -> float:
    """The same for the bitmaps of a region that has a share of the orbits."""
    one = instance.problem.translations or symmetric(instance, symmetry)
    return (_REGION_ONE if one else _REGION_ALL) * (share * class_orbits(instance, symmetry).count) ** 2


def table_bytes(instance: Instance, symmetry: str, memory: int = DEFAULT_MEMORY) -> float:
    """About how much of `memory` the table of a class and its bitmaps take, bytes (benchmarks/cost_per_step.py)."""
    orbits = class_orbits(instance, symmetry).count
    rows, bitmaps = 50.0 * orbits**2, orbits**3 / 16
    if rows > memory:  # evaluated each time
        return 0.0
    return rows + bitmaps if rows + bitmaps <= memory else rows


def _table_key(instance: Instance, symmetry: str, memory: int) -> Hashable:
    return "table", instance.problem, instance.n, symmetry, memory


def table_at_hand(instance: Instance, symmetry: str, memory: int) -> bool:
    """Whether this process keeps the table of a class."""
    return _table_key(instance, symmetry, memory) in shared


def prepare(instance: Instance, symmetry: str, building: Building = _DEFAULT) -> Prepared:
    """The table of a class and its bitmaps, made once while they are kept. Raises Interrupted."""
    memory = building.memory

    def make() -> Prepared:
        table = build_table(instance, symmetry, building)
        return Prepared(table, build_bitrows(table, memory - table.nbytes))

    key = _table_key(instance, symmetry, memory)
    return shared.get(key, memory, table_bytes(instance, symmetry, memory), make)


def _walkers(task: Task, building: Building) -> tuple[Walker | ValueWalker, Walker | None]:
    """What walks for a task, and what goes on around its region where it is to. Raises Interrupted."""
    instance, symmetry, region, memory = task.instance, task.symmetry, task.region, task.memory
    tenure, seed = task.effort.tenure, task.seed
    if region is not None and not task.around and instance.problem.by_rows:
        rows = region_rows(instance, symmetry, region, memory, building)
        if rows is not None:
            return RegionWalker(region, rows, tenure, seed), None
    table, bits = prepare(instance, symmetry, building)
    if instance.problem.by_value:
        from patternboost.search.by_value import ValueWalker  # late: most problems need none of its kernels

        return ValueWalker(table, task.effort.patience, seed, region), None
    if region is None:
        return make_walker(table, bits, tenure, seed), None
    whole = make_walker(table, bits, tenure, seed)
    if table.conflicts is not None:
        return set_walker(table, tenure, seed, region), whole
    if bits is not None and is_most_of(region, bits):
        return bit_walker(masked(bits, region), tenure, seed), whole
    rows = region_rows(instance, symmetry, region, memory, building, bits)
    return (whole, None) if rows is None else (RegionWalker(region, rows, tenure, seed), whole)


#: ground sets of about this many elements are enough to have every kernel compiled
_FEW = 9


@cache
def warm_up(problem: Problem) -> None:
    """Have the kernels compiled that walks need, by a walk on a small ground set: no search's budget pays for it."""
    ground = problem.ground
    n = next(n for n in range(ground.min_n, ground.max_n() + 1) if ground.size(n) >= _FEW)
    instance, nothing = problem.at(n), np.empty(0, np.int64)
    few = np.arange(instance.size, dtype=np.int64)
    run_task(Task(instance, "none", (nothing,), Effort(1, 1), 1, MOST))
    if problem.by_rows:
        run_task(Task(instance, "none", (nothing,), Effort(1, 1), 1, MOST, region=few, around=False))


def run_task(task: Task, stopped: Callable[[], bool] | None = None) -> list[Outcome]:
    """Improve every start of a task; fewer outcomes come back where time ran out or `stopped` said so.

    Same task, same result, unless it ends early.
    """
    began = time.monotonic()
    deadline = None if task.seconds is None else began + task.seconds

    def over() -> bool:
        return (stopped is not None and stopped()) or (deadline is not None and time.monotonic() >= deadline)

    try:
        walker, whole = _walkers(task, Building(task.memory, stopped=stopped or never))
    except Interrupted:
        return []
    effort, orbits = task.effort, class_orbits(task.instance, task.symmetry)
    outcomes: list[Outcome] = []
    for start in task.starts:
        if over():
            break
        before = walker.start(orbits.project(start))
        finished = False
        while not finished and walker.steps < effort.max_steps and not over():
            finished = walker.run(min(walker.chunk, effort.max_steps - walker.steps), effort.patience, task.target)
        chosen, merit = walker.best
        steps = max(walker.steps, len(chosen))  # repair and fill alone are work too
        if whole is not None:  # there may be room outside the region, after a few exchanges at least
            whole.start(chosen)
            whole.run(effort.patience // _AROUND, effort.patience, task.target)
            chosen, merit = whole.best
            steps += whole.steps
        elif task.region is not None and merit >= task.filled_from and task.instance.problem.by_rows:
            chosen = fill_up(task.instance, task.symmetry, chosen)
            merit = int(orbits.weights[chosen].sum())
        now = time.monotonic()
        outcomes.append(Outcome(orbits.expand(chosen), before, merit, steps, now - began))
        began = now
        if merit >= task.target:
            break
    return outcomes
