"""The contract check in a process of its own, with a time limit: a rule that never ends, or crashes, ends that process.

There compiled rules check every index as well, so that one that reads or writes past the end of an array says so.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

import numba

from patternboost.problem import contract
from patternboost.problem.base import Problem
from patternboost.problem.errors import ContractError, ProblemError, RuleError
from patternboost.problem.registry import find_problem
from patternboost.search.workers import serve

#: bytes of what the process is at, and seconds between two looks at it
_TEXT, _LOOK = 400, 0.05
#: seconds that a single call of a rule or a definition may take
SECONDS = 60.0


class _At:
    """What the process is at, in memory that both processes see: a text, and how many there were."""

    def __init__(self, context: Any) -> None:
        self.text = context.RawArray("c", _TEXT)
        self.count = context.RawValue("q", 0)

    def say(self, text: str) -> None:
        """The next call, or whatever else takes its time."""
        self.text.value = text.encode()[: _TEXT - 1]
        self.count.value += 1


class _Told:
    """A compiled rule that says what it is asked before it answers."""

    def __init__(self, rule: Any, say: Callable[[str], None]) -> None:
        self.rule, self.say = rule, say
        self.py_func, self.__name__ = rule.py_func, rule.__name__

    def __call__(self, n: int, chosen: Any, *rest: Any) -> Any:
        self.say(f"n = {n}: {self.__name__}({chosen.tolist()})")
        return self.rule(n, chosen, *rest)


def _told(problem: Problem, say: Callable[[str], None]) -> Problem:
    """A problem whose rules and definition say what they are asked."""

    def wrapped(function: Any) -> Any:
        return function if function is None or not hasattr(function, "py_func") else _Told(function, say)

    def definition(function: Any) -> Any:
        @functools.wraps(function)
        def judge(*given: Any) -> Any:
            say(f"{function.__name__} of {len(given[-1])} points")
            return function(*given)

        return None if function is None else judge

    parts: dict[str, Any] = {"violation": definition(problem.violation)}
    if problem.complete is not None:
        parts |= {"complete": wrapped(problem.complete), "conflicts": wrapped(problem.conflicts)}
    else:
        parts["forbidden"] = tuple(
            replace(part, complete=wrapped(part.complete), conflicts=wrapped(part.conflicts))
            for part in problem.forbidden
        )
    return replace(problem, **parts)


def _check(connection: Connection, at: _At, reference: str, extra: Sequence[int], parent: int) -> None:
    """What the process does: lines of progress go into the connection, and at the end the fault, or None."""
    serve(parent)
    numba.config.BOUNDSCHECK = 1  # type: ignore[attr-defined]
    try:
        at.say(f"reading {reference}")
        problem = find_problem(reference)
        told = _told(problem, at.say)
        contract.check(told, lambda line: connection.send((False, line)), sorted({*contract.sizes(problem), *extra}))
    except (ProblemError, RuleError) as error:
        connection.send((True, str(error)))
    else:
        connection.send((True, None))


def check_apart(
    reference: str,
    extra: Sequence[int] = (),
    report: Callable[[str], None] = lambda line: None,
    seconds: float = SECONDS,
) -> None:
    """`contract.check` of a problem by name or file, at the `extra` sizes too, in a process of its own.

    Raises ContractError at the first thing that is wrong: also where one call takes longer than `seconds`, or crashes.
    """
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe(duplex=False)
    at = _At(context)
    process = context.Process(target=_check, args=(theirs, at, reference, tuple(extra), os.getpid()), daemon=True)
    process.start()
    theirs.close()
    seen, since = 0, time.monotonic()
    try:
        while True:
            if mine.poll(_LOOK):
                try:
                    done, line = mine.recv()
                except EOFError:
                    process.join()
                    raise ContractError(f"{_last(at)} crashed ({_how(process.exitcode)})") from None
                if not done:
                    report(line)
                elif line is None:
                    return
                else:
                    raise ContractError(line)
            if at.count.value != seen:
                seen, since = at.count.value, time.monotonic()
            elif time.monotonic() - since > seconds:
                raise ContractError(f"{_last(at)} did not end within {seconds:g} s")
    finally:
        process.kill()
        process.join()
        mine.close()


def _last(at: _At) -> str:
    return str(at.text.value.decode(errors="replace"))


def _how(code: int | None) -> str:
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit status {code}"
