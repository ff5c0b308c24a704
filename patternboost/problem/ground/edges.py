"""The edges of the complete graph on n vertices: constructions are graphs."""

from __future__ import annotations

import numpy as np

from patternboost.problem.ground.base import MAX_ELEMENTS, IntArray, OfVertices, generated, has_pynauty, identity_order

#: past this size the turns of the ring (2 n permutations of n^2 / 2 edges) take more memory than they are worth
_TURNED_UP_TO = 48
#: orders r of the classes 'cyclic-r'
_ORDERS = (2, 3, 4, 5, 6, 7, 8)


class Edges(OfVertices):
    """The edges of K_n. A point is an edge [u, v] with u < v; the permutations of the vertices act.

    `symmetries` lists the turns and mirrors of the vertices set in a ring (the dihedral group; past n = 48 one mirror
    only). Constructions are equal
    up to any permutation: `canonical` finds the canonical graph by pynauty, where that is installed
    (``pip install 'patternboost[graphs]'``).
    """

    drawing = "graph"
    min_n = 2
    symmetric_classes = True

    def max_n(self) -> int:
        """The largest number of vertices that the engine can hold."""
        return int((1 + (1 + 8 * MAX_ELEMENTS) ** 0.5) / 2)

    def size(self, n: int) -> int:
        """n (n - 1) / 2."""
        return n * (n - 1) // 2

    def points(self, n: int) -> IntArray:
        """The two vertices of every edge, lower first, shape (n (n - 1) / 2, 2)."""
        return np.stack(np.triu_indices(n, 1), axis=1).astype(np.int64)

    def elements(self, n: int, points: IntArray) -> IntArray:
        """Edges in lexicographic order."""
        low, high = np.minimum(points[:, 0], points[:, 1]), np.maximum(points[:, 0], points[:, 1])
        elements: IntArray = low * (2 * n - low - 1) // 2 + high - low - 1
        return elements

    def moved(self, n: int, vertices: IntArray) -> IntArray:
        """What a permutation of the vertices (int64[n]) does to the edges."""
        return self.elements(n, vertices[self.points(n)])

    def symmetries(self, n: int) -> IntArray:
        """The turns and mirrors of the ring of vertices."""
        vertices = np.arange(n, dtype=np.int64)
        mirror, turn = self.moved(n, n - 1 - vertices), self.moved(n, (vertices + 1) % n)
        return generated(self.size(n), [turn, mirror] if n <= _TURNED_UP_TO else [mirror])

    def classes(self, n: int) -> dict[str, list[IntArray]]:
        """Cyclic permutations of the vertices.

        'cyclic-r' turns n // r rings of r vertices each and leaves the rest, 'circulant' one ring of all vertices, and
        'circulant+fixed' one ring of all but the last.
        """
        classes: dict[str, list[IntArray]] = {"none": []}
        for r in (r for r in _ORDERS if r < n - 1):
            classes[f"cyclic-{r}"] = [self.moved(n, _rings(n, r))]
        if n >= 3:
            classes["circulant+fixed"] = [self.moved(n, _rings(n, n - 1))]
            classes["circulant"] = [self.moved(n, _rings(n, n))]
        return classes

    def order(self, n: int) -> IntArray:
        """As numbered: vertex by vertex."""
        return identity_order(self.size(n))

    def canonical(self, n: int, elements: IntArray) -> IntArray | None:
        """The edges of the canonical graph, or None where pynauty is missing."""
        if not has_pynauty():
            return None
        import pynauty

        neighbours: dict[int, list[int]] = {}
        for u, v in self.points(n)[elements].tolist():
            neighbours.setdefault(u, []).append(v)
        place = np.empty(n, np.int64)
        place[pynauty.canon_label(pynauty.Graph(n, adjacency_dict=neighbours))] = np.arange(n)
        return np.sort(self.moved(n, place)[elements])


def _rings(n: int, r: int) -> IntArray:
    """The permutation of n vertices that turns each full ring of r consecutive ones by one."""
    vertices = np.arange(n, dtype=np.int64)
    turned = vertices - vertices % r + (vertices % r + 1) % r
    return np.where(vertices < n - n % r, turned, vertices)


EDGES = Edges()
