"""Orbit tokens and, on top, tokens that stand for several orbits at once, learned from the first training set.

This is byte-pair encoding (Gage 1994; Sennrich, Haddow, Birch 2016) for sets instead of strings: again and again the
two tokens that most often occur in the same construction become one new token. A set is written by applying the merges
in the order in which they were learned, then sorting by the first cell. So it has exactly one spelling.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import torch
from numba import njit, types
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import override

from patternboost.model.tokens.base import END, Example, TokenMask, Vocabulary
from patternboost.model.tokens.encoded import Encoded
from patternboost.model.tokens.orbits import OrbitVocabulary
from patternboost.problem import Problem
from patternboost.problem.ground import IntArray
from patternboost.search.masks import legality_mask, third_orbits
from patternboost.search.set_masks import SetMask
from patternboost.search.tables import Table, is_pair

#: merges learned, at most; cells per token, at most
MERGES = 128
LONGEST = 4
#: constructions looked at, at most, and the least share of them that has a pair worth a token
_SAMPLE = 2000
_LEAST_SHARE = 0.02


@dataclass(frozen=True)
class _Merged:
    """The merged tokens that one (size, class) can use."""

    #: their numbers, int64[M]; their orbits: parts[start[i]:start[i + 1]]
    tokens: IntArray
    start: IntArray
    parts: IntArray


class MergedVocabulary(OrbitVocabulary):
    """Cells, then merges."""

    name = "merged"
    one_orbit_each = False

    def __init__(self, problem: Problem, sizes: Sequence[int], classes: Sequence[str], levels: int = 1) -> None:
        super().__init__(problem, sizes, classes, levels)
        #: learned pairs of tokens, in order; merge i makes token `first_merge + i`
        self.merges: list[tuple[int, int]] = []
        self.first_merge = super().count
        self._cells_of: dict[int, tuple[int, ...]] = {}
        self._usable: dict[tuple[int, str], _Merged] = {}

    @property
    def count(self) -> int:
        """Number of tokens; room for all merges, so that a model can be built before they are learned."""
        return self.first_merge + MERGES

    def cells_of(self, token: int) -> tuple[int, ...]:
        """The cell tokens that a body token stands for."""
        return self._cells_of.get(token, (token,))

    def _append(self, pair: tuple[int, int]) -> None:
        token = self.first_merge + len(self.merges)
        self.merges.append(pair)
        self._cells_of[token] = tuple(sorted(self.cells_of(pair[0]) + self.cells_of(pair[1])))
        self._usable.clear()

    def learn(self, examples: Sequence[Example], seed: int) -> None:
        """Merge what most often occurs together, every symmetric image of an example counted alike."""
        rng = np.random.default_rng(seed)
        picked = rng.permutation(len(examples))[:_SAMPLE]
        moves = rng.integers(0, 1 << 30, len(picked))
        sets = [
            set(super(MergedVocabulary, self).body(e.n, e.symmetry, self.orbits(e, int(m))).tolist())
            for e, m in zip((examples[i] for i in picked), moves, strict=True)
        ]
        pairs: Counter[tuple[int, int]] = Counter()
        for tokens in sets:
            pairs.update(combinations(sorted(tokens), 2))
        while len(self.merges) < MERGES:
            best = max(
                ((c, p) for p, c in pairs.items() if len(self.cells_of(p[0]) + self.cells_of(p[1])) <= LONGEST),
                default=(0, (0, 0)),
            )
            if best[0] < max(2, _LEAST_SHARE * len(sets)):
                break
            pair, new = best[1], self.first_merge + len(self.merges)
            self._append(pair)
            for tokens in sets:
                if pair[0] in tokens and pair[1] in tokens:
                    pairs.subtract(combinations(sorted(tokens), 2))
                    tokens -= set(pair)
                    tokens.add(new)
                    pairs.update(combinations(sorted(tokens), 2))

    @override
    def encoded(self, n: int, symmetry: str, examples: Sequence[Example], device: torch.device) -> Encoded:
        return Vocabulary.encoded(self, n, symmetry, examples, device)

    @override
    def decode_flat(self, n: int, symmetry: str, body: Tensor, tokens: Tensor, count: int) -> list[IntArray | None]:
        return Vocabulary.decode_flat(self, n, symmetry, body, tokens, count)

    @override
    def settings(self) -> dict[str, Any]:
        return super().settings() | {"merges": [list(pair) for pair in self.merges]}

    @override
    def restore(self, saved: dict[str, Any]) -> None:
        merges = saved.get("merges")
        if not isinstance(merges, list) or len(merges) > MERGES:
            raise ValueError(f"merges must be a list of at most {MERGES} pairs")
        self.merges, self._cells_of = [], {}
        for pair in merges:
            known = self.first_merge + len(self.merges)
            if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(t, int) for t in pair)):
                raise ValueError(f"merge {pair!r} is no pair of tokens")
            if not all(self.first <= t < known for t in pair):
                raise ValueError(f"merge {pair!r} joins tokens that do not exist")
            self._append((pair[0], pair[1]))

    @override
    def body(self, n: int, symmetry: str, orbits: IntArray) -> IntArray:
        tokens = set(super().body(n, symmetry, orbits).tolist())
        for i, (a, b) in enumerate(self.merges):
            if a in tokens and b in tokens:
                tokens -= {a, b}
                tokens.add(self.first_merge + i)
        cells = self.cells(n, symmetry)
        first = {token: min(cells.rank[cells.orbit_of[list(self.cells_of(token))]]) for token in tokens}
        return np.array(sorted(tokens, key=first.__getitem__), np.int64)

    @override
    def read(self, n: int, symmetry: str, body: IntArray) -> IntArray | None:
        if ((body >= self.first_merge + len(self.merges)) | (body < 0)).any():
            return None
        cells = [c for token in body.tolist() for c in self.cells_of(token)]
        return super().read(n, symmetry, np.array(cells, np.int64))

    def usable(self, n: int, symmetry: str) -> _Merged:
        """The merged tokens whose cells are all orbits of this (size, class)."""
        key = (n, symmetry)
        if key not in self._usable:
            orbit_of = self.cells(n, symmetry).orbit_of
            tokens = [t for t, cells in self._cells_of.items() if all(orbit_of[c] >= 0 for c in cells)]
            parts = [[int(orbit_of[c]) for c in self._cells_of[t]] for t in tokens]
            self._usable[key] = _Merged(np.array(tokens, np.int64), *_ragged(parts))
        return self._usable[key]

    def columns(self, n: int, symmetry: str) -> IntArray:
        """Cells, merged tokens, END."""
        cells = self.cells(n, symmetry).token_of
        return np.concatenate([cells, self.usable(n, symmetry).tokens, [END]])

    @override
    def mask(self, n: int, symmetry: str, table: Table, batch: int) -> TokenMask:
        return _MergedMask(table, batch, self.cells(n, symmetry).orbit_of, self.usable(n, symmetry), self.first_merge)


def _ragged(lists: Sequence[Sequence[int]]) -> tuple[IntArray, IntArray]:
    """Lists of numbers as starts (one more than lists) and one flat array."""
    start = np.concatenate([[0], np.cumsum([len(x) for x in lists])]).astype(np.int64)
    return start, np.array([x for part in lists for x in part], np.int64)


@njit(
    types.void(
        types.uint8[:, ::1],
        types.int64[::1],
        types.int64[::1],
        types.int64[::1],
        types.int64[::1],
        types.uint8[:, ::1],
        types.uint8[:, ::1],
    ),
    cache=True,
    nogil=True,
)
def _block_merged(blocked, start, parts, kill_start, kills, chosen, out):  # type: ignore[no-untyped-def]
    """out[r, m] = 1 where token m has a blocked part in row r, or its parts are forbidden with a chosen orbit of it."""
    for r in range(blocked.shape[0]):
        for m in range(len(start) - 1):
            bad = 0
            for i in range(start[m], start[m + 1]):
                bad |= blocked[r, parts[i]]
            for i in range(kill_start[m], kill_start[m + 1]):
                bad |= chosen[r, kills[i]]
            out[r, m] = bad


class _MergedMask(TokenMask):
    """A legality mask over cells, from which that of the merged tokens follows."""

    def __init__(self, table: Table, batch: int, orbit_of: IntArray, merged: _Merged, first_merge: int) -> None:
        self._mask = legality_mask(table, batch)
        self._orbit_of = orbit_of
        self._merged = merged
        self._first_merge = first_merge
        self._index = {int(t): i for i, t in enumerate(merged.tokens)}
        self._chosen = np.zeros((batch, table.orbits.count), np.uint8)
        kills, self._broken = [], np.zeros(len(merged.tokens), np.uint8)
        for i in range(len(merged.tokens)):
            parts = merged.parts[merged.start[i] : merged.start[i + 1]].tolist()
            thirds = {c for a, b in combinations(parts, 2) for c in third_orbits(table, a, b).tolist()}
            kills.append(sorted(thirds))
            pair = any(is_pair(table.rows, a, b) for a, b in combinations(parts, 2))
            self._broken[i] = pair or bool(thirds & set(parts))
        self._kill_start, self._kills = _ragged(kills)

    @property
    @override
    def blocked(self) -> NDArray[np.uint8]:
        cells = self._mask.blocked
        m = self._merged
        if isinstance(self._mask, SetMask):  # four and more elements: what the parts forbid together is tried
            return np.concatenate([cells[:, :-1], self._mask.groups(m.start, m.parts), cells[:, -1:]], axis=1)
        tokens = np.zeros((len(cells), len(m.tokens)), np.uint8)
        _block_merged(cells, m.start, m.parts, self._kill_start, self._kills, self._chosen, tokens)
        return np.concatenate([cells[:, :-1], tokens | self._broken, cells[:, -1:]], axis=1)

    @override
    def extend(self, tokens: IntArray) -> None:
        added = list(self._parts(tokens))
        for place in range(max(len(a) for a in added)):
            orbits = np.array([a[place] if place < len(a) else -1 for a in added], np.int64)
            self._mask.extend(orbits)
            rows = np.flatnonzero(orbits >= 0)
            self._chosen[rows, orbits[rows]] = 1

    def _parts(self, tokens: IntArray) -> Iterator[list[int]]:
        for token in tokens.tolist():
            if token < self._first_merge:
                yield [int(self._orbit_of[token])]
            else:
                i = self._index[token]
                yield self._merged.parts[self._merged.start[i] : self._merged.start[i + 1]].tolist()

    @override
    def keep(self, rows: IntArray) -> None:
        self._mask.keep(rows)
        self._chosen = self._chosen[rows]
