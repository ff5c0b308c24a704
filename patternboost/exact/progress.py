"""What a proof tells while it works, on stderr: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any

from patternboost.report.progress import left_text

#: plain lines: seconds between two that say nothing new
_EVERY = 30.0


class ProofProgress:
    """This base says nothing (--quiet)."""

    def __enter__(self) -> ProofProgress:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def say(self, text: str) -> None:
        """One line that stays."""

    def at(self, stage: str, lower: int, upper: int, end: float | None) -> None:
        """What is being done, the best score and the bound now, and when it ends at the latest (time.monotonic())."""


def _line(stage: str, lower: int, upper: int, end: float | None) -> str:
    left = "no time limit" if end is None else left_text(end)
    return f"{stage}: best {lower}, bound {upper}, {left}"


class PlainProofProgress(ProofProgress):
    """Lines on stderr: where something changed, and now and then."""

    def __init__(self) -> None:
        self._shown: tuple[Any, ...] = ()
        self._spoke = time.monotonic()

    def say(self, text: str) -> None:
        """Print it."""
        self._spoke = time.monotonic()
        print(text, file=sys.stderr, flush=True)

    def at(self, stage: str, lower: int, upper: int, end: float | None) -> None:
        """A line where best or bound changed, or it was quiet for long."""
        now = (stage, lower, upper)
        if now != self._shown or time.monotonic() - self._spoke >= _EVERY:
            self._shown = now
            self.say(_line(stage, lower, upper, end))


class LiveProofProgress(ProofProgress):
    """One line that is kept up to date, under the lines that stay."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.status import Status

        self._console = Console(stderr=True, highlight=False)
        self._status = Status("", console=self._console)

    def __enter__(self) -> ProofProgress:
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def say(self, text: str) -> None:
        """Print it above the live line."""
        self._console.print(text, markup=False)

    def at(self, stage: str, lower: int, upper: int, end: float | None) -> None:
        """Renew the live line."""
        self._status.update(_line(stage, lower, upper, end))


def make_proof_progress(quiet: bool) -> ProofProgress:
    """The progress that fits where stderr goes."""
    if quiet:
        return ProofProgress()
    return LiveProofProgress() if sys.stderr.isatty() else PlainProofProgress()
