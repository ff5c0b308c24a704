"""Walks from nothing in one region, whatever points it out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from typing_extensions import override

from patternboost.loop.context import Context
from patternboost.loop.proposers.base import Budget, Proposer
from patternboost.loop.starts import Start, starts_in
from patternboost.problem import IntArray

if TYPE_CHECKING:
    from patternboost.loop.state import State
    from patternboost.model.tokens import Example


class OneRegion(Proposer):
    """The wider its region, the more different sets it holds, and the slower its walks are: each width is an arm."""

    needs_table = False

    @abstractmethod
    def inside(self, context: Context, state: State, symmetry: str) -> IntArray | None:
        """The region's orbits (int64, ascending); None where none is wanted or there is none that tells something."""

    @override
    def most(self, context: Context) -> float:
        return context.settings.regions

    @override
    def ready(self, context: Context, state: State, symmetry: str, samples: Sequence[Example]) -> bool:
        return self.inside(context, state, symmetry) is not None

    @override
    def propose(self, context: Context, state: State, symmetry: str, budget: Budget) -> list[Start]:
        inside = self.inside(context, state, symmetry)
        return [] if inside is None else starts_in(context, symmetry, inside, self.origin, budget.steps, budget.around)
