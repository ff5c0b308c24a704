"""The verb `ladder`: searches at many sizes in one budget, each seeded by its neighbours."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from patternboost.loop.session import begin_warm
from patternboost.problem import Problem
from patternboost.problem.registry import instance_of, is_path, lasting_reference
from patternboost.report.progress import make_progress
from patternboost.search.contract_apart import check_apart
from patternboost.search.progress import Progress
from patternboost.search.stop import Stop, ctrl_c
from patternboost.search.streams import Stream, stream_seed
from patternboost.store import library
from patternboost.store.archive import Archive, open_archive
from patternboost.store.files import append_line, json_value, read_lines
from patternboost.store.records import is_gain, known_optimum, known_record
from patternboost.store.settings import Settings, assignments_of, default_jobs, from_keywords, parse_assignments
from patternboost.store.trust import note_named, problem_of_folder
from patternboost.studies.ladder import page
from patternboost.studies.ladder.choosing import Standing, Visit, next_visit
from patternboost.studies.ladder.climbing import MODEL, best_score, carried, visit
from patternboost.studies.ladder.plan import Plan, read_before, read_part, read_plan, read_sizes, take_up

#: a line per finished visit
_VISITS = "visits.jsonl"
#: seconds between two writings of the page
_PAGE_EVERY = 60.0
#: seconds between two looks at whether to stop
_LOOK = 0.2


@dataclass(frozen=True)
class Climb:
    """What a ladder came to so far."""

    plan: Plan
    #: best score of every size when it began, and now
    before: dict[int, int]
    now: dict[int, int]
    folder: Path
    interrupted: bool = False
    #: whether small scores are wanted
    minimises: bool = False

    @property
    def gains(self) -> dict[int, int]:
        """What was gained, by size: less than 0 where small scores are wanted."""
        better = [n for n in self.now if is_gain(self.before[n], self.now[n], self.minimises)]
        return {n: self.now[n] - self.before[n] for n in better}

    def __repr__(self) -> str:
        sizes = f"{self.plan.least}-{self.plan.most}"
        return f"<ladder of {self.plan.problem} {sizes}, {len(self.gains)} sizes gained>"

    def __str__(self) -> str:
        return page.text(self.plan, self.before, self.now, self.minimises)


@dataclass
class _Ladder:
    """A ladder that is being climbed."""

    plan: Plan
    problem: Problem
    folder: Path
    stop: Stop
    progress: Progress
    before: dict[int, int]
    now: dict[int, int]
    visits: list[Visit] = field(default_factory=list)
    busy: set[int] = field(default_factory=set)
    written: float = 0.0

    @property
    def minimises(self) -> bool:
        """Whether small scores are wanted."""
        return self.problem.minimises

    @property
    def left(self) -> float:
        """Seconds of one worker that are left of the budget."""
        return self.budget - sum(v.seconds for v in self.visits)

    @property
    def budget(self) -> float:
        """Seconds of one worker in all."""
        return 60 * self.plan.minutes * self.plan.jobs

    def standings(self) -> dict[int, Standing]:
        """Where every size stands."""
        found = {}
        for n, best in self.now.items():
            record, proved = known_record(self.problem.name, n), known_optimum(self.problem.name, n)
            merit, bounds = self.problem.merit, [self.problem.at(n).upper_bound, *([proved.value] if proved else [])]
            final = best > 0 and merit(best) >= min(map(merit, bounds))
            found[n] = Standing(best, record.value if record else None, final)
        return found

    def settings(self, n: int, seconds: float) -> Settings:
        """The settings of the next visit of a size."""
        number = sum(v.n == n for v in self.visits)
        given: dict[str, Any] = {"model": MODEL} | parse_assignments(self.plan.options)
        given |= {"minutes": seconds / 60, "jobs": max(1, self.plan.jobs // len(self.now)), "seed_from": ["neighbours"]}
        given |= {"seed": stream_seed(self.plan.seed, Stream.LADDER, n, number), "symmetry": self.plan.symmetry}
        return from_keywords(self.plan.problem, n, given)

    def note(self, n: int, seconds: float) -> None:
        """A visit ended: keep it, and carry what it gained to the sizes beside it."""
        with open_archive() as archive:
            before = self.now[n]
            done = Visit(n, round(seconds, 3), before, best_score(archive, self.problem.at(n)), self.minimises)
            append_line(self.folder / _VISITS, json.dumps(asdict(done)))
            self.visits.append(done)
            self.now[n] = done.after
            if done.gained:
                self.tell(archive, n, before)
                self.carry(archive, n)

    def carry(self, archive: Archive, n: int) -> None:
        """Give what size n has to the sizes above and below, one by one, as far as it raises them."""
        for step in (1, -1):
            m = n + step
            while m in self.now:
                if carried(archive, self.problem.at(m), [m - step]) is None:
                    break
                before, self.now[m] = self.now[m], best_score(archive, self.problem.at(m))
                self.tell(archive, m, before)
                m += step

    def tell(self, archive: Archive, n: int, before: int) -> None:
        """Save the certificate of a size that gained, and say so."""
        best = library.best(archive, self.problem.at(n))[0]
        best.save(self.folder / "best" / f"{best.name}.json")
        known = known_record(self.problem.name, n)
        beside = f", best known {known.value}" if known else ""
        self.progress.say(f"n = {n}: {before or 'nothing'} -> {best.score}{beside}")

    def write_page(self, always: bool = False) -> None:
        """Write the page, now and then."""
        if always or time.monotonic() - self.written > _PAGE_EVERY:
            page.write(self.folder, self.plan, self.problem, self.before, self.now, self.visits)
            self.written = time.monotonic()


def ladder(
    problem: str | Problem,
    sizes: str | tuple[int, int],
    *,
    minutes: float | None = None,
    hours: float | None = None,
    jobs: int | None = None,
    part: str | None = None,
    symmetry: str = "auto",
    seed: int = 0,
    run_dir: str | Path | None = None,
    quiet: bool = False,
    **settings: Any,
) -> Climb:
    """Climb many sizes in one budget; see `patternboost ladder --help`. Raises ValueError (one line).

    `sizes` is the smallest and the largest, as `"20-100"` or `(20, 100)`. Further keywords are settings of all
    searches, by the names in a run's settings.toml. The same call continues a ladder that was stopped.
    """
    least, most = read_sizes(sizes) if isinstance(sizes, str) else sizes
    note_named(problem)
    smallest = instance_of(problem, least)
    reference = lasting_reference(problem) if isinstance(problem, str) else smallest.name
    if is_path(reference):
        check_apart(reference, [smallest.problem.at(most).n])
    smallest.problem.at(most)
    if symmetry != "auto":
        smallest.problem.at(most).require_class(symmetry)
    from_keywords(reference, most, settings)  # unknown ones are refused before the first search
    options = assignments_of(settings)
    budgets = [b for b in (minutes, None if hours is None else 60 * hours) if b is not None] or [60.0]
    number, parts = read_part(part)
    plan = Plan(
        reference, least, most, float(min(budgets)), jobs or default_jobs(), seed, number, parts, symmetry, options
    ).check()
    name = f"ladder-{smallest.name}-{least}-{most}" + (f"-part-{number}-of-{parts}" if parts > 1 else "")
    folder = Path(run_dir) if run_dir else Path("runs") / name
    return _climb(plan, smallest.problem, folder, quiet)


def resume_ladder(
    folder: str | Path, *, minutes: float | None = None, quiet: bool = False, problem: str | None = None
) -> Climb:
    """Continue a ladder to its budget, or to a larger one (total minutes)."""
    folder = Path(folder)
    plan = read_plan(folder)
    if minutes is not None:
        plan = Plan(**asdict(plan) | {"minutes": minutes}).check()
    return _climb(plan, problem_of_folder(folder, plan.problem, problem), folder, quiet)


def _climb(plan: Plan, problem: Problem, folder: Path, quiet: bool) -> Climb:
    with open_archive() as archive:
        now = {n: best_score(archive, problem.at(n)) for n in plan.sizes}
    plan = take_up(folder, plan, now)
    stop = Stop()
    with ctrl_c(stop), make_progress(quiet) as progress:
        climb = _Ladder(plan, problem, folder, stop, progress, read_before(folder), now)
        climb.visits = _read_visits(folder)
        begin_warm(problem, progress)
        with open_archive() as archive:
            for n in plan.sizes:
                climb.carry(archive, n)
        _work(climb)
        climb.write_page(always=True)
    return Climb(plan, climb.before, climb.now, folder, stop.asked, problem.minimises)


def _read_visits(folder: Path) -> list[Visit]:
    """The visits so far; a line that a crash cut short counts for nothing."""
    found = []
    for line in read_lines(folder / _VISITS):
        try:
            entry = json_value(line)
            found.append(
                Visit(
                    int(entry["n"]),
                    float(entry["seconds"]),
                    int(entry["before"]),
                    int(entry["after"]),
                    bool(entry.get("minimises")),
                )
            )
        except (ValueError, KeyError, TypeError):
            continue
    return found


@contextmanager
def _asked_on_error(stop: Stop) -> Iterator[None]:
    """Where one visit fails, the others stop."""
    try:
        yield
    except BaseException:
        stop.asked = True
        raise


def _work(climb: _Ladder) -> None:
    """Visits until the budget is spent: as many at once as there are workers, each at a size of its own."""
    working: dict[Future[float], tuple[int, float]] = {}
    with ThreadPoolExecutor(max_workers=climb.plan.jobs) as pool, _asked_on_error(climb.stop):
        while True:
            spoken_for = sum(seconds for _, seconds in working.values())
            while len(working) < climb.plan.jobs and not climb.stop() and climb.left - spoken_for > 1:
                chosen = next_visit(climb.standings(), climb.visits, climb.busy, climb.budget, climb.minimises)
                if chosen is None:
                    break
                n, seconds = chosen[0], min(chosen[1], climb.left - spoken_for)
                settings = climb.settings(n, seconds)
                where = climb.folder / "visits" / f"n{n}"
                future = pool.submit(visit, climb.problem.at(n), settings, where, Stop(parent=climb.stop))
                working[future] = n, seconds
                climb.busy.add(n)
                spoken_for += seconds
            if not working:
                return
            at_work = ", ".join(str(n) for n in sorted(climb.busy))
            end = time.monotonic() + max(0.0, climb.left) / climb.plan.jobs
            climb.progress.status(f"{len(climb.visits)} searches done, now at n = {at_work}", end)
            done, _ = wait(working, timeout=_LOOK, return_when=FIRST_COMPLETED)
            for future in done:
                n, _ = working.pop(future)
                climb.busy.discard(n)
                climb.note(n, future.result())
            climb.write_page()
