"""Constructions of one size and class as tensors on the model's device: encoded once, turned by index tables.

A training step must not run Python for every sequence: a GPU would wait for it. So sets are kept as orbits, and a batch
is three lookups: the rows, what a symmetry makes of them, and the tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from typing_extensions import override

from patternboost.problem.ground import IntArray


class Encoded(Protocol):
    """Sequences, each with as many equivalent forms as there are symmetries that keep the class."""

    #: tokens per sequence, prefix and END included, int64 [M]
    lengths: IntArray

    def tokens(self, rows: IntArray, draws: IntArray) -> Tensor:
        """Tokens int64 [B, T] of sequences `rows`; after END there is END. T: the longest of the rows, at least.

        `draws`, any numbers >= 0, int64 [B], pick the forms.
        """


class WrittenEncoded(Encoded):
    """Sequences that are written anew each time, one by one, for tokens that no table can turn."""

    def __init__(
        self, write: Callable[[int, int], IntArray], lengths: IntArray, end: int, device: torch.device
    ) -> None:
        """`write` makes the tokens of a row in one of its forms; `lengths` as they are before any symmetry."""
        self._write = write
        self._end = end
        self._device = device
        self.lengths = lengths

    @override
    def tokens(self, rows: IntArray, draws: IntArray) -> Tensor:
        written = [self._write(int(row), int(draw)) for row, draw in zip(rows, draws, strict=True)]
        return torch.from_numpy(padded(written, self._end)).to(self._device)


def padded(sequences: Sequence[IntArray], end: int) -> IntArray:
    """Sequences as rows, int64 [B, T], with `end` after their own."""
    made = np.full((len(sequences), max(map(len, sequences))), end, np.int64)
    for i, sequence in enumerate(sequences):
        made[i, : len(sequence)] = sequence
    return made


class OrbitEncoded(Encoded):
    """Sets of orbits, written in ascending rank: one token each."""

    def __init__(
        self,
        sets: Sequence[IntArray],
        moves: IntArray,
        rank: IntArray,
        token_of: IntArray,
        prefixes: IntArray,
        end: int,
        device: torch.device,
    ) -> None:
        """`moves` int64 [G, N]: where symmetries go; `rank` and `token_of`, int64 [N]: how they are written.

        `prefixes` int64 [M, 2]: how every sequence begins.
        """
        count = len(rank)
        self.lengths = np.array([len(s) for s in sets], np.int64) + 3  # the prefix, END
        padded = np.full((len(sets), int(self.lengths.max(initial=3)) - 2), count, np.int64)
        for i, orbits in enumerate(sets):
            padded[i, : len(orbits)] = orbits
        dense = np.argsort(np.argsort(rank))  # 0 to N - 1 in the order of the sequence; N: no orbit
        ranks = np.concatenate([dense[moves], np.full((len(moves), 1), count)], axis=1)
        self._orbits = torch.from_numpy(padded).to(device)
        self._ranks = torch.from_numpy(ranks).to(device)
        self._token_at = torch.from_numpy(np.append(token_of[np.argsort(rank)], end)).to(device)
        self._prefixes = torch.from_numpy(prefixes).to(device)

    @override
    def tokens(self, rows: IntArray, draws: IntArray) -> Tensor:
        device = self._orbits.device
        picked = torch.from_numpy(np.stack([rows, draws % len(self._ranks)])).to(device, non_blocking=True)
        orbits = self._orbits[picked[0], : int(self.lengths[rows].max()) - 2]
        ranks = self._ranks[picked[1][:, None], orbits].sort(dim=1).values
        return torch.cat([self._prefixes[picked[0]], self._token_at[ranks]], dim=1)


class DigitEncoded(Encoded):
    """Sets of orbits as digits, one per orbit."""

    def __init__(
        self,
        sets: Sequence[IntArray],
        moves: IntArray,
        zero: int,
        prefixes: IntArray,
        end: int,
        device: torch.device,
    ) -> None:
        count = moves.shape[1]
        digits = np.full((len(sets), count), zero, np.int64)
        for i, orbits in enumerate(sets):
            digits[i, orbits] += 1
        self.lengths = np.full(len(sets), count + 3)
        self._digits = torch.from_numpy(digits).to(device)
        # The digit at a place is that of the orbit that the symmetry takes there.
        self._from = torch.from_numpy(np.argsort(moves, axis=1)).to(device)
        self._prefixes = torch.from_numpy(prefixes).to(device)
        self._end = torch.tensor([[end]], device=device)

    @override
    def tokens(self, rows: IntArray, draws: IntArray) -> Tensor:
        picked = torch.from_numpy(np.stack([rows, draws % len(self._from)])).to(self._digits.device, non_blocking=True)
        digits = self._digits[picked[0]].gather(1, self._from[picked[1]])
        count = len(rows)
        return torch.cat([self._prefixes[picked[0]], digits, self._end.expand(count, -1)], dim=1)
