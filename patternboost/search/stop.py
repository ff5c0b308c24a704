"""When to stop: asked from outside (Ctrl-C, or a cluster's notice), or at a moment."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

#: signals that ask to stop: Ctrl-C, `kill`, a terminal that closes, and a cluster's notice that time is nearly up
ASKS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1") if hasattr(signal, name))


#: seconds that a program may go on after it was asked twice, before it is ended as it is
_PATIENCE = 15.0


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
    """Turn the first Ctrl-C into a request to stop, as `ASKS` do too; a second Ctrl-C interrupts at once.

    Where that is not heard, since compiled code (a rule that never ends, say) does not come back, the process ends
    fifteen seconds after the second request, with exit status 130. What was saved by then stays.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.asked = True

    # What is ignored stays so: that is how nohup lets a program outlive its terminal.
    before = {s: signal.signal(s, ask) for s in ASKS if signal.getsignal(s) is not signal.SIG_IGN}
    try:
        with _ending_what_does_not_hear():
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _ending_what_does_not_hear() -> Iterator[None]:
    """Python runs signal handlers between steps of Python; a thread hears of signals even while there are none."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    over = threading.Event()

    def listen() -> None:
        asked = 0
        while numbers := os.read(reading, 64):
            asked += sum(number in ASKS for number in numbers)
            if asked >= 2 and not over.wait(_PATIENCE):
                os.write(2, b"patternboost: ended at once, since it did not answer; what was saved is there\n")
                os._exit(130)
        os.close(reading)

    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=listen, daemon=True).start()
    try:
        yield
    finally:
        over.set()
        signal.set_wakeup_fd(before)
        os.close(writing)
