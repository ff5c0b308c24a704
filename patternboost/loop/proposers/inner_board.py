"""Walks from nothing on the inner board of a class, where it has one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from typing_extensions import override

from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.proposers.base import Budget, Proposer
from patternboost.loop.starts import NOTHING, Start, expected_steps
from patternboost.problem import IntArray
from patternboost.problem.symmetry import inner_board
from patternboost.search.region_cache import fits

if TYPE_CHECKING:
    from patternboost.loop.state import State
    from patternboost.model.tokens import Example

#: the least of a class's effort that walks here have, once the class had so many seconds of workers (or million steps,
#: where the clock may not decide); before that a part of it
_LEAST, _FROM = 0.25, 100.0


class InnerBoard(Proposer):
    """Elements that no map moves come cheaply, one at a time, and then block whole orbits: here they come last.

    The inner board is a region like others, of all orbits that every map moves, and needs no table of the class.
    """

    origin = Origin.INNER_BOARD
    needs_table = False

    @override
    def least(self, state: State, symmetry: str) -> float:
        """It finds good sets less often than regions do, which come first, but the very best ones more often.

        Its rates of good ones do not tell that (docs/LOG.md, "Ten minutes at n = 64").
        """
        return _LEAST * min(1.0, state.ledger.total(symmetry).work / _FROM)

    @override
    def ready(self, context: Context, state: State, symmetry: str, samples: Sequence[Example]) -> bool:
        return inner_region(context, symmetry) is not None

    @override
    def propose(self, context: Context, state: State, symmetry: str, budget: Budget) -> list[Start]:
        inner = inner_region(context, symmetry)
        walks = max(1, round(budget.steps / expected_steps(context, symmetry, inner, self.origin)))
        return [Start(NOTHING, self.origin, inner, budget.around)] * walks


def inner_region(context: Context, symmetry: str) -> IntArray | None:
    """The orbits of the inner board (int64), where there is one and its bitmaps fit the memory."""
    inner, instance = inner_board(context.instance, symmetry), context.instance
    if inner is None or not fits(instance, inner, context.settings.memory_bytes):
        return None
    return inner
