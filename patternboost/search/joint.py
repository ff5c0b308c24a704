"""One conflict update for forbidden sets of several sizes, made of the problem's rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from patternboost.problem.objective import Forbidden
from patternboost.problem.rules import Rule
from patternboost.search.combinations import next_combination

_Update = Callable[..., None]
#: of `problem.rules.update`; these closures are compiled in every process and not kept
_SIGNATURE = types.void(types.int64, types.int64[::1], types.int64, types.int64, types.int32[::1])


def joint_update(parts: Sequence[Forbidden]) -> _Update:
    """The conflict update of all the rules together."""
    return _joint(tuple(parts))


@cache
def _joint(parts: tuple[Forbidden, ...]) -> _Update:
    own = [part.conflicts or _asking(part.complete, part.k) for part in parts]
    joined = own[0]
    for other in own[1:]:
        joined = _both(joined, other)
    return joined


def _both(first: _Update, second: _Update) -> _Update:
    @njit(_SIGNATURE, nogil=True)
    def both(n: int, members: NDArray[np.int64], element: int, sign: int, counts: NDArray[np.int32]) -> None:
        first(n, members, element, sign, counts)
        second(n, members, element, sign, counts)

    return both  # type: ignore[no-any-return]


def _asking(complete: Rule, k: int) -> _Update:
    """Ask a rule for the element with every k - 2 members."""
    parts = k - 2

    @njit(_SIGNATURE, nogil=True)
    def ask(n: int, members: NDArray[np.int64], element: int, sign: int, counts: NDArray[np.int32]) -> None:
        size = len(members)
        if size < parts:
            return
        chosen, index, out = np.zeros(parts + 1, np.int64), np.arange(parts), np.zeros(len(counts), np.int64)
        chosen[parts] = element
        while True:
            for i in range(parts):
                chosen[i] = members[index[i]]
            for t in range(complete(n, chosen, out)):
                counts[out[t]] += sign
            if not next_combination(index, 0, size):
                return

    return ask  # type: ignore[no-any-return]
