"""What definitions of forbidden sets have in common, for `violation`: nothing of the search is in here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: numbers compared at once: enough to be fast, and a huge set takes no more memory than a small one
_AT_ONCE = 1 << 16


def equal_from_one(
    points: Sequence[tuple[int, ...]], number: Callable[[NDArray[Any]], NDArray[Any]]
) -> list[tuple[int, ...]] | None:
    """Two points that look alike from a third: [one, the third, the other], or None.

    `number` takes the steps from some points to all points, int64 [some, all, coordinates], and says in a whole number
    above 0 how each looks, int64 [some, all]; 0 for the step from a point to itself.

    >>> equal_from_one([(0, 0), (0, 2), (2, 0), (5, 5)], lambda step: (step**2).sum(axis=2))
    [(0, 2), (0, 0), (2, 0)]
    """
    places = np.array(points, np.int64)
    rows = max(1, _AT_ONCE // max(1, len(points)))
    for first in range(0, len(points), rows):
        looks = number(places[None, :] - places[first : first + rows, None])
        ranked = np.sort(looks, axis=1)
        equal = np.argwhere((ranked[:, 1:] == ranked[:, :-1]) & (ranked[:, 1:] > 0))
        if len(equal):
            row, at = equal[0]
            one, other = np.flatnonzero(looks[row] == ranked[row, at])[:2]
            return [points[one], points[first + row], points[other]]
    return None
