"""Walks from constructions of other sizes, embedded or cut; in the first generation only."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from cachetools import LRUCache, cached
from typing_extensions import override

from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.proposers.base import Budget, Proposer
from patternboost.loop.seeding import embeddings
from patternboost.loop.smaller_sizes import by_seeds
from patternboost.loop.starts import Start, expected_steps
from patternboost.problem import Instance, IntArray
from patternboost.problem.symmetry import class_orbits
from patternboost.store.construction import Construction

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
        if state.generation > 0:
            return False
        orbits = class_orbits(context.instance, symmetry)
        return any(len(orbits.project(s)) for s in _placed(context.instance, state.seeds))

    @override
    def propose(self, context: Context, state: State, symmetry: str, budget: Budget) -> list[Start]:
        placed, orbits = _placed(context.instance, state.seeds), class_orbits(context.instance, symmetry)
        usable = (placed[i] for i in budget.rng.permutation(len(placed)) if len(orbits.project(placed[i])))
        count = max(1, round(budget.steps / expected_steps(context, symmetry)))
        return [Start(elements, self.origin) for elements in islice(usable, count)]


@cached(LRUCache(1), key=by_seeds)  # asked for every class
def _placed(instance: Instance, seeds: Sequence[Construction]) -> list[IntArray]:
    """Every seed in each of its placements."""
    return [elements for seed in seeds for elements in embeddings(instance, seed)]
