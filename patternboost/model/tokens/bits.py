"""The lecture's 0/1 strings: one digit per orbit, in the order of the orbits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from typing_extensions import override

from patternboost.model.tokens.base import END, Example, TokenMask, Vocabulary
from patternboost.model.tokens.encoded import DigitEncoded, Encoded
from patternboost.problem.ground import IntArray
from patternboost.search.masks import legality_mask
from patternboost.search.tables import Table


class BitVocabulary(Vocabulary):
    """Two tokens, 0 and 1; a body has exactly as many as there are orbits."""

    name = "bits"
    stands_for_cells = False

    @property
    def count(self) -> int:
        """Number of tokens."""
        return self.first + 2

    @override
    def body(self, n: int, symmetry: str, orbits: IntArray) -> IntArray:
        digits = np.full(self.view(n, symmetry).orbits.count, self.first, np.int64)
        digits[orbits] += 1
        return digits

    @override
    def encoded(self, n: int, symmetry: str, examples: Sequence[Example], device: torch.device) -> Encoded:
        view = self.view(n, symmetry)
        sets = [view.held(e.elements) for e in examples]
        return DigitEncoded(sets, view.moves, self.first, self.prefixes(examples), END, device)

    @override
    def read(self, n: int, symmetry: str, body: IntArray) -> IntArray | None:
        digits = body - self.first
        if len(body) != self.view(n, symmetry).orbits.count or (digits < 0).any() or (digits > 1).any():
            return None
        return np.flatnonzero(digits)

    def places(self, n: int, symmetry: str, body: IntArray) -> list[IntArray]:
        """A digit is about the orbit at its place."""
        orbits = self.view(n, symmetry).orbits
        return [orbits.expand(np.array([i])) for i in range(len(body))]

    def columns(self, n: int, symmetry: str) -> IntArray:
        """0, 1, END."""
        return np.array([self.first, self.first + 1, END])

    @override
    def mask(self, n: int, symmetry: str, table: Table, batch: int) -> TokenMask:
        return _BitMask(table, batch, self.first + 1)


class _BitMask(TokenMask):
    """No 1 where the place's orbit is forbidden; END after the last place, and only there."""

    def __init__(self, table: Table, batch: int, one: int) -> None:
        self._mask = legality_mask(table, batch)
        self._count = table.orbits.count
        self._one = one
        self._place = 0

    @property
    @override
    def blocked(self) -> NDArray[np.uint8]:
        free = self._mask.blocked
        columns = np.zeros((len(free), 3), np.uint8)
        done = self._place == self._count
        columns[:, 0] = done
        columns[:, 1] = 1 if done else free[:, self._place]
        columns[:, 2] = not done
        return columns

    @override
    def extend(self, tokens: IntArray) -> None:
        self._mask.extend(np.where(tokens == self._one, self._place, -1))
        self._place += 1

    @override
    def keep(self, rows: IntArray) -> None:
        self._mask.keep(rows)
