"""A whole search: begun or taken up from a checkpoint, generation after generation, until it is done."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from patternboost.loop import allocator
from patternboost.loop.classes import known_shares
from patternboost.loop.clock import Clock
from patternboost.loop.context import make_context
from patternboost.loop.generation import run_generation
from patternboost.loop.keeping import catch_up, keep, verify
from patternboost.loop.made_seeds import make_seeds, wanted
from patternboost.loop.origins import ELITES_IN_REGIONS, SEED_REGIONS
from patternboost.loop.outputs import GenerationEvent, Outputs
from patternboost.loop.repairs import require_solver
from patternboost.loop.seeding import collect
from patternboost.loop.state import State, from_files, import_model, new_state, own_seeds
from patternboost.loop.statistics import Statistics
from patternboost.problem import Instance, Problem, kernel_cache
from patternboost.problem.base import NOTHING
from patternboost.search.progress import Progress
from patternboost.search.stop import Stop
from patternboost.search.tasks import warm_up
from patternboost.store.construction import Construction
from patternboost.store.files import FileError

if TYPE_CHECKING:
    from patternboost.model.attention import AttentionMap


class Session:
    """The values of one search in this process. `with` lets go of what serves it."""

    def __init__(self, instance: Instance, outputs: Outputs, stop: Stop) -> None:
        """Begin anew, or take up the newest checkpoint. Raises FileError for a damaged one or unusable seeds."""
        settings = outputs.run.settings
        begin_warm(instance.problem, outputs.progress, settings.model)  # before the clock starts
        self.outputs = outputs
        self.context = make_context(settings, instance, outputs.archive)
        self.clock = Clock(settings, stop)
        require_solver(self.context)
        latest = outputs.run.latest()
        if latest is None:
            if outputs.run.read_log():
                raise FileError(
                    f"{outputs.run.folder}: its checkpoints are gone, so that it cannot go on; its best constructions "
                    f"are there: a new search takes them by --seed-from {outputs.run.folder}"
                )
            outputs.run.cut_log(0)
            self.clock.begin(0, 0.0)
            seeds = self._seeds()
            self.state = new_state(self.context, seeds, known_shares(self.context, outputs.archive, seeds))
            checked = verify(self.context, self.state, own_seeds(self.context, self.state))
            keep(self.context, self.state, self.clock, outputs, checked)
            self._checkpoint()
        else:
            of = latest[1].get("of", str(instance))
            if of != str(instance):
                raise FileError(f"{outputs.run.folder}: settings.toml says {instance}, its checkpoint is of {of!s:.80}")
            self.state = from_files(self.context, *latest)
            outputs.run.cut_log(self.state.generation)
            catch_up(self.context, self.state, outputs)
            self.clock.begin(self.state.generation, float(latest[1].get("seconds", 0.0)))

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        if self.state.model is not None:
            self.state.model.close()

    def _seeds(self) -> list[Construction]:
        """The seeds that are given, or those that a search makes for itself."""
        context, progress = self.context, self.outputs.progress
        seeds = collect(context.instance, context.settings.seed_from, self.outputs.archive)
        if seeds:
            progress.say(seeds_line(Counter(c.n for c in seeds)))
        elif wanted(context):
            seeds = make_seeds(context, self.clock, progress)
            if seeds:
                progress.say(f"made {seeds_line(Counter(c.n for c in seeds))}, in {self.clock.seconds:.1f} s")
        return seeds

    @property
    def reached(self) -> bool:
        """Whether the best has the score that ends the search."""
        return self.state.best_merit >= self.context.goal

    @property
    def done(self) -> bool:
        """Whether there is nothing more to do."""
        spent = 0 < self.context.settings.generations <= self.state.generation
        return self.reached or spent or self.clock.stop()

    def run(self) -> None:
        """Generations until done."""
        progress = self.outputs.progress
        if self.done:
            return
        while not self.done:
            statistics = run_generation(self.context, self.state, self.clock, self.outputs)
            if statistics is not None:
                self._tell(statistics)
        if len(self.context.classes) > 1:
            score = self.context.instance.problem.score
            standings = allocator.standings(self.state.ledger)
            progress.classes(
                [(name, share, None if best == NOTHING else score(best)) for name, share, best in standings]
            )
            self.outputs.note_paid(self.context.instance, allocator.likeliest(self.state.ledger))
        came_to = seeds_came_to(self.state)
        if came_to:
            progress.say(came_to)
        if self.reached and not self.clock.stop.asked:
            progress.say(f"stopped at {self.state.best_score}: {self.context.goal_is} is reached")

    def event(self, entry: dict[str, Any]) -> GenerationEvent:
        """What those see who look on."""
        state = self.state

        def attention() -> AttentionMap | None:
            return None if state.model is None or state.sample is None else state.model.attention(state.sample)

        return GenerationEvent(
            self.outputs.run, self.context, entry, state.best, state.pool.entries, state.sample, attention
        )

    def _tell(self, statistics: Statistics) -> None:
        """Write the generation's line and a checkpoint, then tell those who look on."""
        state, outputs = self.state, self.outputs
        entry = statistics.entry(
            self.context.instance.problem,
            state.generation - 1,
            self.clock.seconds,
            state.best_score,
            state.pool,
            allocator.leader(state.ledger),
        )
        outputs.run.log(entry)
        self._checkpoint()
        outputs.progress.summary(entry)
        event = self.event(entry)
        for observer in outputs.observers:
            observer(event)
        outputs.bests.clear()

    def _checkpoint(self) -> None:
        """Checkpoint the generation that begins now."""
        # Nothing of the clock where it does not matter, so that equal runs end in equal checkpoints.
        seconds = self.clock.seconds if self.context.settings.minutes else 0.0
        of = str(self.context.instance)
        self.outputs.run.checkpoint(
            self.state.generation, lambda folder: {"seconds": seconds, "of": of} | self.state.to_files(folder)
        )


