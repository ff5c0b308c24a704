"""What tokens stand for: orbits of a ground set, with places, neighbours and forbidden sets in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from patternboost.model.corpus import Kind
from patternboost.model.networks.places import features, size_features
from patternboost.model.networks.relations import relations
from patternboost.model.tokens import Vocabulary
from patternboost.problem.ground import IntArray


@dataclass(frozen=True)
class Grid:
    """How the orbits of a kind are laid out in patches: int64 [N] which patch, and which place in it."""

    patch: IntArray
    inside: IntArray
    #: number of patches and places in each
    patches: int
    places: int


class World:
    """The tokens of every kind, worked out once. Copies of a network share it."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        if not vocabulary.one_orbit_each:
            raise ValueError("this model needs tokens = orbits, one for each orbit")
        self.vocabulary = vocabulary
        #: tokens of a kind besides its orbits: END, its size, its class with every level
        self.besides = 2 + vocabulary.levels
        self.dimension = vocabulary.problem.at(vocabulary.sizes[-1]).points.shape[1]
        self._known: dict[tuple[object, ...], Any] = {}

    def __deepcopy__(self, memo: dict[int, object]) -> World:
        return self

    def place(self, kind: Kind, device: torch.device) -> Tensor:
        """Which of its kind's tokens every token is, int64 [V]: the orbit, then END, the size, the class's levels."""
        return self._once("place", kind, device, self._place)

    def features(self, kind: Kind, device: torch.device) -> Tensor:
        """What is known of every orbit's place, float32 [N, F] (`places.features`)."""
        return self._once("features", kind, device, lambda k: features(*self._orbits(k)))

    def size(self, kind: Kind, device: torch.device) -> Tensor:
        """What is known of the size, float32 [S] (`places.size_features`)."""
        return self._once("size", kind, device, lambda k: size_features(k.n))

    def relations(self, kind: Kind, device: torch.device) -> Tensor:
        """How tokens of the kind lie to each other, uint8 [N + besides, N + besides]; 0: they are not both orbits."""

        def around(k: Kind) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
            return np.pad(relations(*self._orbits(k)), (0, self.besides))

        return self._once("relations", kind, device, around)

    def grid(self, kind: Kind, most: int) -> Grid:
        """The orbits in at most `most` patches: of the box of their representatives, or of their order."""
        key = "grid", kind, most
        if key not in self._known:
            self._known[key] = _laid_out(self.vocabulary, kind, most)
        grid: Grid = self._known[key]
        return grid

    def slots(self, kind: Kind, most: int, device: torch.device) -> Tensor:
        """Where on the patches every token of the kind lies, int64 [N + besides]; beyond them all: nowhere."""

        def lie(k: Kind) -> IntArray:
            grid = self.grid(k, most)
            return np.append(grid.patch * grid.places + grid.inside, [grid.patches * grid.places] * self.besides)

        return self._once("slots", kind, device, lie)

    def class_number(self, kind: Kind) -> int:
        """The number of the symmetry class."""
        return self.vocabulary.classes.index(kind.symmetry)

    def _orbits(self, kind: Kind) -> tuple[Any, str]:
        return self.vocabulary.problem.at(kind.n), kind.symmetry

    def _place(self, kind: Kind) -> IntArray:
        columns = self.vocabulary.columns(*kind)[:-1]
        place = np.zeros(self.vocabulary.count, np.int64)
        place[columns] = np.arange(len(columns))
        size, symmetry = self.vocabulary.prefix(*kind)
        place[[0, size]] = len(columns) + np.arange(2)
        place[symmetry : symmetry + self.vocabulary.levels] = len(columns) + 2 + np.arange(self.vocabulary.levels)
        return place

    def _once(self, what: str, kind: Kind, device: torch.device, make: Any) -> Tensor:
        key = what, kind, str(device)
        if key not in self._known:
            self._known[key] = torch.from_numpy(make(kind)).to(device)
        made: Tensor = self._known[key]
        return made


def _laid_out(vocabulary: Vocabulary, kind: Kind, most: int) -> Grid:
    instance, orbits = vocabulary.problem.at(kind.n), vocabulary.view(*kind).orbits
    points = instance.points[orbits.representatives]
    across = int(np.sqrt(most))
    if points.shape[1] == 2 and instance.problem.ground.box(kind.n, orbits.representatives) is not None:
        points = points - points.min(axis=0)
        side = -(-(points.max(axis=0) + 1) // across)
        where = points // side
        width = int(where[:, 1].max()) + 1
        patch, inside = where[:, 0] * width + where[:, 1], (points % side) @ np.array([side[1], 1])
        return Grid(patch, inside, int(patch.max()) + 1, int(side.prod()))
    rank = np.argsort(np.argsort(np.argsort(instance.problem.ground.order(kind.n))[orbits.representatives]))
    each = -(-len(rank) // most)
    return Grid(rank // each, rank % each, int(rank.max()) // each + 1, each)
