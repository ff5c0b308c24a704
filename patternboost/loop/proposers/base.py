"""What every proposer is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.starts import Start

if TYPE_CHECKING:
    from patternboost.loop.state import State
    from patternboost.model.tokens import Example


@dataclass(frozen=True)
class Budget:
    """What a proposer may spend in one symmetry class, and what it may draw on."""

    #: steps of local search
    steps: float
    #: randomness of this proposer alone
    rng: np.random.Generator
    #: samples of the model for this class, drawn once for all proposers
    samples: Sequence[Example] = ()
    #: whether walks in a region go on around it at the end, which needs the table of the class
    around: bool = False


class Proposer(Protocol):
    """Proposes starts of walks in one symmetry class."""

    #: the origin by which allocator, log and page know it
    origin: Origin

    #: whether its walks need the table of the whole class
    needs_table: bool = True

    def most(self, context: Context) -> float:
        """The most of a class's effort that it may have; how much of that it gets follows what it brings."""
        return 1.0

    def least(self, state: State, symmetry: str) -> float:
        """The least of a class's effort that it has, whatever it brings."""
        return 0.0

    def ready(self, context: Context, state: State, symmetry: str, samples: Sequence[Example]) -> bool:
        """Whether it has anything to propose; it then gets a share of the effort."""

    def propose(self, context: Context, state: State, symmetry: str, budget: Budget) -> list[Start]:
        """Starts for about `budget.steps` steps. What it leaves goes to the proposer that is asked last."""
