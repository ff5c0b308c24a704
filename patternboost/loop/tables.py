"""The table of a class, built where it is not at hand, with its progress told."""

from __future__ import annotations

from collections.abc import Callable

from patternboost.loop.context import Context
from patternboost.loop.outputs import Outputs
from patternboost.loop.statistics import Statistics
from patternboost.search.memory import Building, Interrupted
from patternboost.search.tables import Table
from patternboost.search.tasks import prepare


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
