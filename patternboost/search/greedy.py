"""Random greedy fill: cells in random order, each taken if it completes no forbidden set with those taken before.

For problems whose forbidden sets stay forbidden when they are moved, what a pair forbids depends on its displacement
alone. The *shifts* list it once per displacement, as offsets into a board with a margin all round, so that a pair is
marked by plain stores, with no bounds to test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit, typeof, types
from numpy.typing import NDArray

from patternboost.problem import RULE_TYPE, Instance, ProblemError
from patternboost.problem.ground import BoardSize, Grid, IntArray


class Shifts(NamedTuple):
    """What a pair of cells forbids, by displacement, on the n x n grid with a margin of n - 1 (width 3 n - 2)."""

    n: int
    #: offsets for displacement (dr, dc), where dr > 0 or dr = 0 < dc: offset[start[i]:start[i + 1]]
    #: with i = dr (2 n - 1) + dc + n - 1
    start: NDArray[np.int32]
    #: cells of the wide board relative to the first cell of the pair, int32
    offset: NDArray[np.int32]


_SHIFTS_TYPE = typeof(Shifts(0, np.zeros(1, np.int32), np.zeros(0, np.int32)))


@njit(
    types.int64(RULE_TYPE, types.int64, types.int32[::1], types.int32[::1], types.boolean),
    cache=True,
    nogil=True,
)
def _find_shifts(complete, n, start, offset, fill):  # type: ignore[no-untyped-def]
    """Row lengths to `start`, or (fill) offsets to where `start` says; returns the number of offsets."""
    side = 2 * n - 1  # around a cell in its middle this board holds every cell that can share an n x n board with it
    chosen = np.zeros(2, np.int64)
    out = np.zeros(side * side, np.int64)
    chosen[0] = (n - 1) * side + n - 1
    total = 0
    for dr in range(n):
        for dc in range(1 - n, n):
            if dr == 0 and dc <= 0:
                continue
            index = dr * side + dc + n - 1
            chosen[1] = (n - 1 + dr) * side + n - 1 + dc
            count = 0
            for t in range(complete(side, chosen, out)):
                r, c = out[t] // side - (n - 1), out[t] % side - (n - 1)
                if abs(r - dr) < n and abs(c - dc) < n:
                    if fill:
                        offset[start[index] + count] = r * (3 * n - 2) + c
                    count += 1
            if not fill:
                start[index + 1] = count
            total += count
    return total


def make_shifts(instance: Instance) -> Shifts:
    """The shifts of an instance. Raises ProblemError where the problem is not one of moving triples on a grid."""
    problem, n = instance.problem, instance.n
    if problem.k != 3 or not problem.translations or not isinstance(problem.ground, Grid) or isinstance(n, BoardSize):
        raise ProblemError(f"{problem.name}: shifts need forbidden triples on a grid that may be moved")
    problem.at(2 * n - 1)  # the rule is asked on a board of this size
    start = np.zeros(n * (2 * n - 1) + 1, np.int32)
    offset = np.zeros(_find_shifts(problem.complete, n, start, np.zeros(0, np.int32), False), np.int32)
    np.cumsum(start, out=start, dtype=np.int32)
    _find_shifts(problem.complete, n, start, offset, True)
    return Shifts(n, start, offset)


@njit(
    types.int64(_SHIFTS_TYPE, types.int64[::1], types.uint8[::1], types.int64[::1]),
    cache=True,
    nogil=True,
)
def greedy_fill(shifts, order, blocked, chosen):  # type: ignore[no-untyped-def]
    """Take the cells of `order` (int64) one by one where they are legal; write them to `chosen`, return their number.

    `blocked` is scratch, uint8[(3 n - 2)^2].
    """
    n = shifts.n
    side, width = 2 * n - 1, 3 * n - 2
    blocked[:] = 0
    count = 0
    for cell in order:
        r, c = cell // n, cell % n
        at = (r + n - 1) * width + c + n - 1
        if blocked[at]:
            continue
        for i in range(count):
            dr, dc = chosen[i] // n - r, chosen[i] % n - c
            base = at
            if dr < 0 or (dr == 0 and dc < 0):
                base = at + dr * width + dc
                dr, dc = -dr, -dc
            index = dr * side + dc + n - 1
            for t in range(shifts.start[index], shifts.start[index + 1]):
                blocked[base + shifts.offset[t]] = 1
        chosen[count] = cell
        count += 1
    return count


@dataclass(frozen=True)
class Greedy:
    """Random greedy constructions of an instance: the plainest attempts there are."""

    instance: Instance
    shifts: Shifts

    @classmethod
    def of(cls, instance: Instance) -> Greedy:
        """Prepare an instance. Raises ProblemError as `make_shifts` does."""
        return cls(instance, make_shifts(instance))

    def fill(self, order: IntArray) -> IntArray:
        """The greedy set for one order of the cells (int64), as sorted elements."""
        n = self.instance.n
        chosen = np.zeros(len(order), np.int64)
        count = greedy_fill(self.shifts, order, np.zeros((3 * n - 2) ** 2, np.uint8), chosen)
        return np.sort(chosen[:count])

    def sample(self, count: int, seed: int) -> list[IntArray]:
        """`count` greedy sets for random orders."""
        rng = np.random.default_rng(seed)
        return [self.fill(rng.permutation(self.instance.size)) for _ in range(count)]
