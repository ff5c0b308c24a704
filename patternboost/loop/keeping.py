"""Verify and keep: what the definition accepts goes into pool and archive, and pays those who proposed it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from patternboost.loop.clock import Clock
from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.outputs import Outputs
from patternboost.loop.pool import Entry
from patternboost.loop.state import State
from patternboost.loop.statistics import Statistics
from patternboost.problem import ProblemError
from patternboost.problem.base import NOTHING
from patternboost.store.certified import certified
from patternboost.store.construction import Construction

#: the archive takes what is below the run's best by at most this share of it
_BELOW = 0.1
#: of a run that is taken up, so many are offered to the archive again
_CAUGHT_UP = 100


def verified(context: Context, entry: Entry) -> Construction:
    """A set that local search made, as a construction that the definition accepts. Raises ProblemError."""
    e = entry
    found = certified(context.instance, e.elements, context.settings.seed, e.symmetry, str(e.origin), e.generation)
    if found.merit != e.merit:
        score = context.instance.problem.score
        raise ProblemError(f"{context.instance}: the search made a set of {score(e.merit)}, judge says {found.score}")
    return found


def new_best(context: Context, state: State, clock: Clock, outputs: Outputs, entry: Entry) -> None:
    """Verify a new best and save it at once."""
    state.best = verified(context, entry)
    outputs.new_best(state.best, clock.seconds, context.ours)


def verify(context: Context, state: State, found: Sequence[Entry]) -> list[tuple[Entry, Construction]]:
    """Those of the candidates that the pool would keep, best first, each with its construction."""
    return [(entry, verified(context, entry)) for entry in state.pool.would_stay(found)]


def keep(
    context: Context,
    state: State,
    clock: Clock,
    outputs: Outputs,
    checked: Sequence[tuple[Entry, Construction]],
    statistics: Statistics | None = None,
) -> None:
    """Take verified candidates into the pool and the best of them into the archive; credit who proposed them."""
    kept = state.pool.merge(entry for entry, _ in checked)
    best = state.pool.entries[0].merit if state.pool.entries else NOTHING
    outputs.keep(c for _, c in checked if c.merit >= _archived_from(best))
    if kept and best > state.best_merit:
        new_best(context, state, clock, outputs, max(kept, key=lambda e: e.merit))
    if statistics is not None:
        statistics.new = len(kept)
        _credit(context, state, kept, statistics)


def catch_up(context: Context, state: State, outputs: Outputs) -> None:
    """Offer the best of the pool to the archive once more: it may have been out of reach when they were found."""
    best = state.pool.entries[:_CAUGHT_UP]
    outputs.keep(verified(context, entry) for entry in best if entry.merit >= _archived_from(best[0].merit))


def _archived_from(best: int) -> float:
    """The least merit that the archive takes while `best` is the run's best."""
    return best - _BELOW * abs(best)


def _credit(context: Context, state: State, kept: Sequence[Entry], statistics: Statistics) -> None:
    """Note what every proposer brought in every class, and for how much work; and every improver."""
    for symmetry, arms in state.ledger.records.items():
        for arm, record in arms.items():
            key = symmetry, Origin(arm)
            work = statistics.work.get(key, 0.0)
            if work or record.tried:
                record.note(statistics.hits.get(key, {}), statistics.bests_of.get(key, NOTHING), work)
    if context.settings.improve == "both":
        new = Counter("solver" if e.origin.by_solver else "tabu" for e in kept)
        state.improvers.note(new, statistics.solver_share)
