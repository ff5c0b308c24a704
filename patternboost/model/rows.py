"""Sequences that grow together on any device, a row each.

Everything is tensors of fixed shapes, so that a step can be captured as a graph (`device_sampling`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from patternboost.model.compiling import compiled

if TYPE_CHECKING:
    from patternboost.model.corpus import Kind
    from patternboost.model.gpt import GPT, Block


class Rows(Protocol):
    """A batch of sequences that all begin with the same prefix and have the same length."""

    #: logits of what comes after the prefix, [C]
    first: Tensor
    #: tokens that they have
    steps: int

    def step(self, tokens: Tensor, span: int) -> Tensor:
        """Logits [B, C] after one more token per row, int64 [B]; they have at most `span` tokens then."""

    def begin(self) -> None:
        """Begin anew, with the weights that the model has now."""

    def restart(self) -> None:
        """Begin anew after the prefix, which stays as it is."""

    def keep(self, rows: Tensor) -> None:
        """Drop all rows but these, int64."""

    def compile(self) -> None:
        """Let torch's compiler make what a step runs (on a GPU)."""


class AttentionRows(Rows):
    """Keys and values of every layer, [B, room, W]."""

    def __init__(
        self, model: GPT, columns: Tensor, kind: Kind | None, prefix: tuple[int, ...], batch: int, room: int
    ) -> None:
        self._model, self._kind, self._columns = model, kind, columns
        device, s = columns.device, model.settings
        self._prefix = torch.tensor(prefix, device=device)
        self._place = torch.arange(room, device=device)
        #: the next token's place, int64 [1], and the tokens so far
        self._at = torch.zeros(1, dtype=torch.int64, device=device)
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
        #: the queries of every head, [B, H, W], 0 outside the head's own part of the width (`layer_by_matrices`)
        self._queries = torch.zeros((batch, s.heads, s.width), dtype=dtype, device=device)
        self._layer = layer_by_matrices
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
            logits = self.step(token.expand(len(self._tokens)), len(self._place))  # one shape less to compile
        self.first.copy_(logits[0])

    def step(self, tokens: Tensor, span: int) -> Tensor:
        """See `Rows`."""
        self.steps += 1
        self._tokens.index_copy_(1, self._at, tokens[:, None])
        unseen = self._place[:span] > self._at
        biases = self._model.attention_bias(tokens[:, None], self._tokens[:, :span], self._kind)
        x = (self._names.of(tokens) + functional.embedding(self._at, self._positions))[:, None]
        for block, keys, values, bias in zip(self._model.blocks, self._keys, self._values, biases, strict=True):
            cached = Cached(keys, values, self._queries, self._at)
            x = self._layer(block, x, cached, unseen, bias)  # type: ignore[arg-type]
        self._at.add_(1).clamp_(max=len(self._place) - 1)
        return self._model.head(x[:, 0], *self._head)

    def compile(self) -> None:
        """See `Rows`."""
        self._layer = compiled(layer_by_products)

    def restart(self) -> None:
        """See `Rows`."""
        self.steps = len(self._prefix)
        self._at.fill_(self.steps)

    def keep(self, rows: Tensor) -> None:
        """See `Rows`."""
        self._tokens, self._queries = self._tokens[rows], self._queries[rows]
        self._keys, self._values = ([cache[rows] for cache in caches] for caches in (self._keys, self._values))


class Cached(NamedTuple):
    """What a layer keeps of rows that grow, and where they are."""

    #: [B, room, W] each
    keys: Tensor
    values: Tensor
    #: zeros of [B, H, W], of which every head's own part of the width is written anew by every layer
    queries: Tensor
    #: the place of the newest token, int64 [1]
    at: Tensor


def layer_by_matrices(block: Block, x: Tensor, cached: Cached, unseen: Tensor, bias: Tensor | None) -> Tensor:
    """A layer for one more token per row, x [B, 1, W]; `unseen` bool [S], `bias` [B, H, 1, S] is added to scores.

    A row's one query per head against its own keys is a product of matrices only if the heads are taken together: the
    queries as rows of a block-diagonal matrix [H, W]. So most of the products are by zero, and it still takes a
    fifth of the time of torch's attention, which is made for many queries (docs/LOG.md).
    """
    query, keys, values = _with_newest(block, x, cached, len(unseen))
    _own_parts(cached.queries).copy_(query * query.shape[-1] ** -0.5)
    scores = torch.bmm(cached.queries, keys.transpose(1, 2)).float()
    if bias is not None:
        scores = scores + bias[:, :, 0]
    weights = scores.masked_fill(unseen, -torch.inf).softmax(dim=-1).to(values.dtype)
    # Every head's weights on all of the width, of which its own part is wanted.
    mixed = _own_parts(torch.bmm(weights, values))
    return block.join(x, mixed[:, :, None].to(x.dtype))


def layer_by_products(block: Block, x: Tensor, cached: Cached, unseen: Tensor, bias: Tensor | None) -> Tensor:
    """The same number by number, for a compiler, which joins it all: keys and values are read once, and no more."""
    query, keys, values = _with_newest(block, x, cached, len(unseen))
    batch, heads, wide = query.shape
    keys, values = (part.reshape(batch, -1, heads, wide).float() for part in (keys, values))
    scores = (query[:, None].float() * keys).sum(dim=-1) * wide**-0.5
    if bias is not None:
        scores = scores + bias[:, :, 0].transpose(1, 2)
    weights = scores.masked_fill(unseen[:, None], -torch.inf).softmax(dim=1)
    mixed = (weights[..., None] * values).sum(dim=1)
    return block.join(x, mixed[:, :, None].to(x.dtype))


def _with_newest(block: Block, x: Tensor, cached: Cached, span: int) -> tuple[Tensor, Tensor, Tensor]:
    """The newest tokens' queries [B, H, D], and keys and values [B, S, W] of the first `span` tokens."""
    query, key, value = block.split(x)[..., 0, :].unbind(0)
    cached.keys.index_copy_(1, cached.at, key.flatten(1)[:, None].to(cached.keys.dtype))
    cached.values.index_copy_(1, cached.at, value.flatten(1)[:, None].to(cached.values.dtype))
    return query, cached.keys[:, :span], cached.values[:, :span]


def _own_parts(whole: Tensor) -> Tensor:
    """Of [B, H, W] the part of the width that is every head's own, a view [B, H, D]."""
    heads = whole.shape[1]
    return whole.view(len(whole), heads, heads, -1).diagonal(dim1=1, dim2=2).transpose(1, 2)
