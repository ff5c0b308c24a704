"""The memory that a process's searches share: tables, bitmaps of regions and written-out sets, within one budget."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cachetools import LRUCache

#: default budget, bytes
DEFAULT_MEMORY = 2 << 30


class Interrupted(Exception):
    """Work was given up because `stopped` said so."""


def never() -> bool:
    """Nobody asks to stop."""
    return False


def silent(share: float) -> None:
    """Report to nobody."""


@dataclass(frozen=True)
class Building:
    """How something large is built: within so many bytes, by so many threads.

    `stopped` is asked now and then, and Interrupted raised where it says so; `report` is told the share done, 0 to 1.
    """

    memory: int = DEFAULT_MEMORY
    jobs: int = 1
    stopped: Callable[[], bool] = never
    report: Callable[[float], None] = silent

    def check(self) -> None:
        """Raise Interrupted where it is time to stop."""
        if self.stopped():
            raise Interrupted


class Sized(Protocol):
    """What takes memory worth counting."""

    @property
    def nbytes(self) -> int:
        """Bytes held."""


_T = TypeVar("_T", bound=Sized)


class SharedMemory:
    """What was built, kept while it fits; the least recently used goes first.

    Room is made before something is built, by what it is expected to take, so that old and new together stay within
    the budget. Things are built once, however many threads ask; other things can be had meanwhile.
    """

    def __init__(self) -> None:
        self._kept: LRUCache[Hashable, Sized] = LRUCache(math.inf, getsizeof=lambda value: value.nbytes)
        self._building: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Bytes held by all that is kept."""
        return int(self._kept.currsize)

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._kept

    def get(self, key: Hashable, memory: int, expected: float, make: Callable[[], _T]) -> _T:
        """What `key` stands for, made by `make()` where it is not kept; all that is kept fits `memory` bytes."""
        with self._lock:
            building = self._building.setdefault(key, threading.Lock())
        with building:
            with self._lock:
                found = self._kept.get(key)
                if found is None:
                    self._make_room(memory - expected)
            if found is None:
                found = make()
                with self._lock:
                    self._make_room(memory - found.nbytes)
                    self._kept[key] = found
        with self._lock:
            self._building.pop(key, None)
        return found  # type: ignore[return-value]

    def _make_room(self, most: float) -> None:
        while self._kept and self._kept.currsize > max(0.0, most):
            self._kept.popitem()


#: this process's
shared = SharedMemory()
