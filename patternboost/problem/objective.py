"""What is forbidden, and what counts: the parts that a problem is made of."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from patternboost.problem.errors import ProblemError
from patternboost.problem.rules import Difference, Measure, Rule, Update

Point = tuple[int, ...]


@dataclass(frozen=True)
class Forbidden:
    """The forbidden sets of one size: what `complete` says, and `conflicts` where that is faster."""

    #: number of elements in a forbidden set
    k: int
    #: compiled completion rule, under the decorator `rule`
    complete: Rule
    #: conflict update, under the decorator `update`; None: the rule is asked for every k - 2 members
    conflicts: Update | None = None


@dataclass(frozen=True)
class Objective:
    """An exact value to make large or small, in place of the number of elements.

    Values are whole numbers, 0 or more. A value that is a fraction is counted in parts of `unit`: with unit 12 the
    value 7 stands for 7/12. A real number has to be bounded by such a fraction, exactly.
    """

    #: the value of points from the definition, in plain Python: judge(points) or judge(n, points). None: the points are
    #: no construction (a graph that should be connected is not, say). The verifier trusts it alone.
    judge: Callable[..., int | None]
    #: the value for the search: value(n, members, count), under the decorator `measure`; None: the number of elements
    value: Measure | None = None
    #: whether small values are wanted
    minimise: bool = False
    #: how much an element adds: change(n, members, count, element), under the decorator `difference`
    change: Difference | None = None
    #: how far a set is from one that counts, 0 where it does: excess(n, members, count), under the decorator `measure`
    excess: Measure | None = None
    #: what one is divided into
    unit: int = 1
    #: what the value is called where scores are told, "permanent" say
    name: str = "value"

    @cached_property
    def judge_takes_n(self) -> bool:
        """Whether `judge` is told the size."""
        return len(inspect.signature(self.judge).parameters) == 2

    def __post_init__(self) -> None:
        taken = list(inspect.signature(self.judge).parameters) if callable(self.judge) else []
        if len(taken) not in (1, 2) or (len(taken) == 2 and taken[0] != "n"):
            raise ProblemError(f"judge({', '.join(taken)}) must be judge(points), or judge(n, points)")
        if self.unit < 1:
            raise ProblemError(f"unit = {self.unit}: it must be 1 or more")

    def judged(self, n: int, points: Sequence[Point]) -> int | None:
        """The value by the definition; None: the points are no construction."""
        return self.judge(n, list(points)) if self.judge_takes_n else self.judge(list(points))
