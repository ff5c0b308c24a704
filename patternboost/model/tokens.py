"""Constructions as token sequences that mean the same at every size.

A sequence is ``[size] [class] cell cell ... END``. A cell token stands for a whole orbit, by its representative, and is
named by where the representative stands from the border: its place in the largest size's ground set under the
border-keeping embedding. So one token means the same corner, edge or inner spot at every n, and one model learns from
all sizes at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patternboost.ground import IntArray
from patternboost.problem import Problem
from patternboost.symmetry import Orbits, class_orbits, class_preserving

END = 0


@dataclass(frozen=True)
class Example:
    """A construction to learn from: elements (sorted) at size n, a union of orbits of its class."""

    n: int
    symmetry: str
    elements: IntArray


@dataclass(frozen=True)
class View:
    """How one (size, class) is written: orbits and their tokens."""

    orbits: Orbits
    #: token of every orbit, int64[N]; orbit of every token of the vocabulary, int64[V], -1 elsewhere
    token_of: IntArray
    orbit_of_token: IntArray
    #: symmetries that keep the class, acting on orbits, int64[G, N]
    moves: IntArray


@dataclass(frozen=True)
class Vocabulary:
    """Token numbers for the sizes and classes of one run: END, then sizes, then classes, then cells."""

    problem: Problem
    sizes: tuple[int, ...]
    classes: tuple[str, ...]
    _views: dict[tuple[int, str], View] = field(default_factory=dict, repr=False, compare=False)

    @property
    def _first_cell(self) -> int:
        return 1 + len(self.sizes) + len(self.classes)

    @property
    def count(self) -> int:
        """Number of tokens."""
        return self._first_cell + self.problem.ground.size(max(self.sizes))

    def prefix(self, n: int, symmetry: str) -> tuple[int, int]:
        """The two tokens every sequence of this size and class starts with."""
        return 1 + self.sizes.index(n), 1 + len(self.sizes) + self.classes.index(symmetry)

    def view(self, n: int, symmetry: str) -> View:
        """The tokens of a (size, class), made once."""
        key = (n, symmetry)
        if key not in self._views:
            instance = self.problem.at(n)
            orbits = class_orbits(instance, symmetry)
            place = self.problem.ground.embed(n, max(self.sizes))
            token_of = self._first_cell + place[orbits.representatives]
            orbit_of_token = np.full(self.count, -1, np.int64)
            orbit_of_token[token_of] = np.arange(orbits.count)
            moves = orbits.orbit_of[class_preserving(instance, orbits)[:, orbits.representatives]].astype(np.int64)
            self._views[key] = View(orbits, token_of, orbit_of_token, moves)
        return self._views[key]

    def encode(self, example: Example, move: int = 0) -> IntArray:
        """Tokens with prefix and END; `move` (modulo their number) picks a symmetry that keeps the class."""
        view = self.view(example.n, example.symmetry)
        orbits = np.unique(view.orbits.orbit_of[example.elements])
        moved = np.sort(view.moves[move % len(view.moves)][orbits])
        return np.concatenate([self.prefix(example.n, example.symmetry), view.token_of[moved], [END]]).astype(np.int64)

    def decode(self, n: int, symmetry: str, tokens: Sequence[int] | NDArray[np.int64]) -> IntArray | None:
        """The elements of a sampled body (cells, then END and anything), or None where its format is wrong.

        Wrong are: no END, a token that is no cell of this size and class, a cell twice.
        """
        body = np.asarray(tokens, np.int64)
        ends = np.flatnonzero(body == END)
        if len(ends) == 0:
            return None
        view = self.view(n, symmetry)
        orbits = view.orbit_of_token[body[: ends[0]]]
        if (orbits < 0).any() or len(np.unique(orbits)) < len(orbits):
            return None
        return view.orbits.expand(np.sort(orbits))

    def settings(self) -> dict[str, Any]:
        """What a checkpoint says of it."""
        return {"problem": self.problem.name, "sizes": list(self.sizes), "classes": list(self.classes)}
