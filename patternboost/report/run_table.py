"""The table of runs: what each searches for, whether it is running, how far it came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from patternboost.problem import ProblemError
from patternboost.problem.registry import find_problem
from patternboost.store.files import FileError
from patternboost.store.run_folder import Run

COLUMNS = ("run", "state", "problem", "n", "best", "generations", "seconds", "symmetry", "model", "seed")


def state_of(run: Run, log: list[dict[str, Any]] | None = None) -> str:
    """'running' (a process holds its lock), 'finished' (its budget is spent, or its target reached) or 'stopped'."""
    if run.running():
        return "running"
    log = run.read_log() if log is None else log
    return "finished" if log and _spent(run, log[-1]) else "stopped"


def _spent(run: Run, last: dict[str, Any]) -> bool:
    """Whether a run has nothing more to do after the generation of a log's last line."""
    s = run.settings
    generations = 0 < s.generations <= last["generation"] + 1
    time = 0 < 60 * s.minutes <= last["seconds"]
    return bool(generations or time or last["best"] >= _goal(run))


def _goal(run: Run) -> float:
    """The score that ends the run: its target, or the problem's bound. A problem's own file is not run to look."""
    s = run.settings
    target = float(s.target) if s.target else float("inf")
    try:
        bound = float("inf") if "/" in s.problem else float(find_problem(s.problem).at(s.n).upper_bound)
    except ProblemError:
        bound = float("inf")
    return min(target, bound)


def run_rows(folder: Path) -> list[dict[str, Any]]:
    """One dict for every run in `folder`, oldest first; keys are `COLUMNS`. Damaged ones are left out.

    Raises FileError where there is no such folder.
    """
    if not folder.is_dir():
        raise FileError(f"no folder {folder}: give the one that holds the runs")
    rows = []
    for path in folder.glob("*/settings.toml"):
        try:
            run = Run.read(path.parent)
            log = run.read_log()
            changed = path.stat().st_mtime
        except (FileError, OSError):  # damaged, or removed in this moment
            continue
        last = log[-1] if log else {}
        s = run.settings
        values = (
            str(run.folder),
            state_of(run, log),
            Path(s.problem).stem if "/" in s.problem else s.problem,
            s.n,
            last.get("best") or None,
            last["generation"] + 1 if log else 0,
            last.get("seconds", 0.0),
            s.symmetry,
            s.model,
            s.seed,
        )
        rows.append((changed, dict(zip(COLUMNS, values, strict=True))))
    return [row for _, row in sorted(rows, key=lambda item: (item[0], item[1]["run"]))]
