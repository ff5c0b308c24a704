"""Training on the pool: AdamW, warm-up and decay, clipping, augmentation on the fly, early stop on held-out loss."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from patternboost.ground import IntArray
from patternboost.model.gpt import GPT
from patternboost.model.tokens import END, Example, Vocabulary

#: target value that the loss leaves out: prefix and padding
_IGNORE = -100


@dataclass(frozen=True)
class TrainSettings:
    """How one generation trains."""

    #: steps (where no time is given), and the batch size in sequences
    steps: int = 300
    batch: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.1
    warm_up: int = 20
    clip: float = 1.0
    #: share of the pool held out; training stops when its loss has not improved for `patience` looks
    held_out: float = 0.1
    look_every: int = 50
    patience: int = 3


@dataclass(frozen=True)
class TrainLog:
    """What training reports."""

    steps: int
    loss: float
    held_out_loss: float
    seconds: float
    #: step, loss and held-out loss at every look
    curve: tuple[tuple[int, float, float], ...] = ()


def make_optimizer(model: GPT, settings: TrainSettings) -> torch.optim.AdamW:
    """AdamW with weight decay on matrices only."""
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    others = [p for p in model.parameters() if p.dim() < 2]
    return torch.optim.AdamW(
        [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=settings.learning_rate,
        betas=(0.9, 0.98),
    )


def collate(sequences: Sequence[IntArray]) -> tuple[Tensor, Tensor]:
    """Inputs and targets, int64 [B, T]; padded with END, targets of padding and prefix ignored."""
    length = max(len(s) for s in sequences) - 1
    inputs = np.full((len(sequences), length), END, np.int64)
    targets = np.full((len(sequences), length), _IGNORE, np.int64)
    for i, sequence in enumerate(sequences):
        inputs[i, : len(sequence) - 1] = sequence[:-1]
        targets[i, 1 : len(sequence) - 1] = sequence[2:]
    return torch.from_numpy(inputs), torch.from_numpy(targets)


def batch_loss(model: GPT, sequences: Sequence[IntArray], device: torch.device) -> Tensor:
    """Mean cross-entropy per predicted token."""
    inputs, targets = (t.to(device) for t in collate(sequences))
    return functional.cross_entropy(model(inputs).flatten(0, 1), targets.flatten(), ignore_index=_IGNORE)


def train(
    model: GPT,
    optimizer: torch.optim.AdamW,
    vocabulary: Vocabulary,
    examples: Sequence[Example],
    settings: TrainSettings,
    seed: int,
    over: Callable[[], bool] = lambda: False,
    report: Callable[[float], None] = lambda share: None,
    seconds: float | None = None,
) -> TrainLog:
    """Train until the steps (or, if given, the seconds) are done, the held-out loss stops falling, or `over()`."""
    started = time.monotonic()
    device = next(model.parameters()).device
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(examples))
    held = [vocabulary.encode(examples[i]) for i in order[: int(len(examples) * settings.held_out)][:512]]
    used = order[len(held) :]
    batches: list[IntArray] = []
    curve: list[tuple[int, float, float]] = []
    best_held, looks, done, loss_value = math.inf, 0, 0, math.nan
    model.train()
    for step in itertools.count():
        progress = step / settings.steps if seconds is None else (time.monotonic() - started) / seconds
        if progress >= 1 or over():
            break
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * _schedule(step, progress, settings)
        if not batches:
            batches = _bucketed(vocabulary, examples, used, settings.batch, rng)
        picked = batches.pop()
        moves = rng.integers(0, 1 << 30, len(picked))
        loss = batch_loss(model, [vocabulary.encode(examples[i], int(m)) for i, m in zip(picked, moves)], device)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
        optimizer.step()
        done = step + 1
        report(progress)
        if done % settings.look_every == 0 or (seconds is None and done == settings.steps):
            loss_value = float(loss.detach())
            held_value = held_out_loss(model, held, settings.batch, device)
            curve.append((done, loss_value, held_value))
            looks = 0 if held_value < best_held - 1e-3 else looks + 1
            best_held = min(best_held, held_value)
            if looks >= settings.patience:
                break
    if done and (not curve or curve[-1][0] < done) and not over():  # time ran out between two looks
        loss_value, held_value = float(loss.detach()), held_out_loss(model, held, settings.batch, device)
        best_held = min(best_held, held_value)
        curve.append((done, loss_value, held_value))
    return TrainLog(done, loss_value, best_held, time.monotonic() - started, tuple(curve))


@torch.no_grad()
def held_out_loss(model: GPT, held: Sequence[IntArray], batch: int, device: torch.device) -> float:
    """Mean loss over the held-out sequences (nan where there are none)."""
    if not held:
        return math.nan
    model.eval()
    losses = [float(batch_loss(model, held[i : i + batch], device)) for i in range(0, len(held), batch)]
    model.train()
    return sum(losses) / len(losses)


def _schedule(step: int, progress: float, settings: TrainSettings) -> float:
    """Linear warm-up by steps, and cosine down to a tenth by progress."""
    return min(1.0, (step + 1) / settings.warm_up) * (0.1 + 0.45 * (1 + math.cos(math.pi * progress)))


def _bucketed(
    vocabulary: Vocabulary, examples: Sequence[Example], used: IntArray, batch: int, rng: np.random.Generator
) -> list[IntArray]:
    """One epoch of batches of sequences of similar length, in random order, so that padding costs little."""
    weights = np.array([len(examples[i].elements) for i in used], float)
    orbit_size = {c: max(1, int(vocabulary.view(n, c).orbits.weights.max())) for n, c in _kinds(examples)}
    lengths = weights / np.array([orbit_size[examples[i].symmetry] for i in used])
    order = used[np.argsort(lengths + rng.random(len(used)))]
    batches = [order[i : i + batch] for i in range(0, len(order), batch)]
    rng.shuffle(batches)  # type: ignore[arg-type]
    return batches


def _kinds(examples: Sequence[Example]) -> set[tuple[int, str]]:
    return {(e.n, e.symmetry) for e in examples}
