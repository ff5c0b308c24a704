"""Where an orbit lies, in numbers that mean the same at every size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from patternboost.problem import Instance
from patternboost.problem.ground import scale
from patternboost.problem.symmetry import board_orbits, class_orbits

FloatArray = NDArray[np.float32]

#: distances from a border, in cells, around which there is a bump each; its width is the gap to the next
_CELLS = np.array([0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 28, 40])
#: waves along a side
_WAVES = 8


def features(instance: Instance, symmetry: str) -> FloatArray:
    """What is known of every orbit of a class, float32 [N, F].

    For every coordinate of its representative: how far it is from both ends in cells, as bumps, and its place along the
    side, as waves; whether it lies on the inner board, and its weight.
    """
    orbits, ground = class_orbits(instance, symmetry), instance.problem.ground
    inner = board_orbits(instance, symmetry)
    points = instance.points[orbits.representatives].astype(np.float64)
    box = ground.box(instance.n, orbits.expand(inner))
    low, high = (instance.points.min(axis=0), instance.points.max(axis=0)) if box is None else box
    columns = []
    for axis in range(points.shape[1]):
        for distance in (points[:, axis] - low[axis], high[axis] - points[:, axis]):
            gap = np.diff(_CELLS, append=_CELLS[-1] + 16)
            columns.append(np.exp(-(((distance[:, None] - _CELLS) / gap) ** 2)))
        along = (points[:, axis] - low[axis] + 0.5) / (high[axis] - low[axis] + 1)
        waves = np.pi * along[:, None] * np.arange(1, _WAVES + 1)
        columns += [np.sin(waves), np.cos(waves)]
    on_board = np.zeros(orbits.count)
    on_board[inner] = 1
    columns += [on_board[:, None], (orbits.weights / orbits.weights.max())[:, None]]
    columns.append(np.tile(size_features(instance.n), (orbits.count, 1)))
    return np.concatenate(columns, axis=1).astype(np.float32)


def size_features(n: int) -> FloatArray:
    """What is known of a size, float32 [3]: its logarithm, its inverse, and 1."""
    side = scale(n)
    return np.array([np.log2(side) / 6, 4 / side, 1.0], np.float32)


def feature_count(dimension: int) -> int:
    """Number of features of a place with so many coordinates."""
    return dimension * (2 * len(_CELLS) + 2 * _WAVES) + 2 + 3
