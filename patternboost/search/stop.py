"""When to stop: asked from outside (Ctrl-C, SIGTERM), or at a moment."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Stop:
    """Says when to stop: asked from outside, or at `deadline`, a moment of time.monotonic(). Called, it answers.

    It also stops when `parent` says so, which may rule many.
    """

    deadline: float = float("inf")
    asked: bool = False
    parent: Stop | None = None

    def __call__(self) -> bool:
        """Whether it is time."""
        if self.parent is not None and self.parent():
            self.asked = True
        return self.asked or time.monotonic() >= self.deadline


@contextmanager
def ctrl_c(stop: Stop) -> Iterator[None]:
    """Turn the first Ctrl-C (or SIGTERM) into a request to stop; a second Ctrl-C interrupts at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.asked:
            raise KeyboardInterrupt
        stop.asked = True

    before = {s: signal.signal(s, ask) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
