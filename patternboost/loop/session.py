"""The loop: generate -> repair and improve -> verify -> filter to the top -> retrain.

All randomness comes from seeds derived from (seed, generation, class, task), never from the clock, and with a budget in
generations no decision looks at the clock: a run that was killed and resumed ends as the uninterrupted one.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from patternboost.loop import checkpoint, planning, seeding, starts
from patternboost.loop.bandit import ClassBandit
from patternboost.loop.improver import Improver
from patternboost.loop.pool import FREE, GUIDED, Entry, Pool
from patternboost.loop.regions import Guides
from patternboost.loop.starts import child_seed
from patternboost.loop.statistics import Tally
from patternboost.loop.temperature import Thermostat
from patternboost.model.request import FitRequest
from patternboost.problem import Instance
from patternboost.problem.symmetry import align
from patternboost.report.progress import Progress
from patternboost.search.fanout import run_tasks
from patternboost.search.memory import Building, Interrupted
from patternboost.search.tables import Table
from patternboost.search.tasks import Outcome, Work, prepare, table_steps
from patternboost.store.archive import Archive, canonical_key
from patternboost.store.certified import verified
from patternboost.store.construction import Construction
from patternboost.store.run_folder import Run

if TYPE_CHECKING:
    from patternboost.model.generator import Generator
    from patternboost.model.tokens import Example

#: under a time budget a generation takes this share of what came before it, so that the model has a say early, but no
#: more than this share of the whole budget, and seconds within these bounds
_GROWTH, _MOST = 0.3, 0.1
_SHORTEST, _LONGEST = 2.0, 240.0
#: with less than this share of a generation's time left there is only search: training would come to nothing
_LAST = 0.5
#: shares of a generation's time, where there is a model
_TRAIN_SHARE, _SAMPLE_SHARE = 0.05, 0.05
#: the archive takes what is within this share of the run's best
_ARCHIVE_SHARE = 0.9
#: pool members needed before the model trains
_LEAST_EXAMPLES = 20


@dataclass
class Stop:
    """Says when to stop: asked from outside (Ctrl-C), or at a moment of time.monotonic(). Called, it answers."""

    deadline: float = float("inf")
    asked: bool = False

    def __call__(self) -> bool:
        """Whether it is time."""
        return self.asked or time.monotonic() >= self.deadline


#: told of every finished generation and its line in the log, its checkpoint written; must not change the search
Observer: TypeAlias = Callable[["Search", dict[str, Any]], None]


class Search:
    """A run in progress; `observers` look on."""

    def __init__(
        self,
        run: Run,
        instance: Instance,
        archive: Archive,
        progress: Progress,
        stop: Stop,
        observers: Sequence[Observer] = (),
    ) -> None:
        self.run = run
        self.settings = run.settings
        self.instance = instance
        self.archive = archive
        self.progress = progress
        self.stop = stop
        self.observers = observers
        self.drawn: Example | None = None  # a sample of the model, for those who look on
        self.best: Construction | None = None
        self.classes = self._classes()
        self.bandit = self.new_bandit()
        self.guides = Guides()
        self.improver = Improver(self.settings, instance)
        self.pool = Pool(self.settings.pool, self.settings.pool_floor, self.settings.top)
        self.seeds: list[Construction] = []
        self.generator: Generator | None = None
        self.generation = 0
        self.earlier_seconds = 0.0
        self.work = 0.0
        self.thermostat = Thermostat(self.settings.temperature, self.settings.novelty)
        self._started = time.monotonic()
        self._first = 0  # the generation that this process began with
        self._bests: list[tuple[float, int]] = []  # new bests since the last line of the log

    def _classes(self) -> list[str]:
        if self.settings.symmetry == "auto":
            return list(self.instance.classes)
        return [self.instance.require_class(self.settings.symmetry)]

    def new_bandit(self, history: Mapping[str, list[int]] | None = None) -> ClassBandit:
        """The bandit over the classes, with the scores it remembers."""
        return ClassBandit(self.classes, history, {name: table_steps(self.instance, name) for name in self.classes})

    # -- start and resume --------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start anew, or take up the newest checkpoint."""
        latest = self.run.latest()
        if latest is None:
            self.run.cut_log(0)
            self.seeds = seeding.collect(self.instance, list(self.settings.seed_from), self.archive)
            self.make_generator()
            self.work = starts.default_work(self.settings, self.instance, self.classes)
            self._seed_pool()
            checkpoint.write(self)
        else:
            checkpoint.restore(self, *latest)
            self._first = self.generation
        if self.settings.minutes:
            self.stop.deadline = self._started + 60 * self.settings.minutes - self.earlier_seconds

    def close(self) -> None:
        """Let go of what serves this search."""
        if self.generator is not None:
            self.generator.dismiss()

    def make_generator(self) -> None:
        """The untrained generator that the settings ask for."""
        if self.settings.model != "none":
            from patternboost.model.making import make_generator

            sizes = sorted({c.n for c in self.seeds} | {self.instance.n})
            self.generator = make_generator(self.settings, self.instance, sizes)

    def _seed_pool(self) -> None:
        """Seeds of the run's own size are pool members from the start."""
        entries = []
        for seed in (c for c in self.seeds if c.n == self.instance.n):
            symmetry = seed.symmetry if seed.symmetry in self.classes else "none"
            elements = align(self.instance, self.instance.to_elements(seed.points), symmetry)
            if symmetry in self.classes and elements is not None:
                entries.append(Entry(canonical_key(self.instance, elements), elements, symmetry, -1, "seed"))
        self._keep(entries)

    # -- the loop ----------------------------------------------------------------------------------------------------

    @property
    def seconds(self) -> float:
        """Time spent on the run, earlier parts included."""
        return self.earlier_seconds + time.monotonic() - self._started

    @property
    def target(self) -> int:
        """The score to stop at: the user's, or a proven bound."""
        bound = self.instance.upper_bound
        return min(bound, self.settings.target) if self.settings.target else bound

    def done(self) -> bool:
        """Whether the run has nothing more to do."""
        reached = self.best is not None and self.best.score >= self.target
        spent = 0 < self.settings.generations <= self.generation
        return reached or spent or self.stop()

    def loop(self) -> None:
        """Generations until done."""
        while not self.done():
            self._one_generation()
        if len(self.classes) > 1:
            self.progress.classes(self.bandit.standings())

    def _one_generation(self) -> None:
        tally = Tally(bests=self._bests)
        length = float(np.clip(min(_GROWTH * self.seconds, _MOST * 60 * self.settings.minutes), _SHORTEST, _LONGEST))
        self.progress.generation(self.generation, self.settings.generations, self._expected_end())
        with tally.phase("train"):
            self._fit(tally, length)
        with tally.phase("sample"):
            planned = planning.plan(self, tally, self._within(_SAMPLE_SHARE * length))
        with tally.phase("search"):
            found = self._search(planned, tally, length)
        with tally.phase("verify"):
            kept = self._keep(found)
            self.improver.learn(kept)
            self._credit(kept, tally)
            tally.new = len(kept)
        if self.stop() and not self.settings.timed:
            return  # resume does this generation again, in full and to the same end
        self.generation += 1
        if self.settings.timed and tally.seconds["search"] > 0:
            share = 1.0 if self.generator is None else 1 - _TRAIN_SHARE - _SAMPLE_SHARE
            rate = tally.steps / tally.seconds["search"]
            self.work = max(rate * length * share, self.work / 4)
        score = self.best.score if self.best else 0
        entry = tally.entry(self.generation - 1, self.seconds, score, self.pool, self.bandit.leader())
        self.run.log(entry)
        checkpoint.write(self)
        self.progress.summary(entry)
        for observer in self.observers:
            observer(self, entry)
        self._bests.clear()

    def _credit(self, kept: list[Entry], tally: Tally) -> None:
        """Tell the guides what walks of every kind brought the pool's better half, and in how many steps."""
        good = Counter(e.origin for e in kept if e.score >= self.pool.median)
        for kind, origins in {FREE: ("random", "elite"), **{origin: (origin,) for origin in GUIDED}}.items():
            steps = sum(tally.origins[o].steps for o in origins if o in tally.origins)
            self.guides.note(kind, sum(good[o] for o in origins), steps)

    def _within(self, seconds: float) -> Callable[[], bool]:
        """A stop that under a time budget also comes after `seconds`; without one only when asked."""
        if not self.settings.timed:
            return self.stop
        end = time.monotonic() + seconds
        return lambda: self.stop() or time.monotonic() >= end

    def _fit(self, tally: Tally, length: float) -> None:
        ending = self.settings.timed and self.stop.deadline - time.monotonic() < _LAST * length
        # The first generation searches at once, even where there are seeds to learn from: the easy scores come in it.
        if self.generator is not None and self.generation > 0 and not ending:
            examples = planning.examples(self)
            if len(examples) >= _LEAST_EXAMPLES:
                self.progress.phase("train", 1.0)
                seed = child_seed(self.settings.seed, self.generation, 1)
                seconds = _TRAIN_SHARE * length if self.settings.timed else None
                request = FitRequest(examples, seed, self._within(math.inf), self.progress.at, seconds)
                tally.note_training(self.generator.fit(request))

    def prepare(self, symmetry: str, tally: Tally) -> Table | None:
        """The table of a class, or None where it was time to stop before it was built."""
        s = self.settings
        try:
            table = f"table of {symmetry}"
            building = lambda share: self.progress.aside(table, share)  # noqa: E731
            with tally.phase("tables"):
                return prepare(self.instance, symmetry, Building(s.memory_bytes, s.jobs, self.stop, building)).table
        except Interrupted:
            return None

    def _search(self, planned: list[tuple[str, float, list[starts.Start]]], tally: Tally, length: float) -> list[Entry]:
        """Local search from every start; returns the candidates for the pool, not yet verified."""
        solver_share = self.improver.share
        walks = planned if solver_share < 1 else []
        repairs = self.improver.repairs(length if self.settings.timed else None)
        self.progress.phase("search", float(sum(len(p[2]) for p in walks) + repairs))
        origins: dict[int, list[str]] = {}

        def all_tasks() -> Iterator[Work]:
            for index, (name, share, mixed) in enumerate(walks):
                if self.settings.backend == "threading" and self.prepare(name, tally) is None:
                    return
                # Under a time budget a class may overrun its share by half before the next one gets its turn.
                slice_seconds = 1.5 * share * length * (1 - solver_share)
                slice_over = self._within(slice_seconds)
                seconds = slice_seconds if self.settings.timed else None
                seed = child_seed(self.settings.seed, self.generation, 4, index)
                for task, origin in starts.tasks(self.settings, self.instance, name, mixed, seed, self.target, seconds):
                    if slice_over():
                        break
                    origins[task.seed] = origin
                    yield task
            slice_seconds = length * solver_share
            seconds = slice_seconds if self.settings.timed else None
            slice_over = self._within(slice_seconds)
            for repair, origin in self.improver.tasks(
                planned, self.pool, self.generation, self.target, slice_over, seconds
            ):
                origins[repair.seed] = origin
                yield repair

        found: list[Entry] = []
        for task, outcomes in run_tasks(all_tasks(), self.settings.jobs, self.settings.backend, self.stop):
            self.bandit.record(task.symmetry, [o.after for o in outcomes])
            for outcome, origin, start in zip(outcomes, origins.pop(task.seed), task.starts, strict=False):
                tally.note(outcome, origin, task.symmetry, len(start))
                self._consider(outcome, origin, task, found)
            self.progress.advance(len(task.starts), self.best.score if self.best else 0)
            if self.best is not None and self.best.score >= self.target:
                break
        return found

    def _consider(self, outcome: Outcome, origin: str, task: Work, found: list[Entry]) -> None:
        """Make an outcome a candidate where the pool has room for it; save it at once where it is a new best."""
        if outcome.after < self.pool.threshold or not outcome.after:
            return
        key = canonical_key(self.instance, outcome.elements)
        if key not in self.pool:
            entry = Entry(key, outcome.elements, task.symmetry, self.generation, origin)
            found.append(entry)
            if self.best is None or outcome.after > self.best.score:
                self._new_best(entry)

    # -- verify, filter, keep ----------------------------------------------------------------------------------------

    def _verified(self, entry: Entry) -> Construction:
        e = entry
        return verified(self.instance, e.elements, self.settings.seed, e.symmetry, e.origin, e.generation)

    def _new_best(self, entry: Entry) -> None:
        """Save a new best at once, so that nothing that comes later can lose it."""
        construction = self._verified(entry)
        construction.save(self.run.best_path(construction))
        self.archive.add([construction])
        self.best = construction
        self._bests.append((self.seconds, construction.score))
        self.progress.best(construction)

    def _keep(self, found: list[Entry]) -> list[Entry]:
        """Verify what would stay, merge it into the pool, archive the best of it; returns the new members."""
        kept = self.pool.merge(found)
        constructions = [self._verified(e) for e in kept]
        best = self.pool.entries[0].score if self.pool.entries else 0
        self.archive.add(c for c in constructions if c.score >= _ARCHIVE_SHARE * best)
        if kept and (self.best is None or best > self.best.score):
            self._new_best(max(kept, key=lambda e: e.score))
        return kept

    def _expected_end(self) -> float | None:
        """When the run will be done (time.monotonic()): its deadline, or its generations at the pace so far."""
        now = time.monotonic()
        ends = [self.stop.deadline] if self.settings.minutes else []
        here = self.generation - self._first
        if self.settings.generations and here:
            ends.append(now + (self.settings.generations - self.generation) * (now - self._started) / here)
        return min(ends, default=None)
