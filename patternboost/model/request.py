"""What is asked of a generator: to learn from examples, or to draw samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the loop asks, and starts without torch where there is no model
    from patternboost.model.tokens import Example
    from patternboost.search.tables import Table


def _never() -> bool:
    return False


def _silent(share: float) -> None:
    """Report to nobody."""


@dataclass(frozen=True)
class FitRequest:
    """Learn from examples: the configured steps, or for so many seconds; sooner where `over()` says so."""

    examples: Sequence[Example]
    seed: int
    over: Callable[[], bool] = _never
    #: told how far the training is, 0 to 1
    report: Callable[[float], None] = _silent
    seconds: float | None = None
    #: makes an example of the first one's size and class from a seed: every batch has new ones of these, and the
    #: examples only say what they are like
    fresh: Callable[[int], Example] | None = None
    #: tokens of the longest sequence that is to be written, where that is more than the examples show
    longest: int = 0


@dataclass(frozen=True)
class DrawRequest:
    """Draw samples of a size and class; once `over()` says stop only those that have ended come back."""

    n: int
    symmetry: str
    count: int
    seed: int
    #: of the same instance and class: only what keeps the set valid is drawn
    table: Table | None = None
    over: Callable[[], bool] = _never
    temperature: float = 1.0
    #: how good they are to be, where the vocabulary has levels; 0: better than all that the model learned from
    level: int = 0
