"""Finding problems: installed ones by entry point, a user's own by the path of its file."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np

from patternboost.problem.base import Family, Instance, Problem
from patternboost.problem.errors import ProblemError, RuleError, likely
from patternboost.problem.ground import BoardSize
from patternboost.problem.rules import FILE_MODULE_PREFIX

ENTRY_POINTS = "patternboost.problems"


@cache
def _entries() -> dict[str, object]:
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}


def problem_names() -> list[str]:
    """Names of the installed problems, sorted.

    >>> "isosceles" in problem_names()
    True
    """
    return sorted(_entries())


def find_problem(reference: str) -> Problem:
    """The problem of an installed name, or of a file: `isosceles`, `path/to/my_problem.py`.

    A file is executed: give only paths that you trust. Raises ProblemError, in one line, where there is none.
    """
    return _from_file(reference) if is_path(reference) else _installed(reference)


def is_path(reference: str) -> bool:
    """Whether a problem is named by the path of its file."""
    return reference.endswith(".py") or "/" in reference


def lasting_reference(reference: str) -> str:
    """The reference in a form that holds in every working folder: a path made absolute, a name as it is."""
    return str(Path(reference).resolve()) if is_path(reference) else reference


@cache
def _installed(name: str) -> Problem:
    entry = _entries().get(name)
    if entry is not None:
        return _checked(entry.load(), f"entry point {name}")  # type: ignore[attr-defined]
    for base in (base for base in problem_names() if name.startswith(f"{base}-")):
        family = _entries()[base].load()  # type: ignore[attr-defined]
        if isinstance(family, Family):
            return family.variant(name.removeprefix(f"{base}-"))
    hint = likely(name, problem_names(), "`patternboost problems` lists what there is")
    raise ProblemError(f"unknown problem {name[:64]!r}: {hint} (one of your own is named by its file, FILE.py)")


@cache
def _from_file(reference: str) -> Problem:
    path = Path(reference).resolve()
    if not path.is_file():
        raise ProblemError(f"no problem file at {reference}")
    module_name = FILE_MODULE_PREFIX + path.stem
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise ProblemError(f"{reference} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except (ProblemError, RuleError) as error:
        raise ProblemError(f"{reference}: {error}") from error
    except (Exception, SystemExit) as error:  # whatever the user's file raises is reported as one line that names it
        first = str(error).strip().splitlines() or [""]
        raise ProblemError(f"{reference} failed to load: {type(error).__name__}: {first[0]}") from error
    return _checked(getattr(module, "PROBLEM", None), reference)


def _checked(value: object, origin: str) -> Problem:
    if isinstance(value, Family):
        return value.variant(value.default)
    if not isinstance(value, Problem):
        raise ProblemError(f"{origin} defines no problem: it must set PROBLEM = Problem(...)")
    return value


def problem(name: str | Problem, n: int) -> Instance:
    """The problem `name` (a name, a file or a Problem) at size n.

    >>> instance = problem("no-three-in-line", 8)
    >>> instance.size, instance.upper_bound, str(instance)
    (64, 16, 'no-three-in-line n=8')
    >>> instance.violation([(0, 0), (1, 1), (2, 2)])
    [(0, 0), (1, 1), (2, 2)]
    """
    return instance_of(name, n)


def instance_of(asked: object, n: object = None) -> Instance:
    """The instance that a verb was asked for: a name, a problem file or a `Problem` at size n, or an `Instance`.

    Raises ProblemError, in one line, for anything else.
    """
    if isinstance(asked, Instance):
        if n is not None and n != asked.n:
            raise ProblemError(f"{asked} was given together with n = {n!r}: leave n out")
        return asked
    if not isinstance(asked, str | Problem):
        raise ProblemError(f"a problem is a name, the path of its file, a Problem or an Instance, not {asked!r:.80}")
    if n is None:
        raise ProblemError("n is missing: the size, as in search('isosceles', 16)")
    if isinstance(n, bool) or not isinstance(n, int | np.integer | str):
        raise ProblemError(f"n = {n!r:.80} must be a whole number, or text such as '6x9' for a board")
    return (asked if isinstance(asked, Problem) else find_problem(asked)).at(
        n if isinstance(n, str | BoardSize) else int(n)
    )
