"""A finished construction and its certificate: a JSON file that anyone can check.

The certificate's hash is the SHA-256 of the compact JSON text of ``{"n": ..., "points": ..., "problem": ...}`` with the
points sorted; nothing else enters it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from patternboost.problem import Instance, Point, Problem, ProblemError
from patternboost.problem.base import NOTHING
from patternboost.problem.ground import size_to_json
from patternboost.problem.registry import find_problem
from patternboost.problem.symmetry import symmetry_class
from patternboost.store.drawing.picture import svg_if_any
from patternboost.store.files import FileError, read_json, write_text

FORMAT = "patternboost-certificate/1"
#: certificates hold at most this many points
MAX_POINTS = 65_536
#: pixels of a picture in a notebook: at most, and for a column of the board
_WIDEST, _CELL = 360, 30


@dataclass(frozen=True)
class Construction:
    """A set of points for a problem at size n, with what is known of how it was found.

    Points are sorted and 0-based: [row, column] on a grid. A construction need not be valid: `check` tells.
    """

    instance: Instance
    points: tuple[Point, ...]
    #: score and hash as a file claims them; None for constructions made here
    claimed_score: int | None = None
    claimed_sha256: str | None = None
    found: Mapping[str, Any] = field(default_factory=dict)
    #: symmetry class as a file claims it
    claimed_symmetry: str | None = None

    @classmethod
    def of(
        cls, instance: Instance, points: Sequence[Sequence[int]], found: Mapping[str, Any] | None = None
    ) -> Construction:
        """A construction from points in any order.

        >>> from patternboost.problem.registry import problem
        >>> corner = Construction.of(problem("isosceles", 4), [(1, 0), (0, 0), (0, 1)])
        >>> corner.points, corner.score, corner.symmetry
        (((0, 0), (0, 1), (1, 0)), 3, 'diagonal')
        >>> corner.check()
        ['forbidden set: [0, 0] [0, 1] [1, 0]']
        """
        return cls(instance, tuple(sorted(tuple(map(int, p)) for p in points)), found=dict(found or {}))

    @property
    def problem(self) -> str:
        """The problem's name."""
        return self.instance.name

    @property
    def n(self) -> int:
        """The size."""
        return self.instance.n

    @cached_property
    def score(self) -> int:
        """The number of points; for a problem with an objective the value, and 0 where the points are no construction.

        Points that are twice there or off the board are counted, and have no value.
        """
        return (self._value or 0) if self.instance.problem.by_value else len(self.points)

    @property
    def merit(self) -> int:
        """The score as a number that is larger for better ones; `NOTHING` for points that are no construction."""
        if self.instance.problem.by_value and self._value is None:
            return NOTHING
        return self.instance.problem.merit(self.score)

    @cached_property
    def _value(self) -> int | None:
        """The value from the definition; None: the points are no construction."""
        distinct = len(set(self.points)) == len(self.points)
        if not distinct or not self.instance.point_set.issuperset(self.points):
            return None
        return self.instance.score(self.points)

    @cached_property  # regions from other sizes ask for it again and again
    def sha256(self) -> str:
        """The hash of problem, size and points."""
        body = {"n": size_to_json(self.n), "points": [list(p) for p in self.points], "problem": self.problem}
        return hashlib.sha256(json.dumps(body, separators=(",", ":"), sort_keys=True).encode()).hexdigest()

    @property
    def symmetry(self) -> str:
        """The symmetry class of the set itself."""
        return symmetry_class(self.instance, self.instance.to_elements(self.points))

    @property
    def name(self) -> str:
        """The certificate's file name without its ending: <problem>-n<N>-<score>."""
        return f"{self.problem}-n{self.n}-{self.score}"

    def witness(self) -> list[Point]:
        """A forbidden set among the points, from the definition; empty where there is none."""
        return sorted(self.instance.violation(list(dict.fromkeys(self.points))) or [])

    def check(self) -> list[str]:
        """What is wrong with it, one line each, from the definition alone; an empty list means it is valid."""
        return list(self._faults)

    @cached_property  # a construction does not change, and several doors ask
    def _faults(self) -> list[str]:
        faults = []
        if len(set(self.points)) < len(self.points):
            twice = next(p for p, q in zip(self.points, self.points[1:], strict=False) if p == q)
            faults.append(f"point {list(twice)} is there twice")
        off = [p for p in self.points if p not in self.instance.point_set]
        if off:
            first, last = self.instance.points[0].tolist(), self.instance.points[-1].tolist()
            faults.append(f"point {list(off[0])} is off the board ({first} to {last})")
        else:
            witness = self.witness()
            if witness:
                faults.append("forbidden set: " + " ".join(str(list(p)) for p in witness))
            elif self.instance.problem.by_value and self._value is None:
                faults.append(self._why_no_value())
            if self.claimed_symmetry is not None and self.claimed_symmetry != self.symmetry:
                faults.append(f"symmetry is {self.symmetry}, not {self.claimed_symmetry[:64]!r}")
        valueless = self.instance.problem.by_value and self._value is None
        if self.claimed_score is not None and self.claimed_score != self.score and not valueless:
            is_so = f"it is {self.score}" if self.instance.problem.by_value else f"there are {self.score} points"
            faults.append(f"score {self.claimed_score} is wrong: {is_so}")
        if self.claimed_sha256 is not None and self.claimed_sha256 != self.sha256:
            faults.append(f"sha256 is wrong: it should be {self.sha256}")
        return faults

    def _why_no_value(self) -> str:
        free = self.instance.addable(self.points) if self.instance.problem.smallest_maximal else None
        if free is not None:
            return f"not maximal: {list(free)} may be added"
        return "no construction: the definition gives these points no value"

    def certificate(self) -> dict[str, Any]:
        """The certificate as a JSON-ready dict. Raises ValueError for a construction that is not valid."""
        faults = self.check()
        if faults:
            raise ValueError(f"not a valid {self.instance} construction: {faults[0]}")
        return {
            "format": FORMAT,
            "problem": self.problem,
            "n": size_to_json(self.n),
            "score": self.score,
            **self._value_field,
            "points": [list(p) for p in self.points],
            "definition": self.instance.problem.definition,
            "symmetry": self.symmetry,
            "sha256": self.sha256,
            "found": dict(self.found),
        }

    @property
    def _value_field(self) -> dict[str, Any]:
        """The value for a certificate: a whole number, or a fraction as text."""
        own = self.instance.problem.objective
        if not self.instance.problem.by_value:
            return {}
        unit = 1 if own is None else own.unit
        return {"value": self.score if unit == 1 else str(Fraction(self.score, unit))}

    def certificate_text(self) -> str:
        """The certificate as the text of its file: one field a line."""
        lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in self.certificate().items()]
        return "{\n" + ",\n".join(lines) + "\n}\n"

    def save(self, path: Path) -> Path:
        """Write the certificate (verified first) to `path`."""
        write_text(path, self.certificate_text())
        return path

    def __repr__(self) -> str:
        return f"<{self.instance}, {self.instance.problem.counted(self.score)}>"

    def _repr_svg_(self) -> str | None:
        drawing = svg_if_any(self)
        if drawing is None:
            return None  # the notebook falls back to the text form
        # Without a width of its own a picture fills the page; a small board needs less.
        width = min(_WIDEST, _CELL * (1 + int(self.instance.points.max())))
        return drawing.replace("<svg ", f'<svg width="{width}" style="max-width:100%;height:auto" ', 1)


