"""Which size a worker visits next, and for how long: effort goes where a gain is likely."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from patternboost.store.records import is_gain

#: the first round of all sizes gets this share of the budget; later visits of a size are longer by this factor
_FIRST, _LONGER = 0.3, 1.5
#: seconds of a visit, at least and at most
_LEAST, _MOST = 5.0, 900.0
#: sizes on either side that a size's curve is drawn through
_BESIDE = 6
#: what a known value above ours is worth, in points behind the curve
_BEHIND_KNOWN = 2.0
#: a neighbour's gain makes up for this part of the time that a size spent without one
_FORGIVEN = 0.5


@dataclass(frozen=True)
class Visit:
    """A finished search at one size, by one worker."""

    n: int
    seconds: float
    #: the best score when it began, and at its end
    before: int
    after: int
    #: whether small scores are wanted
    minimises: bool = False

    @property
    def gained(self) -> bool:
        """Whether it raised the score, or lowered it where small ones are wanted."""
        return is_gain(self.before, self.after, self.minimises)


@dataclass(frozen=True)
class Standing:
    """Where a size stands."""

    #: our best score; 0: none
    best: int
    #: the best known value; None: there is none
    known: int | None
    #: whether the score cannot be raised: a bound that is proved
    final: bool


def lags(scores: Mapping[int, int], minimises: bool = False) -> dict[int, float]:
    """How many points every size is behind the line through the sizes beside it; at least 0."""
    sign = -1 if minimises else 1
    found = {}
    for n, score in scores.items():
        beside = [m for m in scores if m != n and abs(m - n) <= _BESIDE and scores[m] > 0]
        if len(beside) < 3:
            found[n] = 0.0
            continue
        _, level = np.polyfit([m - n for m in beside], [scores[m] for m in beside], 1)
        found[n] = max(0.0, sign * (float(level) - score))
    return found


def idle_seconds(sizes: Collection[int], visits: Sequence[Visit]) -> dict[int, float]:
    """Seconds that every size spent without a gain; a gain next to it makes up for a part of them."""
    idle = dict.fromkeys(sizes, 0.0)
    for visit in visits:
        if visit.n not in idle:
            continue
        idle[visit.n] += visit.seconds
        if visit.gained:
            idle[visit.n] = 0.0
            for m in (visit.n - 1, visit.n + 1):
                if m in idle:
                    idle[m] *= _FORGIVEN
    return idle


def next_visit(
    standings: Mapping[int, Standing],
    visits: Sequence[Visit],
    busy: Collection[int],
    budget: float,
    minimises: bool = False,
) -> tuple[int, float] | None:
    """The size to visit and for how many seconds; None where there is nothing to do (or others do it).

    First every size once, small ones first, since they seed the larger. Then the one with the most points behind its
    neighbours' line, or behind a known value, for the time it spent without a gain. `budget` is in seconds of one
    worker.
    """
    open_sizes = sorted(n for n, standing in standings.items() if not standing.final and n not in busy)
    if not open_sizes:
        return None
    first = float(np.clip(_FIRST * budget / len(standings), _LEAST, _MOST))
    count = {n: sum(v.n == n for v in visits) for n in open_sizes}
    for n in open_sizes:
        if not count[n]:
            return n, first
    behind = lags({n: s.best for n, s in standings.items()}, minimises)
    idle = idle_seconds(list(standings), visits)

    def worth(n: int) -> float:
        known = standings[n].known
        missing = _BEHIND_KNOWN if known is not None and is_gain(standings[n].best, known, minimises) else 0.0
        return (1 + behind[n] + missing) / (first + idle[n])

    chosen = max(open_sizes, key=worth)
    return chosen, min(_MOST, first * _LONGER ** count[chosen])
