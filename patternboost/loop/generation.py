"""One generation, which is the whole method: train, propose, search, verify, keep.

A model with a device of its own trains and draws for the next generation while this one searches.
"""

from __future__ import annotations

from contextlib import nullcontext

from patternboost.loop.beside import learning_beside, works_beside
from patternboost.loop.classes import class_shares
from patternboost.loop.clock import Clock
from patternboost.loop.context import Context
from patternboost.loop.keeping import keep, verify
from patternboost.loop.outputs import Outputs
from patternboost.loop.proposing import SAMPLE_SHARE, can_draw, propose
from patternboost.loop.searching import search
from patternboost.loop.state import State
from patternboost.loop.statistics import Statistics
from patternboost.loop.training import TRAIN_SHARE, train


def run_generation(context: Context, state: State, clock: Clock, outputs: Outputs) -> Statistics | None:
    """Do the state's next generation; None where it was cut short and has to be done again, to the same end."""
    settings, length = context.settings, clock.generation_length()
    statistics = Statistics(bests=outputs.bests)
    of = f" of {settings.generations}" if settings.generations else ""
    outputs.progress.frame(f"generation {state.generation}{of}", clock.expected_end(state.generation))

    classes = class_shares(context, state)
    # What it learns is of use once samples are drawn; large boards have no time for a class's table at first.
    drawn_from = (can_draw(context, state, name, share * state.work) for name, share in classes.items())
    learns = state.model is not None and any(drawn_from)
    beside = works_beside(context, state)
    if learns and not beside:
        with statistics.phase("train"):
            train(context, state, clock, outputs, statistics, length)
    with statistics.phase("sample"):
        proposals = propose(context, state, clock, outputs, statistics, length, classes, beside)
    if state.model is not None and learns and state.generation > 0:  # a short search ends before
        state.model.prepare()
    learning = learning_beside(context, state, clock, outputs, proposals, length) if beside else nullcontext()
    with statistics.phase("search"), learning:
        found = search(context, state, clock, outputs, statistics, proposals, length)
    with statistics.phase("verify"):
        checked = verify(context, state, found)
        keep(context, state, clock, outputs, checked, statistics)

    if clock.stop() and not settings.timed:
        return None
    state.generation += 1
    if settings.timed and statistics.seconds["search"] > 0:  # the next one takes as many steps as fit its time
        share = 1.0 if beside or not learns else 1 - TRAIN_SHARE - SAMPLE_SHARE
        rate = statistics.steps / statistics.seconds["search"]
        state.work = max(rate * length * share, state.work / 4)
    return statistics
