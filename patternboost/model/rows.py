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
    """Keys and values of every layer: [2, B, H, room, D] each."""

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
        shape = (2, batch, s.heads, room, s.width // s.heads)
        self._caches = [torch.zeros(shape, dtype=dtype, device=device) for _ in model.blocks]
        self.first = torch.zeros(len(columns), dtype=dtype, device=device)
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
        every = self._row
        self._tokens[every, self._at] = tokens
        seen = self._place[:span] <= self._at[:, None]
        mask = torch.zeros(seen.shape, device=tokens.device).masked_fill(~seen, -torch.inf)[:, None, None]
        biases = self._model.attention_bias(tokens[:, None], self._tokens[:, :span], self._kind)
        x = (self._names.of(tokens) + functional.embedding(self._at, self._positions))[:, None]
        for block, cache, bias in zip(self._model.blocks, self._caches, biases, strict=True):
            query, key, value = block.split(x)  # type: ignore[operator]
            cache[0, every, :, self._at] = key[:, :, 0].to(cache.dtype)
            cache[1, every, :, self._at] = value[:, :, 0].to(cache.dtype)
            added = (mask if bias is None else mask + bias).to(query.dtype)
            mixed = functional.scaled_dot_product_attention(
                query, cache[0, :, :, :span].to(query.dtype), cache[1, :, :, :span].to(query.dtype), attn_mask=added
            )
            x = block.join(x, mixed)  # type: ignore[operator]
        self._at.add_(1).clamp_(max=len(self._place) - 1)
        return self._model.head(x[:, 0], *self._head)

    def restart(self, rows: Tensor) -> None:
        """See `Rows`; keys and values of the prefix are the same in every row, and stay."""
        self._at.masked_fill_(rows, len(self._prefix))

    def keep(self, rows: Tensor) -> None:
        """See `Rows`."""
        self._at, self._tokens, self._row = self._at[rows], self._tokens[rows], self._row[: len(rows)]
        self._caches = [cache[:, rows] for cache in self._caches]
