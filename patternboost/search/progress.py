"""What long work tells while it goes on. This base says nothing (--quiet); `report.progress` shows it to people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from patternboost.store.construction import Construction


class Progress:
    """One reporter for search, proof, comparison and lesson."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def say(self, line: str) -> None:
        """A line that stays."""

    def frame(self, title: str, end: float | None) -> None:
        """What is going on as a whole (a generation, a run of many), and when all ends, about (time.monotonic())."""

    def phase(self, name: str, total: float) -> None:
        """A phase of `total` units begins."""

    def at(self, done: float) -> None:
        """The phase has done this much in all."""

    def advance(self, units: float, best: int) -> None:
        """The phase has done `units` more; the best score is now `best`."""

    def aside(self, name: str, share: float) -> None:
        """The phase waits for something that is done to this share, 0 to 1."""

    def status(self, text: str, end: float | None) -> None:
        """One line that is kept up to date: where a proof stands, and when it ends at the latest."""

    # -- what a search tells besides ---------------------------------------------------------------------------------

    def best(self, construction: Construction, ours: int) -> None:
        """A new best was verified and saved; `ours` is the best score at hand before the search (0: none)."""

    def summary(self, entry: dict[str, Any]) -> None:
        """A generation ended; `entry` is its line in the log."""

    def classes(self, standings: Sequence[tuple[str, float, int | None]]) -> None:
        """The search ended; which symmetry classes paid, best first (see `loop.allocator.standings`)."""
