"""The n x n torus: the grid with opposite sides glued, so that every place looks alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from patternboost.problem.ground.base import IntArray
from patternboost.problem.ground.grid import GRID, Cells

#: past this size the symmetries (8 n^2 permutations of n^2 cells) take more memory than they are worth
_MOVED_UP_TO = 16


class Torus(Cells):
    """The n x n torus. Points, elements and class names are the grid's; places wrap around at the sides.

    `symmetries` lists all 8 n^2 moves and turns up to n = 16; for larger n only the 8 of the square.
    """

    def symmetries(self, n: int) -> IntArray:
        """The square's eight, and their compositions with all moves where n is small."""
        turns = GRID.symmetries(n)
        if n > _MOVED_UP_TO:
            return turns
        rows, columns = np.divmod(np.arange(n * n, dtype=np.int64), n)
        shift = np.arange(n, dtype=np.int64)
        moved_rows = (rows + shift[:, None, None]) % n
        moved_columns = (columns + shift[None, :, None]) % n
        moves = (moved_rows * n + moved_columns).reshape(n * n, n * n)
        group = moves[:, turns].reshape(-1, n * n)
        first = np.sort(np.unique(group, axis=0, return_index=True)[1])  # small n: some coincide
        distinct: IntArray = group[first]
        return distinct

    def classes(self, n: int) -> dict[str, list[IntArray]]:
        """The grid's full classes, and 'shift': sets that a move along the diagonal by a divisor of n keeps."""
        square = {image.tobytes() for image in GRID.symmetries(n)}
        classes = {name: maps for name, maps in GRID.classes(n).items() if {m.tobytes() for m in maps} <= square}
        if n >= 2:
            classes["half-turn"] = [GRID.symmetries(n)[2]]
            divisor = next(d for d in range(2, n + 1) if n % d == 0)
            rows, columns = GRID.points(n).T
            step = n // divisor
            classes["shift"] = [(rows + step) % n * n + (columns + step) % n]
        return classes

    def embed(self, small: int, large: int) -> IntArray:
        """As on the grid: a start for repair, since what wraps around changes with n."""
        return GRID.embed(small, large)

    def placements(self, small: int, large: int) -> Sequence[IntArray]:
        """The grid's corner: all other moves are equivalent."""
        return GRID.placements(small, large)[:1]

    def box(self, n: int, elements: IntArray) -> tuple[IntArray, IntArray]:
        """From the origin, which the classes keep, around to itself."""
        return np.zeros(2, np.int64), np.full(2, n)

    def canonical(self, n: int, elements: IntArray) -> IntArray | None:
        """The least image under all 8 n^2 symmetries, also where they are not listed."""
        if n <= _MOVED_UP_TO or not len(elements):
            return None
        best: IntArray | None = None
        for turn in GRID.symmetries(n):
            rows, columns = np.divmod(turn[elements], n)
            # A least image holds element 0: it is enough to move each member there.
            images = (rows - rows[:, None]) % n * n + (columns - columns[:, None]) % n
            images = np.sort(images, axis=1)
            least: IntArray = images[np.lexsort(images.T[::-1])[0]]
            if best is None or least.tolist() < best.tolist():
                best = least
        return best


TORUS = Torus()
