"""What a problem is: a family of forbidden k-sets on a ground set, given by a rule, a definition and its sources.

A problem file imports from `patternboost.problem` and defines

* ``complete(n, chosen, out) -> count`` under the decorator `rule`: compiled, exact integers; writes to ``out`` every
  element that together with the k - 1 elements of ``chosen`` is a forbidden set, each once, none of them in ``chosen``;
* for k >= 4, if that is faster, ``conflicts(n, members, element, sign, counts)`` under the decorator `update`: adds
  ``sign`` to ``counts[e]`` for every forbidden set that holds ``element``, ``e`` and otherwise only ``members``;
* ``violation(points)``: from the definition, in plain Python or numpy integers, sharing no code with ``complete``;
  returns one forbidden set as a list of points, or None. This is what the verifier trusts. Where the definition depends
  on the size (on a torus it does) it is ``violation(n, points)``;
* ``PROBLEM = Problem(...)``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np

from patternboost.problem.errors import ProblemError
from patternboost.problem.ground import GRID, Grid, GroundSet, IntArray
from patternboost.problem.rules import Rule, Update

Point = tuple[int, ...]
Violation = Callable[..., "Sequence[Point] | None"]

#: Sizes k of forbidden sets that the engine handles.
SUPPORTED_K = (2, 3, 4, 5)


def require_name(name: str) -> str:
    """`name` if a problem may be called so, else ProblemError."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) or len(name) > 64:
        raise ProblemError(f"problem name {name[:80]!r}: use lower case letters, digits and single hyphens")
    return name


@dataclass(frozen=True)
class Problem:
    """A family of forbidden k-sets, one for every size n."""

    #: short name, as typed on the command line: lower case letters, digits and hyphens
    name: str
    #: one line for lists
    title: str
    #: the definition in a sentence, with its conventions; goes into every certificate
    definition: str
    #: number of elements in a forbidden set
    k: int
    #: compiled completion rule, see the module's docstring
    complete: Rule
    #: independent test from the definition: points -> a forbidden set among them, or None
    violation: Violation
    #: where the problem comes from
    sources: tuple[str, ...]
    ground: GroundSet = GRID
    #: whether forbidden sets stay forbidden when they are moved (on a grid): greedy fill is faster then
    translations: bool = False
    #: an upper bound on the score at size n that is known to hold, where there is one: search stops there
    upper_bound: Callable[[int], int] | None = None
    #: conflict update for k >= 4, see the module's docstring; None: the rule is asked for every k - 2 members
    conflicts: Update | None = None

    def __post_init__(self) -> None:
        require_name(self.name)
        if self.k not in SUPPORTED_K:
            raise ProblemError(f"{self.name}: k = {self.k} is not supported; k must be one of {SUPPORTED_K}")
        for function, decorator in ((self.complete, "rule"), (self.conflicts, "update")):
            if function is not None and not hasattr(function, "py_func") and not numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
                raise ProblemError(f"{self.name}: put @{decorator} above {function.__name__}")
        if self.translations and not isinstance(self.ground, Grid):
            raise ProblemError(f"{self.name}: translations=True is for the n x n grid only")
        taken = len(inspect.signature(self.violation).parameters)
        if taken not in (1, 2):
            raise ProblemError(f"{self.name}: violation takes {taken} arguments; it must be violation(points)")

    @cached_property
    def violation_takes_n(self) -> bool:
        """Whether `violation` is told the size."""
        return len(inspect.signature(self.violation).parameters) == 2

    def at(self, n: int) -> Instance:
        """The problem at size n. Raises ProblemError where n is out of range."""
        least, limit = self.ground.min_n, self.ground.max_n()
        if not least <= n <= limit:
            raise ProblemError(f"{self.name}: n = {n} is out of range; n must be from {least} to {limit}")
        return Instance(self, n)


@dataclass(frozen=True)
class Family:
    """Problems that differ in options. Options are part of the name: `distance-4-5` is `distance` with 4 and 5.

    So certificates, the archive, records and models carry them without more ado.
    """

    #: the name without options, which stands for the default ones
    name: str
    #: the options' text of the default
    default: str
    #: the problem of an options' text; raises ProblemError, in one line, where it cannot be
    variant: Callable[[str], Problem]


@dataclass(frozen=True)
class Instance:
    """A problem at one size n: what is searched, verified and certified."""

    problem: Problem
    n: int

    @property
    def name(self) -> str:
        """The problem's name."""
        return self.problem.name

    @cached_property
    def size(self) -> int:
        """Number of elements of the ground set."""
        return self.problem.ground.size(self.n)

    @cached_property
    def points(self) -> IntArray:
        """Coordinates of the elements, int64, shape (size, dimension)."""
        return self.problem.ground.points(self.n)

    @cached_property
    def point_set(self) -> frozenset[Point]:
        """All points."""
        return frozenset(tuple(row) for row in self.points.tolist())

    @cached_property
    def symmetries(self) -> IntArray:
        """The ground set's symmetries as permutations of the elements, int64, shape (order, size)."""
        return self.problem.ground.symmetries(self.n)

    @cached_property
    def classes(self) -> dict[str, list[IntArray]]:
        """Symmetry classes by name: their generating (partial) maps."""
        return self.problem.ground.classes(self.n)

    def require_class(self, name: str) -> str:
        """`name` if it is a symmetry class here, else ProblemError with the names that would do."""
        if name not in self.classes:
            raise ProblemError(
                f"symmetry class {name!r} is unknown for {self.name} n={self.n}; use one of: "
                + ", ".join(["auto", *self.classes])
            )
        return name

    def to_points(self, elements: IntArray) -> list[Point]:
        """Elements as sorted points."""
        return sorted(tuple(row) for row in self.points[elements].tolist())

    def to_elements(self, points: Sequence[Point]) -> IntArray:
        """Points (all on the ground set) as sorted element numbers."""
        if not points:
            return np.empty(0, np.int64)
        return np.sort(self.problem.ground.elements(self.n, np.asarray(points, np.int64)))

    def violation(self, points: Sequence[Point]) -> list[Point] | None:
        """One forbidden set among `points`, from the definition, or None: the only judge of validity."""
        plain = [tuple(p) for p in points]
        problem = self.problem
        witness = problem.violation(self.n, plain) if problem.violation_takes_n else problem.violation(plain)
        return None if witness is None else [tuple(p) for p in witness]

    @property
    def upper_bound(self) -> int:
        """A score no construction can exceed: the problem's bound, else the size of the ground set."""
        bound = self.problem.upper_bound
        return self.size if bound is None else min(self.size, bound(self.n))

    def __str__(self) -> str:
        return f"{self.name} n={self.n}"
