"""The n x n x n cube, with its 48 symmetries."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations, product

import numpy as np

from patternboost.problem.ground.base import MAX_ELEMENTS, IntArray


class Cube:
    """The n x n x n grid. A point is [x, y, z]; element (x * n + y) * n + z; the 48 symmetries of the cube act."""

    drawing = "layers"
    min_n = 1
    symmetric_classes = True

    def max_n(self) -> int:
        """The largest size whose ground set the engine can hold."""
        return int(MAX_ELEMENTS ** (1 / 3))

    def size(self, n: int) -> int:
        """n^3."""
        return n * n * n

    def points(self, n: int) -> IntArray:
        """The three coordinates of every cell, shape (n^3, 3)."""
        return np.stack(np.unravel_index(np.arange(n**3, dtype=np.int64), (n, n, n)), axis=1).astype(np.int64)

    def elements(self, n: int, points: IntArray) -> IntArray:
        """(x * n + y) * n + z."""
        return (points[:, 0] * n + points[:, 1]) * n + points[:, 2]

    def _map(self, n: int, axes: Sequence[int], flips: Sequence[int]) -> IntArray:
        """Coordinate i of the image is coordinate axes[i] of the point, counted from the far side where flipped."""
        points = self.points(n)[:, list(axes)]
        return self.elements(n, np.where(np.array(flips, bool), n - 1 - points, points))

    def symmetries(self, n: int) -> IntArray:
        """All permutations of the axes with all choices of axes to reverse."""
        return np.stack([self._map(n, a, f) for a in permutations(range(3)) for f in product((0, 1), repeat=3)])

    def classes(self, n: int) -> dict[str, list[IntArray]]:
        """Subgroups of the cube's group by what generates them."""
        classes: dict[str, list[IntArray]] = {"none": []}
        if n < 2:
            return classes
        straight, turned, cycled = (0, 1, 2), (1, 0, 2), (1, 2, 0)
        inversion = self._map(n, straight, (1, 1, 1))
        mirror = self._map(n, straight, (1, 0, 0))
        third = self._map(n, cycled, (0, 0, 0))
        quarter = self._map(n, turned, (1, 0, 0))
        half = self._map(n, straight, (1, 1, 0))
        classes["inversion"] = [inversion]
        classes["mirror"] = [mirror]
        classes["half-turn"] = [half]
        classes["diagonal"] = [self._map(n, turned, (0, 0, 0))]
        classes["diagonal-turn"] = [self._map(n, turned, (0, 0, 1))]
        classes["third-turn"] = [third]
        classes["quarter-turn"] = [quarter]
        classes["turn-mirror"] = [self._map(n, turned, (1, 0, 1))]
        classes["three-half-turns"] = [half, self._map(n, straight, (0, 1, 1))]
        classes["third-turn+inversion"] = [third, inversion]
        classes["three-mirrors"] = [mirror, self._map(n, straight, (0, 1, 0)), self._map(n, straight, (0, 0, 1))]
        classes["rotations"] = [third, quarter]
        classes["full"] = [third, quarter, inversion]
        return classes

    def embed(self, small: int, large: int) -> IntArray:
        """Coordinates nearer to the low side keep their distance from it, the others from the high side."""
        points = self.points(small)
        return self.elements(large, np.where(2 * points >= small, points + (large - small), points))

    def placements(self, small: int, large: int) -> Sequence[IntArray]:
        """In the corner of low numbers, and in the middle."""
        points = self.points(small)
        return [self.elements(large, points), self.elements(large, points + (large - small) // 2)]

    def box(self, n: int, elements: IntArray) -> tuple[IntArray, IntArray]:
        """The bounding box of the elements."""
        points = self.points(n)[elements]
        return points.min(axis=0), points.max(axis=0)

    def order(self, n: int) -> IntArray:
        """From the surface inwards, edges and corners of a shell first."""
        points = self.points(n)
        distances = np.sort(np.minimum(points, n - 1 - points), axis=1)
        return np.lexsort((np.arange(n**3), distances[:, 2], distances[:, 1], distances[:, 0])).astype(np.int64)

    def canonical(self, n: int, elements: IntArray) -> IntArray | None:
        """None: all symmetries are listed."""
        return None


CUBE = Cube()
