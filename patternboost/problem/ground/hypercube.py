"""The edges of the d-dimensional cube: constructions are its subgraphs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np

from patternboost.problem.ground.base import IntArray, OfVertices, generated, identity_order

#: past this dimension the 2^d d! symmetries take more memory than they are worth
_ALL_UP_TO = 5


class Hypercube(OfVertices):
    """The edges of the cube with vertices 0 .. 2^d - 1. A point is an edge [u, v], u < v, that differ in one bit.

    Element b * 2^(d - 1) + i is the i-th edge along bit b, in order of u. `symmetries` lists all 2^d d! up to d = 5;
    for larger d the 2^d flips of bits with the turns of the d directions.
    """

    drawing = "graph"
    min_n = 1
    symmetric_classes = True

    def max_n(self) -> int:
        """The largest dimension that the engine can hold: 12 * 2^11 edges."""
        return 12

    def size(self, n: int) -> int:
        """n * 2^(n - 1)."""
        return n << n - 1

    def points(self, n: int) -> IntArray:
        """The two vertices of every edge, lower first, shape (n 2^(n - 1), 2)."""
        vertices = np.arange(1 << n, dtype=np.int64)
        low = np.concatenate([vertices[vertices >> bit & 1 == 0] for bit in range(n)])
        return np.stack([low, low | np.repeat(1 << np.arange(n, dtype=np.int64), 1 << n - 1)], axis=1)

    def elements(self, n: int, points: IntArray) -> IntArray:
        """By the bit, then by the lower vertex."""
        low, bit = points.min(axis=1), np.log2((points[:, 0] ^ points[:, 1]).astype(float)).round().astype(np.int64)
        elements: IntArray = (bit << n - 1) + (low >> bit + 1 << bit) + (low & (1 << bit) - 1)
        return elements

    def moved(self, n: int, vertices: IntArray) -> IntArray:
        """What a symmetry of the vertices (int64[2^n]) does to the edges."""
        return self.elements(n, vertices[self.points(n)])

    def _turned(self, n: int, places: Sequence[int], flip: int = 0) -> IntArray:
        """Edges moved by bits that go to other places and are flipped by a mask then."""
        vertices = np.arange(1 << n, dtype=np.int64)
        images = np.zeros(1 << n, np.int64)
        for bit, place in enumerate(places):
            images |= (vertices >> bit & 1) << place
        return self.moved(n, images ^ flip)

    def symmetries(self, n: int) -> IntArray:
        """Flips of bits, and permutations of the directions: all of them, or the turns."""
        straight = tuple(range(n))
        if n <= _ALL_UP_TO:
            both = [(places, flip) for places in permutations(straight) for flip in range(1 << n)]
            images = np.stack([self._turned(n, places, flip) for places, flip in both])
            first = np.sort(np.unique(images, axis=0, return_index=True)[1])  # n = 1: the flip moves no edge
            distinct: IntArray = images[first]
            return distinct
        flips = [self._turned(n, straight, 1 << bit) for bit in range(n)]
        return generated(self.size(n), [*flips, self._turned(n, [*straight[1:], 0])])

    def classes(self, n: int) -> dict[str, list[IntArray]]:
        """'flip-r' flips r bits at once ('antipodal': all), 'turn-r' turns r directions, 'turn+antipodal' does both."""
        straight = tuple(range(n))
        classes: dict[str, list[IntArray]] = {"none": []}
        if n < 2:
            return classes
        antipodal = (1 << n) - 1
        for r in range(2, n):
            classes[f"flip-{r}"] = [self._turned(n, straight, (1 << r) - 1)]
        classes["antipodal"] = [self._turned(n, straight, antipodal)]
        for r in range(2, n + 1):
            places = [*straight[1:r], 0, *straight[r:]]
            classes[f"turn-{r}"] = [self._turned(n, places)]
            classes[f"turn-{r}+antipodal"] = [self._turned(n, places), self._turned(n, straight, antipodal)]
            classes[f"turned-antipode-{r}"] = [self._turned(n, places, antipodal)]
        return classes

    def placements(self, small: int, large: int) -> Sequence[IntArray]:
        """The opposite face."""
        return [self.elements(large, self.points(small) + ((1 << large) - (1 << small)))]

    def order(self, n: int) -> IntArray:
        """As numbered."""
        return identity_order(self.size(n))

    def canonical(self, n: int, elements: IntArray) -> IntArray | None:
        """None: the least of the images under the listed symmetries."""
        return None


HYPERCUBE = Hypercube()
