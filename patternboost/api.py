"""The verbs in Python: what the commands of the same names do."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patternboost.loop.outputs import Observer, Outputs
from patternboost.loop.session import Session
from patternboost.problem import Instance, Problem, ProblemError
from patternboost.problem.registry import find_problem, instance_of, is_path, lasting_reference, problem_names
from patternboost.report.findings import gather
from patternboost.report.html import write_report
from patternboost.report.live import LiveReport
from patternboost.report.notebook import run_html
from patternboost.report.progress import make_progress
from patternboost.report.run_table import RunTable, run_rows
from patternboost.search.contract_apart import check_apart
from patternboost.search.stop import Stop, ctrl_c
from patternboost.store import library
from patternboost.store.archive import Archive, open_archive
from patternboost.store.construction import Construction, load
from patternboost.store.exporting import export_bytes, export_file
from patternboost.store.files import FileError
from patternboost.store.run_folder import RunFolder
from patternboost.store.settings import TRANSFORMERS, Settings, SettingsError, check, from_keywords, idle_settings
from patternboost.store.trust import note_named, problem_of_folder

if TYPE_CHECKING:
    from patternboost.exact.prove import ProofResult


class Run(RunFolder):
    """A run's folder; in a notebook it shows its best construction, its figures and the curve of its best score.

    >>> import patternboost as pb
    >>> found = pb.search("isosceles", 5, generations=1, model="none", jobs=1, seed=1, quiet=True)
    >>> run = pb.Run.read(found.folder)
    >>> run.settings.model, run.best()
    ('none', <isosceles n=5, 7 points>)
    """

    def _repr_html_(self) -> str:
        return run_html(self)


@dataclass(frozen=True)
class Result:
    """What a search came to."""

    #: the best construction, verified; None where nothing was found in time
    best: Construction | None
    #: its certificate
    certificate: Path | None
    #: the run's log, one dict per generation
    log: list[dict[str, Any]]
    #: the run's folder
    folder: Path
    #: whether Ctrl-C ended it, and whether it missed the target it was given
    interrupted: bool = False
    missed: bool = False
    #: why there was nothing left to do, where `resume` found nothing
    idle: str = ""

    def __repr__(self) -> str:
        what = "nothing found" if self.best is None else f"best {self.best.score} for {self.best.instance}"
        return f"<{what} in {self.folder}>"

    def _repr_html_(self) -> str:
        return run_html(RunFolder.read(self.folder))


def search(
    problem: str | Problem | Instance,
    n: int | str | None = None,
    *,
    hours: float | None = None,
    run_dir: str | Path | None = None,
    quiet: bool = False,
    track: str | None = None,
    **settings: Any,
) -> Result:
    """Search for record constructions. Raises ValueError (one line) for what cannot be.

    `problem` is a name, the path of a problem file, a `Problem` (each with the size n) or an instance from
    `pb.problem`. Keywords are the settings of a run, by the names in its settings.toml: `minutes`, `generations`,
    `target`, `symmetry`, `seed`, `jobs`, `model`, `seed_from`, `region_mass`, ... Without any budget one minute is
    spent; with both `minutes` and `hours` the first reached ends it. `track` sends the figures of every generation to
    'tensorboard' or 'wandb'.

    >>> result = search("isosceles", 5, generations=1, model="none", jobs=1, seed=1, quiet=True)
    >>> result.best.score, result.best.check(), result.certificate.name
    (7, [], 'isosceles-n5-7.json')
    """
    instance, reference = _asked_for(problem, n)
    for name, value in (("minutes", settings.get("minutes")), ("hours", hours)):
        if value is not None and not (isinstance(value, int | float) and value > 0):
            raise SettingsError(f"{name} = {value!r}: a budget must be a number, more than 0")
    budgets = [b for b in (settings.pop("minutes", None), None if hours is None else 60 * hours) if b is not None]
    chosen = from_keywords(reference, instance.n, settings | {"minutes": float(min(budgets, default=0.0))})
    if not chosen.minutes and not chosen.generations:
        chosen = dataclasses.replace(chosen, minutes=1.0)
    if chosen.symmetry != "auto":
        instance.require_class(chosen.symmetry)
    if settings.get("target") is not None and chosen.target < 1:
        raise SettingsError(f"--target {chosen.target}: a score to reach is at least 1")
    problem_, bound = instance.problem, instance.upper_bound
    if chosen.target and problem_.merit(chosen.target) > problem_.merit(bound):
        most = "less" if problem_.minimises else "more"
        raise SettingsError(f"--target {chosen.target}: {instance} cannot have {most} than {problem_.counted(bound)}")
    if run_dir is not None and not str(run_dir):
        raise SettingsError("--run-dir '': name a folder")
    if follows():
        return _follow(chosen, instance)
    with open_archive() as archive:
        run = RunFolder.create(Path(run_dir) if run_dir else _default_folder(instance), chosen)
        try:
            return _work(run, instance, archive, quiet, track)
        except ValueError:  # a seed that cannot be read, a device that is not there
            if run.newest_checkpoint() is None:
                run.abandon()
            raise
        finally:
            run.close()


def _asked_for(problem: str | Problem | Instance, n: int | str | None) -> tuple[Instance, str]:
    """Instance and lasting reference of what a verb was given; a user's own file has to keep the contract first."""
    instance = instance_of(problem, n)
    if isinstance(problem, str):
        note_named(problem)
        if is_path(problem):
            check_apart(problem, [instance.n])
        return instance, lasting_reference(problem)
    return instance, instance.name