def _field(data: dict[str, Any], name: str, kind: type, path: Path) -> Any:
    value = data.get(name)
    if type(value) is not kind:
        fault = "is missing" if name not in data else f"must be of type {kind.__name__}"
        raise FileError(f"{path}: not a certificate: {name!r} {fault}")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise FileError(f"{path}: not a certificate: {name!r} must be below 2^63")
    return value


def load(path: str | Path, problem: Problem | None = None) -> Construction:
    """Read a certificate. The points are not judged here, only the file's form; `verify` judges.

    `problem` stands in for the file's problem where that is not installed. Raises FileError (malformed, too large, not
    JSON) or ProblemError (unknown problem, size out of range).
    """
    path = Path(path)
    data = read_json(path)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise FileError(f'{path}: not a certificate: it must be a JSON object with "format": "{FORMAT}"')
    name = _field(data, "problem", str, path)
    n = _field(data, "n", str if isinstance(data.get("n"), str) else int, path)
    raw = _field(data, "points", list, path)
    if len(raw) > MAX_POINTS:
        raise FileError(f"{path}: {len(raw)} points, more than {MAX_POINTS}, refused")
    limit = 2**31
    for point in raw:
        if type(point) is not list or not 1 <= len(point) <= 16:
            raise FileError(f"{path}: not a certificate: a point must be a list of integers")
        if any(type(x) is not int or not -limit <= x < limit for x in point):
            raise FileError(f"{path}: not a certificate: a coordinate must be an integer below 2^31")
    found = data.get("found", {})
    if not isinstance(found, dict):
        raise FileError(f"{path}: not a certificate: 'found' must be an object")
    for optional in {"definition", "symmetry"} & data.keys():
        _field(data, optional, str, path)
    if problem is None or problem.name != name:
        if not name or len(name) > 64 or "/" in name or name.endswith(".py"):
            raise ProblemError(f"{path}: the problem's name {name[:64]!r} is no problem name")
        problem = None
    try:
        instance = (problem or find_problem(name)).at(n)
    except ProblemError as error:
        way = "; pass it by --problem FILE.py" if str(error).startswith("unknown problem") else ""
        raise ProblemError(f"{path}: {error}{way}") from error
    return Construction(
        instance,
        tuple(sorted(tuple(p) for p in raw)),
        _field(data, "score", int, path),
        _field(data, "sha256", str, path),
        found,
        data.get("symmetry"),
    )
