"""Walks from nothing over all orbits of the class, or over its inner board."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from typing_extensions import override

from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.proposers.base import Budget, Proposer
from patternboost.loop.starts import NOTHING, Start, expected_steps
from patternboost.problem import IntArray
from patternboost.problem.symmetry import inner_board

if TYPE_CHECKING:
    from patternboost.loop.state import State
    from patternboost.model.tokens import Example

#: of the walks on the whole board, the share that stay on the class's inner board where it has one: elements that no
#: map moves come cheaply, one at a time, and then block whole orbits (docs/LOG.md)
_INNER = 0.75


class WholeBoard(Proposer):
    """Always ready where the class's table is: it is asked last and takes what the others leave."""

    origin = Origin.RANDOM

    @override
    def ready(self, context: Context, state: State, symmetry: str, samples: Sequence[Example]) -> bool:
        return True

    @override
    def propose(self, context: Context, state: State, symmetry: str, budget: Budget) -> list[Start]:
        count = max(1, round(budget.steps / expected_steps(context, symmetry)))
        return [Start(NOTHING, self.origin, maybe_inner(context, symmetry, budget.rng)) for _ in range(count)]


def maybe_inner(context: Context, symmetry: str, rng: np.random.Generator) -> IntArray | None:
    """The orbits of the inner board for three walks of four, where the class has one; else None: all orbits."""
    if context.instance.problem.k > 3:
        return None
    inner = inner_board(context.instance, symmetry)
    return inner if inner is not None and rng.random() < _INNER else None