def resume(
    folder: str | Path,
    *,
    minutes: float | None = None,
    generations: int | None = None,
    quiet: bool = False,
    track: str | None = None,
    problem: str | None = None,
) -> Result:
    """Continue a run to its budget, or to a larger one (total minutes or generations).

    `problem` names its problem file, where that was not named on this machine before or has changed.
    """
    settings = RunFolder.read(folder).settings
    instance = problem_of_folder(Path(folder), settings.problem, problem).at(settings.n)
    if is_path(settings.problem):
        check_apart(problem or settings.problem, [settings.n])
    if follows():
        return _follow(settings, instance)
    run = RunFolder.open(folder)
    try:
        if minutes is not None and not minutes > 0:
            raise SettingsError(f"--minutes {minutes:g}: a new budget must be more than 0 minutes")
        if minutes is not None or generations is not None:
            _require_more(run, minutes, generations)
            # A new budget replaces the old one, of whichever kind that was.
            changes: dict[str, Any] = {"minutes": minutes or 0.0, "generations": generations or 0}
            run.change(check(dataclasses.replace(run.settings, **changes)))
        with open_archive() as archive:
            return _work(run, instance, archive, quiet, track)
    finally:
        run.close()


def _require_more(run: RunFolder, minutes: float | None, generations: int | None) -> None:
    """A total that is spent already is a slip of the user's, which must not replace the budget that was asked for."""
    last = (run.read_log() or [{"generation": -1, "seconds": 0.0}])[-1]
    if generations is not None and 0 < generations < last["generation"] + 1:
        raise SettingsError(f"--generations {generations}: {last['generation'] + 1} are done already; give all in all")
    if minutes is not None and 60 * minutes < last["seconds"]:
        raise SettingsError(f"--minutes {minutes:g}: {last['seconds'] / 60:.1f} are spent already; give all in all")


