"""PatternBoost: hunt for record constructions of extremal problems.

>>> import patternboost as pb
>>> pb.problem("isosceles", n=16).size
256
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Three rooms share their name with a verb. They are loaded first (they are nearly empty) and their names taken back:
# Python binds a module to its package only when it loads it, so that `pb.search` stays the function for good.
import patternboost.problem
import patternboost.report
import patternboost.search  # noqa: F401
from patternboost._version import __version__

del problem, report, search  # type: ignore[name-defined]  # noqa: F821

#: verb -> module; loaded on first use, so that nothing imports torch (or compiles) before it is needed
_VERBS = {
    "problem": "problem.registry",
    "problem_names": "problem.registry",
    "search": "api",
    "resume": "api",
    "Result": "api",
    "Run": "store.run_folder",
    "prove": "exact.prove",
    "compare": "studies.compare.comparison",
    "check": "problem.contract",
    "new_problem": "store.new_problem",
    "lesson": "studies.lecture.lesson",
    "load": "store.construction",
    "verify": "store.construction",
    "Construction": "store.construction",
    "records": "report.record_table",
    "Problem": "problem.base",
    "rule": "problem.rules",
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
    from patternboost.exact.prove import prove
    from patternboost.problem.base import Problem
    from patternboost.problem.contract import check
    from patternboost.problem.registry import problem, problem_names
    from patternboost.problem.rules import rule
    from patternboost.report.record_table import record_rows as records
    from patternboost.store.construction import Construction, load, verify
    from patternboost.store.new_problem import new_problem
    from patternboost.store.run_folder import Run
    from patternboost.studies.compare.comparison import compare


def __getattr__(name: str) -> Any:
    if name not in _VERBS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"patternboost.{_VERBS[name]}")
    return getattr(module, "record_rows" if name == "records" else name)
