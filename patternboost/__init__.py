"""PatternBoost: hunt for record constructions of extremal problems.

>>> import patternboost as pb
>>> pb.problem("isosceles", n=16).size
256
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Some verbs share their name with a module. These modules are imported first and their names taken back: a module
# that is loaded already is never bound to its package again, so `pb.search` stays the function.
import patternboost.problem
import patternboost.records
import patternboost.search  # noqa: F401

del problem, records, search  # type: ignore[name-defined]  # noqa: F821

__version__ = "0.1.0"

#: verb -> module; loaded on first use, so that nothing imports torch (or compiles) before it is needed
_VERBS = {
    "problem": "registry",
    "problem_names": "registry",
    "search": "api",
    "resume": "api",
    "Result": "api",
    "Run": "run",
    "prove": "exact.prove",
    "compare": "comparing.compare",
    "check": "contract",
    "new_problem": "problem_file",
    "lesson": "lessons.run",
    "load": "construction",
    "verify": "construction",
    "Construction": "construction",
    "records": "record_table",
    "Problem": "problem",
    "rule": "problem",
}

__all__ = [
    "Construction",
    "Problem",
    "Result",
    "Run",
    "__version__",
    "check",
    "compare",
    "load",
    "new_problem",
    "problem",
    "problem_names",
    "prove",
    "records",
    "resume",
    "rule",
    "search",
    "verify",
]

if TYPE_CHECKING:
    from patternboost.api import Result, resume, search
    from patternboost.comparing.compare import compare
    from patternboost.construction import Construction, load, verify
    from patternboost.contract import check
    from patternboost.exact.prove import prove
    from patternboost.problem import Problem, rule
    from patternboost.problem_file import new_problem
    from patternboost.record_table import record_rows as records
    from patternboost.registry import problem, problem_names
    from patternboost.run import Run


def __getattr__(name: str) -> Any:
    if name not in _VERBS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"patternboost.{_VERBS[name]}")
    return getattr(module, "record_rows" if name == "records" else name)
