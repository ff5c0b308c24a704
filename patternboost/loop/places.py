"""Where orbits lie, and densities over such places.

On boards good sets look alike in two coordinates: a point's distance from the nearest border, in cells, and its place
along the side, as a share of half a side. A set's outline keeps its thickness while it grows. So a density over places
can be made from sets of any size, and a Gaussian kernel on every point says what is likely at places that none of them
has (docs/LOG.md has what was measured).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from patternboost.problem import Instance, IntArray
from patternboost.problem.symmetry import board_orbits, class_orbits

FloatArray = NDArray[np.float64]

#: the kernel's widths: in cells across the border, and in half sides along it
_ACROSS, _ALONG = 0.8, 0.035
#: places whose density is computed at once
_CHUNK = 512


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


@dataclass(frozen=True)
class Places:
    """The places of a class's orbits. Those that mirrors and turns exchange are one."""

    #: the different ones, float64 [places, dimension], and which of them each orbit has, int64 [orbits]
    at: FloatArray
    of: IntArray
    #: elements of every orbit on the inner board, 0 elsewhere: what is not on it comes in when a walk is over
    weights: FloatArray

    def density(self, points: FloatArray, weight: FloatArray, width: FloatArray) -> FloatArray:
        """How much there is at each orbit, float64 [orbits], of weights [p] at places [p, dimension].

        Every weight is spread by the kernel, `width` [p] times as wide.
        """
        kernel = np.array([_ACROSS] + [_ALONG] * (points.shape[1] - 1))
        height = weight / width ** points.shape[1]
        at, points = self.at / kernel, points / kernel
        found = np.empty(len(at))
        for i in range(0, len(at), _CHUNK):
            apart = ((at[i : i + _CHUNK, None, :] - points) ** 2).sum(axis=2) / width**2
            found[i : i + _CHUNK] = np.exp(-apart / 2) @ height
        return found[self.of] * self.weights

    def spread(self, counts: FloatArray) -> FloatArray:
        """Counts of the orbits themselves, float64 [orbits], spread by the kernel."""
        total = np.bincount(self.of, counts * self.weights, len(self.at)).astype(np.float64)
        held = total > 0
        return self.density(self.at[held], total[held], np.ones(int(held.sum())))


@lru_cache(maxsize=64)
def places_of(instance: Instance, symmetry: str) -> Places | None:
    """The places of a class's orbits; None where the ground set has no coordinates that compare."""
    orbits, inner = class_orbits(instance, symmetry), board_orbits(instance, symmetry)
    box = instance.problem.ground.box(instance.n, orbits.expand(inner))
    if box is None:
        return None
    at, of = np.unique(places(instance.points[orbits.representatives], *box), axis=0, return_inverse=True)
    weights = np.zeros(orbits.count)
    weights[inner] = orbits.weights[inner]
    return Places(at, of.ravel(), weights)