def follows() -> bool:
    """Whether torchrun started this process to serve another, which runs the search."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and os.environ.get("RANK", "0") != "0"


def _follow(settings: Settings, instance: Instance) -> Result:
    if settings.model in TRANSFORMERS:
        from patternboost.model.making import serve_team  # late: only runs with a model need torch

        serve_team(settings, instance)
    return Result(None, None, [], Path())


def _default_folder(instance: Instance) -> Path:
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    base = Path("runs") / f"{instance.name}-{instance.n}-{stamp}"
    for suffix in ("", *(f"-{i}" for i in range(2, 1000))):
        folder = base.with_name(base.name + suffix)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError:
            pass  # RunFolder.create says in one line why it cannot be written
        return folder
    return base


def _work(run: RunFolder, instance: Instance, archive: Archive, quiet: bool, track: str | None) -> Result:
    stop, report = Stop(), LiveReport(run, instance)
    resumed = run.newest_checkpoint() is not None
    with ctrl_c(stop), _tracking(run, track) as trackers, make_progress(quiet) as progress:
        for line in idle_settings(run.settings, instance.problem):
            progress.say(f"this run does not use {line}")
        outputs = Outputs(run, archive, progress, [report, *trackers])
        with Session(instance, outputs, stop) as session:
            idle = _idle(session) if resumed and session.done else ""
            session.run()
    report.finish("stopped" if stop.asked else "finished")
    best = run.best(instance.problem)
    missed = bool(run.settings.target) and (best is None or best.merit < instance.problem.merit(run.settings.target))
    certificate = None if best is None else run.best_path(best)
    return Result(best, certificate, run.read_log(), run.folder, stop.asked, missed, idle)


@contextmanager
def _tracking(run: RunFolder, kind: str | None) -> Iterator[list[Observer]]:
    """The observer that passes figures on to a tracker, where one is asked for."""
    if kind is None:
        yield []
        return
    from patternboost.report.tracking import Tracking, make_tracker  # late: trackers are optional

    tracking = Tracking(make_tracker(kind, run))
    try:
        yield [tracking]
    finally:
        tracking.close()


def _idle(session: Session) -> str:
    if session.reached:
        best = session.context.instance.problem.counted(session.state.best_score)
        return f"{best} reached: {session.context.goal_is}"
    return "its budget is spent; a larger --minutes or --generations (in all) gives it more"


def prove(
    problem: str | Problem | Instance, n: int | str | None = None, *, quiet: bool = False, **options: Any
) -> ProofResult:
    """Prove the optimum of a problem within a symmetry class, with progress shown; see `patternboost prove --help`.

    Options: `symmetry`, `minutes`, `jobs`, `target`, `seed`, `run_dir`. Raises ValueError (one line).
    """
    from patternboost.exact import prove as proving  # late: its kernels are compiled for proofs only

    return proving.prove(_asked_for(problem, n)[0], progress=make_progress(quiet), **options)


def report(
    run: str | Path | RunFolder,
    *,
    control: str | Path | None = None,
    plot: str | Path | None = None,
    problem: str | None = None,
) -> Path:
    """Write a run's report.html anew and return its path; `plot` writes the curves as .pdf, .png or .svg too.

    `problem` names its problem file, as for `resume`.
    """
    folder = run if isinstance(run, RunFolder) else RunFolder.read(run)
    findings = gather(folder, None if control is None else Path(control), problem)
    if plot is not None:
        from patternboost.report.plot import write_plot  # late: matplotlib takes long to load

        write_plot(Path(plot), findings)
    write_report(findings)
    return folder.folder / "report.html"


def runs(folder: str | Path = "runs") -> RunTable:
    """All runs in a folder, one dict each, oldest first. Raises FileError where there is no such folder."""
    return run_rows(Path(folder))


def export(
    what: str | Path | Problem | Construction | Result,
    n: int | str | None = None,
    *,
    format: str = "json",
    output: str | Path | None = None,
    problem: str | Problem | None = None,
) -> Path | bytes:
    """The best construction of a run, or of a problem at size n, in a format: to a file, or as bytes without `output`.

    A certificate's file, a construction, or the result of a search may be given itself; `problem` is the problem of a
    certificate that is not installed. Raises ValueError (one line), also where there is nothing to export.
    """
    if isinstance(what, Construction | Result):
        best = what if isinstance(what, Construction) else what.best
        where = "it"
    elif n is None:
        if str(what) in problem_names() and not Path(str(what)).exists():
            raise ProblemError(f"export {what}: give its size too, export {what} N, or the folder of a run")
        if Path(str(what)).suffix == ".json" and Path(str(what)).is_file():
            own = find_problem(problem) if isinstance(problem, str) else problem
            best, where = load(str(what), own), str(what)
        else:
            run, where = RunFolder.read(str(what)), str(what)
            own = None if problem is None else problem_of_folder(run.folder, run.settings.problem, str(problem))
            best = run.best(own)
    else:
        instance = instance_of(what if isinstance(what, Problem) else str(what), n)
        with open_archive() as archive:
            best = next(iter(library.best(archive, instance)), None)
        where = f"the archive for {instance}, and none ships with the program"
    if best is None:
        raise FileError(f"nothing to export: there is no construction in {where}")
    return export_bytes(best, format) if output is None else export_file(best, format, output)


def verify(construction: Construction | str | Path) -> list[str]:
    """What is wrong with a construction (or the certificate at a path): one line each, none if it is valid."""
    return (construction if isinstance(construction, Construction) else load(construction)).check()


__all__: Sequence[str] = (
    "ProblemError",
    "Result",
    "Run",
    "export",
    "prove",
    "report",
    "resume",
    "runs",
    "search",
    "verify",
)
