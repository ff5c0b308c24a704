"""Live progress on stderr: rich where it is a terminal, plain lines where it is not, nothing with --quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from patternboost.store.construction import Construction
from patternboost.store.records import compare

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

    def generation(self, number: int, of: int, end: float | None) -> None:
        """Generation `number` (of so many; 0: unknown) begins; the search ends about at `end` (time.monotonic())."""

    def phase(self, name: str, total: float) -> None:
        """A phase of `total` units begins."""

    def at(self, done: float) -> None:
        """The phase has done this much in all."""

    def advance(self, units: float, best: int) -> None:
        """The phase has done `units` more; the best score is now `best`."""

    def aside(self, name: str, share: float) -> None:
        """The phase waits for something that is done to this share, 0 to 1."""

    def best(self, construction: Construction) -> None:
        """A new best was verified and saved."""

    def summary(self, entry: dict[str, Any]) -> None:
        """A generation ended; `entry` is its line in the log."""

    def classes(self, standings: Sequence[tuple[str, float, int]]) -> None:
        """The search ended; which symmetry classes paid, best first (see `ClassBandit.standings`)."""


def best_line(construction: Construction) -> str:
    """The line that announces a new best; a new record is announced loudly."""
    standing = compare(construction.problem, construction.n, construction.score)
    symmetry = "no" if construction.symmetry == "none" else construction.symmetry
    line = f"best {construction.score} for {construction.instance}, {symmetry} symmetry, verified"
    return f"*** NEW RECORD: {line} ***" if standing == "NEW RECORD" else f"{line} ({standing})"


def summary_line(entry: dict[str, Any]) -> str:
    """One line for a generation: best, scores before and after local search, share of new constructions."""
    sampled = entry["sampled"]
    samples = ""
    if sampled:
        parts = [f"{entry.get('novel', 0)} new"]
        parts += [f"{entry[kind]} {kind}" for kind in ("malformed", "empty") if entry.get(kind)]
        samples = f", {sampled} samples ({', '.join(parts)})"
    before = {int(k): v for k, v in entry["before"].items()}
    after = {int(k): v for k, v in entry["after"].items()}
    return (
        f"generation {entry['generation']}: best {entry['best']}, {sum(after.values())} walks, "
        f"before {spark(before)}, after {spark(after)}, {entry['new']:.0%} new to the pool, "
        f"class {entry['leader']} leads{samples}, {entry['seconds']:.0f} s"
    )


def classes_line(standings: Sequence[tuple[str, float, int]]) -> str:
    """What the best tenth of a class's walks came to on average, and the best; then what gave nothing."""
    paying = [f"{name} {value:.1f} (best {best})" for name, value, best in standings if value > 0]
    nothing = [name for name, value, _ in standings if value == 0]
    text = "classes by what their best walks give: " + ", ".join(paying)
    return text + (f"; nothing at all: {', '.join(nothing)}" if nothing else "")


def generation_text(number: int, of: int) -> str:
    """`generation 3 of 20`, or without the total where it is unknown."""
    return f"generation {number}" + (f" of {of}" if of else "")


def time_text(seconds: float) -> str:
    """A length of time for people: `3.2 s`, `4:05 min`, `7 h 30 min`."""
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600} h {whole // 60 % 60:02} min"


def left_text(end: float | None) -> str:
    """How long it is until `end` (time.monotonic()), for people."""
    if end is None:
        return "time left unknown"
    seconds = max(0, round(end - time.monotonic()))
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours} h {minutes:02} min left" if hours else f"{minutes}:{seconds % 60:02} left"


class PlainProgress(Progress):
    """Lines on stderr."""

    def __init__(self) -> None:
        self._spoke = time.monotonic()
        self._generation, self._end = "", None  # type: tuple[str, float | None]
        self._phase, self._total, self._done = "", 1.0, 0.0

    def _say(self, text: str) -> None:
        self._spoke = time.monotonic()
        print(text, file=sys.stderr, flush=True)

    def generation(self, number: int, of: int, end: float | None) -> None:
        """Remember them for the lines to come."""
        self._generation, self._end = generation_text(number, of), end

    def phase(self, name: str, total: float) -> None:
        """Begin to count."""
        self._phase, self._total, self._done = name, total, 0.0

    def at(self, done: float) -> None:
        """A line now and then."""
        self._done = done
        if time.monotonic() - self._spoke >= _EVERY:
            self._say(f"{self._generation}: {self._phase} {self._done / self._total:.0%}, {left_text(self._end)}")

    def advance(self, units: float, best: int) -> None:
        """A line now and then."""
        self.at(self._done + units)

    def aside(self, name: str, share: float) -> None:
        """A line now and then."""
        if time.monotonic() - self._spoke >= _EVERY:
            self._say(f"{self._generation}: {name} {share:.0%}, {left_text(self._end)}")

    def best(self, construction: Construction) -> None:
        """Always a line."""
        self._say(best_line(construction))

    def summary(self, entry: dict[str, Any]) -> None:
        """Always a line."""
        self._say(summary_line(entry))

    def classes(self, standings: Sequence[tuple[str, float, int]]) -> None:
        """A line."""
        self._say(classes_line(standings))


class LiveProgress(Progress):
    """A live bar under the lines, on a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, ProgressColumn, Task, TextColumn
        from rich.progress import Progress as Bars
        from rich.text import Text

        class LeftColumn(ProgressColumn):
            """The time left, as of now."""

            def render(self, task: Task) -> Text:
                return Text(left_text(task.fields["end"]))

        self._bars = Bars(
            TextColumn("[bold]{task.fields[generation]}"),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("best {task.fields[best]}"),
            LeftColumn(),
            console=Console(stderr=True, highlight=False),
            transient=True,
        )
        self._phase = ""
        self._task = self._bars.add_task("start", total=None, best="-", generation="", end=None)

    def __enter__(self) -> Progress:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def generation(self, number: int, of: int, end: float | None) -> None:
        """Name the generation and what is left."""
        self._bars.update(self._task, generation=generation_text(number, of), end=end)

    def aside(self, name: str, share: float) -> None:
        """Named beside the phase until it is done."""
        waiting = f" ({name} {share:.0%})" if share < 1 else ""
        self._bars.update(self._task, description=self._phase + waiting)

    def phase(self, name: str, total: float) -> None:
        """A new bar."""
        self._phase = name
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

    def classes(self, standings: Sequence[tuple[str, float, int]]) -> None:
        """A line above the bar."""
        self._bars.console.print(classes_line(standings))


def make_progress(quiet: bool) -> Progress:
    """The progress that fits where stderr goes."""
    if quiet:
        return Progress()
    return LiveProgress() if sys.stderr.isatty() else PlainProgress()
