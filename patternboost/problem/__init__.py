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
    from patternboost.problem.graphs import matching_number
    from patternboost.problem.ground import (
        BIPARTITE,
        CUBE,
        EDGES,
        F3,
        GRID,
        HYPERCUBE,
        TORUS,
        Grid,
        GroundSet,
        IntArray,
    )
    from patternboost.problem.objective import Forbidden, Objective
    from patternboost.problem.rules import (
        DIFFERENCE_TYPE,
        MEASURE_TYPE,
        RULE_TYPE,
        UPDATE_TYPE,
        difference,
        ends,
        gcd,
        height,
        join,
        measure,
        rule,
        square_root,
        update,
        width,
    )

#: name -> module; loaded on first use, so that a command which needs no kernels does not load numba
_HOME = {
    **dict.fromkeys(("Family", "Instance", "Point", "Problem"), "base"),
    "ProblemError": "errors",
    "equal_from_one": "definitions",
    "matching_number": "graphs",
    **dict.fromkeys(("Forbidden", "Objective"), "objective"),
    **dict.fromkeys(
        ("BIPARTITE", "CUBE", "EDGES", "F3", "GRID", "HYPERCUBE", "TORUS", "Grid", "GroundSet", "IntArray"), "ground"
    ),
    **dict.fromkeys(("RULE_TYPE", "UPDATE_TYPE", "MEASURE_TYPE", "DIFFERENCE_TYPE"), "rules"),
    **dict.fromkeys(("difference", "ends", "gcd", "height", "join", "measure", "rule"), "rules"),
    **dict.fromkeys(("square_root", "update", "width"), "rules"),
}

__all__ = [
    "BIPARTITE",
    "CUBE",
    "DIFFERENCE_TYPE",
    "EDGES",
    "F3",
    "GRID",
    "HYPERCUBE",
    "MEASURE_TYPE",
    "RULE_TYPE",
    "TORUS",
    "UPDATE_TYPE",
    "Family",
    "Forbidden",
    "Grid",
    "GroundSet",
    "Instance",
    "IntArray",
    "Objective",
    "Point",
    "Problem",
    "ProblemError",
    "difference",
    "ends",
    "equal_from_one",
    "gcd",
    "height",
    "join",
    "matching_number",
    "measure",
    "rule",
    "square_root",
    "update",
    "width",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
