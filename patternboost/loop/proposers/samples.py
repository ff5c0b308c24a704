"""Walks from the model's samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from typing_extensions import override

from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.proposers.base import Budget, Proposer
from patternboost.loop.starts import Start, expected_steps

if TYPE_CHECKING:
    from patternboost.loop.state import State
    from patternboost.model.tokens import Example


class Samples(Proposer):
    """A walk from each sample."""

    origin = Origin.MODEL

    @override
    def most(self, context: Context) -> float:
        return context.settings.model_share

    @override
    def ready(self, context: Context, state: State, symmetry: str, samples: Sequence[Example]) -> bool:
        return bool(samples)

    @override
    def propose(self, context: Context, state: State, symmetry: str, budget: Budget) -> list[Start]:
        count = round(budget.steps / expected_steps(context, symmetry))
        return [Start(sample.elements, self.origin) for sample in budget.samples[:count]]
