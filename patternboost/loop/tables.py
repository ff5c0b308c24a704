"""The table of a class: whether it is worth its price, and built where it is not at hand, with its progress told."""

from __future__ import annotations

from collections.abc import Callable

from patternboost.loop.allocator import AFFORDABLE, earned_by
from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.outputs import Outputs
from patternboost.loop.proposers import proposers_of
from patternboost.loop.state import State
from patternboost.loop.statistics import Statistics
from patternboost.search.memory import Building, Interrupted
from patternboost.search.tables import Table
from patternboost.search.tasks import prepare, table_at_hand, table_steps


def affords_table(context: Context, state: State, symmetry: str, steps: float) -> bool:
    """Whether walks that need the table of a class may be proposed, where there are others.

    It is at hand, or costs no more than half of what the class gets now; once it was used, no more than the walks that
    need it have earned of that. Where the clock does not decide, or workers have a memory of their own, it is at hand
    once it was used.
    """
    settings, records = context.settings, state.ledger[symmetry]
    cost, earned = table_steps(context.instance, symmetry), 0.5
    if records[Origin.RANDOM].tried:
        if not settings.timed or settings.backend != "threading":
            return True
        if table_at_hand(context.instance, symmetry, settings.memory_bytes):
            return True
        earned = earned_by(records, [p.origin for p in proposers_of(context) if p.needs_table])
    return cost <= max(AFFORDABLE, earned * steps)


def class_table(
    context: Context, outputs: Outputs, statistics: Statistics, symmetry: str, stopped: Callable[[], bool]
) -> Table | None:
    """The table of a class, or None where it was time to stop before it was built."""
    s = context.settings

    def tell(share: float) -> None:
        outputs.progress.aside(f"table of {symmetry}", share)

    try:
        with statistics.phase("tables"):
            return prepare(context.instance, symmetry, Building(s.memory_bytes, s.jobs, stopped, tell)).table
    except Interrupted:
        return None
