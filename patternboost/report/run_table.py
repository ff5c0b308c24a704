"""The table of runs: what each searches for, whether it is running, how far it came."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from patternboost.problem import ProblemError
from patternboost.problem.registry import find_problem, is_path
from patternboost.report.tables import html_table
from patternboost.store.files import FileError
from patternboost.store.records import known_optimum
from patternboost.store.run_folder import RunFolder

COLUMNS = ("run", "state", "problem", "n", "best", "generations", "seconds", "symmetry", "model", "seed")


def state_of(run: RunFolder, log: list[dict[str, Any]] | None = None) -> str:
    """'running' (a process holds its lock), 'finished' (budget spent, target or optimum reached) or 'stopped'."""
    if run.running():
        return "running"
    log = run.read_log() if log is None else log
    return "finished" if log and _spent(run, log[-1]) else "stopped"


def _spent(run: RunFolder, last: dict[str, Any]) -> bool:
    """Whether a run has nothing more to do after the generation of a log's last line."""
    s = run.settings
    generations = 0 < s.generations <= last["generation"] + 1
    time = 0 < 60 * s.minutes <= last["seconds"]
    return bool(generations or time or _reached(run, last["best"], bool(last.get("minimised"))))


def _reached(run: RunFolder, best: int, minimises: bool) -> bool:
    """Whether a score ends the run: its target, the problem's bound or a known optimum.

    A problem's own file is not run to look, and proofs of one's own are not asked for.
    """
    s = run.settings
    goals = [s.target] if s.target else []
    with suppress(ProblemError):
        if not is_path(s.problem):
            instance = find_problem(s.problem).at(s.n)
            goals.append(instance.upper_bound)
    known = known_optimum(s.problem, s.n) if s.stop_at_optimum else None
    goals += [] if known is None else [known.value]
    return any(best and (best <= goal if minimises else best >= goal) for goal in goals)


class RunTable(list[dict[str, Any]]):
    """Rows of the table of runs, a list of dicts that shows itself as a table in a notebook."""

    def __repr__(self) -> str:
        return f"<{len(self)} run{'' if len(self) == 1 else 's'}>"

    def _repr_html_(self) -> str:
        return html_table(self, COLUMNS)


def run_rows(folder: Path) -> RunTable:
    """One dict for every run in `folder`, oldest first; keys are `COLUMNS`. Damaged ones are left out.

    Raises FileError where there is no such folder.
    """
    if not folder.is_dir():
        raise FileError(f"no folder {folder}: give the one that holds the runs")
    rows = []
    for path in folder.glob("*/settings.toml"):
        try:
            run = RunFolder.read(path.parent)
            log = run.read_log()
            changed = path.stat().st_mtime
        except (FileError, OSError):  # damaged, or removed in this moment
            continue
        last = log[-1] if log else {}
        s = run.settings
        values = (
            str(run.folder),
            state_of(run, log),
            Path(s.problem).stem if is_path(s.problem) else s.problem,
            s.n,
            last.get("best") or None,
            last["generation"] + 1 if log else 0,
            last.get("seconds", 0.0),
            s.symmetry,
            s.model,
            s.seed,
        )
        rows.append((changed, dict(zip(COLUMNS, values, strict=True))))
    return RunTable(row for _, row in sorted(rows, key=lambda item: (item[0], item[1]["run"])))
