"""Walks from pool members: with a random part dropped, or as they are with their symmetry relaxed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from typing_extensions import override

from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.pool import Entry
from patternboost.loop.proposers.base import Budget, Proposer
from patternboost.loop.proposers.inner_board import inner_region
from patternboost.loop.starts import Start, expected_steps
from patternboost.problem import IntArray
from patternboost.problem.symmetry import Orbits, class_orbits

if TYPE_CHECKING:
    from patternboost.loop.state import State
    from patternboost.model.tokens import Example


#: of the walks in a class that has an inner board, the share that stay on it
_INNER = 0.75


class Elites(Proposer):
    """Pool members that the class can hold: its own, and more symmetric ones whose symmetry it relaxes."""

    origin = Origin.ELITE

    @override
    def most(self, context: Context) -> float:
        return context.settings.elites

    @override
    def ready(self, context: Context, state: State, symmetry: str, samples: Sequence[Example]) -> bool:
        return bool(state.pool.made_of(class_orbits(context.instance, symmetry), symmetry))

    @override
    def propose(self, context: Context, state: State, symmetry: str, budget: Budget) -> list[Start]:
        orbits = class_orbits(context.instance, symmetry)
        elites = state.pool.made_of(orbits, symmetry)
        inner, starts = inner_region(context, symmetry), []
        for _ in range(round(budget.steps / expected_steps(context, symmetry))):
            entry = elites[int(budget.rng.integers(len(elites)))]
            region = inner if budget.rng.random() < _INNER else None
            if entry.symmetry != symmetry:
                starts.append(Start(entry.elements, Origin.RELAXED, region, member=entry.merit))
                continue
            starts.append(Start(left_of(context, orbits, entry, budget.rng), self.origin, region, member=entry.merit))
        return starts


def left_of(context: Context, orbits: Orbits, entry: Entry, rng: np.random.Generator) -> IntArray:
    """The elements of a pool member of a class's orbits without a random part of them, ascending."""
    chosen = np.unique(orbits.orbit_of[entry.elements])
    kept = len(chosen) - round(context.settings.shake * len(chosen))
    return orbits.expand(np.sort(rng.choice(chosen, size=kept, replace=False)))
