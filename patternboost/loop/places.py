"""Where orbits lie, and densities over such places.

On boards good sets look alike in two coordinates: a point's distance from the nearest border, in cells, and its place
along the side, as a share of half a side. A set's outline keeps its thickness while it grows. So a density over places
can be made from sets of any size, and a Gaussian kernel on every point says what is likely at places that none of them
has (docs/LOG.md has what was measured).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from patternboost.problem import Instance, IntArray
from patternboost.problem.symmetry import board_orbits, class_orbits

FloatArray = NDArray[np.float64]

#: the kernel's widths: in cells across the border, and in half sides along it
_ACROSS, _ALONG = 0.8, 0.035
#: a kernel is taken for 0 so many widths away, where it is 2e-8 of its height
_REACH = 6.0
#: places whose density is computed at once
_CHUNK = 64


def places(points: IntArray, low: IntArray, high: IntArray) -> FloatArray:
    """Where points (int64 [p, dimension]) lie in the box from `low` to `high`, alike for alike places of other boxes.

    float64 [p, dimension]: the distance from the nearest side in cells, then those from the others in half sides; the
    same for places that mirrors and turns exchange.
    """
    near = np.minimum(points - low, high - points).astype(np.float64)
    half = np.maximum((high - low) / 2, 0.5)
    order = np.argsort(near, axis=1, kind="stable")
    across = np.take_along_axis(near, order, axis=1)[:, :1]
    along = np.take_along_axis(near / half, order, axis=1)[:, 1:]
    return np.concatenate([across, along], axis=1)


class Weighted(NamedTuple):
    """What is known at places, the places ascending: float64 [p, dimension], [p] and [p]."""

    at: FloatArray
    weight: FloatArray
    #: how much wider than usual the kernel is there
    width: FloatArray


def merged(at: FloatArray, weight: FloatArray, width: FloatArray) -> Weighted:
    """The same with equal places (and widths) taken together, since many sets have points there, in ascending order."""
    rows = np.column_stack([at, width])
    order = np.lexsort(rows.T[::-1])
    rows = rows[order]
    first = np.flatnonzero(np.append(True, (rows[1:] != rows[:-1]).any(axis=1)))
    return Weighted(rows[first, :-1], np.add.reduceat(weight[order], first), rows[first, -1])


def spread(at: FloatArray, known: Weighted) -> FloatArray:
    """How much there is at places (float64 [p, dimension], ascending) of what is known, float64 [p]."""
    kernel = np.array([_ACROSS] + [_ALONG] * (known.at.shape[1] - 1))
    height = known.weight / known.width ** known.at.shape[1]
    places, points = at / kernel, known.at / kernel
    reach = _REACH * known.width.max(initial=0.0)
    found = np.empty(len(places))
    for i in range(0, len(places), _CHUNK):
        some = places[i : i + _CHUNK]
        # Both lie in ascending order across the border.
        near = slice(*np.searchsorted(points[:, 0], [some[0, 0] - reach, some[-1, 0] + reach]))
        apart = ((some[:, None, :] - points[near]) ** 2).sum(axis=2) / known.width[near] ** 2
        found[i : i + _CHUNK] = np.exp(-apart / 2) @ height[near]
    return found


@dataclass(frozen=True)
class Places:
    """The places of a class's orbits. Those that mirrors and turns exchange are one."""

    #: the box of the inner board: its low and its high corner
    box: tuple[tuple[int, ...], tuple[int, ...]]
    #: the different places in it, ascending, float64 [places, dimension], and which each orbit has, int64 [orbits]
    at: FloatArray
    of: IntArray
    #: elements of every orbit on the inner board, 0 elsewhere: what is not on it comes in when a walk is over
    weights: FloatArray

    def of_orbits(self, found: FloatArray) -> FloatArray:
        """How much there is at each orbit, float64 [orbits], from how much there is at each place."""
        return found[self.of] * self.weights

    def spread(self, counts: FloatArray) -> FloatArray:
        """Counts of the orbits themselves, float64 [orbits], spread by the kernel."""
        total = np.bincount(self.of, counts * self.weights, len(self.at)).astype(np.float64)
        held = total > 0
        return self.of_orbits(spread(self.at, Weighted(self.at[held], total[held], np.ones(int(held.sum())))))


@lru_cache(maxsize=64)
def places_of(instance: Instance, symmetry: str) -> Places | None:
    """The places of a class's orbits; None where the ground set has no coordinates that compare."""
    orbits, inner = class_orbits(instance, symmetry), board_orbits(instance, symmetry)
    corners = instance.problem.ground.box(instance.n, orbits.expand(inner))
    if corners is None:
        return None
    low, high = (tuple(corner.tolist()) for corner in corners)
    at, of = _places_in(instance, low, high)
    weights = np.zeros(orbits.count)
    weights[inner] = orbits.weights[inner]
    return Places((low, high), at, of[orbits.representatives], weights)


@lru_cache(maxsize=64)
def _places_in(instance: Instance, low: tuple[int, ...], high: tuple[int, ...]) -> tuple[FloatArray, IntArray]:
    """The different places in a box, ascending, and which of them each element has, int64 [size]; 0 outside of it."""
    corners = np.array(low), np.array(high)
    inside = ((instance.points >= corners[0]) & (instance.points <= corners[1])).all(axis=1)
    of = np.zeros(instance.size, np.int64)
    at, found = np.unique(places(instance.points[inside], *corners), axis=0, return_inverse=True)
    of[inside] = found.ravel()
    return at, of
