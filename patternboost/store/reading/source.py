"""The file that is read, what the caller says of it, and the bounds of what is taken from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from patternboost.problem import Instance
from patternboost.problem.ground import Edges
from patternboost.problem.registry import find_problem
from patternboost.store.construction import MAX_POINTS, Construction
from patternboost.store.files import FileError

#: Most constructions, and most points in all of them, that are read from one file.
MAX_CONSTRUCTIONS = 100_000
MAX_ALL_POINTS = 4_000_000
#: Most coordinates of a point, and their bound.
MAX_DIMENSION = 16
LIMIT = 2**31

KNOWN = (
    "a certificate, points (CSV, a list, JSON), boards of any two characters, strings of 0 and 1, RLE, graph6, "
    "DIMACS, or npz"
)

Points: TypeAlias = list[tuple[int, ...]]


@dataclass
class Source:
    """The file, and what the caller says of it."""

    path: Path
    problem_name: str | None = None
    n: int | None = None
    #: whether coordinates count from 1
    from_one: bool = False
    #: the character of a point on a board; None: by the rule of `boards.roles`
    point: str | None = None

    def fault(self, what: str) -> FileError:
        """What is wrong with the file, in one line."""
        return FileError(f"{self.path}: {what}")

    def instance(self, name: str | None = None, n: int | None = None) -> Instance:
        """The instance that the file (`name`, `n`) and the caller name together. Raises FileError, ProblemError."""
        if name is not None and self.problem_name is not None and find_problem(self.problem_name).name != name:
            raise self.fault(f"is for the problem {name[:64]!r}, not {self.problem_name}")
        if n is not None and self.n is not None and n != self.n:
            raise self.fault(f"is for n = {n}, not {self.n}")
        reference = self.problem_name if self.problem_name is not None else name
        size = self.n if self.n is not None else n
        if reference is None or size is None:
            lacks = [(reference, "problem", "--problem NAME"), (size, "size", "--n N")]
            what = " or ".join(what for value, what, _ in lacks if value is None)
            option = " and ".join(option for value, _, option in lacks if value is None)
            raise self.fault(f"does not say its {what}: pass {option}")
        return find_problem(reference).at(size)

    @property
    def of_graphs(self) -> bool:
        """Whether the caller names a problem of graphs."""
        return self.problem_name is not None and isinstance(find_problem(self.problem_name).ground, Edges)

    def construction(
        self, points: Sequence[Sequence[Any]], name: str | None = None, n: int | None = None
    ) -> Construction:
        """The construction of some points, each of whole numbers; checked for sanity, not judged. Raises FileError."""
        checked = self.checked(points)
        instance = self.instance(name, n)
        dimension = instance.points.shape[1]
        odd = next((p for p in checked if len(p) != dimension), None)
        if odd is not None:
            raise self.fault(f"point {list(odd)}: a point of {instance} has {dimension} coordinates, not {len(odd)}")
        if not self.from_one:
            self._refuse_one_based(instance, checked)
        return Construction.of(instance, checked)

    def checked(self, points: Sequence[Sequence[Any]]) -> Points:
        """Points of a sane number, dimension and size, counted from 0; else FileError."""
        if len(points) > MAX_POINTS:
            raise self.fault(f"{len(points)} points, more than {MAX_POINTS}, refused")
        found = []
        for point in points:
            if len(point) > MAX_DIMENSION:
                raise self.fault(f"a point with {len(point)} coordinates, more than {MAX_DIMENSION}, refused")
            numbers = tuple(whole(x) for x in point)
            if any(x is None or not -LIMIT <= x < LIMIT for x in numbers):
                raise self.fault("a coordinate must be an integer below 2^31")
            found.append(tuple(x - self.from_one for x in numbers if x is not None))
        return found

    def _refuse_one_based(self, instance: Instance, points: Points) -> None:
        """Points that are off the board, but would not be if they were counted from 1, are a slip and no fault."""
        off = [p for p in points if p not in instance.point_set]
        if off and all(tuple(x - 1 for x in p) in instance.point_set for p in points):
            raise self.fault(f"point {list(off[0])} is off the board of {instance}: 1-based? pass --from-one")


def whole(value: Any) -> int | None:
    """A whole number, an int or a float that is one, as an int; None for anything else."""
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return None
