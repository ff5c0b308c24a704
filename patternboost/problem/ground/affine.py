"""The vectors of d coordinates over the field of three elements."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from patternboost.problem.ground.base import MAX_ELEMENTS, IntArray, generated, identity_order

#: largest number of coordinates whose permutations are all listed as symmetries
_ALL_PERMUTATIONS = 6
#: largest prime order of a class of multiplications
_MAX_ORDER = 100


class AffineSpace:
    """F_3^n: a point is its n coordinates, each 0, 1 or 2; element number: the coordinates read in base three.

    `symmetries` lists the permutations of the coordinates, alone and with negation (past six coordinates only the
    cyclic ones): a small part of the affine group, whose size makes listing it hopeless.
    """

    drawing = "layers"
    min_n = 1
    symmetric_classes = True

    def max_n(self) -> int:
        """The largest number of coordinates that the engine can hold."""
        return int(np.log(MAX_ELEMENTS) / np.log(3))

    def size(self, n: int) -> int:
        """3^n."""
        return int(3**n)

    def points(self, n: int) -> IntArray:
        """All vectors, shape (3^n, n)."""
        return np.stack(np.unravel_index(np.arange(3**n, dtype=np.int64), (3,) * n), axis=1).astype(np.int64)

    def elements(self, n: int, points: IntArray) -> IntArray:
        """The coordinates read in base three."""
        return points @ (3 ** np.arange(n - 1, -1, -1, dtype=np.int64))

    def _linear(self, n: int, matrix: IntArray) -> IntArray:
        return self.elements(n, self.points(n) @ matrix % 3)

    def symmetries(self, n: int) -> IntArray:
        """Permutations of the coordinates with and without negation."""
        identity = np.eye(n, dtype=np.int64)
        generators = [self._linear(n, 2 * identity), self._linear(n, np.roll(identity, 1, axis=0))]
        if 2 <= n <= _ALL_PERMUTATIONS:
            generators.append(self._linear(n, identity[[1, 0, *range(2, n)]]))
        return generated(3**n, generators)

    def classes(self, n: int) -> dict[str, list[IntArray]]:
        """Negation, the cyclic shift of the coordinates, and multiplications of the field with 3^n elements.

        'field-r' is multiplication by an element of prime order r: r-1 of every r orbits' elements follow from one.
        """
        identity = np.eye(n, dtype=np.int64)
        negation = self._linear(n, 2 * identity)
        classes: dict[str, list[IntArray]] = {"none": [], "negation": [negation]}
        if n >= 2:
            shift = self._linear(n, np.roll(identity, 1, axis=0))
            classes["coordinates"] = [shift]
            classes["coordinates+negation"] = [shift, negation]
            order = 3**n - 1
            generator = _primitive(n)
            for r in (r for r in _prime_divisors(order) if 2 < r <= _MAX_ORDER):
                multiplication = self._linear(n, _power(generator, order // r))
                classes[f"field-{r}"] = [multiplication]
                classes[f"field-{r}+negation"] = [multiplication, negation]
        return classes

    def embed(self, small: int, large: int) -> IntArray:
        """The further coordinates are 0."""
        points = self.points(small)
        return self.elements(large, np.pad(points, ((0, 0), (0, large - small))))

    def placements(self, small: int, large: int) -> Sequence[IntArray]:
        """The further coordinates are the first ones over again."""
        points = self.points(small)
        return [self.elements(large, np.resize(points.T, (large, len(points))).T)]

    def box(self, n: int, elements: IntArray) -> None:
        """None: no element of one size lies where one of another does."""

    def order(self, n: int) -> IntArray:
        """As numbered."""
        return identity_order(3**n)

    def canonical(self, n: int, elements: IntArray) -> IntArray | None:
        """None: the least image under the listed symmetries."""
        return None


def _power(matrix: IntArray, exponent: int) -> IntArray:
    result = np.eye(len(matrix), dtype=np.int64)
    while exponent:
        if exponent & 1:
            result = result @ matrix % 3
        matrix = matrix @ matrix % 3
        exponent >>= 1
    return result


def _prime_divisors(number: int) -> list[int]:
    found, divisor = [], 2
    while number > 1:
        if number % divisor == 0:
            found.append(divisor)
            while number % divisor == 0:
                number //= divisor
        divisor += 1
    return found


def _primitive(n: int) -> IntArray:
    """The companion matrix of the first primitive polynomial of degree n over F_3: its order is 3^n - 1."""
    order = 3**n - 1
    identity = np.eye(n, dtype=np.int64)
    for coefficients in product(range(3), repeat=n):
        matrix = np.roll(identity, 1, axis=1)
        matrix[-1] = coefficients
        if not (_power(matrix, order) == identity).all():
            continue
        if all((_power(matrix, order // r) != identity).any() for r in _prime_divisors(order)):
            return matrix
    raise AssertionError("every field has a primitive element")


F3 = AffineSpace()
