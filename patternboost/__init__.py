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

#: name -> module (and its name there, where that is another); loaded on first use, so that nothing imports torch, or
#: compiles, before it is needed
_HOME = {
    "Construction": "store.construction",
    "Problem": "problem.base",
    "Result": "api",
    "Run": "api",
    "check": "problem.contract",
    "compare": "studies.compare.comparison",
    "export": "api",
    "import_file": "store.importing",
    "ladder": "studies.ladder.ladder",
    "lesson": "studies.lecture.lesson",
    "load": "store.construction",
    "new_problem": "store.new_problem",
    "problem": "problem.registry",
    "problem_names": "problem.registry",
    "prove": "api",
    "records": "report.record_table:record_rows",
    "report": "api",
    "resume": "api",
    "rule": "problem.rules",
    "runs": "api",
    "search": "api",
    "verify": "api",
}

__all__ = [
    "Construction",
    "Problem",
    "Result",
    "Run",
    "__version__",
    "check",
    "compare",
    "export",
    "import_file",
    "ladder",
    "lesson",
    "load",
    "new_problem",
    "problem",
    "problem_names",
    "prove",
    "records",
    "report",
    "resume",
    "rule",
    "runs",
    "search",
    "verify",
]

if TYPE_CHECKING:
    from patternboost.api import (
        Result,
        Run,
        export,
        prove,
        report,
        resume,
        runs,
        search,
        verify,
    )
    from patternboost.problem.base import Problem
    from patternboost.problem.contract import check
    from patternboost.problem.registry import problem, problem_names
    from patternboost.problem.rules import rule
    from patternboost.report.record_table import record_rows as records
    from patternboost.store.construction import Construction, load
    from patternboost.store.importing import import_file
    from patternboost.store.new_problem import new_problem
    from patternboost.studies.compare.comparison import compare
    from patternboost.studies.ladder.ladder import ladder
    from patternboost.studies.lecture.lesson import lesson


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, there = _HOME[name].partition(":")
    return getattr(import_module(f"patternboost.{module}"), there or name)


def __dir__() -> list[str]:
    return sorted(__all__)
