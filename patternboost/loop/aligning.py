"""Align: the model learns from what its samples are worth, in the class that has most of the effort."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from patternboost.loop.clock import Clock
from patternboost.loop.context import Context
from patternboost.loop.outputs import Outputs
from patternboost.loop.starts import effort
from patternboost.loop.state import State
from patternboost.loop.statistics import Statistics
from patternboost.problem import IntArray
from patternboost.problem.base import MOST, NOTHING
from patternboost.search.streams import Stream
from patternboost.search.tables import Table
from patternboost.search.tasks import Effort, Task, run_task

if TYPE_CHECKING:
    from patternboost.model.alignment import Reward

#: share of a generation's time for alignment
ALIGN_SHARE = 0.05


def align(
    context: Context,
    state: State,
    clock: Clock,
    outputs: Outputs,
    statistics: Statistics,
    table: Table,
    over: Callable[[], bool],
    length: float,
) -> None:
    """Align the model in a table's class for its share of a generation of `length` seconds."""
    s = context.settings
    if state.model is None:
        return
    from patternboost.model.alignment import AlignRequest, AlignSettings  # late: only runs with a model need torch

    symmetry = table.symmetry
    outputs.progress.phase(f"align {symmetry}", 1.0)
    request = AlignRequest(
        context.instance.n,
        symmetry,
        table,
        reward_of(context, symmetry),
        context.seed(Stream.ALIGN, state.generation),
        over,
        outputs.progress.at,
        clock.limit(ALIGN_SHARE * length),
    )
    log = state.model.align(request, AlignSettings(s.align, s.align_steps))
    if log is not None:
        statistics.note_alignment(log.means, log.bests)


def reward_of(context: Context, symmetry: str) -> Reward:
    """The merits of samples of a class: as they are, or after a local search, as the settings say."""
    instance, searched = context.instance, context.settings.align_reward == "search"
    how = effort(context, symmetry) if searched else Effort(1, 1)

    def reward(sets: Sequence[IntArray]) -> NDArray[np.float64]:
        outcomes = run_task(Task(instance, symmetry, tuple(sets), how, context.settings.seed, MOST))
        merits = np.array([o.after if searched else o.before for o in outcomes], np.float64)
        # What does not count is worth a little less than the worst that does.
        counts = merits > NOTHING
        merits[~counts] = merits[counts].min(initial=0.0) - 1
        return merits

    return reward
