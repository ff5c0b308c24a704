"""An import that takes seconds, done in a thread while the cores search, so that the first training need not wait."""

from __future__ import annotations

import importlib
import sys
import threading


class LateImport:
    """A module that a library imports by itself when it is first used."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Import it in a thread, where that has not begun."""
        if self._thread is None:
            # No daemon: an import that is cut off by the end of the program may end it with a traceback.
            name = f"import {self._name}"
            self._thread = threading.Thread(target=importlib.import_module, args=(self._name,), name=name)
            self._thread.start()

    @property
    def done(self) -> bool:
        """Whether whoever uses it now need not wait."""
        if self._thread is None:
            return self._name in sys.modules
        return not self._thread.is_alive()

    def wait(self) -> None:
        """Until the thread, if any, is done: two threads that import the same circle of modules may get half of one."""
        if self._thread is not None:
            self._thread.join()
