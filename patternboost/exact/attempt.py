"""One attempt at one optimum: local search from below, the solver from above, until they meet or time is up."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from patternboost.exact.constraints import hypergraph
from patternboost.exact.model import Model, moves_of
from patternboost.exact.solver import Watch, solve
from patternboost.exact.windows import Window
from patternboost.problem import Instance
from patternboost.problem.ground import IntArray
from patternboost.problem.symmetry import class_orbits
from patternboost.search.memory import Building
from patternboost.search.streams import Stream, stream_seed
from patternboost.search.tasks import prepare
from patternboost.search.walker import make_walker

#: a walk of the local search ends after this many steps per orbit without a gain, and at least so many
_PATIENCE, _LEAST_PATIENCE = 10, 1000


@dataclass
class Attempt:
    """What is known of an optimum within a symmetry class, and the work that narrows it.

    `lower` points are reached by `best`, more than `upper` are impossible. With a `target` only the question whether so
    many points can be is asked. `report` is called by the thread that called `local` or `exact`, whenever something
    may have changed; `stop` says when to give up.
    """

    instance: Instance
    symmetry: str
    target: int
    stop: Callable[[], bool]
    report: Callable[[Attempt], None]
    jobs: int = 1
    seed: int = 0
    #: elements of the best set, sorted, and where it came from: 'archive', 'local search' or 'solver'
    best: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    origin: str = ""
    upper: int = 0

    def __post_init__(self) -> None:
        orbits = class_orbits(self.instance, self.symmetry)
        self.upper = min(self.upper or self.instance.upper_bound, int(orbits.weights.sum()))
        self._lock = threading.Lock()
        self._searches = 0

    @property
    def lower(self) -> int:
        """Points of the best set."""
        return len(self.best)

    @property
    def decided(self) -> bool:
        """Whether what was asked is known: the optimum, or whether the target can be reached."""
        if self.target:
            return self.lower >= self.target or self.upper < self.target
        return self.lower >= self.upper

    def found(self, elements: IntArray, origin: str) -> None:
        """Take a valid set of the class where it is better. Called from any thread."""
        with self._lock:
            if len(elements) > self.lower:
                self.best, self.origin = np.sort(elements), origin

    def bounded(self, upper: int) -> None:
        """Nothing has more points than `upper`."""
        with self._lock:
            self.upper = max(self.lower, min(self.upper, upper))

    # -- from below ----------------------------------------------------------------------------------------------------

    def local(self, seconds: float, walks: int, quiet: bool = False) -> None:
        """Tabu search from nothing for at most so long, and so many walks. `quiet` makes no reports (other threads)."""
        end = time.monotonic() + seconds
        table, bits = prepare(self.instance, self.symmetry, Building(jobs=self.jobs, stopped=self.stop))
        if not table.orbits.count or table.rows.bad.all():
            return
        self._searches += 1  # every call walks on other ways
        walker = make_walker(table, bits, (1, 2), stream_seed(self.seed, Stream.PROOF, self._searches))
        patience = max(_LEAST_PATIENCE, _PATIENCE * table.orbits.count)
        goal = self.target or self.upper
        for _ in range(walks):
            walker.start(np.empty(0, np.int64))
            over = False
            while not over:
                over = walker.run(walker.chunk, patience, goal)
                if self.stop() or self.decided or time.monotonic() >= end:
                    over = True
            self.found(table.orbits.expand(walker.best[0]), "local search")
            if not quiet:
                self.report(self)
            if self.stop() or self.decided or time.monotonic() >= end:
                return

    # -- from above ----------------------------------------------------------------------------------------------------

    def exact(self, seconds: float, parts: Sequence[Window], beside: bool = False) -> None:
        """The solver, for at most so long; `parts` bounds parts of the board.

        `beside` (for a target): one of the jobs is a local search.
        """
        end = time.monotonic() + seconds
        table = prepare(self.instance, self.symmetry, Building(jobs=self.jobs, stopped=self.stop)).table
        graph = hypergraph(table)
        goal = self.target or self.lower + 1
        if not graph.count:
            return self.bounded(0)
        model = Model(graph)
        model.within(parts)
        model.break_symmetry(moves_of(table, graph))
        model.at_least(goal)

        def over() -> bool:
            self.report(self)
            return self.stop() or self.decided or time.monotonic() >= end

        companion = None
        if beside and self.jobs > 1:
            companion = threading.Thread(target=self.local, args=(seconds, 2**62, True), daemon=True)
            companion.start()

        def less(bound: float) -> None:
            points = math.floor(bound + 1e-6)
            if points >= goal:  # that there is nothing at all only a complete search says
                self.bounded(points)

        watch = Watch(lambda orbits: self.found(table.orbits.expand(orbits), "solver"), less)
        jobs = self.jobs - (companion is not None)
        answer = solve(model, jobs=jobs, seed=self.seed, over=over, watch=watch)
        if answer.orbits is not None:
            self.found(table.orbits.expand(answer.orbits), "solver")
        if answer.complete:
            self.bounded(goal - 1 if answer.orbits is None else self.lower)
        if companion is not None:
            companion.join()
        self.report(self)
