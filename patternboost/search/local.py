"""Local search as a task: start sets in, improved sets out. This is what one worker runs."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from patternboost.ground import IntArray
from patternboost.problem import Instance
from patternboost.search import kernels
from patternboost.search.tables import DEFAULT_MEMORY, Table, build_table
from patternboost.search.tabu import BEST_COUNT, BEST_POINTS, STEP, begin, new_walk, tabu

#: steps between two looks at the clock
_CHUNK = 10_000


@dataclass(frozen=True)
class Effort:
    """How hard local search tries from one start."""

    #: a walk ends after this many steps without a new best
    patience: int
    #: and after this many steps in all
    max_steps: int
    #: tabu tenure: shortest and longest, steps
    tenure: tuple[int, int] = (1, 3)


@dataclass(frozen=True)
class Task:
    """A batch of starts in one symmetry class, for one worker."""

    instance: Instance
    symmetry: str
    #: sets of elements to start from (sorted, int64); an empty one starts from nothing
    starts: tuple[IntArray, ...]
    effort: Effort
    seed: int
    #: stop as soon as a set has this many points
    target: int
    memory: int = DEFAULT_MEMORY
    #: seconds after which the batch ends early (a walk in progress keeps its best); None: never
    seconds: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What local search made of one start."""

    #: the best set found, sorted element numbers
    elements: IntArray
    #: points left of the start after projection to orbits and repair, and points of the best set
    before: int
    after: int
    steps: int


_tables: OrderedDict[tuple[int, str, int, str, int], Table] = OrderedDict()
_tables_lock = threading.Lock()


def table_for(instance: Instance, symmetry: str, memory: int = DEFAULT_MEMORY, jobs: int = 1) -> Table:
    """The table of a class, built once per process; the least recently used ones go when all exceed `memory`."""
    key = (id(instance.problem.complete), instance.name, instance.n, symmetry, memory)
    with _tables_lock:
        table = _tables.get(key)
        if table is None:
            table = build_table(instance, symmetry, memory, jobs)
            _tables[key] = table
        _tables.move_to_end(key)
        while len(_tables) > 1 and sum(t.nbytes for t in _tables.values()) > memory:
            _tables.popitem(last=False)
        return table


def run_task(task: Task, stopped: Callable[[], bool] | None = None) -> list[Outcome]:
    """Improve every start of a task; fewer outcomes come back where time ran out or `stopped` said so.

    Same task, same result, unless it ends early.
    """
    deadline = None if task.seconds is None else time.monotonic() + task.seconds

    def over() -> bool:
        return (stopped is not None and stopped()) or (deadline is not None and time.monotonic() >= deadline)

    table = table_for(task.instance, task.symmetry, task.memory)
    complete, rows, orbits = task.instance.problem.complete, table.rows, table.orbits
    state = kernels.new_state(rows, task.seed)
    walk = new_walk(orbits.count, task.effort.tenure)
    outcomes: list[Outcome] = []
    for start in task.starts:
        if over():
            break
        kernels.clear(complete, rows, state)
        kernels.load(complete, rows, state, orbits.project(start))
        kernels.repair(complete, rows, state)
        before = int(state.total[1])
        kernels.fill(complete, rows, state)
        begin(state, walk)
        finished = False
        while not finished and walk.info[STEP] < task.effort.max_steps and not over():
            steps = min(_CHUNK, task.effort.max_steps - int(walk.info[STEP]))
            finished = tabu(complete, rows, state, walk, steps, task.effort.patience, task.target)
        best = walk.best[: walk.info[BEST_COUNT]].astype(np.int64)
        outcomes.append(Outcome(orbits.expand(best), before, int(walk.info[BEST_POINTS]), int(walk.info[STEP])))
        if walk.info[BEST_POINTS] >= task.target:
            break
    return outcomes
