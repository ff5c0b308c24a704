"""What a model learns from: token sequences on its device, and the batches that an epoch is divided into.

A batch has sequences of one kind, which is a size and a symmetry class: so it costs only the tokens of that kind, and a
model that knows how orbits lie to each other can look it up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from patternboost.model.tokens import END, Example, Vocabulary
from patternboost.problem.ground import IntArray

#: numbers of sets that are made as they are drawn: what training calls an epoch of them
_FRESH = 1 << 14
#: so many batches are drawn at a time and sorted by length
_DRAWN = 8


class Kind(NamedTuple):
    """A size and a symmetry class."""

    n: int
    symmetry: str


@dataclass(frozen=True)
class Batch:
    """Sequences of one kind, on the model's device."""

    #: int64 [B, T], prefix and END included, END after it
    tokens: Tensor
    #: tokens given at the beginning, which are not predicted
    prefix: int
    #: the tokens that may come after the prefix, int64 [C] on the device; None: all
    columns: Tensor | None = None
    #: column of every token, int64 [V] on the device
    column_of: Tensor | None = None
    kind: Kind | None = None

    def rows(self, which: slice) -> Batch:
        """Some of the sequences."""
        return Batch(self.tokens[which], self.prefix, self.columns, self.column_of, self.kind)


class Corpus(Protocol):
    """Sequences to learn from, numbered from 0."""

    #: about how long each is, for batches of similar length, float64 or int64 [M]
    lengths: IntArray
    #: the kind of each, as a number, int64 [M]
    kinds: IntArray

    def batch(self, rows: IntArray, draws: IntArray) -> Batch:
        """Sequences `rows` (int64 [B], of one kind); `draws`, numbers >= 0, pick one of the forms of each."""


class PoolCorpus(Corpus):
    """Constructions, turned as they are drawn by the symmetries that keep their class."""

    prefix = 2

    def __init__(self, vocabulary: Vocabulary, examples: Sequence[Example], device: torch.device) -> None:
        of = [Kind(e.n, e.symmetry) for e in examples]
        names = sorted(set(of))
        number = {kind: i for i, kind in enumerate(names)}
        self.kinds = np.array([number[kind] for kind in of], np.int64)
        #: where every example is among those of its kind
        self._place = np.zeros(len(examples), np.int64)
        self.lengths = np.zeros(len(examples), np.int64)
        self._names, self._encoded, self._columns = names, [], []
        for i, kind in enumerate(names):
            own = np.flatnonzero(self.kinds == i)
            encoded = vocabulary.encoded(kind.n, kind.symmetry, [examples[int(j)] for j in own], device)
            self._place[own] = np.arange(len(own))
            self.lengths[own] = encoded.lengths
            self._encoded.append(encoded)
            self._columns.append(columns_of(vocabulary, kind, device))

    def counts(self, vocabulary: int) -> Tensor:
        """How often every token is to be predicted, float [V] on the device."""
        total = torch.zeros(vocabulary)
        for which in range(len(self._names)):
            rows = np.flatnonzero(self.kinds == which)
            batch = self.batch(rows, np.zeros(len(rows), np.int64))
            targets = loss_targets(replace(batch, column_of=None), -1)
            total += torch.bincount(targets[targets >= 0].cpu(), minlength=vocabulary)
        return total.to(batch.tokens.device)

    def batch(self, rows: IntArray, draws: IntArray) -> Batch:
        """Turned by `draws`."""
        which = int(self.kinds[rows[0]])
        tokens = self._encoded[which].tokens(self._place[rows], draws)
        return Batch(tokens, self.prefix, *self._columns[which], self._names[which])


class FreshCorpus(Corpus):
    """Sets that are made as they are drawn: as many as training may want, no two batches alike.

    What training holds out is drawn once, by number, and stays the same.
    """

    def __init__(
        self, vocabulary: Vocabulary, like: Example, make: Callable[[int], Example], length: int, device: torch.device
    ) -> None:
        self._vocabulary, self._make, self._device = vocabulary, make, device
        self._kind = Kind(like.n, like.symmetry)
        self._columns = columns_of(vocabulary, self._kind, device)
        self.lengths = np.full(_FRESH, length)
        self.kinds = np.zeros(_FRESH, np.int64)

    def batch(self, rows: IntArray, draws: IntArray) -> Batch:
        """A set for every row and draw."""
        kind = self._kind
        made = [self._make(_FRESH * int(draw) + int(row)) for row, draw in zip(rows, draws, strict=True)]
        encoded = self._vocabulary.encoded(*kind, made, self._device)
        tokens = encoded.tokens(np.arange(len(made)), np.zeros(len(made), np.int64))
        return Batch(tokens, PoolCorpus.prefix, *self._columns, kind)


def columns_of(vocabulary: Vocabulary, kind: Kind, device: torch.device) -> tuple[Tensor, Tensor]:
    """The tokens that a body of a kind may have, int64 [C] ascending, and the column of every token, int64 [V]."""
    columns = np.unique(vocabulary.columns(kind.n, kind.symmetry))
    column_of = np.zeros(vocabulary.count, np.int64)
    column_of[columns] = np.arange(len(columns))
    return torch.from_numpy(columns).to(device), torch.from_numpy(column_of).to(device)


def epoch(corpus: Corpus, used: IntArray, batch: int, rng: np.random.Generator) -> list[IntArray]:
    """Every index of `used` once, in batches of one kind and of similar length, so that padding costs little.

    Similar, not the same: where all of a batch end at one place, END is learned by place alone (docs/lecture.md).
    """
    order = rng.permutation(used)
    batches: list[IntArray] = []
    for kind in np.unique(corpus.kinds[order]):
        own = order[corpus.kinds[order] == kind]
        lengths = corpus.lengths[own]
        for first in range(0, len(own), batch * _DRAWN):
            drawn = slice(first, first + batch * _DRAWN)
            ranked = own[drawn][np.argsort(lengths[drawn], kind="stable")]
            batches += [ranked[i : i + batch] for i in range(0, len(ranked), batch)]
    rng.shuffle(batches)  # type: ignore[arg-type]
    return batches


def loss_targets(batch: Batch, ignore: int) -> Tensor:
    """What is to be predicted at every place but the last, as columns, int64 [B, T - 1]; elsewhere `ignore`."""
    targets = batch.tokens[:, 1:]
    # The first END counts; what comes after it is padding.
    ended = (targets == END).cumsum(dim=1)
    wanted = targets if batch.column_of is None else batch.column_of[targets]
    wanted = wanted.masked_fill(ended - (targets == END).long() > 0, ignore)
    if batch.prefix > 1:
        wanted[:, : batch.prefix - 1] = ignore
    return wanted
