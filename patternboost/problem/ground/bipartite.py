"""The edges of the complete bipartite graph on n + n vertices: 0/1 matrices, rows and columns in any order."""

from __future__ import annotations

import numpy as np

from patternboost.problem.ground.base import IntArray, OfVertices, generated, has_pynauty
from patternboost.problem.ground.grid import Cells

#: past this size the turns of rows and columns (2 n^2 permutations of n^2 cells) take more memory than they are worth
_TURNED_UP_TO = 16


class Bipartite(Cells, OfVertices):
    """The cells of an n x n matrix. A point is [row, column]; permutations of rows and of columns act, and transposing.

    `symmetries` lists the cyclic ones and the transposition (past n = 16 the transposition only). Constructions are
    equal up to any permutation: `canonical` finds the canonical graph by pynauty, where that is installed
    (``pip install 'patternboost[graphs]'``).
    """

    def moved(self, n: int, rows: IntArray, columns: IntArray) -> IntArray:
        """What a permutation of the rows and one of the columns (int64[n] each) do to the cells."""
        r, c = self.points(n).T
        moved: IntArray = rows[r] * n + columns[c]
        return moved

    def symmetries(self, n: int) -> IntArray:
        """Turns of the rows, turns of the columns, and the transposition."""
        still = np.arange(n, dtype=np.int64)
        turn = (still + 1) % n
        r, c = self.points(n).T
        transposed: IntArray = c * n + r
        turns = [self.moved(n, turn, still), self.moved(n, still, turn)] if n <= _TURNED_UP_TO else []
        return generated(n * n, [*turns, transposed])

    def classes(self, n: int) -> dict[str, list[IntArray]]:
        """'symmetric' matrices, and those that a turn of rows and columns together keeps, by one place or n / d."""
        classes: dict[str, list[IntArray]] = {"none": []}
        if n < 2:
            return classes
        r, c = self.points(n).T
        classes["symmetric"] = [c * n + r]
        still = np.arange(n, dtype=np.int64)
        for d in (d for d in range(2, n) if n % d == 0 and d <= 8):
            turn = (still + n // d) % n
            classes[f"circulant-{d}"] = [self.moved(n, turn, turn)]
        turn = (still + 1) % n
        classes["circulant"] = [self.moved(n, turn, turn)]
        if n >= 3:
            bordered = np.where(still < n - 1, (still + 1) % (n - 1), n - 1)
            classes["bordered-circulant"] = [self.moved(n, bordered, bordered)]
        return classes

    def canonical(self, n: int, elements: IntArray) -> IntArray | None:
        """The cells of the canonical graph, or None where pynauty is missing."""
        if not has_pynauty():
            return None
        return min(
            (self._canonical(n, e) for e in (elements, elements % n * n + elements // n)), key=lambda e: e.tolist()
        )

    def _canonical(self, n: int, elements: IntArray) -> IntArray:
        """The same, rows and columns not exchanged."""
        import pynauty

        neighbours: dict[int, list[int]] = {}
        for e in elements.tolist():
            neighbours.setdefault(e // n, []).append(n + e % n)
        graph = pynauty.Graph(2 * n, adjacency_dict=neighbours, vertex_coloring=[set(range(n)), set(range(n, 2 * n))])
        place = np.empty(2 * n, np.int64)
        place[pynauty.canon_label(graph)] = np.arange(2 * n)
        return np.sort(place[elements // n] * n + place[n + elements % n] - n)


BIPARTITE = Bipartite()
