"""What a problem is: a ground set, what is forbidden on it or what counts, the definition, and its sources.

A problem file imports from `patternboost.problem` and defines

* ``complete(n, chosen, out) -> count`` under the decorator `rule`: compiled, exact integers; writes to ``out`` every
  element that together with the k - 1 elements of ``chosen`` is a forbidden set, each once, none of them in ``chosen``;
* for k >= 4, if that is faster, ``conflicts(n, members, element, sign, counts)`` under the decorator `update`: adds
  ``sign`` to ``counts[e]`` for every forbidden set that holds ``element``, ``e`` and otherwise only ``members``;
* ``violation(points)``: from the definition, in plain Python or numpy integers, sharing no code with ``complete``;
  returns one forbidden set as a list of points, or None. This is what the verifier trusts. Where the definition depends
  on the size (on a torus it does) it is ``violation(n, points)``;
* ``PROBLEM = Problem(...)``.

Forbidden sets of several sizes are given as ``forbidden=(Forbidden(3, ...), Forbidden(4, ...))``. A value other than
the number of elements is an `Objective`; a problem may have that and forbidden sets, or one of them.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numba
import numpy as np

from patternboost.problem.errors import ProblemError, likely
from patternboost.problem.ground import GRID, BoardSize, Grid, GroundSet, IntArray, sides, size_of
from patternboost.problem.ground.base import generated
from patternboost.problem.objective import Forbidden, Objective
from patternboost.problem.objective import Point as Point
from patternboost.problem.rules import Rule, Update

Violation = Callable[..., "Sequence[Point] | None"]

#: Sizes k of forbidden sets that the engine handles.
SUPPORTED_K = (2, 3, 4, 5, 6)
#: No merit is as high as this, and none as low as its negative, which stands for a set that is no construction.
MOST = 1 << 62
NOTHING = -MOST


def require_name(name: str) -> str:
    """`name` if a problem may be called so, else ProblemError."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) or len(name) > 64:
        raise ProblemError(f"problem name {name[:80]!r}: use lower case letters, digits and single hyphens")
    return name


def fields_of(value: Any) -> dict[str, Any]:
    """What a dataclass is pickled as: its fields, and nothing that was worked out from them.

    That could change while another thread pickles it for a worker.
    """
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


