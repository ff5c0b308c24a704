"""Walks from nothing over all orbits of the class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from typing_extensions import override

from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.proposers.base import Budget, Proposer
from patternboost.loop.starts import NOTHING, Start, expected_steps

if TYPE_CHECKING:
    from patternboost.loop.state import State
    from patternboost.model.tokens import Example


class WholeBoard(Proposer):
    """Ready where the class's table is: it is asked last and takes what the others leave."""

    origin = Origin.RANDOM

    @override
    def ready(self, context: Context, state: State, symmetry: str, samples: Sequence[Example]) -> bool:
        return True

    @override
    def propose(self, context: Context, state: State, symmetry: str, budget: Budget) -> list[Start]:
        count = max(1, round(budget.steps / expected_steps(context, symmetry)))
        return [Start(NOTHING, self.origin)] * count
