"""The verb `compare`: every arm with every seed, interleaved, each run kept as soon as it is done."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patternboost.loop.seeding import WORDS, collect
from patternboost.problem import Instance, Problem
from patternboost.problem.ground import fits_in
from patternboost.problem.registry import instance_of, is_path, lasting_reference
from patternboost.report.progress import left_text, make_progress, time_text
from patternboost.search.contract_apart import check_apart
from patternboost.search.stop import Stop, ctrl_c
from patternboost.store.archive import open_archive
from patternboost.store.files import FileError, atomic_write, write_text
from patternboost.store.settings import assignments_of, default_jobs, from_keywords
from patternboost.store.trust import note_named
from patternboost.studies.compare.arm_run import ArmRun, read_outcome
from patternboost.studies.compare.at_once import Runs
from patternboost.studies.compare.figures import runs_needed
from patternboost.studies.compare.page import comparison_html, picture, text
from patternboost.studies.compare.plan import ComparisonError, Plan, take_up


@dataclass(frozen=True)
class Comparison:
    """What a comparison came to so far."""

    plan: Plan
    outcomes: list[ArmRun]
    folder: Path
    interrupted: bool = False

    def __repr__(self) -> str:
        plan = self.plan
        return f"<comparison of {', '.join(plan.arms)} on {plan.problem} n={plan.n}, {len(self.outcomes)} runs>"

    def __str__(self) -> str:
        return text(self.plan, self.outcomes)


def compare(
    problem: str | Problem | Instance,
    n: int | str | None = None,
    *,
    minutes: float = 1.0,
    seeds: int = 5,
    arms: Sequence[str] = ("gpt", "none"),
    jobs: int | None = None,
    at_once: int = 1,
    symmetry: str = "auto",
    target: int = 0,
    seed_from: Sequence[str] = (),
    run_dir: str | Path | None = None,
    quiet: bool = False,
    **settings: Any,
) -> Comparison:
    """Compare arms of a search at equal wall time; see `patternboost compare --help`. Raises ValueError (one line).

    Further keywords are settings of all searches, by the names in a run's settings.toml.
    """
    note_named(problem)
    instance = instance_of(problem, n)
    reference = lasting_reference(problem) if isinstance(problem, str) else instance.name
    if is_path(reference):
        check_apart(reference, [instance.n])
    if symmetry != "auto":
        instance.require_class(symmetry)
    for name, value in (("seeds", seeds), ("at-once", at_once)):
        if value < 1:
            raise ComparisonError(f"--{name} {value}: must be at least 1")
    from_keywords(reference, instance.n, settings)  # unknown ones are refused before the first run
    options = assignments_of(settings)
    sources = tuple(s if s in WORDS else str(Path(s).resolve()) for s in seed_from)
    workers = jobs or max(1, default_jobs() // at_once)
    plan = Plan(
        reference, instance.n, float(minutes), tuple(arms), seeds, workers, symmetry, target, sources, options, at_once
    ).check()
    folder = Path(run_dir) if run_dir else Path("runs") / f"compare-{instance.name}-{instance.n}"
    if plan.seed_from and not (folder / "seeds").exists():
        _keep_seeds(plan, folder / "seeds")
    plan = take_up(folder, plan)
    stop = Stop()
    left = [(arm, seed) for arm, seed in plan.runs() if read_outcome(folder, arm, seed) is None]
    with ctrl_c(stop), make_progress(quiet) as progress:
        if left:
            progress.say(_foresight(plan))

        def begun(index: int) -> None:
            arm, seed = left[index]
            end = time.monotonic() + 60 * plan.minutes * -(-(len(left) - index) // plan.at_once)
            progress.say(f"{arm}, seed {seed}: run {index + 1} of {len(left)}, {left_text(end)}")
            progress.frame(f"run {index + 1} of {len(left)}", end)
            progress.phase(f"{arm}, seed {seed}", 0.0)

        def ended() -> None:
            _write(plan, folder)

        Runs(plan, folder, left, stop, begun, ended).do()
    return Comparison(plan, _write(plan, folder), folder, stop.asked)


def _foresight(plan: Plan) -> str:
    """How long it takes, and whether so many runs can show a difference."""
    needed = runs_needed(len(plan.arms))
    took = time_text(60 * plan.minutes * -(-plan.seeds * len(plan.arms) // plan.at_once))
    if plan.seeds < needed:
        return (
            f"{took} in all; {plan.seeds} runs of each arm are too few for a verdict, whatever comes of them: "
            f"--seeds {needed} or more are enough"
        )
    return f"{took} in all; {plan.seeds} runs of each arm can show a difference if it is large"


def _outcomes(plan: Plan, folder: Path) -> list[ArmRun]:
    found = [read_outcome(folder, arm, seed) for arm, seed in plan.runs()]
    return [outcome for outcome in found if outcome is not None]


def _write(plan: Plan, folder: Path) -> list[ArmRun]:
    outcomes = _outcomes(plan, folder)
    write_text(folder / "index.html", comparison_html(plan, outcomes))
    with atomic_write(folder / "curves.png") as file:
        file.write(picture(plan, outcomes))
    return outcomes


def _keep_seeds(plan: Plan, folder: Path) -> None:
    """Certificates of smaller sizes, the same for all runs: what one run finds must not help the next."""
    instance = instance_of(plan.problem, plan.n)
    with open_archive() as archive:
        found = [c for c in collect(instance, list(plan.seed_from), archive) if c.n != plan.n and fits_in(c.n, plan.n)]
    if not found:
        raise FileError(f"--seed-from {' '.join(plan.seed_from)}: nothing for {instance.name} smaller than {plan.n}")
    writing = folder.with_name(".writing-seeds")
    shutil.rmtree(writing, ignore_errors=True)
    writing.mkdir(parents=True)
    for c in found:
        c.save(writing / f"{c.name}-{c.sha256[:8]}.json")
    writing.rename(folder)
