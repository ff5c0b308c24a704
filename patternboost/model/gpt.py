"""A decoder-only transformer: pre-norm blocks, learned positions, tied embeddings, a static key/value cache."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class GPTSettings:
    """The shape of a model."""

    #: number of tokens
    vocabulary: int
    #: longest sequence, prefix and END included
    context: int
    layers: int
    heads: int
    width: int


class Cache:
    """Keys and values of every layer for a batch of sequences of up to `context` tokens: [layer, 2, B, H, T, D]."""

    def __init__(self, settings: GPTSettings, batch: int, device: torch.device, dtype: torch.dtype) -> None:
        shape = (settings.layers, 2, batch, settings.heads, settings.context, settings.width // settings.heads)
        self.tensor = torch.empty(shape, device=device, dtype=dtype)
        self.length = 0

    def keep(self, rows: Tensor) -> None:
        """Drop all sequences but `rows` (indices into the batch)."""
        self.tensor = self.tensor[:, :, rows]


def causal_attention(query: Tensor, key: Tensor, value: Tensor, causal: bool) -> Tensor:
    """Scaled dot-product attention, [B, H, T, D]; causal: position t sees positions up to t.

    torch's fused form, but for training in bfloat16 on a CPU: there its backward pass takes eight times as long as two
    plain matrix products (torch 2.13, docs/LOG.md).
    """
    if not causal or query.device.type != "cpu" or query.dtype != torch.bfloat16:
        return functional.scaled_dot_product_attention(query, key, value, is_causal=causal)
    batch, heads, steps, wide = query.shape
    query, key, value = (x.reshape(batch * heads, steps, wide) for x in (query, key, value))
    future = torch.full((steps, steps), -torch.inf, dtype=query.dtype).triu(1)
    scores = torch.baddbmm(future, query, key.transpose(1, 2), alpha=wide**-0.5)
    return torch.bmm(torch.softmax(scores, dim=-1), value).view(batch, heads, steps, wide)


class Block(nn.Module):
    """Causal self-attention and a feed-forward layer, each behind a norm and a skip connection."""

    def __init__(self, settings: GPTSettings) -> None:
        super().__init__()
        width = settings.width
        self.heads = settings.heads
        self.norm_attention = nn.LayerNorm(width)
        self.attention = nn.Linear(width, 3 * width, bias=False)
        self.project = nn.Linear(width, width, bias=False)
        self.norm_feed = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)

    def forward(self, x: Tensor, cached: Tensor | None, length: int) -> Tensor:
        """x: [B, T, W]; `cached` [2, B, H, context, D] holds `length` earlier positions and takes the new ones."""
        batch, steps, width = x.shape
        qkv = self.attention(self.norm_attention(x)).view(batch, steps, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        if cached is not None:
            cached[0, :, :, length : length + steps] = key
            cached[1, :, :, length : length + steps] = value
            key, value = cached[0, :, :, : length + steps], cached[1, :, :, : length + steps]
        # With a cache, several new tokens come only at length 0, so the plain causal mask is right there too.
        mixed = causal_attention(query, key, value, causal=steps > 1)
        x = x + self.project(mixed.transpose(1, 2).reshape(batch, steps, width))
        hidden: Tensor = x + self.narrow(functional.relu(self.widen(self.norm_feed(x))).square())
        return hidden


class GPT(nn.Module):
    """Tokens in, logits of the next token out."""

    def __init__(self, settings: GPTSettings) -> None:
        super().__init__()
        if settings.width % settings.heads:
            raise ValueError(f"width {settings.width} must be a multiple of heads {settings.heads}")
        self.settings = settings
        self.embedding = nn.Embedding(settings.vocabulary, settings.width)
        self.position = nn.Embedding(settings.context, settings.width)
        self.blocks = nn.ModuleList(Block(settings) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(settings.width)
        #: added to every logit, not trained: `set_logit_prior` sets it to how frequent the tokens are
        self.bias: Tensor
        self.register_buffer("bias", torch.zeros(settings.vocabulary))
        self.apply(self._initialise)
        for block in self.blocks:  # residual branches start small, as in GPT-2
            for layer in (block.project, block.narrow):
                layer.weight.data /= (2 * settings.layers) ** 0.5  # type: ignore

    @staticmethod
    def _initialise(module: nn.Module) -> None:
        """Matrices by fan-in: the 0.02 of wide models leaves attention flat at width 64 (docs/lecture.md).

        Tokens and places are alike, so that neither drowns the other.
        """
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=(3 * module.in_features) ** -0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=module.embedding_dim**-0.5)

    def forward(self, tokens: Tensor, columns: Tensor | None = None) -> Tensor:
        """tokens int64 [B, T] -> logits [B, T, V], or [B, T, C] of the tokens `columns` (int64 [C]) alone."""
        return self.head(self.body(tokens), columns)

    def head(self, hidden: Tensor, columns: Tensor | None = None) -> Tensor:
        """Logits of all tokens, or of some (int64 [C]), from what `body` makes."""
        if columns is None:
            return functional.linear(self.norm(hidden), self.embedding.weight, self.bias)
        return functional.linear(self.norm(hidden), self.embedding(columns), self.bias[columns])

    def set_logit_prior(self, counts: Tensor) -> None:
        """Tell the model how frequent the tokens are, float [V]; what depends on the context it has to learn."""
        shares = (counts + 0.5) / (counts + 0.5).sum()
        self.bias.copy_(shares.log() + math.log(len(shares)))

    def body(self, tokens: Tensor, cache: Cache | None = None) -> Tensor:
        """tokens int64 [B, T] -> [B, T, W]. With a cache, tokens continue the cached ones, which grow by T."""
        start = 0 if cache is None else cache.length
        steps = tokens.shape[1]
        places = torch.arange(start, start + steps, device=tokens.device)
        x: Tensor = self.embedding(tokens) + self.position(places)
        for i, block in enumerate(self.blocks):
            x = block(x, None if cache is None else cache.tensor[i], start)
        if cache is not None:
            cache.length += steps
        return x

    def parameter_count(self) -> int:
        """Number of weights."""
        return sum(p.numel() for p in self.parameters())
