"""One run of one arm: a search in a folder of its own, or random greedy fills for as long."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from patternboost.api import resume, search
from patternboost.problem import Instance, ProblemError
from patternboost.problem.ground import IntArray
from patternboost.problem.registry import instance_of, problem
from patternboost.report.data import best_curve
from patternboost.search.greedy import Greedy
from patternboost.search.streams import Stream, stream_seed
from patternboost.search.tasks import prepare
from patternboost.search.walker import make_walker
from patternboost.store.certified import certified
from patternboost.store.files import FileError, read_json, write_json
from patternboost.store.settings import parse_assignments
from patternboost.studies.compare.arms import ARMS
from patternboost.studies.compare.plan import Plan

#: greedy fills between two looks at the clock
_FILLS = 200


@dataclass(frozen=True)
class ArmRun:
    """What a finished run came to."""

    arm: str
    seed: int
    #: seconds and best score: every new best, and the end
    curve: tuple[tuple[float, int], ...]
    #: whether small scores are wanted
    minimised: bool = False

    @property
    def best(self) -> int:
        """The best score; 0: nothing was found."""
        return (min if self.minimised else max)((score for _, score in self.curve), default=0)

    def merit(self, score: int) -> int:
        """A score as a number that is larger for better ones."""
        return -score if self.minimised else score

    @property
    def best_merit(self) -> float:
        """The merit of the best; minus infinity: nothing was found."""
        return self.merit(self.best) if self.curve else float("-inf")

    def reached(self, score: int) -> bool:
        """Whether the best is as good."""
        return self.best_merit >= self.merit(score)

    def time_to(self, score: int) -> float | None:
        """Seconds until a score was reached; None where it was not."""
        return next((seconds for seconds, at in self.curve if self.merit(at) >= self.merit(score)), None)


def run_folder(folder: Path, arm: str, seed: int) -> Path:
    """Where a run of the comparison in `folder` lives."""
    return folder / f"{arm}-{seed}"


def read_outcome(folder: Path, arm: str, seed: int) -> ArmRun | None:
    """The outcome of a finished run, None where it is not finished. Raises FileError."""
    path = run_folder(folder, arm, seed) / "outcome.json"
    if not path.exists():
        return None
    saved = read_json(path)
    try:
        curve = tuple((float(seconds), int(score)) for seconds, score in saved["curve"])
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(f"{path} is damaged: remove it to run this arm again") from error
    return ArmRun(arm, seed, curve, bool(saved.get("minimised")))


def run(plan: Plan, folder: Path, arm: str, seed: int, stopped: Callable[[], bool]) -> bool:
    """Do a run, or the rest of it, and keep its outcome; whether it came to its end."""
    where = run_folder(folder, arm, seed)
    if arm == "greedy":
        curve = _greedy(plan, where, seed, stopped)
        if curve is None:
            return False
    else:
        if (where / "settings.toml").exists():
            result = resume(where, quiet=True)
        else:
            # what one run finds must not help the next
            seeds = [str(folder / "seeds")] if plan.seed_from else []
            alone: dict[str, Any] = {"seed_from": seeds, "known_classes": False}
            result = search(
                plan.problem, plan.n, minutes=plan.minutes, seed=seed, jobs=plan.jobs, symmetry=plan.symmetry,
                run_dir=where, quiet=True, **(alone | parse_assignments(plan.options) | ARMS[arm]),
            )  # fmt: skip
        if result.interrupted:
            return False
        curve = best_curve(result.log)
    minimised = instance_of(plan.problem, plan.n).problem.minimises
    write_json(where / "outcome.json", {"curve": curve, "minimised": minimised})
    return True


def _greedy(plan: Plan, where: Path, seed: int, stopped: Callable[[], bool]) -> list[tuple[float, int]] | None:
    """Random greedy fills on all workers; the best is verified and saved. None where it was stopped."""
    instance = problem(plan.problem, plan.n)
    began = time.monotonic()
    fills = _fills(instance)
    curve: list[tuple[float, int]] = []
    with ThreadPoolExecutor(max_workers=plan.jobs) as pool:
        number = 0
        while True:
            if stopped():
                return None
            seeds = [stream_seed(seed, Stream.GREEDY, number + i) for i in range(plan.jobs)]
            number += plan.jobs
            best = max(pool.map(fills, seeds), key=len)
            seconds = time.monotonic() - began
            if seconds > 60 * plan.minutes and curve:
                return [*curve, (60 * plan.minutes, curve[-1][1])]
            if not curve or len(best) > curve[-1][1]:
                construction = certified(instance, best, seed, "none", "greedy")
                (where / "best").mkdir(parents=True, exist_ok=True)
                construction.save(where / "best" / f"{construction.name}.json")
                curve.append((seconds, len(best)))


def _fills(instance: Instance) -> Callable[[int], IntArray]:
    """A function of a seed that makes some random greedy sets without symmetry and returns the best."""
    try:
        by_shifts = Greedy.of(instance)
    except ProblemError:  # not for this ground set: fill one point at a time by conflict counts
        prepared = prepare(instance, "none")

        def fill(seed: int) -> IntArray:
            walker = make_walker(prepared.table, prepared.bits, (1, 1), seed)
            sets = []
            for _ in range(_FILLS):
                walker.start(np.empty(0, np.int64))
                sets.append(prepared.table.orbits.expand(np.sort(walker.best[0])))
            return max(sets, key=len)

        return fill
    return lambda seed: max(by_shifts.sample(_FILLS, seed), key=len)
