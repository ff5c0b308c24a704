"""Walks from nothing in regions of the model: the orbits it expects most often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from typing_extensions import override

from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.proposers.base import Budget, Proposer
from patternboost.loop.regions import expected_density, region
from patternboost.loop.starts import Start, starts_in
from patternboost.problem.symmetry import class_orbits

if TYPE_CHECKING:
    from patternboost.loop.state import State
    from patternboost.model.tokens import Example

#: regions per class and generation, each from its part of the samples: one region has only so many good sets in it
REGIONS = 4
#: samples that regions are made from, at least, where the model can give them
SAMPLES = 50 * REGIONS


class ModelRegions(Proposer):
    """A region from each of a few parts of the samples. Not for forbidden sets of four and more."""

    origin = Origin.MODEL_REGION
    needs_table = False

    @override
    def most(self, context: Context) -> float:
        return context.settings.regions

    @override
    def ready(self, context: Context, state: State, symmetry: str, samples: Sequence[Example]) -> bool:
        return context.settings.regions > 0 and context.instance.problem.by_rows and bool(samples)

    @override
    def propose(self, context: Context, state: State, symmetry: str, budget: Budget) -> list[Start]:
        if state.model is None:
            return []
        orbits = class_orbits(context.instance, symmetry)
        parts = [budget.samples[i::REGIONS] for i in range(REGIONS) if len(budget.samples) > i]
        starts: list[Start] = []
        for part in parts:
            orbits_of = region(expected_density(state.model, orbits, part), context.settings.region_mass)
            steps = budget.steps / len(parts)
            starts += starts_in(context, symmetry, orbits_of, self.origin, steps, budget.around)
        return starts