def begin_warm(problem: Problem, progress: Progress, model: str = "none") -> None:
    """Compile what is not compiled yet, and import what a model needs, before a clock starts. Raises SettingsError."""
    if kernel_cache.is_empty():
        progress.say("compiling, once: about half a minute")
    warm_up(problem)
    import_model(model)


#: sets that make a score the one by which it is told what seeds brought
_TOLD = 20


def seeds_came_to(state: State) -> str:
    """What came of regions from other sizes: `regions from 21 other sizes: 412 of the 530 sets of 160 or more`.

    Walks from pool members within wide regions, of other sizes or counted, go on from there and are told besides.
    """
    members, origins = state.pool.entries, set(SEED_REGIONS)
    if not any(
        record.tried for arms in state.ledger.records.values() for arm, record in arms.items() if arm in origins
    ):
        return ""
    least = members[min(_TOLD, len(members)) - 1].merit if members else 0
    best = [e for e in members if e.merit >= least]
    brought = sum(e.origin in origins for e in best)
    sizes = len({c.n for c in state.seeds} - {state.best.n if state.best else 0})
    side = "less" if least < 0 else "more"
    told = f"regions from {sizes} other sizes: {brought} of the {len(best)} sets of {abs(least)} or {side}"
    onward = sum(e.origin in ELITES_IN_REGIONS for e in best)
    return f"{told}; {onward} by walks from pool members in wide regions" if onward else told


def seeds_line(sizes: Counter[int]) -> str:
    """How many seeds of which sizes: `57 seeds of 29 sizes, n = 4 to 32`."""
    total, least, most = sum(sizes.values()), min(sizes), max(sizes)
    which = f"n = {least}" if least == most else f"{len(sizes)} sizes, n = {least} to {most}"
    return f"{total} seed{'' if total == 1 else 's'} of {which}"
