"""Strings as token sequences: END, START, then one token per symbol of the alphabet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from patternboost.model.tokens import END
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


class StringCorpus:
    """Strings to learn from."""

    prefix = 1
    columns: IntArray | None = None

    def __init__(self, characters: Characters, strings: Sequence[str]) -> None:
        self._sequences = [characters.encode(s) for s in strings]

    def __len__(self) -> int:
        return len(self._sequences)

    def length(self, index: int) -> float:
        """Symbols, exactly."""
        return len(self._sequences[index])

    def sequence(self, index: int, draw: int) -> IntArray:
        """A string has one form only."""
        return self._sequences[index]
