"""Walks from pool members with a part dropped, in the wide regions: no table of the class is needed for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from typing_extensions import override

from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.pool import Entry
from patternboost.loop.proposers.base import Budget, Proposer
from patternboost.loop.proposers.elites import left_of
from patternboost.loop.proposers.one_region import OneRegion
from patternboost.loop.starts import Start, expected_steps
from patternboost.problem import IntArray
from patternboost.problem.symmetry import class_orbits

if TYPE_CHECKING:
    from patternboost.loop.state import State
    from patternboost.model.tokens import Example


class ElitesInRegion(Proposer):
    """A good set is mostly within the regions that good sets have made, and a walk there takes a third of the time.

    Each walk draws its region from those that there are. What a member has outside of it is dropped, too. Walks from
    the best members find the rarest scores, until they return to what is known: then those from all find more.
    """

    needs_table = False

    def __init__(self, origin: Origin, first: int | None, *regions: OneRegion) -> None:
        """`first`: walks are from so many of the best members, and those as good as the last of them; None: all."""
        self.origin = origin
        self._first = first
        self._regions = regions

    @override
    def most(self, context: Context) -> float:
        return context.settings.elites

    @override
    def ready(self, context: Context, state: State, symmetry: str, samples: Sequence[Example]) -> bool:
        return bool(self._found(context, state, symmetry) and self._members(context, state, symmetry))

    def _found(self, context: Context, state: State, symmetry: str) -> list[IntArray]:
        """The regions that there are."""
        found = [r.inside(context, state, symmetry) for r in self._regions]
        return [inside for inside in found if inside is not None]

    def _members(self, context: Context, state: State, symmetry: str) -> list[Entry]:
        """The members that walks are from, best first."""
        members = state.pool.made_of(class_orbits(context.instance, symmetry), symmetry)
        if self._first is None or len(members) <= self._first:
            return members
        return [member for member in members if member.merit >= members[self._first - 1].merit]

    @override
    def propose(self, context: Context, state: State, symmetry: str, budget: Budget) -> list[Start]:
        orbits, rng = class_orbits(context.instance, symmetry), budget.rng
        elites, regions = self._members(context, state, symmetry), self._found(context, state, symmetry)
        starts: list[Start] = []
        left = budget.steps
        while elites and regions and left > 0:
            inside = regions[int(rng.integers(len(regions)))]
            entry = elites[int(rng.integers(len(elites)))]
            starts.append(Start(left_of(context, orbits, entry, rng), self.origin, inside, member=entry.merit))
            left -= expected_steps(context, symmetry, inside, self.origin)
        return starts
