"""How two orbits lie to each other: displacement of their nearest elements, and forbidden sets in common."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from patternboost.problem import Instance
from patternboost.problem.ground import IntArray
from patternboost.problem.symmetry import class_orbits
from patternboost.search.memory import Building
from patternboost.search.tables import Table
from patternboost.search.tasks import prepare

#: displacements along a coordinate from which a new level begins
_LEVELS = np.array([1, 2, 3, 4, 5, 7, 10, 15, 23])
_DISPLACEMENTS = (len(_LEVELS) + 1) * (len(_LEVELS) + 2) // 2
#: levels of forbidden sets in common: none, some, many, and forbidden as a pair
_SHARED = 4
#: number of relations, 0 among them, which no two orbits have
RELATIONS = 1 + _SHARED * _DISPLACEMENTS
#: classes of more orbits than this have no table made for the sake of relations alone
_MOST = 2_500
#: distances that are computed at once
_CHUNK = 1 << 22


def relations(instance: Instance, symmetry: str) -> NDArray[np.uint8]:
    """The relation of every two orbits of a class, uint8 [N, N], from 1 to `RELATIONS` - 1."""
    shared = np.zeros((class_orbits(instance, symmetry).count,) * 2, np.int64)
    if len(shared) <= _MOST:
        shared = shared_sets(prepare(instance, symmetry, Building(1 << 30, 1)).table)
    return (1 + shared * _DISPLACEMENTS + displacements(instance, symmetry)).astype(np.uint8)


def displacements(instance: Instance, symmetry: str) -> IntArray:
    """The level of the displacement between the nearest elements of two orbits, int64 [N, N], from 0.

    On boards it is the two largest coordinates of the displacement, without sign and order. Where places do not
    compare, as with edges of a graph, it is how many coordinates' values the two have in common.
    """
    orbits = class_orbits(instance, symmetry)
    points = instance.points[orbits.representatives].astype(np.int64)
    others = instance.points[orbits.members].astype(np.int64)
    compare = instance.problem.ground.box(instance.n, orbits.representatives) is not None
    found = np.empty((orbits.count, orbits.count), np.int64)
    rows = max(1, _CHUNK // max(1, len(others)))
    for first in range(0, len(points), rows):
        here = points[first : first + rows, None]
        if compare:
            apart = np.sort(np.abs(here - others), axis=2)[:, :, ::-1]
            large, small = apart[:, :, 0], apart[:, :, 1] if apart.shape[2] > 1 else 0
            # The nearest element decides: squared distance first, then the displacement.
            key = ((apart**2).sum(axis=2) << 32) + (large << 16) + small
            nearest = np.minimum.reduceat(key, orbits.start[:-1], axis=1)
            high = np.searchsorted(_LEVELS, nearest >> 16 & 0xFFFF, side="right")
            low = np.searchsorted(_LEVELS, nearest & 0xFFFF, side="right")
            found[first : first + rows] = high * (high + 1) // 2 + low
        else:
            common = (here[:, :, :, None] == others[None, :, None, :]).any(axis=3).sum(axis=2)
            found[first : first + rows] = np.maximum.reduceat(common, orbits.start[:-1], axis=1)
    return np.minimum(found, found.T)


def shared_sets(table: Table) -> IntArray:
    """How many forbidden sets two orbits have in common, int64 [N, N]: 0 none, 1 some, 2 many, 3 they are a pair."""
    rows, count = table.rows, table.orbits.count
    common = np.zeros((count, count), np.int64)
    if rows.k == 3 and rows.compiled:
        common[np.triu_indices(count, 1)] = np.diff(rows.row_start.astype(np.int64))
    elif table.conflicts is not None:
        sets = table.orbits.orbit_of[table.conflicts.hypergraph.sets]  # empty where they are not written out
        for i in range(sets.shape[1] if len(sets) else 0):
            for j in range(i):
                np.add.at(common, (np.minimum(sets[:, i], sets[:, j]), np.maximum(sets[:, i], sets[:, j])), 1)
    common += common.T
    some = common[common > 0]
    level = (common > 0).astype(np.int64) + (common > (np.median(some) if len(some) else 0))
    owner = np.repeat(np.arange(count), np.diff(rows.pair_start))
    level[owner, rows.pair] = 3
    return level
