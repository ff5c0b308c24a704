"""One token per orbit, named by the place of its representative in the largest size's ground set.

It gets there by the ground set's embedding, which on grids and cubes keeps distances from the border. So one token
means the same corner, edge or inner spot at every n.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from patternboost.model.tokens.base import END, Example, TokenMask, Vocabulary
from patternboost.model.tokens.encoded import Encoded, OrbitEncoded
from patternboost.problem import Problem
from patternboost.problem.ground import IntArray
from patternboost.search.masks import legality_mask
from patternboost.search.tables import Table


@dataclass(frozen=True)
class Cells:
    """The cell tokens of one (size, class)."""

    #: token of every orbit, int64[N]; orbit of every token, int64[V], -1 elsewhere
    token_of: IntArray
    orbit_of: IntArray
    #: place of every orbit in the order of the sequence, int64[N]
    rank: IntArray
    #: elements of every orbit, int64[N, most], then -1
    elements: IntArray


class OrbitVocabulary(Vocabulary):
    """Cell tokens in the ground set's own order."""

    name = "orbits"
    one_orbit_each = True

    def __init__(self, problem: Problem, sizes: Sequence[int], classes: Sequence[str], levels: int = 1) -> None:
        super().__init__(problem, sizes, classes, levels)
        self._cells: dict[tuple[int, str], Cells] = {}

    @property
    def count(self) -> int:
        """Number of tokens."""
        return self.first + self.problem.ground.size(max(self.sizes))

    def cells(self, n: int, symmetry: str) -> Cells:
        """The cell tokens of a (size, class), made once."""
        key = (n, symmetry)
        if key not in self._cells:
            orbits = self.view(n, symmetry).orbits
            place = self.problem.ground.embed(n, max(self.sizes))
            token_of = self.first + place[orbits.representatives]
            orbit_of = np.full(self.first + self.problem.ground.size(max(self.sizes)), -1, np.int64)
            orbit_of[token_of] = np.arange(orbits.count)
            place_in_order = np.argsort(self.problem.ground.order(n))
            elements = np.full((orbits.count, int(orbits.weights.max(initial=1))), -1, np.int64)
            owner = orbits.orbit_of[orbits.members]
            elements[owner, np.arange(len(owner)) - orbits.start[owner]] = orbits.members
            self._cells[key] = Cells(token_of, orbit_of, place_in_order[orbits.representatives], elements)
        return self._cells[key]

    @override
    def body(self, n: int, symmetry: str, orbits: IntArray) -> IntArray:
        cells = self.cells(n, symmetry)
        return cells.token_of[orbits[np.argsort(cells.rank[orbits])]]

    @override
    def encoded(self, n: int, symmetry: str, examples: Sequence[Example], device: torch.device) -> Encoded:
        cells, view = self.cells(n, symmetry), self.view(n, symmetry)
        sets = [view.held(e.elements) for e in examples]
        return OrbitEncoded(sets, view.moves, cells.rank, cells.token_of, self.prefixes(examples), END, device)

    @override
    def read(self, n: int, symmetry: str, body: IntArray) -> IntArray | None:
        orbits = self.cells(n, symmetry).orbit_of[body]
        return None if (orbits < 0).any() else orbits

    @override
    def decode_flat(self, n: int, symmetry: str, body: Tensor, tokens: Tensor, count: int) -> list[IntArray | None]:
        """On the tokens' device: a GPU draws thousands of samples in the time that Python decodes a hundred."""
        if not count:
            return []
        size, cells, device = self.problem.ground.size(n), self.cells(n, symmetry), tokens.device
        orbit_of, elements = (torch.from_numpy(a).to(device) for a in (cells.orbit_of, cells.elements))
        own = torch.where(tokens < 0, -1, orbit_of[tokens])
        wrong = torch.zeros(count, dtype=torch.bool, device=device)
        wrong[body[own < 0]] = True
        body, own = body[own >= 0], own[own >= 0]
        # Every element as a key that sorts by body and element.
        expanded = elements[own]
        keys = ((body * size)[:, None] + expanded)[expanded >= 0].sort().values
        wrong[keys[1:][keys[1:] == keys[:-1]] // size] = True
        ends = torch.bincount(keys // size, minlength=count).cumsum(0)
        sets = np.split((keys % size).cpu().numpy(), ends[:-1].cpu().numpy())
        return [None if bad else made for made, bad in zip(sets, wrong.tolist(), strict=True)]

    @override
    def columns(self, n: int, symmetry: str) -> IntArray:
        return np.append(self.cells(n, symmetry).token_of, END)

    @override
    def mask(self, n: int, symmetry: str, table: Table, batch: int) -> TokenMask:
        return _OrbitMask(table, batch, self.cells(n, symmetry).orbit_of)


class _OrbitMask(TokenMask):
    """A legality mask that is told tokens."""

    def __init__(self, table: Table, batch: int, orbit_of: IntArray) -> None:
        self._mask = legality_mask(table, batch)
        self._orbit_of = orbit_of

    @property
    @override
    def blocked(self) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        return self._mask.blocked

    @override
    def extend(self, tokens: IntArray) -> None:
        self._mask.extend(self._orbit_of[tokens])

    @override
    def keep(self, rows: IntArray) -> None:
        self._mask.keep(rows)
