"""Growing sequences on any device: rows that each have a length of their own, and begin anew where one has ended.

Everything is tensors of fixed shapes, so that a step can be captured as a graph (`device_sampling`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from patternboost.model.corpus import Kind
    from patternboost.model.gpt import GPT


class Rows(Protocol):
    """A batch of sequences that all begin with the same prefix."""

    #: logits of what comes after the prefix, [C]
    first: Tensor
    #: tokens that the longest row has
    steps: int

    def step(self, tokens: Tensor, span: int) -> Tensor:
        """Logits [B, C] after one more token per row, int64 [B]; no row has more than `span` tokens then."""

    def begin(self) -> None:
        """Let all rows begin anew, with the weights that the model has now."""

    def restart(self, rows: Tensor) -> None:
        """Let the rows that bool [B] marks begin anew, after the prefix."""

    def keep(self, rows: Tensor) -> None:
        """Drop all rows but these, int64."""


class AttentionRows(Rows):
    """Keys and values of every layer, [B, room, W].

    A row's one query per head against its own keys is a product of matrices only if the heads are taken together: the
    queries as rows of a block-diagonal matrix [H, W]. So most of the products are by zero, and it still takes a
    fifth of the time of torch's attention, which is made for many queries (docs/LOG.md).
    """

    def __init__(
        self, model: GPT, columns: Tensor, kind: Kind | None, prefix: tuple[int, ...], batch: int, room: int
    ) -> None:
        self._model, self._kind, self._columns = model, kind, columns
        device, s = columns.device, model.settings
        self._prefix = torch.tensor(prefix, device=device)
        self._place = torch.arange(room, device=device)
        self._row = torch.arange(batch, device=device)
        #: where the next token of every row goes, and the tokens so far
        self._at = torch.zeros(batch, dtype=torch.int64, device=device)
        self._tokens = torch.zeros(batch, room, dtype=torch.int64, device=device)
        names = model.names(kind)
        self._names = names._replace(vectors=names.vectors.clone())
        self._positions = model.positions().clone()
        self._head = tuple(part.clone() for part in names.among(columns))
        dtype = names.vectors.dtype
        if torch.is_autocast_enabled(device.type):
            dtype = torch.get_autocast_dtype(device.type)
        self._keys, self._values = (
            [torch.zeros((batch, room, s.width), dtype=dtype, device=device) for _ in model.blocks] for _ in range(2)
        )
        #: the queries of every head, [B, H, W], 0 outside the head's own part of the width
        self._queries = torch.zeros((batch, s.heads, s.width), dtype=dtype, device=device)
        self.first = torch.zeros(len(self._head[0]), dtype=dtype, device=device)
        self.begin()

    def begin(self) -> None:
        """See `Rows`."""
        names = self._model.names(self._kind)
        self._names.vectors.copy_(names.vectors)
        self._positions.copy_(self._model.positions())
        for held, part in zip(self._head, names.among(self._columns), strict=True):
            held.copy_(part)
        self.steps = 0
        self._at.zero_()
        for token in self._prefix:
            logits = self.step(token.expand(len(self._row)), self.steps + 1)
        self.first.copy_(logits[0])

    def step(self, tokens: Tensor, span: int) -> Tensor:
        """See `Rows`."""
        self.steps += 1
        self._tokens[self._row, self._at] = tokens
        unseen = (self._place[:span] > self._at[:, None])[:, None]
        biases = self._model.attention_bias(tokens[:, None], self._tokens[:, :span], self._kind)
        x = (self._names.of(tokens) + functional.embedding(self._at, self._positions))[:, None]
        for block, keys, values, bias in zip(self._model.blocks, self._keys, self._values, biases, strict=True):
            query, key, value = block.split(x)[..., 0, :].unbind(0)  # type: ignore[operator]
            keys[self._row, self._at] = key.flatten(1).to(keys.dtype)
            values[self._row, self._at] = value.flatten(1).to(values.dtype)
            _own_parts(self._queries).copy_(query * query.shape[-1] ** -0.5)
            scores = torch.bmm(self._queries, keys[:, :span].transpose(1, 2)).float()
            if bias is not None:
                scores = scores + bias[:, :, 0]
            weights = scores.masked_fill(unseen, -torch.inf).softmax(dim=-1).to(values.dtype)
            # Every head's weights on all of the width, of which its own part is wanted.
            mixed = _own_parts(torch.bmm(weights, values[:, :span]))
            x = block.join(x, mixed[:, :, None].to(x.dtype))  # type: ignore[operator]
        self._at.add_(1).clamp_(max=len(self._place) - 1)
        return self._model.head(x[:, 0], *self._head)

    def restart(self, rows: Tensor) -> None:
        """See `Rows`; keys and values of the prefix are the same in every row, and stay."""
        self._at.masked_fill_(rows, len(self._prefix))

    def keep(self, rows: Tensor) -> None:
        """See `Rows`."""
        self._at, self._tokens, self._row = self._at[rows], self._tokens[rows], self._row[: len(rows)]
        self._queries = self._queries[rows]
        self._keys, self._values = ([cache[rows] for cache in caches] for caches in (self._keys, self._values))


def _own_parts(whole: Tensor) -> Tensor:
    """Of [B, H, W] the part of the width that is every head's own, a view [B, H, D]."""
    heads = whole.shape[1]
    return whole.view(len(whole), heads, heads, -1).diagonal(dim1=1, dim2=2).transpose(1, 2)
