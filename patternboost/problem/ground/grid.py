"""The n x n grid, with the symmetries of the square; and boards that are no squares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from patternboost.problem.ground.base import MAX_ELEMENTS, IntArray, identity_order
from patternboost.problem.sizes import sides


class Grid:
    """The n x n grid. A point is [row, column]; element row * n + column; the 8 symmetries of the square act.

    On an m x n board (`BoardSize`) the element is row * n + column too, and the 4 symmetries of the rectangle act.
    """

    #: order of `symmetries`: rotations by 0, 90, 180, 270 degrees, then mirrors and diagonals
    NAMES = (
        "identity",
        "quarter-turn",
        "half-turn",
        "three-quarter-turn",
        "left-right mirror",
        "up-down mirror",
        "diagonal",
        "antidiagonal",
    )

    min_n = 1
    symmetric_classes = False

    def max_n(self) -> int:
        """The largest size whose ground set the engine can hold."""
        return int(MAX_ELEMENTS**0.5)

    def size(self, n: int) -> int:
        """n * n."""
        rows, columns = sides(n)
        return rows * columns

    def points(self, n: int) -> IntArray:
        """Row and column of every cell, shape (n * n, 2)."""
        rows, columns = np.divmod(np.arange(self.size(n), dtype=np.int64), sides(n)[1])
        return np.stack([rows, columns], axis=1)

    def elements(self, n: int, points: IntArray) -> IntArray:
        """row * n + column."""
        return points[:, 0] * sides(n)[1] + points[:, 1]

    def symmetries(self, n: int) -> IntArray:
        """The dihedral group of the square, in the order of `NAMES`; of a rectangle the half that keeps it."""
        rows, columns = self.points(n).T
        height, width = sides(n)
        if height != width:
            back, down = width - 1 - columns, height - 1 - rows
            return np.stack([r * width + c for r, c in ((rows, columns), (down, back), (rows, back), (down, columns))])
        last = n - 1
        images = [
            (rows, columns),
            (columns, last - rows),
            (last - rows, last - columns),
            (last - columns, rows),
            (rows, last - columns),
            (last - rows, columns),
            (columns, rows),
            (last - columns, last - rows),
        ]
        return np.stack([r * n + c for r, c in images])

    def classes(self, n: int) -> dict[str, list[IntArray]]:
        """The classes that users name on the command line; sizes 1 have only 'none'."""
        if len(set(sides(n))) == 2:
            return self._classes_of_rectangle(n)
        _, quarter, half, _, left_right, up_down, diagonal, antidiagonal = self.symmetries(n)
        rows, columns = self.points(n).T
        on_diagonal = (rows == columns) | (rows + columns == n - 1)
        # Mirrors whose axis is off centre by half a cell: the last column (or row) has no image and stays free.
        left_right_half = np.where(columns < n - 1, rows * n + (n - 2 - columns), -1)
        up_down_half = np.where(rows < n - 1, (n - 2 - rows) * n + columns, -1)
        classes: dict[str, list[IntArray]] = {"none": []}
        if n < 2:
            return classes
        classes["half-turn"] = [half]
        classes["mirror"] = [left_right]
        classes["diagonal"] = [diagonal]
        classes["both-mirrors"] = [left_right, up_down]
        classes["both-diagonals"] = [diagonal, antidiagonal]
        classes["quarter-turn"] = [quarter]
        classes["full"] = [quarter, left_right]
        classes["near-quarter-turn"] = [np.where(on_diagonal, half, quarter)]
        if n >= 3:
            classes["mirror+half"] = [left_right_half]
            classes["both-mirrors+half"] = [left_right_half, up_down_half]
            classes["both-mirrors+one-half"] = [left_right, up_down_half]
        return classes

    def _classes_of_rectangle(self, n: int) -> dict[str, list[IntArray]]:
        """'mirror' exchanges left and right, 'mirror-rows' up and down; with '+half' its axis is off by half a cell."""
        _, half, left_right, up_down = self.symmetries(n)
        rows, columns = self.points(n).T
        height, width = sides(n)
        left_right_half = np.where(columns < width - 1, rows * width + (width - 2 - columns), -1)
        up_down_half = np.where(rows < height - 1, (height - 2 - rows) * width + columns, -1)
        classes: dict[str, list[IntArray]] = {"none": [], "half-turn": [half]}
        if width > 1:
            classes |= {"mirror": [left_right], "mirror+half": [left_right_half]}
        if height > 1:
            classes |= {"mirror-rows": [up_down], "mirror-rows+half": [up_down_half]}
        if min(height, width) > 1:
            classes |= {"both-mirrors": [left_right, up_down], "both-mirrors+half": [left_right_half, up_down_half]}
        return classes

    def embed(self, small: int, large: int) -> IntArray:
        """Rows and columns nearer to the low border keep their distance from it, the others from the high border."""
        points = self.points(small)
        ours, theirs = np.array(sides(small)), np.array(sides(large))
        moved = np.where(2 * points >= ours, points + (theirs - ours), points)
        return self.elements(large, moved)

    def box(self, n: int, elements: IntArray) -> tuple[IntArray, IntArray]:
        """The bounding box of the elements."""
        points = self.points(n)[elements]
        return points.min(axis=0), points.max(axis=0)

    def order(self, n: int) -> IntArray:
        """From the border inwards, then from the corners to the middles: good constructions stay near the border."""
        points = self.points(n)
        distances = np.sort(np.minimum(points, np.array(sides(n)) - 1 - points), axis=1)
        return np.lexsort((np.arange(len(points)), distances[:, 1], distances[:, 0])).astype(np.int64)

    def placements(self, small: int, large: int) -> Sequence[IntArray]:
        """In the corner of low numbers, and in the middle."""
        points = self.points(small)
        middle = (np.array(sides(large)) - np.array(sides(small))) // 2
        return [self.elements(large, points), self.elements(large, points + middle)]

    def canonical(self, n: int, elements: IntArray) -> IntArray | None:
        """None: all eight symmetries are listed."""
        return None


GRID = Grid()


class Cells:
    """What ground sets of n x n cells have in common that look alike everywhere, whatever acts on them."""

    min_n = 1
    symmetric_classes = True

    def max_n(self) -> int:
        """As on the grid."""
        return GRID.max_n()

    def size(self, n: int) -> int:
        """n * n."""
        return n * n

    def points(self, n: int) -> IntArray:
        """Row and column of every cell, shape (n * n, 2)."""
        return GRID.points(n)

    def elements(self, n: int, points: IntArray) -> IntArray:
        """row * n + column."""
        return GRID.elements(n, points)

    def order(self, n: int) -> IntArray:
        """Row by row: there is no border."""
        return identity_order(n * n)
