"""The contract check in a process of its own, with a time limit: a rule that never ends, or crashes, ends that process.

There compiled rules check every index as well, so that one that reads or writes past the end of an array says so.
"""

from __future__ import annotations

import functools
import json
import mmap
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numba

from patternboost.problem import contract
from patternboost.problem.base import Problem
from patternboost.problem.errors import ContractError, ProblemError, RuleError
from patternboost.problem.ground import size_of, size_to_json
from patternboost.problem.registry import find_problem
from patternboost.search.workers import serve

#: bytes of what the process is at, and seconds between two looks at it
_TEXT, _LOOK = 400, 0.05
#: seconds that a single call of a rule or a definition may take
SECONDS = 60.0
#: what the process runs. No multiprocessing: it would run the script of whoever calls this from a script once more
_PROGRAM = "from patternboost.search.contract_apart import _check; _check()"


class _At:
    """What the process is at, in a file that both processes map: how many things it was at, and the last as text."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 8 + _TEXT)
        self._count = 0

    @staticmethod
    def make(path: Path) -> _At:
        """The file, and its map."""
        path.write_bytes(bytes(8 + _TEXT))
        return _At(path)

    def say(self, text: str) -> None:
        """The next call, or whatever else takes its time."""
        self._count += 1
        self._memory[8:] = text.encode()[:_TEXT].ljust(_TEXT, b"\0")
        self._memory[:8] = self._count.to_bytes(8, "little")

    @property
    def count(self) -> int:
        """How many there were."""
        return int.from_bytes(self._memory[:8], "little")

    @property
    def text(self) -> str:
        """The last."""
        return self._memory[8:].rstrip(b"\0").decode(errors="replace")


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


def _check() -> None:
    """What the process does: lines of progress go into the file `told`, and at the end the fault, or null."""
    asked = json.loads(sys.argv[1])
    serve(asked["parent"])
    sys.path[:] = asked["path"]
    numba.config.BOUNDSCHECK = 1  # type: ignore[attr-defined]
    at, folder = _At(Path(asked["folder"]) / "at"), Path(asked["folder"])
    with (folder / "told").open("a") as told:

        def tell(**what: Any) -> None:
            told.write(json.dumps(what) + "\n")
            told.flush()

        try:
            at.say(f"reading {asked['reference']}")
            problem = find_problem(asked["reference"])
            sizes = sorted({*contract.sizes(problem), *map(size_of, asked["extra"])})
            contract.check(_told(problem, at.say), lambda line: tell(line=line), sizes)
        except (ProblemError, RuleError) as error:
            tell(fault=str(error))
        else:
            tell(fault=None)


@contextmanager
def _process(folder: str, reference: str, extra: Sequence[int]) -> Iterator[subprocess.Popen[bytes]]:
    asked = {
        "folder": folder, "reference": reference, "extra": [size_to_json(n) for n in extra], "parent": os.getpid(),
        "path": sys.path,
    }  # fmt: skip
    nothing = subprocess.DEVNULL
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, json.dumps(asked)], stdin=nothing, stdout=nothing, stderr=nothing
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def check_apart(
    reference: str,
    extra: Sequence[int] = (),
    report: Callable[[str], None] = lambda line: None,
    seconds: float = SECONDS,
) -> None:
    """`contract.check` of a problem by name or file, at the `extra` sizes too, in a process of its own.

    Raises ContractError at the first thing that is wrong: also where one call takes longer than `seconds`, or crashes.
    """
    with tempfile.TemporaryDirectory(prefix="patternboost-check-") as folder:
        at, told = _At.make(Path(folder) / "at"), Path(folder) / "told"
        told.touch()
        with told.open() as lines, _process(folder, reference, extra) as process:
            seen, since, text = 0, time.monotonic(), ""
            while True:
                code = process.poll()
                *whole, text = (text + lines.read()).split("\n")
                for line in whole:
                    what = json.loads(line)
                    if "line" in what:
                        report(what["line"])
                    elif what["fault"] is None:
                        return
                    else:
                        raise ContractError(what["fault"])
                if code is not None:
                    how = signal.Signals(-code).name if code < 0 else f"exit status {code}"
                    raise ContractError(f"{at.text} crashed ({how})")
                if at.count != seen:
                    seen, since = at.count, time.monotonic()
                elif time.monotonic() - since > seconds:
                    raise ContractError(f"{at.text} did not end within {seconds:g} s")
                time.sleep(_LOOK)
