"""Live progress on stderr: rich where it is a terminal, plain lines where it is not, nothing with --quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from patternboost.construction import Construction
from patternboost.records import compare

_BARS = "▁▂▃▄▅▆▇█"
#: plain lines: seconds between two lines of one phase
_EVERY = 30.0


def spark(histogram: Mapping[int, int], width: int = 24) -> str:
    """A histogram in one line: `21 ▁▂▅█▂ 28`; the best `width` scores."""
    if not histogram:
        return "-"
    scores = range(max(min(histogram), max(histogram) - width + 1), max(histogram) + 1)
    most = max(histogram.get(s, 0) for s in scores)
    bars = "".join(_BARS[(7 * histogram[s] + most - 1) // most] if histogram.get(s) else " " for s in scores)
    return f"{scores[0]} {bars} {scores[-1]}"


class Progress:
    """What the loop tells while it works; this base says nothing (--quiet)."""

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def generation(self, number: int, budget: str) -> None:
        """Generation `number` begins; `budget` says how much is left."""

    def phase(self, name: str, total: float) -> None:
        """A phase of `total` units begins."""

    def at(self, done: float) -> None:
        """The phase has done this much in all."""

    def advance(self, units: float, best: int) -> None:
        """The phase has done `units` more; the best score is now `best`."""

    def best(self, construction: Construction) -> None:
        """A new best was verified and saved."""

    def summary(self, entry: dict[str, Any]) -> None:
        """A generation ended; `entry` is its line in the log."""


def best_line(construction: Construction) -> str:
    """The line that announces a new best; a new record is announced loudly."""
    standing = compare(construction.problem, construction.n, construction.score)
    line = f"best {construction.score} for {construction.instance}, {construction.symmetry} symmetry, verified"
    return f"*** NEW RECORD: {line} ***" if standing == "NEW RECORD" else f"{line} ({standing})"


def summary_line(entry: dict[str, Any]) -> str:
    """One line for a generation: best, scores before and after local search, share of new constructions."""
    sampled = entry["sampled"]
    wrong = f", {entry['malformed']}/{sampled} samples malformed" if entry["malformed"] else ""
    before = {int(k): v for k, v in entry["before"].items()}
    after = {int(k): v for k, v in entry["after"].items()}
    return (
        f"generation {entry['generation']}: best {entry['best']}, {sum(after.values())} walks, "
        f"before {spark(before)}, after {spark(after)}, {entry['new']:.0%} new to the pool, "
        f"class {entry['leader']} leads{wrong}, {entry['seconds']:.0f} s"
    )


class PlainProgress(Progress):
    """Lines on stderr."""

    def __init__(self) -> None:
        self._spoke = time.monotonic()
        self._budget = ""
        self._phase, self._total, self._done = "", 1.0, 0.0

    def _say(self, text: str) -> None:
        self._spoke = time.monotonic()
        print(text, file=sys.stderr, flush=True)

    def generation(self, number: int, budget: str) -> None:
        """Remember the budget for the lines to come."""
        self._budget = f"generation {number}, {budget}"

    def phase(self, name: str, total: float) -> None:
        """Begin to count."""
        self._phase, self._total, self._done = name, total, 0.0

    def at(self, done: float) -> None:
        """A line now and then."""
        self._done = done
        if time.monotonic() - self._spoke >= _EVERY:
            self._say(f"{self._budget}: {self._phase} {self._done / self._total:.0%}")

    def advance(self, units: float, best: int) -> None:
        """A line now and then."""
        self.at(self._done + units)

    def best(self, construction: Construction) -> None:
        """Always a line."""
        self._say(best_line(construction))

    def summary(self, entry: dict[str, Any]) -> None:
        """Always a line."""
        self._say(summary_line(entry))


class LiveProgress(Progress):
    """A live bar under the lines, on a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        self._bars = Bars(
            TextColumn("[bold]{task.fields[generation]}"),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("best {task.fields[best]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True, highlight=False),
            transient=True,
        )
        self._task = self._bars.add_task("start", total=None, best="-", generation="")

    def __enter__(self) -> Progress:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def generation(self, number: int, budget: str) -> None:
        """Name the generation and what is left."""
        self._bars.update(self._task, generation=f"generation {number}, {budget}")

    def phase(self, name: str, total: float) -> None:
        """A new bar."""
        self._bars.update(self._task, description=name, total=total, completed=0)

    def at(self, done: float) -> None:
        """Move the bar."""
        self._bars.update(self._task, completed=done)

    def advance(self, units: float, best: int) -> None:
        """Move the bar."""
        self._bars.update(self._task, advance=units, best=str(best))

    def best(self, construction: Construction) -> None:
        """A line above the bar."""
        loud = compare(construction.problem, construction.n, construction.score) == "NEW RECORD"
        self._bars.console.print(best_line(construction), style="bold reverse green" if loud else "green")

    def summary(self, entry: dict[str, Any]) -> None:
        """A line above the bar."""
        self._bars.console.print(summary_line(entry))


def make_progress(quiet: bool) -> Progress:
    """The progress that fits where stderr goes."""
    if quiet:
        return Progress()
    return LiveProgress() if sys.stderr.isatty() else PlainProgress()
