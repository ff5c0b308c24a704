"""How a loop divides its effort between tabu search and the solver's repairs (`--improve tabu|solver|both`).

With `both` the solver's share follows what pays: the constructions new to the pool that either brought for its share,
remembered with decay. Nothing of it looks at the clock, so that runs with a budget in generations stay repeatable.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from patternboost.exact.constraints_of_four import require_written
from patternboost.exact.solver import cp_sat
from patternboost.loop.pool import Entry, Pool
from patternboost.loop.starts import Start, child_seed
from patternboost.problem import Instance
from patternboost.problem.ground import IntArray
from patternboost.problem.symmetry import class_orbits
from patternboost.store.settings import Settings

if TYPE_CHECKING:
    from patternboost.exact.repair import RepairTask

#: origins of what the solver made: of a pool member or a random fill, and of a prefix of a model's sample
REPAIRED, COMPLETED = "repaired", "completed"
#: share of the solver at the start, at least and at most; how much of the past a generation forgets
_FIRST, _LEAST, _MOST = 0.25, 0.1, 0.9
_FORGET = 0.3
#: share of the repairs that complete a sample's prefix, where there are samples
_PREFIXES = 0.5

#: classes with their share of the effort and their starts, as the loop plans them
Planned = Sequence[tuple[str, float, Sequence[Start]]]


class Improver:
    """The solver's part of every generation. Raises ExactError where it is wanted and OR-tools is missing."""

    def __init__(self, settings: Settings, instance: Instance) -> None:
        self._settings, self._instance = settings, instance
        self._paid = {"tabu": 0.0, "solver": 0.0}
        self._turns = 0
        if settings.improve != "tabu":
            cp_sat()
            require_written(instance, settings.memory_bytes)

    @property
    def share(self) -> float:
        """The solver's share of the search."""
        if self._settings.improve != "both":
            return float(self._settings.improve == "solver")
        total = sum(self._paid.values())
        if not self._turns:
            return _FIRST
        return float(np.clip(self._paid["solver"] / total, _LEAST, _MOST)) if total else 0.5

    def repairs(self, seconds: float | None = None) -> int:
        """Repairs of a generation: as many as fit `seconds`, about; where the clock does not decide, by the share.

        The tabu walks stay as many as they are: the solver's part beside them is what varies.
        """
        if seconds is not None:
            return round(self.share * seconds * self._settings.jobs / self._settings.repair_work)
        if self.share in (0.0, 1.0):
            return round(self.share) * self._settings.repairs
        return max(1, round(self._settings.repairs * self.share / (1 - self.share)))

    def tasks(
        self,
        planned: Planned,
        pool: Pool,
        generation: int,
        target: int,
        over: Callable[[], bool],
        seconds: float | None,
    ) -> Iterator[tuple[RepairTask, list[str]]]:
        """One repair a task, each with its origin, until `over`: `repairs` of them, or with `seconds` what fits."""
        if not self.share or not planned:
            return
        from patternboost.exact.repair import RepairTask

        settings = self._settings
        rng = np.random.default_rng(child_seed(settings.seed, generation, 5))
        shares = np.array([share for _, share, _ in planned])
        for index in range(self.repairs() if seconds is None else 2**31):
            if over():
                return
            name, _, starts = planned[int(rng.choice(len(planned), p=shares / shares.sum()))]
            elements, origin = self._start(name, starts, pool, rng)
            seed = child_seed(settings.seed, generation, 6, index)
            yield (
                RepairTask(
                    self._instance,
                    name,
                    (elements,),
                    (origin == COMPLETED,),
                    settings.repair_work,
                    seed,
                    target,
                    settings.memory_bytes,
                    seconds,
                ),
                [origin],
            )

    def _start(
        self, symmetry: str, starts: Sequence[Start], pool: Pool, rng: np.random.Generator
    ) -> tuple[IntArray, str]:
        """A model's sample to complete, a pool member to repair (better ones more often), or nothing to fill."""
        samples = [s.elements for s in starts if s.origin == "model"]
        if samples and rng.random() < _PREFIXES:
            return samples[int(rng.integers(len(samples)))], COMPLETED
        orbits = class_orbits(self._instance, symmetry)
        elites = [e.elements for e in pool.entries if e.symmetry == symmetry or orbits.is_union(e.elements)]
        if elites:  # the pool is sorted: the square of a uniform number prefers its top
            return elites[int(len(elites) * rng.random() ** 2)], REPAIRED
        return np.empty(0, np.int64), REPAIRED

    def learn(self, kept: Iterable[Entry]) -> None:
        """Take the constructions of a generation that were new to the pool as its pay."""
        if self._settings.improve != "both":
            return
        new = {"tabu": 0, "solver": 0}
        for entry in kept:
            new["solver" if entry.origin in (REPAIRED, COMPLETED) else "tabu"] += 1
        share = {"solver": self.share, "tabu": 1 - self.share}
        for arm, count in new.items():
            rate = math.log1p(count) / share[arm]  # not the count itself: one lucky generation decides nothing
            self._paid[arm] = rate if not self._turns else (1 - _FORGET) * self._paid[arm] + _FORGET * rate
        self._turns += 1

    @property
    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"paid": dict(self._paid), "turns": self._turns}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a checkpoint's state."""
        self._paid = {arm: float(state["paid"][arm]) for arm in self._paid}
        self._turns = int(state["turns"])
