"""The verbs of the command line as Python functions."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

from patternboost.loop.session import Observer, Search, Stop
from patternboost.problem import Instance, contract
from patternboost.problem.registry import is_path, lasting_reference
from patternboost.problem.registry import problem as find_instance
from patternboost.report.progress import make_progress
from patternboost.store.archive import Archive
from patternboost.store.construction import Construction
from patternboost.store.run_folder import Run
from patternboost.store.settings import Settings, SettingsError, check, override


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

    def _repr_html_(self) -> str:
        return Run.read(self.folder)._repr_html_()


def search(
    problem: str | Instance,
    n: int | None = None,
    *,
    symmetry: str = "auto",
    minutes: float | None = None,
    hours: float | None = None,
    generations: int | None = None,
    target: int | None = None,
    seed: int | None = None,
    jobs: int | None = None,
    device: str = "auto",
    seed_from: list[str] | tuple[str, ...] = (),
    model: str = "gpt",
    improve: str = "tabu",
    backend: str = "threading",
    run_dir: str | Path | None = None,
    quiet: bool = False,
    track: str | None = None,
    options: list[str] | tuple[str, ...] = (),
) -> Result:
    """Search for record constructions; see `patternboost search --help` for every option.

    `problem` is a name, the path of a problem file (with n), or an instance from `pb.problem`. Without any budget one
    minute is spent. `track` sends the figures of every generation to 'tensorboard' or 'wandb'. Raises ValueError (one
    line) for what cannot be.

    >>> result = search("isosceles", 5, generations=1, model="none", jobs=1, seed=1, quiet=True)
    >>> result.best.score, result.best.check(), result.certificate.name
    (7, [], 'isosceles-n5-7.json')
    """
    if isinstance(problem, Instance):
        instance, reference = problem, problem.name
    else:
        if n is None:
            raise SettingsError("n is missing: search(problem, n)")
        instance, reference = _trusted(problem, n), lasting_reference(problem)
    for name, value in (("--minutes", minutes), ("--hours", hours)):
        if value is not None and not value > 0:
            raise SettingsError(f"{name} {value:g}: a budget must be more than 0")
    total = (minutes or 0.0) + 60 * (hours or 0.0)
    given: dict[str, Any] = {"seed": seed, "jobs": jobs, "target": target, "generations": generations}
    settings = Settings(
        reference,
        instance.n,
        symmetry=symmetry,
        minutes=total,
        device=device,
        model=model,
        improve=improve,
        backend=backend,
        seed_from=tuple(str(s) for s in seed_from),
        **{name: value for name, value in given.items() if value is not None},
    )
    settings = override(settings, list(options))
    if not settings.minutes and not settings.generations:
        settings = dataclasses.replace(settings, minutes=1.0)
    settings = check(settings)
    if settings.symmetry != "auto":
        instance.require_class(settings.symmetry)
    if target is not None and target < 1:
        raise SettingsError(f"--target {target}: a score to reach is at least 1")
    if settings.target > instance.upper_bound:
        raise SettingsError(
            f"--target {settings.target}: {instance} cannot have more than {instance.upper_bound} points"
        )
    if follows():
        return _follow(settings, instance)
    with Archive() as archive:
        run = Run.create(Path(run_dir) if run_dir else _default_folder(instance), settings)
        try:
            return _work(run, instance, archive, quiet, track)
        except ValueError:  # a seed that cannot be read, a device that is not there
            if run.latest() is None:
                run.abandon()
            raise
        finally:
            run.close()


def _trusted(problem: str, n: int) -> Instance:
    """The problem at a size; one from a user's own file has to keep the contract. Raises ContractError (one line)."""
    instance = find_instance(problem, n)
    if is_path(problem):
        contract.check(instance.problem)
    return instance


def resume(
    folder: str | Path,
    *,
    minutes: float | None = None,
    generations: int | None = None,
    quiet: bool = False,
    track: str | None = None,
) -> Result:
    """Continue a run to its budget, or to a larger one (total minutes or generations)."""
    if follows():
        settings = Run.read(Path(folder)).settings
        return _follow(settings, find_instance(settings.problem, settings.n))
    run = Run.open(Path(folder))
    try:
        return _resumed(run, minutes, generations, quiet, track)
    finally:
        run.close()


def _resumed(run: Run, minutes: float | None, generations: int | None, quiet: bool, track: str | None) -> Result:
    if minutes is not None and not minutes > 0:
        raise SettingsError(f"--minutes {minutes:g}: a new budget must be more than 0 minutes")
    if minutes is not None or generations is not None:
        from patternboost.store.files import write_text
        from patternboost.store.settings import to_toml

        # A new budget replaces the old one, of whichever kind that was.
        changes = {"minutes": minutes or 0.0, "generations": generations or 0}
        run.settings = check(dataclasses.replace(run.settings, **changes))  # type: ignore[arg-type]
        write_text(run.folder / "settings.toml", to_toml(run.settings))
    instance = _trusted(run.settings.problem, run.settings.n)
    with Archive() as archive:
        return _work(run, instance, archive, quiet, track)


def follows() -> bool:
    """Whether torchrun started this process to serve another, which runs the search."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and os.environ.get("RANK", "0") != "0"


def _follow(settings: Settings, instance: Instance) -> Result:
    if settings.model == "gpt":
        from patternboost.model.making import serve_team

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
            pass  # Run.create says in one line why it cannot be written
        return folder
    return base


@contextmanager
def ctrl_c(stop: Stop) -> Iterator[None]:
    """Turn the first Ctrl-C (or SIGTERM) into a request to stop; a second Ctrl-C interrupts at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True

    before = {s: signal.signal(s, ask) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _work(run: Run, instance: Instance, archive: Archive, quiet: bool, track: str | None) -> Result:
    from patternboost.report.live import LiveReport

    stop, report = Stop(), LiveReport()
    resumed = run.newest_checkpoint() is not None
    with ctrl_c(stop), _tracking(run, track) as trackers, make_progress(quiet) as progress:
        search = Search(run, instance, archive, progress, stop, [report, *trackers])
        try:
            search.begin()
            idle = _idle(search) if resumed and search.done() else ""
            search.loop()
        finally:
            search.close()
    report.write(search, "stopped" if stop.asked else "finished")
    best = run.best(instance.problem)
    log = run.read_log()
    missed = bool(run.settings.target) and (best is None or best.score < run.settings.target)
    certificate = None if best is None else run.best_path(best)
    return Result(best, certificate, log, run.folder, stop.asked, missed, idle)


@contextmanager
def _tracking(run: Run, kind: str | None) -> Iterator[list[Observer]]:
    """The observer that passes figures on to a tracker, where one is asked for."""
    if kind is None:
        yield []
        return
    from patternboost.report.tracking import Tracking, make_tracker

    tracking = Tracking(make_tracker(kind, run))
    try:
        yield [tracking]
    finally:
        tracking.close()


def _idle(search: Search) -> str:
    if search.best is not None and search.best.score >= search.target:
        return f"{search.best.score} points, its goal, are reached"
    return "its budget is spent; a larger --minutes or --generations (in all) gives it more"
