"""Standard streams that may be closed, or full: what is told on standard error is never worth ending a search for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import IO, Any


def open_all() -> None:
    """Open what of the three standard streams is closed as nothing, so that no file of ours gets its number."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115


class Forgiving:
    """A text stream on standard error; when it cannot be written to, what is told goes nowhere from then on."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, or give up."""
        try:
            return self._stream.write(text)
        except OSError:
            self._lose()
            return len(text)

    def flush(self) -> None:
        """Flush, or give up."""
        try:
            self._stream.flush()
        except OSError:
            self._lose()

    def _lose(self) -> None:
        """What is in the stream's buffer must go somewhere, or leaving Python fails."""
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, self._stream.fileno())
        os.close(nothing)


@contextmanager
def forgiving_stderr() -> Iterator[None]:
    """Within, a lost standard error ends nothing."""
    with redirect_stderr(Forgiving(sys.stderr)):  # type: ignore[type-var]
        yield
