"""The plain way to sample from and train a transformer: what the learned half is measured against.

The same architecture and number of weights as the project's model (4 layers, 8 heads, 256 wide), written the usual way:
float32, GELU, a key/value cache grown by concatenation, torch.multinomial, AdamW without fusing, no mask.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class PlainBlock(nn.Module):
    """Pre-norm attention and feed-forward."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor, cache: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """x [B, T, W] and earlier keys and values -> output, and keys and values with the new ones."""
        batch, steps, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(batch, steps, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        if cache is not None:
            k, v = torch.cat([cache[0], k], dim=2), torch.cat([cache[1], v], dim=2)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=cache is None and steps > 1)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, steps, width))
        return x + self.feed(self.norm2(x)), (k, v)


class PlainGPT(nn.Module):
    """Tokens in, logits out."""

    def __init__(self, vocabulary: int, context: int, layers: int = 4, heads: int = 8, width: int = 256) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(PlainBlock(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, caches: list[tuple[Tensor, Tensor]] | None = None) -> tuple[Tensor, list[object]]:
        """tokens [B, T] -> logits [B, T, V] and caches."""
        start = 0 if caches is None else caches[0][0].shape[2]
        x = self.tokens(tokens) + self.places(torch.arange(start, start + tokens.shape[1], device=tokens.device))
        grown = []
        for i, block in enumerate(self.blocks):
            x, cache = block(x, None if caches is None else caches[i])
            grown.append(cache)
        return functional.linear(self.norm(x), self.tokens.weight), grown


@torch.no_grad()
def plain_sample(model: PlainGPT, batch: int, length: int) -> Tensor:
    """`length` tokens for each of `batch` sequences."""
    device = next(model.parameters()).device
    token = torch.ones(batch, 1, dtype=torch.int64, device=device)
    caches, drawn = None, []
    for _ in range(length):
        logits, caches = model(token, caches)
        token = torch.multinomial(torch.softmax(logits[:, -1], dim=-1), 1)
        drawn.append(token)
    return torch.cat(drawn, dim=1)


def plain_training(model: PlainGPT, learning_rate: float = 1e-3):  # type: ignore[no-untyped-def]
    """A function that takes one step on a batch of tokens [B, T]."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)

    def step(tokens: Tensor) -> None:
        logits, _ = model(tokens[:, :-1])
        loss = functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step
