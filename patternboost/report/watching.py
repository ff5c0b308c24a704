"""Following a run that another process works on, by its log alone."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from patternboost.report.progress import summary_lines, time_text
from patternboost.report.run_table import state_of
from patternboost.store.files import json_value
from patternboost.store.log_line import is_log_line
from patternboost.store.run_folder import RunFolder

#: seconds between two looks, and generations shown of what was before
_PAUSE = 1.0
_EARLIER = 5


def new_entries(run: RunFolder, after: int, offset: int) -> tuple[list[dict[str, Any]], int]:
    """The log's whole lines from a byte on, of generations later than `after`; and the byte to go on from.

    A log that became shorter (a resumed run cuts it back to its checkpoint) is read from its beginning.
    """
    path = run.folder / "log.jsonl"
    try:
        with path.open("rb") as file:
            if file.seek(0, 2) < offset:
                offset = 0
            file.seek(offset)
            content = file.read()
    except FileNotFoundError:
        return [], 0
    whole = content[: content.rfind(b"\n") + 1]
    entries = []
    for line in whole.splitlines():
        try:
            entry = json_value(line)
        except ValueError:
            continue  # cut in the middle: the offset was that of another log; what is new comes after it
        if is_log_line(entry) and entry["generation"] > after:
            entries.append(entry)
    return entries, offset + len(whole)


def follow(run: RunFolder, pause: Callable[[float], None] = time.sleep) -> Iterator[dict[str, Any]]:
    """Every generation from now on, with the last few of before; ends when nobody works on the run any more."""
    after, offset = -1, 0
    first = True
    while True:
        running = run.running()  # asked first: what is logged before the lock is let go of is read afterwards
        entries, offset = new_entries(run, after, offset)
        yield from entries[-_EARLIER:] if first else entries
        after = entries[-1]["generation"] if entries else after
        first = False
        if not running:
            return
        pause(_PAUSE)


def watch(run: RunFolder) -> None:
    """Print what happens to a run until it ends: a line per generation, and on a terminal how long the last one was
    ago; at the end what it came to."""
    say = _Terminal(run) if sys.stdout.isatty() else None
    print(f"{run.settings.problem} n={run.settings.n}: {state_of(run)}", flush=True)
    last: dict[str, Any] = {}

    def pause(seconds: float) -> None:
        if say is not None:
            say.waiting(last)
        time.sleep(seconds)

    try:
        for entry in follow(run, pause):
            if say is not None:
                say.clear()
            if last and entry["best"] > last["best"]:
                print(f"best {entry['best']} after {time_text(entry['seconds'])}")
            print("\n".join(summary_lines(entry)), flush=True)
            last = entry
    finally:
        if say is not None:
            say.clear()
    came_to = "no generation is done yet"
    if last:
        came_to = f"best {last['best']}, {last['generation'] + 1} generations in {time_text(last['seconds'])}"
    print(f"{state_of(run)}: {came_to}")


class _Terminal:
    """A line below the others that says that nothing has happened yet."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._since = time.time()

    def waiting(self, last: dict[str, Any]) -> None:
        """Show how long it is since the last generation."""
        log = self._run.folder / "log.jsonl"
        since = time.time() - (log.stat().st_mtime if log.exists() else self._since)
        number = last["generation"] + 1 if last else 0
        text = f"generation {number} for {time_text(max(0.0, since))}; Ctrl-C leaves the run alone"
        print(f"\r\033[2K{text}", end="", flush=True)

    def clear(self) -> None:
        """Take the line away."""
        print("\r\033[2K", end="", flush=True)
