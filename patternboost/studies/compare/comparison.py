"""The verb `compare`: every arm with every seed, interleaved, each run kept as soon as it is done."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from patternboost.api import ctrl_c
from patternboost.loop import seeding
from patternboost.loop.session import Stop
from patternboost.problem.registry import lasting_reference, problem
from patternboost.report.progress import left_text
from patternboost.store.archive import Archive
from patternboost.store.files import FileError, atomic_write, write_text
from patternboost.studies.compare.arms import Outcome, read_outcome, run
from patternboost.studies.compare.page import comparison_html, picture, text
from patternboost.studies.compare.plan import ComparisonError, Plan, read_plan, take_up


@dataclass(frozen=True)
class Comparison:
    """What a comparison came to so far."""

    plan: Plan
    outcomes: list[Outcome]
    folder: Path
    interrupted: bool = False

    def __str__(self) -> str:
        return text(self.plan, self.outcomes)


def compare(
    name: str,
    n: int,
    *,
    minutes: float = 1.0,
    seeds: int = 5,
    arms: Sequence[str] = ("gpt", "none"),
    jobs: int | None = None,
    symmetry: str = "auto",
    target: int = 0,
    seed_from: Sequence[str] = (),
    options: Sequence[str] = (),
    out: str | Path | None = None,
    quiet: bool = False,
) -> Comparison:
    """Compare arms of a search at equal wall time; see `patternboost compare --help`. Raises ValueError (one line)."""
    instance = problem(name, n)
    if symmetry != "auto":
        instance.require_class(symmetry)
    if seeds < 1:
        raise ComparisonError(f"--seeds {seeds}: must be at least 1")
    jobs = jobs or len(os.sched_getaffinity(0))
    sources = tuple(s if s == "archive" else str(Path(s).resolve()) for s in seed_from)
    plan = Plan(
        lasting_reference(name), n, float(minutes), tuple(arms), seeds, jobs, symmetry, target, sources, tuple(options)
    ).check()  # fmt: skip
    folder = Path(out) if out else Path("runs") / f"compare-{instance.name}-{n}"
    if plan.seed_from and not (folder / "seeds").exists():
        _keep_seeds(plan, folder / "seeds")
    plan = take_up(folder, plan)
    stop = Stop()
    left = [(arm, seed) for arm, seed in plan.runs() if read_outcome(folder, arm, seed) is None]
    with ctrl_c(stop):
        for index, (arm, seed) in enumerate(left):
            if not quiet:
                end = time.monotonic() + 60 * plan.minutes * (len(left) - index)
                print(f"{arm}, seed {seed}: run {index + 1} of {len(left)}, {left_text(end)}", file=sys.stderr)
            if stop() or not run(plan, folder, arm, seed, stop):
                stop.asked = True
                break
            _write(plan, folder)
    return Comparison(plan, _write(plan, folder), folder, stop.asked)


def read_comparison(folder: Path) -> Comparison:
    """The comparison that a folder holds, as far as it has come. Raises FileError."""
    plan = read_plan(folder)
    return Comparison(plan, _outcomes(plan, folder), folder)


def _outcomes(plan: Plan, folder: Path) -> list[Outcome]:
    found = [read_outcome(folder, arm, seed) for arm, seed in plan.runs()]
    return [outcome for outcome in found if outcome is not None]


def _write(plan: Plan, folder: Path) -> list[Outcome]:
    outcomes = _outcomes(plan, folder)
    write_text(folder / "index.html", comparison_html(plan, outcomes))
    with atomic_write(folder / "curves.png") as file:
        file.write(picture(plan, outcomes))
    return outcomes


def _keep_seeds(plan: Plan, folder: Path) -> None:
    """Certificates of smaller sizes, the same for all runs: what one run finds must not help the next."""
    instance = problem(plan.problem, plan.n)
    with Archive() as archive:
        found = [c for c in seeding.collect(instance, list(plan.seed_from), archive) if c.n < plan.n]
    if not found:
        raise FileError(f"--seed-from {' '.join(plan.seed_from)}: nothing for {instance.name} smaller than {plan.n}")
    writing = folder.with_name(".writing-seeds")
    shutil.rmtree(writing, ignore_errors=True)
    writing.mkdir(parents=True)
    for c in found:
        c.save(writing / f"{c.name}-{c.sha256[:8]}.json")
    writing.rename(folder)
