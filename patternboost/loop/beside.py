"""Beside, not in turn: the model trains and samples in a thread of its own while the cores search.

For a model that has a device of its own, or a core to spare. What a generation's search is given was drawn while the
one before searched; what is learned meanwhile comes from the pool as it was. So with a budget in generations the order
is fixed, and a run that is resumed ends as one that was not stopped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from patternboost.loop.clock import Clock
from patternboost.loop.context import Context
from patternboost.loop.handed import Handed
from patternboost.loop.outputs import Outputs
from patternboost.loop.proposing import ClassWork, Proposal, draw
from patternboost.loop.state import State
from patternboost.loop.statistics import Statistics
from patternboost.loop.training import train
from patternboost.search.progress import Progress

if TYPE_CHECKING:
    from patternboost.model.tokens import Example

#: share of a generation's time for training; the rest of it is for sampling
_TRAIN = 0.6


def works_beside(context: Context, state: State) -> bool:
    """Whether this run's model works beside its search."""
    wanted = context.settings.beside
    return state.model is not None and (wanted == "yes" or (wanted == "auto" and state.model.apart))


@contextmanager
def learning_beside(
    context: Context, state: State, clock: Clock, outputs: Outputs, proposals: Sequence[Proposal], length: float
) -> Iterator[None]:
    """Train and sample as long as the block runs, under a time budget; else until both are done. `state.handed` has it.

    Raises what the model raised.
    """
    searched = threading.Event()
    raised: list[BaseException] = []
    made: list[Handed] = []

    def over() -> bool:
        return clock.stop() or (context.settings.timed and searched.is_set())

    def work() -> None:
        try:
            made.append(_learn(context, state, clock, replace(outputs, progress=Progress()), proposals, length, over))
        except BaseException as error:  # handed on to the thread that waits
            raised.append(error)

    thread = threading.Thread(target=work, name="learning beside the search", daemon=True)
    thread.start()
    try:
        yield
    finally:
        searched.set()
        thread.join()
    if raised:
        raise raised[0]
    state.handed = made[0]


def _learn(
    context: Context,
    state: State,
    clock: Clock,
    outputs: Outputs,
    proposals: Sequence[Proposal],
    length: float,
    over: Callable[[], bool],
) -> Handed:
    """Training, then samples of every class that was searched."""
    statistics = Statistics()
    train(context, state, clock, outputs, statistics, length, _TRAIN, over)
    samples: dict[str, list[Example]] = {}
    if statistics.train is not None:
        most = max((p.share for p in proposals), default=0.0)
        for index, proposal in enumerate(proposals):
            if over():
                break
            of = ClassWork(proposal.symmetry, index, proposal.share * state.work, proposal.share == most)
            drawn = draw(context, state, clock, outputs, statistics, of, over, length)
            if drawn is None:
                break
            samples[proposal.symmetry] = drawn
    return Handed(samples, statistics.learned())
