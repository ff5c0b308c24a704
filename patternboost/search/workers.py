"""Worker processes: they do not hear Ctrl-C, and those on this machine do not outlive the search.

A terminal sends Ctrl-C to all processes of a command, and some clusters send their notice to all. The search alone
answers: its workers finish what they have, or are ended.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from patternboost.search.stop import ASKS

#: seconds between two looks at whether the search is still there
_LOOK = 1.0


@contextmanager
def unheard(starting: bool) -> Iterator[None]:
    """Signal handlers that libraries set within are taken back.

    While `starting` workers, which must take moments only, the signals that ask to stop are ignored, as the processes
    that are started within will go on to do.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in ASKS}
    if starting:
        for number in ASKS:
            signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # None: set by something that is no Python
                signal.signal(number, handler)


def ignore_signals() -> None:
    """In a worker's main thread: leave the signals that ask to stop to the search."""
    for number in ASKS:
        with suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_IGN)


def serve(parent: int) -> None:
    """What a worker process does first: it leaves signals to the process `parent`, and ends when that is gone."""
    ignore_signals()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(1)
