"""Running the command line in tests: in this process, where that will do, or in one of its own."""

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from patternboost.cli import main

PROGRAM = [sys.executable, "-m", "patternboost.cli"]
#: a search of well under a second
TINY = ["--generations", 1, "--model", "none", "--set", "starts=3", "--jobs", 1]
QUICK = [*TINY, "--quiet"]
LAST_LINE = r"best (\d+) ([a-z0-9-]+) n=(\d+) verified (.+)"


@dataclass(frozen=True)
class Answer:
    """What a command came to."""

    status: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line on stdout."""
        return self.out.splitlines()[-1]


def _exploring(arguments: tuple[object, ...]) -> list[str]:
    """The arguments; small searches go on when they have found the proved optimum, so that there is more to test."""
    words = [*map(str, arguments)]
    if words[:1] == ["search"] and "--generations" in words and not any("stop_at_optimum" in word for word in words):
        words += ["--set", "stop_at_optimum=false"]
    return words


def invoke(*arguments: object) -> Answer:
    """Run a command in this process; what it raises is raised, so a traceback is a failure."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    status: Any = None
    words = ["patternboost", *_exploring(arguments)]
    with patch.object(sys, "argv", words), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as exit_:
            status = exit_.code
    out.flush()
    return Answer(status, out.buffer.getvalue().decode(), err.getvalue())  # type: ignore[attr-defined]


def start(*arguments: object, home: Path | None = None) -> "subprocess.Popen[str]":
    """Start a command in a process of its own, alone in its process group."""
    return subprocess.Popen(
        [*PROGRAM, *_exploring(arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | ({"PATTERNBOOST_HOME": str(home)} if home else {}),
        start_new_session=True,
        preexec_fn=_as_from_a_terminal,
    )


def _as_from_a_terminal() -> None:
    """Under nohup the tests ignore a hang-up, and what they start would as well."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def finish(process: "subprocess.Popen[str]", timeout: float = 100) -> Answer:
    """Wait for a started command."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return Answer(process.returncode, out, err)


def spawn(*arguments: object, home: Path | None = None, timeout: float = 100) -> Answer:
    """Run a command in a process of its own."""
    return finish(start(*arguments, home=home), timeout)


def refused(answer: Answer, *words: str) -> None:
    """Assert that a command was refused as promised: exit status 2 and one line that says what is wrong."""
    assert answer.status == 2, answer
    assert answer.out == "", answer
    assert answer.err.endswith("\n"), answer
    assert len(answer.err.splitlines()) == 1, answer
    assert "fault" not in answer.err, answer
    for word in words:
        assert word in answer.err, answer


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for a condition, or fail."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def read_log(run: Path) -> list[dict[str, Any]]:
    """The whole lines of a run's log; none where there is no log yet."""
    log = run / "log.jsonl"
    return (
        [json.loads(line) for line in log.read_text().splitlines(keepends=True) if "\n" in line] if log.exists() else []
    )


def archived(home: Path) -> list[tuple[Any, ...]]:
    """What an archive holds, without dates and origins."""
    database = sqlite3.connect(home / "archive.sqlite")
    try:
        return database.execute(
            "select problem, n, canonical, score, points, symmetry from constructions order by problem, n, canonical"
        ).fetchall()
    finally:
        database.close()


def checkpoints(run: Path) -> dict[str, bytes]:
    """Every file of a run's checkpoints."""
    folder = run / "checkpoint"
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def untimed(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A log without what the clock wrote."""
    return [{k: v for k, v in entry.items() if k not in ("seconds", "phases", "bests", "worked")} for entry in log]
