"""Propose: the starts of a generation's walks, class by class, from every proposer that is ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from patternboost.loop.aligning import ALIGN_SHARE, align
from patternboost.loop.allocator import proposer_policy
from patternboost.loop.clock import Clock
from patternboost.loop.context import Context
from patternboost.loop.origins import GUIDED, Origin
from patternboost.loop.outputs import Outputs
from patternboost.loop.proposers import proposers_of
from patternboost.loop.proposers.base import Budget
from patternboost.loop.proposers.model_regions import SAMPLES
from patternboost.loop.starts import Start, expected_steps, goes_around
from patternboost.loop.state import State
from patternboost.loop.statistics import Statistics
from patternboost.loop.tables import affords_table, class_table
from patternboost.model.request import DrawRequest
from patternboost.problem.symmetry import canonical_key
from patternboost.search.streams import Stream

if TYPE_CHECKING:
    from patternboost.model.tokens import Example

#: share of a generation's time for sampling, where there is a model
SAMPLE_SHARE = 0.05


@dataclass(frozen=True)
class Proposal:
    """The starts of one symmetry class, and the class's share of the effort."""

    symmetry: str
    share: float
    starts: list[Start]


@dataclass(frozen=True)
class ClassWork:
    """A symmetry class in a generation: its number there, its steps, and whether it has most of the effort."""

    symmetry: str
    index: int
    steps: float
    leads: bool


def propose(
    context: Context,
    state: State,
    clock: Clock,
    outputs: Outputs,
    statistics: Statistics,
    length: float,
    classes: Mapping[str, float],
    beside: bool = False,
) -> list[Proposal]:
    """Starts for every class by its share; no more samples are drawn once sampling has had its time.

    With a model that works beside the search the samples are those that it handed over.
    """
    handed = state.handed if beside else None
    if handed is not None:
        statistics.take_learned(handed.learned)
    over = clock.within((SAMPLE_SHARE + (ALIGN_SHARE if context.settings.align != "none" else 0.0)) * length)
    found: list[Proposal] = []
    widest = 0.0
    most = max(classes.values(), default=0.0)
    for index, (symmetry, share) in enumerate(classes.items()):
        steps = share * state.work
        samples: list[Example] = []
        if beside:
            samples = [] if handed is None else handed.samples.get(symmetry, [])
        elif statistics.train is not None and not over():
            of = ClassWork(symmetry, index, steps, share == most)
            drawn = draw(context, state, clock, outputs, statistics, of, over, length)
            if drawn is None:  # it was time to stop before the class's table was built
                break
            samples = drawn
        if samples and share > widest:
            widest, state.sample = share, max(samples, key=lambda sample: len(sample.elements))
        found.append(Proposal(symmetry, share, starts_of(context, state, symmetry, index, steps, samples)))
    state.temperature.note(statistics.novel, statistics.sampled - statistics.malformed - statistics.empty)
    return found


def starts_of(
    context: Context, state: State, symmetry: str, index: int, steps: float, samples: Sequence[Example]
) -> list[Start]:
    """The starts of one class for about so many steps, from all proposers by their shares, in random order."""
    ready = {p.origin: p for p in proposers_of(context) if p.ready(context, state, symmetry, samples)}
    light = {origin: p for origin, p in ready.items() if not p.needs_table}
    table = not light or affords_table(context, state, symmetry, steps)
    ready = ready if table else light
    around = table and goes_around(context, state, symmetry)
    most = {str(origin): p.most(context) for origin, p in ready.items() if p.most(context) > 0}
    rng = np.random.default_rng(context.seed(Stream.PROPOSE, state.generation, index))
    least = {str(origin): p.least(state, symmetry) for origin, p in ready.items()}
    shares = proposer_policy(state.ledger[symmetry], most, least, GUIDED, context.settings.regions, rng)
    starts: list[Start] = []
    left = steps
    for number, (origin, proposer) in enumerate(ready.items()):
        own = np.random.default_rng(context.seed(Stream.PROPOSE, state.generation, index, number))
        whole = origin is Origin.RANDOM  # asked last: what the others left is its own
        budget = Budget(left if whole else shares.get(origin, 0.0) * steps, own, samples, around)
        proposed = proposer.propose(context, state, symmetry, budget)
        left -= sum(expected_steps(context, symmetry, s.region, s.origin) for s in proposed)
        starts += proposed
    return [starts[i] for i in rng.permutation(len(starts))]


def can_draw(context: Context, state: State, symmetry: str, steps: float) -> bool:
    """Whether a model is asked for samples of a class that gets so many steps."""
    return _wanted(context, symmetry, steps) > 0 and affords_table(context, state, symmetry, steps)


def _wanted(context: Context, symmetry: str, steps: float) -> int:
    """Samples that a class's proposers can use."""
    s = context.settings
    guided = s.regions > 0 and context.instance.problem.by_rows
    walks = max(1, round(steps * (1 - s.regions if guided else 1.0) / expected_steps(context, symmetry)))
    return max(round(walks * s.model_share), SAMPLES if guided else 0)


def draw(
    context: Context,
    state: State,
    clock: Clock,
    outputs: Outputs,
    statistics: Statistics,
    of: ClassWork,
    over: Callable[[], bool],
    length: float,
) -> list[Example] | None:
    """Samples of a class, or None where it was time to stop before its table was built."""
    from patternboost.model.tokens import Example  # late: only runs with a model need torch

    symmetry = of.symmetry
    if state.model is None or not can_draw(context, state, symmetry, of.steps):
        return []
    instance, masked = context.instance, context.settings.mask
    outputs.progress.phase(f"sample {symmetry}", 1.0)
    table = class_table(context, outputs, statistics, symmetry, clock.stop) if masked else None
    if masked and table is None:
        return None
    if table is not None and of.leads and context.settings.align != "none":
        with statistics.phase("align"):
            align(context, state, clock, outputs, statistics, table, over, length)
    seed = context.seed(Stream.SAMPLE, state.generation, of.index)
    temperature = state.temperature.value
    wanted = _wanted(context, symmetry, of.steps)
    drawn = state.model.sample(DrawRequest(instance.n, symmetry, wanted, seed, table, over, temperature))
    statistics.note_samples(len(drawn.sets), drawn.malformed, drawn.empty, temperature)
    statistics.novel += len({canonical_key(instance, s) for s in drawn.sets} - state.pool.keys)
    return [Example(instance.n, symmetry, elements) for elements in drawn.sets]
