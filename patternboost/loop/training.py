"""Train: the model learns from the pool, and from seeds of smaller sizes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from patternboost.loop.clock import Clock
from patternboost.loop.context import Context
from patternboost.loop.outputs import Outputs
from patternboost.loop.smaller_sizes import learned_sizes
from patternboost.loop.state import State
from patternboost.loop.statistics import Statistics
from patternboost.model.levels import level_of
from patternboost.model.request import FitRequest
from patternboost.problem.symmetry import align
from patternboost.search.streams import Stream

if TYPE_CHECKING:
    from patternboost.model.tokens import Example

#: share of a generation's time for training, where there is a model
TRAIN_SHARE = 0.05
#: pool members needed before the model trains
_LEAST_EXAMPLES = 20


def train(
    context: Context,
    state: State,
    clock: Clock,
    outputs: Outputs,
    statistics: Statistics,
    length: float,
    share: float = TRAIN_SHARE,
    over: Callable[[], bool] | None = None,
) -> None:
    """Train the model for its share of a generation of `length` seconds, where there is one and enough to learn from.

    The first generation searches at once, even where there are seeds to learn from: the easy scores come in it.
    """
    if state.model is None or state.generation == 0 or clock.ending(length):
        return
    if context.settings.timed and not state.model.ready:  # the cores search until it is
        return
    state.owed = max(0.0, state.owed - share * length)
    learn_from = examples(context, state)
    if state.owed > 0 or len(learn_from) < _LEAST_EXAMPLES:
        return
    began = time.monotonic()
    outputs.progress.phase("train", 1.0)
    request = FitRequest(
        learn_from,
        context.seed(Stream.TRAIN, state.generation),
        over or clock.within(math.inf),
        outputs.progress.at,
        clock.limit(share * length),
    )
    log = state.model.fit(request)
    if log.diverged:
        outputs.progress.say("the model's weights diverged: it begins anew; a smaller learning_rate may help")
    else:
        statistics.note_training(log)
    if context.settings.timed:  # a single step may take longer than a short generation has for training
        state.owed = time.monotonic() - began - share * length


def examples(context: Context, state: State) -> list[Example]:
    """What the pool has that was found outside learned regions, and the seeds of the nearest sizes."""
    from patternboost.model.tokens import Example  # late: only runs with a model need torch

    n, pool = context.instance.n, state.pool.unguided
    merits = {e.merit for e in pool}
    level = {merit: level_of(merit, merits) for merit in merits}
    found = [Example(n, e.symmetry, e.elements, level[e.merit]) for e in pool]
    sizes = learned_sizes(n, state.seeds, context.settings.model)
    for seed in (c for c in state.seeds if c.n in sizes):
        elements = align(seed.instance, seed.instance.to_elements(seed.points), seed.symmetry)
        if elements is not None and len(elements):
            found.append(Example(seed.n, seed.symmetry, elements, 1))  # the best of its size
    return found
