"""Progress on stderr: rich where it is a terminal, plain lines where it is not, nothing with --quiet."""

from __future__ import annotations

import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from typing_extensions import override

from patternboost.search.progress import Progress
from patternboost.store.construction import Construction
from patternboost.store.records import compare

_BARS = "▁▂▃▄▅▆▇█"
#: scores further apart than numbers of points are
_WIDE = 400
#: columns that a line about a generation takes, at most
WIDTH = 100
#: plain lines: seconds between two lines of one phase
_EVERY = 30.0


def spark(histogram: Mapping[int, int], width: int = 24, values: bool = False) -> str:
    """A histogram in one line: `21 ▁▂▅█▂ 28`; the best `width` scores, or (`values`) all of them in as many parts."""
    if not histogram:
        return "-"
    low, high = min(histogram), max(histogram)
    if values and high - low >= width:
        parts = Counter[int]()
        for score, count in histogram.items():
            parts[(score - low) * width // (high - low + 1)] += count
        shown = [parts[i] for i in range(width)]
    else:
        low = max(low, high - width + 1)
        shown = [histogram.get(score, 0) for score in range(low, high + 1)]
    most = max(shown)
    bars = "".join(_BARS[(7 * count + most - 1) // most] if count else " " for count in shown)
    return f"{low} {bars} {high}"


def best_line(construction: Construction, ours: int = 0) -> str:
    """The line that announces a new best, beside the best known and ours before; a record is announced loudly."""
    standing = compare(construction.problem, construction.n, construction.score)
    symmetry = "no" if construction.symmetry == "none" else construction.symmetry
    line = f"best {construction.score} for {construction.instance}, {symmetry} symmetry, verified"
    line += ", from a seed" if construction.found.get("origin") == "seed" else ""
    if standing == "NEW RECORD":
        return f"*** NEW RECORD: {line} ***"
    notes = [standing]
    gain = construction.merit - construction.instance.problem.merit(ours) if ours else 0
    side = "below" if construction.score < ours else "above"
    if gain:
        notes.append(f"{side} ours{' before' if gain > 0 else ''}: {ours}")
    return f"{line} ({'; '.join(notes)})"


#: what the figures of a generation's line are, said once before the first
LEGEND = (
    "each generation: the best score so far; walks of local search, and the scores where they ended;\n"
    "  the share of them that was new to the pool; the class with most of the time; time since the start"
)


def summary_lines(entry: Mapping[str, Any]) -> list[str]:
    """A generation in lines of at most `WIDTH` columns: its best and its walks, and what the model's samples were."""
    before = {int(k): v for k, v in entry["before"].items()}
    after = {int(k): v for k, v in entry["after"].items()}
    values = bool(entry.get("minimised")) or max(after, default=0) - min(after, default=0) > _WIDE
    walks = sum(after.values())
    ended = f" to {spark(after, 16, values)}, {entry['new']:.0%} new" if walks else ""
    lines = [
        f"generation {entry['generation']}: best {entry['best'] or '-'}, {walks:,} walks{ended}, "
        f"{entry['leader']}, {time_text(entry['seconds'])}"
    ]
    if entry["sampled"]:
        parts = [f"{entry.get('novel', 0):,} new"]
        parts += [f"{entry[kind]:,} {kind}" for kind in ("malformed", "empty") if entry.get(kind)]
        drawn = f"  {entry['sampled']:,} samples of the model ({', '.join(parts)})"
        lines.append(drawn + (f", starts had {spark(before, 16, values)}" if before else ""))
    # Values of ten digits make them longer.
    return [part for line in lines for part in ([line] if len(line) <= WIDTH else _wrapped(line))]


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, WIDTH, subsequent_indent="    ", break_on_hyphens=False)


def classes_lines(standings: Sequence[tuple[str, float, int | None]]) -> list[str]:
    """The share of the work that each class had, and its best score, the likeliest to gain first; then the idle."""
    paying = [f"{name} {share:.0%} (best {best})" for name, share, best in standings if best is not None]
    nothing = [name for name, _, best in standings if best is None]
    text = "classes, the most promising first: " + ", ".join(paying)
    text += f"; nothing at all: {', '.join(nothing)}" if nothing else ""
    return _wrapped(text)


def seconds_text(seconds: float) -> str:
    """Seconds for people, below ten with a decimal: `3.2 s`, `217 s`."""
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def time_text(seconds: float) -> str:
    """A length of time for people: `3.2 s`, `4:05 min`, `7 h 30 min`."""
    if seconds < 100:
        return seconds_text(seconds)
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600} h {whole // 60 % 60:02} min"


def left_text(end: float | None) -> str:
    """How long it is until `end` (time.monotonic()), for people."""
    if end is None:
        return "time left unknown"
    if end == float("inf"):
        return "no time limit"
    seconds = max(0, round(end - time.monotonic()))
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours} h {minutes:02} min left" if hours else f"{minutes}:{seconds % 60:02} left"


def tell(entry: Mapping[str, Any], told: bool, say: Callable[[str], None]) -> bool:
    """Say a generation's lines, and before the first what its figures are; returns True: it is told now."""
    for line in [*([] if told else LEGEND.splitlines()), *summary_lines(entry)]:
        say(line)
    return True


class PlainProgress(Progress):
    """Lines on stderr: what stays, and now and then how far it is."""

    def __init__(self) -> None:
        self._spoke = time.monotonic()
        self._title: str = ""
        self._end: float | None = None
        self._phase, self._total, self._done = "", 1.0, 0.0
        self._status = ""
        self._told = False

    @override
    def say(self, line: str) -> None:
        self._spoke = time.monotonic()
        print(line, file=sys.stderr, flush=True)

    def _now_and_then(self, text: str) -> None:
        if time.monotonic() - self._spoke >= _EVERY:
            self.say(f"{self._title}: {text}, {left_text(self._end)}")

    @override
    def frame(self, title: str, end: float | None) -> None:
        self._title, self._end = title, end

    @override
    def phase(self, name: str, total: float) -> None:
        self._phase, self._total, self._done = name, total, 0.0

    @override
    def at(self, done: float) -> None:
        self._done = done
        self._now_and_then(f"{self._phase} {self._done / self._total:.0%}" if self._total else self._phase)

    @override
    def advance(self, units: float, best: int) -> None:
        self.at(self._done + units)

    @override
    def aside(self, name: str, share: float) -> None:
        self._now_and_then(f"{name} {share:.0%}")

    @override
    def status(self, text: str, end: float | None) -> None:
        if text != self._status or time.monotonic() - self._spoke >= _EVERY:
            self._status = text
            self.say(f"{text}, {left_text(end)}")

    @override
    def best(self, construction: Construction, ours: int) -> None:
        self.say(best_line(construction, ours))

    @override
    def summary(self, entry: dict[str, Any]) -> None:
        self._told = tell(entry, self._told, self.say)

    @override
    def classes(self, standings: Sequence[tuple[str, float, int | None]]) -> None:
        for line in classes_lines(standings):
            self.say(line)


class LiveProgress(Progress):
    """A live bar under the lines, on a terminal."""

    def __init__(self) -> None:
        from rich.console import Console  # late: it is not needed where stderr goes to a file
        from rich.progress import BarColumn, ProgressColumn, Task, TextColumn
        from rich.progress import Progress as Bars
        from rich.text import Text

        class LeftColumn(ProgressColumn):
            """The time left, as of now."""

            def render(self, task: Task) -> Text:
                return Text(left_text(task.fields["end"]))

        self._bars = Bars(
            TextColumn("[bold]{task.fields[title]}"),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[best]}"),
            LeftColumn(),
            console=Console(stderr=True, highlight=False),
            transient=True,
        )
        self._phase = ""
        self._told = False
        self._task = self._bars.add_task("start", total=None, best="", title="", end=None)

    def __enter__(self) -> LiveProgress:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    @override
    def say(self, line: str) -> None:
        self._bars.console.print(line, markup=False)

    @override
    def frame(self, title: str, end: float | None) -> None:
        self._bars.update(self._task, title=title, end=end)

    @override
    def phase(self, name: str, total: float) -> None:
        self._phase = name
        self._bars.update(self._task, description=name, total=total, completed=0)

    @override
    def at(self, done: float) -> None:
        self._bars.update(self._task, completed=done)

    @override
    def advance(self, units: float, best: int) -> None:
        self._bars.update(self._task, advance=units, best=f"best {best}" if best else "")

    @override
    def aside(self, name: str, share: float) -> None:
        waiting = f" ({name} {share:.0%})" if share < 1 else ""
        self._bars.update(self._task, description=self._phase + waiting)

    @override
    def status(self, text: str, end: float | None) -> None:
        self._bars.update(self._task, description=text, end=end)

    @override
    def best(self, construction: Construction, ours: int) -> None:
        loud = compare(construction.problem, construction.n, construction.score) == "NEW RECORD"
        line = best_line(construction, ours)
        self._bars.console.print(line, style="bold reverse green" if loud else "green", markup=False)

    @override
    def summary(self, entry: dict[str, Any]) -> None:
        self._told = tell(entry, self._told, self.say)

    @override
    def classes(self, standings: Sequence[tuple[str, float, int | None]]) -> None:
        for line in classes_lines(standings):
            self.say(line)


def make_progress(quiet: bool) -> Progress:
    """The progress that fits where stderr goes."""
    if quiet:
        return Progress()
    return LiveProgress() if sys.stderr.isatty() else PlainProgress()
