"""Strings as token sequences: END, START, then one token per symbol of the alphabet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from typing_extensions import override

from patternboost.model.corpus import Batch, Corpus
from patternboost.model.tokens import END
from patternboost.model.tokens.encoded import padded
from patternboost.problem.ground import IntArray

START = 1


class Characters:
    """The tokeniser of an alphabet."""

    def __init__(self, alphabet: str) -> None:
        self.alphabet = alphabet
        self._number = {symbol: 2 + i for i, symbol in enumerate(alphabet)}

    @property
    def count(self) -> int:
        """Number of tokens."""
        return 2 + len(self.alphabet)

    def encode(self, string: str) -> IntArray:
        """START, the symbols, END."""
        return np.array([START, *(self._number[symbol] for symbol in string), END], np.int64)

    def decode(self, body: IntArray) -> str | None:
        """A sampled body (symbols, then END), or None where its format is wrong: no END, or START inside."""
        if not len(body) or body[-1] != END or (body[:-1] < 2).any():
            return None
        return "".join(self.alphabet[token - 2] for token in body[:-1])

    def labels(self, string: str) -> list[str]:
        """What stands at every place of `encode(string)` but the last, for the axes of a heatmap."""
        return ["^", *string]


class StringCorpus(Corpus):
    """Strings to learn from; each has one form only."""

    prefix = 1

    def __init__(self, characters: Characters, strings: Sequence[str], device: torch.device) -> None:
        sequences = [characters.encode(s) for s in strings]
        self.lengths = np.array([len(s) for s in sequences])
        self.kinds = np.zeros(len(sequences), np.int64)
        self._tokens = torch.from_numpy(padded(sequences, END)).to(device)

    @override
    def batch(self, rows: IntArray, draws: IntArray) -> Batch:
        tokens = self._tokens[torch.from_numpy(rows).to(self._tokens.device), : int(self.lengths[rows].max())]
        return Batch(tokens, self.prefix)
