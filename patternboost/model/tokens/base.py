"""What every tokenisation shares: a sequence is ``[size] [class] body ... END``; the body is the tokenisation's own.

All sizes and classes of a run have tokens of their own, so one model learns from every size at once and is asked for a
size and a class by the prefix. With levels a class has a token for each, so that the prefix says how good the set is:
level 1 is as good as the best, 2 next to it, and so on; 0, which no example has, is better than all of them.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from patternboost.model.tokens.encoded import Encoded, WrittenEncoded
from patternboost.problem import Problem
from patternboost.problem.ground import IntArray
from patternboost.problem.symmetry import Orbits, class_orbits, class_preserving
from patternboost.search.tables import Table

END = 0


@dataclass(frozen=True)
class Example:
    """A construction to learn from: elements (sorted) at size n, a union of orbits of its class."""

    n: int
    symmetry: str
    elements: IntArray
    #: how good it is, where the vocabulary has levels
    level: int = 0


@dataclass(frozen=True)
class View:
    """How one (size, class) is written."""

    orbits: Orbits
    #: symmetries that keep the class, acting on orbits, int64[G, N]; the identity is among them
    moves: IntArray
    #: whether an element stands for its orbit, bool[size]
    stands: NDArray[np.bool_]

    def held(self, elements: IntArray) -> IntArray:
        """The orbits that make up a set of elements (ascending), ascending."""
        return self.orbits.orbit_of[elements[self.stands[elements]]].astype(np.int64)


def classes_at(problem: Problem, sizes: Sequence[int]) -> tuple[str, ...]:
    """The symmetry classes of all sizes, those of the largest one first."""
    return tuple(dict.fromkeys(name for n in sorted(sizes, reverse=True) for name in problem.at(n).classes))


class TokenMask(Protocol):
    """Which next tokens keep each of a batch of growing constructions valid."""

    @property
    def blocked(self) -> NDArray[np.uint8]:
        """1 where a token must not come next, [batch, columns], in the order of `Vocabulary.columns`."""

    def extend(self, tokens: IntArray) -> None:
        """One more token per construction, int64[batch], none of them END."""

    def keep(self, rows: IntArray) -> None:
        """Forget all constructions but `rows`."""


class Vocabulary(ABC):
    """Token numbers for the sizes and classes of one run: END, then sizes, then classes, then the body's tokens."""

    #: the tokenisation's name
    name: ClassVar[str]
    #: whether each token of a body stands for cells by itself, and for one orbit
    stands_for_cells: ClassVar[bool] = True
    one_orbit_each: ClassVar[bool] = False

    def __init__(self, problem: Problem, sizes: Sequence[int], classes: Sequence[str], levels: int = 1) -> None:
        self.problem = problem
        self.sizes = tuple(sizes)
        self.classes = tuple(classes)
        #: tokens of every class, one for each level
        self.levels = levels
        #: number of the body's first token
        self.first = 1 + len(self.sizes) + len(self.classes) * levels
        self._views: dict[tuple[int, str], View] = {}

    @property
    @abstractmethod
    def count(self) -> int:
        """Number of tokens."""

    @abstractmethod
    def body(self, n: int, symmetry: str, orbits: IntArray) -> IntArray:
        """The tokens of a set of orbits (sorted), without prefix and END."""

    @abstractmethod
    def read(self, n: int, symmetry: str, body: IntArray) -> IntArray | None:
        """The orbits (in any order) that a body without END stands for, or None where its format is wrong."""

    @abstractmethod
    def columns(self, n: int, symmetry: str) -> IntArray:
        """The tokens that a body of this size and class may have, END last: what a mask's columns stand for."""

    @abstractmethod
    def mask(self, n: int, symmetry: str, table: Table, batch: int) -> TokenMask:
        """The mask of `batch` constructions that are empty so far."""

    def learn(self, examples: Sequence[Example], seed: int) -> None:  # noqa: B027 - most have nothing to learn
        """Settle what depends on the first training set; called once, before any `encode`."""

    def places(self, n: int, symmetry: str, body: IntArray) -> list[IntArray]:
        """The elements that every token of a body (without END) is about."""
        orbits = self.view(n, symmetry).orbits
        about = (self.read(n, symmetry, body[i : i + 1]) for i in range(len(body)))
        return [orbits.expand(np.sort(which)) for which in about if which is not None]

    def settings(self) -> dict[str, Any]:
        """What a checkpoint says of it, and `restore` takes up."""
        return {
            "tokens": self.name,
            "problem": self.problem.name,
            "sizes": list(self.sizes),
            "classes": list(self.classes),
            "levels": self.levels,
        }

    def restore(self, saved: dict[str, Any]) -> None:  # noqa: B027
        """Take up what was learned, from a checkpoint's `settings()`. Raises ValueError where it is damaged."""

    def prefix(self, n: int, symmetry: str, level: int = 0) -> tuple[int, int]:
        """The two tokens every sequence of this size, class and level (cut at the last) starts with."""
        symmetry_token = 1 + len(self.sizes) + self.classes.index(symmetry) * self.levels
        return 1 + self.sizes.index(n), symmetry_token + min(level, self.levels - 1)

    def prefixes(self, examples: Sequence[Example]) -> IntArray:
        """The prefix of every example, int64 [M, 2]."""
        return np.array([self.prefix(e.n, e.symmetry, e.level) for e in examples], np.int64).reshape(-1, 2)

    def view(self, n: int, symmetry: str) -> View:
        """The orbits of a (size, class) and the symmetries that keep it, made once."""
        key = (n, symmetry)
        if key not in self._views:
            instance = self.problem.at(n)
            orbits = class_orbits(instance, symmetry)
            moves = orbits.orbit_of[class_preserving(instance, orbits)[:, orbits.representatives]].astype(np.int64)
            stands = np.zeros(instance.size, bool)
            stands[orbits.representatives] = True
            self._views[key] = View(orbits, moves, stands)
        return self._views[key]

    def orbits(self, example: Example, move: int = 0) -> IntArray:
        """The sorted orbits of an example; `move` (modulo their number) picks a symmetry that keeps the class."""
        view = self.view(example.n, example.symmetry)
        return np.sort(view.moves[move % len(view.moves)][view.held(example.elements)])

    def encode(self, example: Example, move: int = 0) -> IntArray:
        """Tokens with prefix and END, int64."""
        body = self.body(example.n, example.symmetry, self.orbits(example, move))
        prefix = self.prefix(example.n, example.symmetry, example.level)
        return np.concatenate([prefix, body, [END]]).astype(np.int64)

    def encoded(self, n: int, symmetry: str, examples: Sequence[Example], device: torch.device) -> Encoded:
        """Examples of one size and class for training, each in all the ways its symmetries write it."""
        lengths = np.array([len(self.encode(e)) for e in examples])
        return WrittenEncoded(lambda row, move: self.encode(examples[row], move), lengths, END, device)

    def decode(self, n: int, symmetry: str, tokens: Sequence[int] | NDArray[np.int64]) -> IntArray | None:
        """The elements of a sampled body (then END and anything), or None where its format is wrong.

        Wrong are: no END, a token that has no place in this size and class, a cell twice.
        """
        body = np.asarray(tokens, np.int64)
        ends = np.flatnonzero(body == END)
        if len(ends) == 0:
            return None
        orbits = self.read(n, symmetry, body[: ends[0]])
        if orbits is None or len(np.unique(orbits)) < len(orbits):
            return None
        return self.view(n, symmetry).orbits.expand(np.sort(orbits))

    def decode_flat(self, n: int, symmetry: str, body: Tensor, tokens: Tensor, count: int) -> list[IntArray | None]:
        """`decode` of `count` bodies at once: the number of its body for every token, ascending, and the tokens.

        Both int64, on any device; END is left out, and a negative token marks a body without it.
        """
        at = np.searchsorted(body.cpu().numpy(), np.arange(count + 1))
        host = np.append(tokens.cpu().numpy(), END)
        found = (host[first:last] for first, last in itertools.pairwise(at))
        return [None if (one < 0).any() else self.decode(n, symmetry, np.append(one, END)) for one in found]