@dataclass(frozen=True)
class Problem:
    """What is asked, for every size n: the largest set without a forbidden one, or the set of the best value."""

    #: short name, as typed on the command line: lower case letters, digits and hyphens
    name: str
    #: one line for lists
    title: str
    #: the definition in a sentence, with its conventions; goes into every certificate
    definition: str
    #: number of elements in a forbidden set: the most where there are several sizes, 0 where nothing is forbidden
    k: int = 0
    #: compiled completion rule, see the module's docstring
    complete: Rule | None = None
    #: independent test from the definition: points -> a forbidden set among them, or None
    violation: Violation | None = None
    #: where the problem comes from
    sources: tuple[str, ...] = ()
    ground: GroundSet = GRID
    #: whether forbidden sets stay forbidden when they are moved (on a grid): greedy fill is faster then
    translations: bool = False
    #: an upper bound on the score at size n that is known to hold, where there is one: search stops there. Where small
    #: scores are wanted it is a lower bound
    upper_bound: Callable[[int], int] | None = None
    #: conflict update for k >= 4, see the module's docstring; None: the rule is asked for every k - 2 members
    conflicts: Update | None = None
    #: forbidden sets of several sizes, in place of `k`, `complete` and `conflicts`
    forbidden: tuple[Forbidden, ...] = ()
    #: the value that counts in place of the number of elements
    objective: Objective | None = None
    #: whether the smallest maximal sets are asked for: every element outside completes a forbidden set
    smallest_maximal: bool = False
    #: the symmetries that preserve what is forbidden and what counts: "all" of the ground set's, "none", or those that
    #: some of them generate, by the names of classes or of `Grid.NAMES`
    symmetries: str | tuple[str, ...] = "all"
    #: `violation` once more in the standard library alone, where that uses numpy: for `export --format checker`
    plain: Violation | None = None
    #: whether boards that are no squares are meant too (on the grid): rules then use `height(n)` and `width(n)`
    boards: bool = False

    def __getstate__(self) -> dict[str, Any]:
        return fields_of(self)

    def __post_init__(self) -> None:
        require_name(self.name)
        for name in ("sources", "forbidden"):  # lists would do, and could not be compared
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not isinstance(self.symmetries, str):
            object.__setattr__(self, "symmetries", tuple(self.symmetries))
        if self.forbidden and self.complete is not None:
            raise ProblemError(f"{self.name}: give k and complete, or forbidden=(...), not both")
        if self.k and not self.rules:
            raise ProblemError(f"{self.name}: k = {self.k} is given without complete")
        self._check_parts()
        object.__setattr__(self, "k", max((part.k for part in self.rules), default=0))
        if self.translations and not isinstance(self.ground, Grid):
            raise ProblemError(f"{self.name}: translations=True is for the n x n grid only")
        if self.boards and not isinstance(self.ground, Grid):
            raise ProblemError(f"{self.name}: boards=True is for the grid only")

    def _check_parts(self) -> None:
        if not hasattr(self.ground, "min_n"):
            raise ProblemError(
                f"{self.name}: ground={self.ground!r} is no ground set: import GRID, EDGES, ... and give one"
            )
        if self.objective is not None and not isinstance(self.objective, Objective):
            raise ProblemError(f"{self.name}: objective must be Objective(judge, value, ...)")
        if self.complete is not None and not self.k:
            raise ProblemError(f"{self.name}: k is missing: the number of elements in a forbidden set")
        for part in self.rules:
            if part.k not in SUPPORTED_K:
                raise ProblemError(f"{self.name}: k = {part.k} is not supported; k must be one of {SUPPORTED_K}")
        if len({part.k for part in self.rules}) < len(self.rules):
            raise ProblemError(f"{self.name}: two rules for the same k: write them as one")
        if not self.rules and self.objective is None:
            raise ProblemError(f"{self.name}: nothing is forbidden and nothing counts: give complete, or an objective")
        if self.smallest_maximal and (self.objective is not None or not self.rules):
            raise ProblemError(f"{self.name}: smallest_maximal needs forbidden sets and no objective")
        if self.rules and self.violation is None:
            raise ProblemError(f"{self.name}: violation is missing: it judges what complete says")
        if self.violation is not None and len(inspect.signature(self.violation).parameters) not in (1, 2):
            taken = len(inspect.signature(self.violation).parameters)
            raise ProblemError(f"{self.name}: violation takes {taken} arguments; it must be violation(points)")
        own = self.objective
        compiled: list[tuple[Any, str]] = [
            (f, name) for part in self.rules for f, name in ((part.complete, "rule"), (part.conflicts, "update"))
        ]
        if own is not None:
            compiled += [(own.value, "measure"), (own.excess, "measure"), (own.change, "difference")]
            if own.change is not None and own.value is None:
                raise ProblemError(f"{self.name}: change is given without value")
        for function, decorator in compiled:
            if function is not None and not hasattr(function, "py_func") and not numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
                raise ProblemError(f"{self.name}: put @{decorator} above {function.__name__}")

    @cached_property
    def rules(self) -> tuple[Forbidden, ...]:
        """The rule for the forbidden sets of every size."""
        return self.forbidden if self.complete is None else (Forbidden(self.k, self.complete, self.conflicts),)

    def counted(self, score: int) -> str:
        """A score in words: `28 points`, `permanent 120`."""
        if self.objective is not None:
            return f"{self.objective.name} {Fraction(score, self.objective.unit)}"
        return f"{score} point{'' if score == 1 else 's'}"

    @property
    def by_value(self) -> bool:
        """Whether something else than a large number of elements is asked for."""
        return self.objective is not None or self.smallest_maximal

    @property
    def by_rows(self) -> bool:
        """Whether conflicts are counted by rows of pairs: one rule of two or three elements, and large sets wanted."""
        return self.k <= 3 and len(self.rules) == 1 and not self.by_value

    @property
    def minimises(self) -> bool:
        """Whether small scores are wanted."""
        return self.smallest_maximal or (self.objective is not None and self.objective.minimise)

    def merit(self, score: int) -> int:
        """A score as a number that is larger for better scores: negated where small ones are wanted."""
        return -score if self.minimises else score

    def score(self, merit: int) -> int:
        """The score of a merit."""
        return -merit if self.minimises else merit

    @cached_property
    def violation_takes_n(self) -> bool:
        """Whether `violation` is told the size."""
        return self.violation is not None and len(inspect.signature(self.violation).parameters) == 2

    def at(self, n: int | str) -> Instance:
        """The problem at size n, or at that of a board such as "6x9". Raises ProblemError where it is out of range."""
        n = size_of(n)
        least, limit = self.ground.min_n, self.ground.max_n()
        if isinstance(n, BoardSize):
            if not self.boards:
                raise ProblemError(
                    f"{self.name}: boards of size {n} are not meant: give one number n for an n x n board"
                )
            if not 1 <= min(sides(n)) <= max(sides(n)) <= limit:
                raise ProblemError(f"{self.name}: size {n} is out of range; sides must be from 1 to {limit}")
            return Instance(self, n)
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

    def __getstate__(self) -> dict[str, Any]:
        return fields_of(self)

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
        return frozenset(zip(*self.points.T.tolist(), strict=True))

    @cached_property
    def symmetries(self) -> IntArray:
        """The symmetries that count as permutations of the elements, int64, shape (order, size)."""
        asked = self.problem.symmetries
        if asked == "all":
            return self.problem.ground.symmetries(self.n)
        return generated(self.size, [image for maps in self._own_symmetries.values() for image in maps])

    @cached_property
    def _own_symmetries(self) -> dict[str, list[IntArray]]:
        """The maps that generate a problem's own subgroup of symmetries, by name."""
        asked, ground = self.problem.symmetries, self.problem.ground
        if asked == "none" or self.size == 1:
            return {}
        found = {name: maps for name, maps in ground.classes(self.n).items() if all((m >= 0).all() for m in maps)}
        if isinstance(ground, Grid) and not isinstance(self.n, BoardSize):
            found |= {name: [image] for name, image in zip(ground.NAMES, ground.symmetries(self.n), strict=True)}
        names = (asked,) if isinstance(asked, str) else asked
        unknown = [name for name in names if name not in found]
        if unknown:
            known = ", ".join(found)
            raise ProblemError(f"{self.name}: symmetry {unknown[0]!r} is unknown: use all, none or some of {known}")
        return {name: found[name] for name in names}

    @cached_property
    def classes(self) -> dict[str, list[IntArray]]:
        """Symmetry classes by name: their generating (partial) maps; with fewer symmetries those of them alone."""
        found = self.problem.ground.classes(self.n)
        if self.problem.symmetries == "all":
            return found
        group = {image.tobytes() for image in self.symmetries}
        kept = {name: maps for name, maps in found.items() if all(m.tobytes() in group for m in maps)}
        return kept | self._own_symmetries

    def require_class(self, name: str) -> str:
        """`name` if it is a symmetry class here, else ProblemError with the names that would do."""
        if name not in self.classes:
            raise ProblemError(
                f"symmetry class {name!r} is unknown for {self.name} n={self.n}: "
                + likely(name, ["auto", *self.classes])
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
        if problem.violation is None:
            return None
        witness = problem.violation(self.n, plain) if problem.violation_takes_n else problem.violation(plain)
        return None if witness is None else [tuple(p) for p in witness]

    def score(self, points: Sequence[Point]) -> int | None:
        """The score of points from the definition: their number, or their value. None: they are no construction.

        The points are distinct, on the ground set, and without a forbidden set.
        """
        problem = self.problem
        if problem.objective is not None:
            return problem.objective.judged(self.n, [tuple(p) for p in points])
        if problem.smallest_maximal and self.addable(points) is not None:
            return None
        return len(points)

    def addable(self, points: Sequence[Point]) -> Point | None:
        """A point that makes no forbidden set with `points`, from the definition; None: they are maximal."""
        plain = [tuple(p) for p in points]
        outside = sorted(self.point_set.difference(plain))
        return next((p for p in outside if self.violation([*plain, p]) is None), None)

    @property
    def upper_bound(self) -> int:
        """A score no construction can exceed: the problem's bound, else the size of the ground set.

        Where scores are values it is `MOST` without a bound; where small ones are wanted it is a lower bound.
        """
        bound, problem = self.problem.upper_bound, self.problem
        if problem.by_value:
            return bound(self.n) if bound is not None else 0 if problem.minimises else MOST
        return self.size if bound is None else min(self.size, bound(self.n))

    def __str__(self) -> str:
        return f"{self.name} n={self.n}"
