"""When to stop: asked from outside (Ctrl-C, or a cluster's notice), or at a moment."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

#: signals that ask to stop: Ctrl-C, `kill`, a terminal that closes, and a cluster's notice that time is nearly up
_ASKS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1") if hasattr(signal, name))


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
    """Turn the first Ctrl-C into a request to stop, as `_ASKS` do too; a second Ctrl-C interrupts at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.asked = True

    # What is ignored stays so: that is how nohup lets a program outlive its terminal.
    before = {s: signal.signal(s, ask) for s in _ASKS if signal.getsignal(s) is not signal.SIG_IGN}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
