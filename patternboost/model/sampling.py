"""Sampling: one token at a time from a model with a key/value cache, optionally only legal ones.

Speaks to a model only through a *stepper*: a function from the last tokens of every sequence, int64 [B], to logits
[B, V]; tests use a fake one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from patternboost.ground import IntArray
from patternboost.model.gpt import GPT, Cache
from patternboost.model.tokens import END, Vocabulary
from patternboost.search.masking import LegalityMask
from patternboost.search.tables import Table


class Stepper(Protocol):
    """What sampling asks of a model, for a batch of sequences that all have the same length."""

    def start(self, prefix: tuple[int, ...], batch: int) -> Tensor:
        """Logits [B, V] after a prefix that all sequences share."""

    def step(self, tokens: Tensor) -> Tensor:
        """Logits [B, V] after one more token per sequence, int64 [B]."""

    def keep(self, rows: Tensor) -> None:
        """Go on with these sequences only."""


class GPTStepper:
    """A transformer with its key/value cache."""

    def __init__(self, model: GPT) -> None:
        self.model = model
        self._device = next(model.parameters()).device

    def start(self, prefix: tuple[int, ...], batch: int) -> Tensor:
        """Run the prefix."""
        dtype = next(self.model.parameters()).dtype
        self._cache = Cache(self.model.settings, batch, self._device, dtype)
        tokens = torch.tensor(prefix, device=self._device).expand(batch, -1)
        logits: Tensor = self.model(tokens, self._cache)
        return logits[:, -1].float()

    def step(self, tokens: Tensor) -> Tensor:
        """Run one token per sequence."""
        logits: Tensor = self.model(tokens[:, None], self._cache)
        return logits[:, -1].float()

    def keep(self, rows: Tensor) -> None:
        """Drop ended sequences from the cache."""
        self._cache.keep(rows)


@dataclass(frozen=True)
class SampleSettings:
    """How tokens are drawn."""

    temperature: float = 1.0
    #: keep only the most likely tokens that together have this probability
    top_p: float = 1.0
    #: most tokens of a sequence after its prefix, END included
    length: int = 256
    #: sequences sampled together
    batch: int = 256


@torch.no_grad()
def sample(
    stepper: Stepper,
    vocabulary: Vocabulary,
    n: int,
    symmetry: str,
    count: int,
    settings: SampleSettings,
    generator: torch.Generator,
    table: Table | None = None,
    over: Callable[[], bool] = lambda: False,
) -> list[IntArray]:
    """Bodies (cells, then END unless cut at `length`) of `count` sequences.

    Once `over()` says stop only those that have ended come back. With `table` (of the same instance and class) only
    tokens that keep the set valid are drawn.
    """
    bodies: list[IntArray] = []
    while len(bodies) < count and not over():
        batch = min(settings.batch, count - len(bodies))
        bodies += _sample_batch(stepper, vocabulary, n, symmetry, batch, settings, generator, table, over)
    return bodies


def _sample_batch(
    stepper: Stepper,
    vocabulary: Vocabulary,
    n: int,
    symmetry: str,
    batch: int,
    settings: SampleSettings,
    generator: torch.Generator,
    table: Table | None,
    over: Callable[[], bool],
) -> list[IntArray]:
    view = vocabulary.view(n, symmetry)
    tokens = np.full((batch, settings.length), END, np.int64)
    lengths = np.full(batch, settings.length)
    alive = np.arange(batch)
    mask = LegalityMask(table, batch) if table is not None else None
    logits = stepper.start(vocabulary.prefix(n, symmetry), batch)
    forbidden = torch.ones(logits.shape[1], dtype=torch.bool, device=logits.device)
    cells = torch.from_numpy(view.token_of).to(logits.device)
    for at in range(settings.length):
        if over():
            ended = np.setdiff1d(np.arange(batch), alive)
            return [tokens[i, : lengths[i]] for i in ended]
        if mask is not None:
            # Only END and cells of this size and class that are still free.
            blocked = forbidden.repeat(len(alive), 1)
            blocked[:, cells] = torch.from_numpy(mask.blocked).to(logits.device, dtype=torch.bool)
            blocked[:, END] = False
            logits = logits.masked_fill(blocked, -torch.inf)
        drawn = draw(logits, settings, generator)
        step = drawn.cpu().numpy()
        tokens[alive, at] = step
        going = step != END
        lengths[alive[~going]] = at + 1
        if not going.any():
            break
        if not going.all():
            rows = np.flatnonzero(going)
            stepper.keep(torch.from_numpy(rows).to(drawn.device))
            alive, step, drawn = alive[rows], step[rows], drawn[torch.from_numpy(rows).to(drawn.device)]
            if mask is not None:
                mask.keep(rows)
        if mask is not None:
            mask.extend(view.orbit_of_token[step])
        if at + 1 < settings.length:
            logits = stepper.step(drawn)
    return [tokens[i, : lengths[i]] for i in range(batch)]


def draw(logits: Tensor, settings: SampleSettings, generator: torch.Generator) -> Tensor:
    """One token per row of logits [B, V], int64 [B]: exponential race, which needs no normalised probabilities."""
    scaled = logits / max(settings.temperature, 1e-6)
    probability = torch.softmax(scaled, dim=-1)
    if settings.top_p < 1:
        ordered, index = probability.sort(dim=-1, descending=True)
        outside = ordered.cumsum(dim=-1) - ordered >= settings.top_p
        probability = probability.scatter(-1, index, ordered.masked_fill(outside, 0.0))
    noise = torch.empty_like(probability).exponential_(1, generator=generator)
    return (probability / noise).argmax(dim=-1)
