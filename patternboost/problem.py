"""What a problem is: a family of forbidden k-sets on a ground set, given by a rule, a definition and its sources.

This is the one module that a problem file imports. A problem file defines

* ``complete(n, chosen, out) -> count`` under the decorator `rule`: compiled, exact integers; writes to ``out`` every
  element that together with the k - 1 elements of ``chosen`` is a forbidden set, each once, none of them in ``chosen``;
* for k >= 4, if that is faster, ``conflicts(n, members, element, sign, counts)`` under the decorator `update`: adds
  ``sign`` to ``counts[e]`` for every forbidden set that holds ``element``, ``e`` and otherwise only ``members``;
* ``violation(points)``: plain Python from the definition, sharing no code with ``complete``; returns one forbidden set
  as a list of points, or None. This is what the verifier trusts. Where the definition depends on the size (on a torus
  it does) it is ``violation(n, points)``;
* ``PROBLEM = Problem(...)``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from patternboost import kernel_cache
from patternboost.ground import CUBE, EDGES, F3, GRID, TORUS, Grid, GroundSet, IntArray

__all__ = [
    "CUBE",
    "EDGES",
    "F3",
    "GRID",
    "RULE_TYPE",
    "TORUS",
    "UPDATE_TYPE",
    "Family",
    "Grid",
    "Instance",
    "Point",
    "Problem",
    "ProblemError",
    "ends",
    "gcd",
    "join",
    "rule",
    "square_root",
    "update",
]

kernel_cache.use_own_cache()  # before the first kernel is compiled: every room with kernels imports this module

Point = tuple[int, ...]
Violation = Callable[..., "Sequence[Point] | None"]

_RULE_SIGNATURE = types.int64(types.int64, types.int64[::1], types.int64[::1])
#: The compiled type every rule has. Kernels take rules as values of this type, so one compiled (and cached) kernel
#: serves all problems.
RULE_TYPE = types.FunctionType(_RULE_SIGNATURE)

_UPDATE_SIGNATURE = types.void(types.int64, types.int64[::1], types.int64, types.int64, types.int32[::1])
#: The compiled type of every conflict update.
UPDATE_TYPE = types.FunctionType(_UPDATE_SIGNATURE)
Update = Callable[[int, IntArray, int, int, NDArray[np.int32]], None]

#: Module name prefix of problem files loaded by their path.
FILE_MODULE_PREFIX = "_patternboost_file_"

#: Sizes k of forbidden sets that the engine handles.
SUPPORTED_K = (2, 3, 4, 5)


class ProblemError(ValueError):
    """A problem, or a size of it, that cannot be used; the message is one line that says why and what would do."""


def rule(function: Callable[[int, IntArray, IntArray], int]) -> Callable[[int, IntArray, IntArray], int]:
    """Compile a completion rule: int64 n, int64[k-1] chosen elements, int64[] out -> int64 count."""
    # A file loaded by its path goes by a module name of ours; numba's on-disk cache would mix it up with others.
    cache = not function.__module__.startswith(FILE_MODULE_PREFIX)
    compiled: Callable[[int, IntArray, IntArray], int] = njit(_RULE_SIGNATURE, cache=cache, nogil=True)(function)
    return compiled


def update(function: Update) -> Update:
    """Compile a conflict update: int64 n, int64[m] members, int64 element (no member), int64 sign, int32[] counts."""
    cache = not function.__module__.startswith(FILE_MODULE_PREFIX)
    compiled: Update = njit(_UPDATE_SIGNATURE, cache=cache, nogil=True)(function)
    return compiled


_GCD = np.gcd.outer(np.arange(256), np.arange(256)).astype(np.uint8)


@njit(types.int64(types.int64, types.int64), cache=True, nogil=True)
def gcd(a: int, b: int) -> int:
    """Greatest common divisor of |a| and |b|, for use inside rules (a table for differences on a grid)."""
    a, b = abs(a), abs(b)
    if a < 256 and b < 256:
        return int(_GCD[a, b])
    while b:
        a, b = b, a % b
    return a


@njit(types.int64(types.int64), cache=True, nogil=True)
def square_root(x: int) -> int:
    """The whole part of the square root of x >= 0, for use inside rules."""
    root = int(np.sqrt(x))
    while root * root > x:
        root -= 1
    while (root + 1) * (root + 1) <= x:
        root += 1
    return root


@njit(types.int64(types.int64, types.int64, types.int64), cache=True, nogil=True)
def join(n: int, u: int, v: int) -> int:
    """The element of the edge between vertices u != v of n, for use inside rules on `EDGES`."""
    low, high = min(u, v), max(u, v)
    return low * (2 * n - low - 1) // 2 + high - low - 1


@njit(types.Tuple((types.int64, types.int64))(types.int64, types.int64), cache=True, nogil=True)
def ends(n: int, element: int) -> tuple[int, int]:
    """The two vertices u < v of an edge, for use inside rules on `EDGES`."""
    u = (2 * n - 1 - square_root((2 * n - 1) ** 2 - 8 * element)) // 2
    while u * (2 * n - u - 1) // 2 > element:
        u -= 1
    while (u + 1) * (2 * n - u - 2) // 2 <= element:
        u += 1
    return u, element - u * (2 * n - u - 1) // 2 + u + 1


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
    complete: Callable[[int, IntArray, IntArray], int]
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
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.name) or len(self.name) > 64:
            raise ProblemError(f"problem name {self.name!r}: use lower case letters, digits and single hyphens")
        if self.k not in SUPPORTED_K:
            raise ProblemError(f"{self.name}: k = {self.k} is not supported; k must be one of {SUPPORTED_K}")

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
        return sorted(tuple(int(x) for x in row) for row in self.points[elements])

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
