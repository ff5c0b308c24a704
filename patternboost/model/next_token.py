"""Which token comes next: drawn from logits by temperature and nucleus."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class SampleSettings:
    """How tokens are drawn."""

    temperature: float = 1.0
    #: keep only the most likely tokens that together have this probability
    top_p: float = 1.0
    #: most tokens of a sequence after its prefix, END included
    length: int = 256
    #: sequences sampled together, at most: by one thread on the CPU, and on a device
    batch: int = 256
    device_batch: int = 8192


def draw(logits: Tensor, settings: SampleSettings, noise: torch.Generator) -> Tensor:
    """One column per row of logits [B, C], int64 [B], by inversion: one random number per row."""
    probability = torch.softmax(logits / max(settings.temperature, 1e-6), dim=-1)
    uniform = torch.rand((len(logits), 1), generator=noise, device=logits.device)
    return invert(probability, settings.top_p, uniform)


def invert(probability: Tensor, top_p: float, uniform: Tensor) -> Tensor:
    """The columns, int64 [B], in which uniform random numbers [B, 1] fall, by cumulated probability [B, C].

    Only the most likely columns count that together have the probability `top_p`.
    """
    if top_p < 1:
        ordered, index = probability.sort(dim=-1, descending=True)
        outside = ordered.cumsum(dim=-1) - ordered >= top_p
        probability = torch.zeros_like(probability).scatter(-1, index, ordered.masked_fill(outside, 0.0))
    upto = probability.cumsum(dim=-1)
    total = upto[:, -1:]
    below = torch.nextafter(total, torch.zeros_like(total))  # rounding must not reach what has no probability
    return torch.searchsorted(upto, torch.minimum(uniform * total, below), right=True).flatten()
