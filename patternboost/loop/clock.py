"""How long a search goes on, and how long each of its generations."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from patternboost.search.stop import Stop
from patternboost.store.settings import Settings

#: under a time budget a generation takes this share of what came before it, so that the model has a say early, but no
#: more than this share of the whole budget, and seconds within these bounds
_GROWTH, _MOST = 0.3, 0.1
_SHORTEST, _LONGEST = 2.0, 240.0
#: with less than this share of a generation's time left there is only search: training would come to nothing
_LAST = 0.5


@dataclass
class Clock:
    """Time spent and time left. With a budget in generations no decision of a search looks at it."""

    settings: Settings
    stop: Stop
    #: seconds that earlier parts of the run took
    earlier: float = 0.0
    #: the generation that this process began with
    first: int = 0
    started: float = field(default_factory=time.monotonic)

    def begin(self, generation: int, earlier: float) -> None:
        """Set the deadline; `earlier` seconds were spent before this process took the run up."""
        self.first, self.earlier = generation, earlier
        if self.settings.minutes:
            self.stop.deadline = self.started + 60 * self.settings.minutes - earlier

    @property
    def seconds(self) -> float:
        """Time spent on the run, earlier parts included."""
        return self.earlier + time.monotonic() - self.started

    def generation_length(self) -> float:
        """Seconds that the next generation should take under a time budget."""
        most = _MOST * 60 * self.settings.minutes
        return float(np.clip(min(_GROWTH * self.seconds, most), _SHORTEST, _LONGEST))

    def within(self, seconds: float) -> Callable[[], bool]:
        """A stop that under a time budget also comes after `seconds`; without one only when asked."""
        if not self.settings.timed:
            return self.stop
        end = time.monotonic() + seconds
        return lambda: self.stop() or time.monotonic() >= end

    def limit(self, seconds: float) -> float | None:
        """`seconds` under a time budget; None, no limit, without one."""
        return seconds if self.settings.timed else None

    def ending(self, length: float) -> bool:
        """Whether less than half a generation is left."""
        return self.settings.timed and self.stop.deadline - time.monotonic() < _LAST * length

    def expected_end(self, generation: int) -> float | None:
        """When the run will be done (time.monotonic()): its deadline, or its generations at the pace so far."""
        now = time.monotonic()
        ends = [self.stop.deadline] if self.settings.minutes else []
        done = generation - self.first
        if self.settings.generations and done:
            ends.append(now + (self.settings.generations - generation) * (now - self.started) / done)
        return min(ends, default=None)
