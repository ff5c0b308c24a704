"""Walks from constructions of other sizes, embedded or cut; in the first generation only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from typing_extensions import override

from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.proposers.base import Budget, Proposer
from patternboost.loop.seeding import embeddings
from patternboost.loop.starts import Start, expected_steps
from patternboost.problem import IntArray
from patternboost.problem.symmetry import class_orbits

if TYPE_CHECKING:
    from patternboost.loop.state import State
    from patternboost.model.tokens import Example


class Seeds(Proposer):
    """Each seed in each of its placements is a start, in random order, as far as the effort goes."""

    origin = Origin.SEED

    @override
    def most(self, context: Context) -> float:
        return 0.5

    @override
    def ready(self, context: Context, state: State, symmetry: str, samples: Sequence[Example]) -> bool:
        return state.generation == 0 and bool(self._usable(context, state, symmetry))

    @override
    def propose(self, context: Context, state: State, symmetry: str, budget: Budget) -> list[Start]:
        usable = self._usable(context, state, symmetry)
        count = max(1, round(budget.steps / expected_steps(context, symmetry)))
        return [Start(usable[i], self.origin) for i in budget.rng.permutation(len(usable))[:count]]

    @staticmethod
    def _usable(context: Context, state: State, symmetry: str) -> list[IntArray]:
        orbits = class_orbits(context.instance, symmetry)
        placed = (s for seed in state.seeds for s in embeddings(context.instance, seed))
        return [s for s in placed if len(orbits.project(s))]
