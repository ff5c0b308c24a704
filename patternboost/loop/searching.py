"""Search: local search from every start, on all workers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Container, Iterator, Sequence

from patternboost.loop.clock import Clock
from patternboost.loop.context import Context
from patternboost.loop.keeping import new_best
from patternboost.loop.origins import Origin
from patternboost.loop.outputs import Outputs
from patternboost.loop.pool import Entry
from patternboost.loop.proposing import Proposal
from patternboost.loop.repairs import how_many, repair_tasks, share_of_solver
from patternboost.loop.starts import Start, task_steps, tasks
from patternboost.loop.state import State
from patternboost.loop.statistics import Statistics
from patternboost.loop.tables import class_table
from patternboost.problem import IntArray
from patternboost.problem.base import NOTHING
from patternboost.problem.symmetry import canonical_key
from patternboost.search.completing import fill_up
from patternboost.search.fanout import run_tasks
from patternboost.search.tasks import Outcome, Work

#: under a time budget a class may overrun its share by half before the next one gets its turn
_OVERRUN = 1.5
#: sets with symmetry are filled up without it where they have at most so many points less than the best
_NEARLY = 2


def search(
    context: Context,
    state: State,
    clock: Clock,
    outputs: Outputs,
    statistics: Statistics,
    proposals: Sequence[Proposal],
    length: float,
) -> list[Entry]:
    """Improve every start; returns the candidates for the pool. Only new bests are verified and saved already."""
    settings, progress = context.settings, outputs.progress
    solver = share_of_solver(settings.improve, state.improvers)
    statistics.solver_share = solver
    walks = proposals if solver < 1 else []
    repairs = how_many(context, solver, clock.limit(length))
    progress.phase("search", float(sum(len(p.starts) for p in walks) + repairs))
    started: dict[int, list[Start]] = {}

    def all_tasks() -> Iterator[Work]:
        for index, proposal in enumerate(walks):
            needs_table = any(start.region is None or start.around for start in proposal.starts)
            if settings.backend == "threading" and needs_table:  # threads share it: it is built before they ask
                began = time.monotonic()
                table = class_table(context, outputs, statistics, proposal.symmetry, clock.stop)
                if table is None:
                    return
                if settings.timed:
                    statistics.note_work(proposal.symmetry, Origin.RANDOM, settings.jobs * (time.monotonic() - began))
            seconds = _OVERRUN * proposal.share * length * (1 - solver)
            over, path = clock.within(seconds), (state.generation, index)
            limit, each = clock.limit(seconds), task_steps(context, state, statistics, length)
            for task, of in tasks(context, proposal.symmetry, proposal.starts, path, limit, worth_filling, each):
                if over():
                    break
                started[task.seed] = of
                yield task
        seconds = length * solver
        over = clock.within(seconds)
        for repair, of in repair_tasks(context, state, proposals, solver, over, clock.limit(seconds)):
            started[repair.seed] = of
            yield repair

    worth_filling = int(state.pool.median)
    found: dict[bytes, Entry] = {}
    #: how many sets there are of each merit, made from pool members and otherwise
    standing = Counter((entry.merit, entry.origin.of_members) for entry in state.pool.entries)
    for task, outcomes in run_tasks(all_tasks(), settings.jobs, settings.backend, clock.stop):
        for outcome, start in zip(outcomes, started.pop(task.seed), strict=False):
            origin = start.origin
            statistics.note(outcome, origin, task.symmetry, len(start.elements))
            work = outcome.seconds if settings.timed else outcome.steps / 1e6
            statistics.note_work(task.symmetry, origin.arm, work, outcome.after if len(outcome.elements) else NOTHING)
            for entry in _candidates(context, state, outcome, origin, task.symmetry, found):
                found[entry.key] = entry
                standing[entry.merit, origin.of_members] += 1
                # Beside one of the best sets there may be hundreds as good: once they are most of the best, they say
                # nothing of better ones.
                beside = state.best_merit <= entry.merit <= start.member
                crowded = standing[entry.merit, True] > standing[entry.merit, False]
                statistics.note_new(task.symmetry, origin, entry.merit, hit=not (beside and crowded))
                if entry.merit > state.best_merit:
                    new_best(context, state, clock, outputs, entry)
        progress.advance(len(task.starts), state.best_score)
        if state.best_merit >= context.goal:
            break
    return list(found.values())


def _candidates(
    context: Context, state: State, outcome: Outcome, origin: Origin, symmetry: str, found: Container[bytes]
) -> Iterator[Entry]:
    """What an outcome gives the pool: nothing where it is known, or worse than what the pool keeps."""
    for elements, made_of, merit in _sets(context, state, outcome, symmetry):
        if merit < state.pool.threshold or not len(elements):
            return
        key = canonical_key(context.instance, elements)
        if key in state.pool or key in found:
            return
        yield Entry(key, elements, made_of, state.generation, origin, merit)


def _sets(context: Context, state: State, outcome: Outcome, symmetry: str) -> Iterator[tuple[IntArray, str, int]]:
    """An outcome's set, its class and its merit; then the same filled up, where no orbit but some element has room.

    Only what is nearly the best is filled up, and only where sets without symmetry are wanted, too.
    """
    yield outcome.elements, symmetry, outcome.after
    nearly = outcome.after >= state.best_merit - _NEARLY
    if nearly and symmetry != "none" and "none" in context.classes and context.instance.problem.by_rows:
        filled = fill_up(context.instance, "none", outcome.elements)
        if len(filled) > len(outcome.elements):
            yield filled, "none", len(filled)
