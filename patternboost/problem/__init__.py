"""What is asked: ground sets, the rule, the definition, symmetry, and the check that they agree.

Read `base.py` first (what a problem is), then `template.py` (a problem file to start from). A problem file imports
everything it needs from here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from patternboost.problem.base import Family, Instance, Point, Problem
    from patternboost.problem.definitions import equal_from_one
    from patternboost.problem.errors import ProblemError
    from patternboost.problem.ground import CUBE, EDGES, F3, GRID, TORUS, Grid, GroundSet, IntArray
    from patternboost.problem.rules import RULE_TYPE, UPDATE_TYPE, ends, gcd, join, rule, square_root, update

#: name -> module; loaded on first use, so that a command which needs no kernels does not load numba
_HOME = {
    **dict.fromkeys(("Family", "Instance", "Point", "Problem"), "base"),
    "ProblemError": "errors",
    "equal_from_one": "definitions",
    **dict.fromkeys(("CUBE", "EDGES", "F3", "GRID", "TORUS", "Grid", "GroundSet", "IntArray"), "ground"),
    **dict.fromkeys(("RULE_TYPE", "UPDATE_TYPE", "ends", "gcd", "join", "rule", "square_root", "update"), "rules"),
}

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
    "GroundSet",
    "Instance",
    "IntArray",
    "Point",
    "Problem",
    "ProblemError",
    "ends",
    "equal_from_one",
    "gcd",
    "join",
    "rule",
    "square_root",
    "update",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
