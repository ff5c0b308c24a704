"""Walks from nothing in the region that is counted in the pool: the orbits that its members hold most often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from typing_extensions import override

from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.proposers.base import Budget, Proposer
from patternboost.loop.regions import marginal_frequencies, region
from patternboost.loop.starts import NOTHING, Start, expected_steps, goes_around
from patternboost.problem import IntArray
from patternboost.problem.symmetry import class_orbits
from patternboost.store.settings import TRANSFORMERS

if TYPE_CHECKING:
    from patternboost.loop.state import State
    from patternboost.model.tokens import Example

#: pool members of a class that counting asks for
LEAST = 20


class CountedRegion(Proposer):
    """Beside a transformer's regions; the members that count were found outside learned regions."""

    origin = Origin.COUNTED_REGION
    needs_table = False

    @override
    def most(self, context: Context) -> float:
        return context.settings.regions

    @override
    def ready(self, context: Context, state: State, symmetry: str, samples: Sequence[Example]) -> bool:
        s = context.settings
        wanted = s.regions > 0 and s.count_regions and s.model in TRANSFORMERS and context.instance.problem.by_rows
        return wanted and len(_members(state, symmetry)) >= LEAST

    @override
    def propose(self, context: Context, state: State, symmetry: str, budget: Budget) -> list[Start]:
        orbits = class_orbits(context.instance, symmetry)
        density = marginal_frequencies(context.instance, orbits, _members(state, symmetry))
        counted = region(density, context.settings.region_mass)
        walks = budget.steps / expected_steps(context, symmetry, counted)
        return [Start(NOTHING, self.origin, counted, goes_around(context, state, symmetry))] * round(walks)


def _members(state: State, symmetry: str) -> list[IntArray]:
    return [e.elements for e in state.pool.unguided if e.symmetry == symmetry]
