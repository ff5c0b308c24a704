"""Training on the pool: AdamW, warm-up and decay, clipping, augmentation on the fly, early stop on held-out loss."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import override

from patternboost.model.gpt import GPT
from patternboost.model.precision import DTYPES
from patternboost.model.replicas import replicas
from patternboost.model.team import ALONE, Team
from patternboost.model.tokens import END, Example, Vocabulary
from patternboost.problem.ground import IntArray

#: a batch on the CPU is always divided into so many shards, whatever the threads: sums of gradients depend on it
SHARDS = 2
#: a shard gets at least so many sequences
_LEAST_SHARE = 4
#: so many batches are drawn at a time and sorted by length
_DRAWN = 8
#: target value that the loss leaves out: prefix and padding
_IGNORE = -100


@dataclass(frozen=True)
class TrainSettings:
    """How one generation trains."""

    #: steps (where no time is given), and the batch size in sequences
    steps: int = 150
    batch: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.1
    #: 'fp32', or 'bf16': matrix products in bfloat16, weights and sums in float32
    precision: str = "fp32"
    #: threads that work on a batch's shards, on the CPU
    threads: int = 1
    warm_up: int = 20
    clip: float = 1.0
    #: share of the pool held out; training stops when its loss has not improved for `patience` evaluations
    held_out: float = 0.1
    eval_every: int = 50
    patience: int = 3


@dataclass(frozen=True)
class TrainLog:
    """What training reports."""

    steps: int
    loss: float
    held_out_loss: float
    seconds: float
    #: step, loss and held-out loss at every evaluation
    curve: tuple[tuple[int, float, float], ...] = ()
    #: whether weights came out that are no numbers: the model was thrown away
    diverged: bool = False


def make_optimizer(model: GPT, settings: TrainSettings) -> torch.optim.AdamW:
    """AdamW with weight decay on matrices only."""
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    others = [p for p in model.parameters() if p.dim() < 2]
    return torch.optim.AdamW(
        [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=settings.learning_rate,
        fused=True,
        betas=(0.9, 0.98),
    )


class Corpus(Protocol):
    """What to learn from: token sequences that all start with `prefix` tokens that are given, not predicted."""

    prefix: int
    #: the tokens that may come after it, int64, ascending; None stands for all. Others cost nothing and are not learned
    columns: IntArray | None

    def __len__(self) -> int:
        """How many sequences there are."""

    def length(self, index: int) -> float:
        """About how long a sequence is: batches hold sequences of similar length, so that padding costs little."""

    def sequence(self, index: int, draw: int) -> IntArray:
        """A sequence, END included, int64; `draw`, any number >= 0, picks one of its equivalent forms."""


class PoolCorpus(Corpus):
    """Constructions, augmented on the fly by every symmetry that keeps their class."""

    prefix = 2

    def __init__(self, vocabulary: Vocabulary, examples: Sequence[Example]) -> None:
        self._vocabulary = vocabulary
        self._examples = examples
        self.columns: IntArray | None = columns_of(vocabulary, examples)

    def __len__(self) -> int:
        return len(self._examples)

    def length(self, index: int) -> float:
        """Number of orbits, about; for 0/1 strings how many there are in all."""
        example = self._examples[index]
        orbits = self._vocabulary.view(example.n, example.symmetry).orbits
        if not self._vocabulary.stands_for_cells:
            return orbits.count
        return len(example.elements) / max(1, int(orbits.weights.max()))

    @override
    def sequence(self, index: int, draw: int) -> IntArray:
        return self._vocabulary.encode(self._examples[index], draw)


def columns_of(vocabulary: Vocabulary, examples: Sequence[Example]) -> IntArray:
    """The tokens that bodies of the examples' sizes and classes may have, END among them; int64, ascending."""
    kinds = {(e.n, e.symmetry) for e in examples}
    return np.unique(np.concatenate([vocabulary.columns(n, symmetry) for n, symmetry in kinds]))


def collate(sequences: Sequence[IntArray], prefix: int) -> tuple[Tensor, Tensor]:
    """Inputs and targets, int64 [B, T]; padded with END, targets of padding and prefix ignored."""
    length = max(len(s) for s in sequences) - 1
    inputs = np.full((len(sequences), length), END, np.int64)
    targets = np.full((len(sequences), length), _IGNORE, np.int64)
    for i, sequence in enumerate(sequences):
        inputs[i, : len(sequence) - 1] = sequence[:-1]
        targets[i, prefix - 1 : len(sequence) - 1] = sequence[prefix:]
    return torch.from_numpy(inputs), torch.from_numpy(targets)


def token_loss(
    model: nn.Module, sequences: Sequence[IntArray], prefix: int, precision: str, columns: IntArray | None = None
) -> tuple[Tensor, int]:
    """Summed cross-entropy of the predicted tokens among `columns` (see `Corpus`), and how many they are."""
    device = next(model.parameters()).device
    inputs, targets = collate(sequences, prefix)
    among = None if columns is None else torch.from_numpy(columns)
    if among is not None:
        targets = torch.searchsorted(among, targets).masked_fill(targets == _IGNORE, _IGNORE)
        among = among.to(device)
    inputs, targets = inputs.to(device), targets.to(device)
    with torch.autocast(device.type, DTYPES[precision], enabled=precision != "fp32"):
        logits = model(inputs, among)
    flat = logits.float().flatten(0, 1)
    total = functional.cross_entropy(flat, targets.flatten(), ignore_index=_IGNORE, reduction="sum")
    return total, sum(len(s) - prefix for s in sequences)


def train(
    model: nn.Module,
    optimizer: torch.optim.AdamW,
    corpus: Corpus,
    settings: TrainSettings,
    seed: int,
    over: Callable[[], bool] = lambda: False,
    report: Callable[[float], None] = lambda share: None,
    seconds: float | None = None,
    team: Team = ALONE,
) -> TrainLog:
    """Train until the steps (or, if given, the seconds) are done, the held-out loss stops falling, or `over()`.

    With a team of several processes each takes its share of every batch (`model` is then wrapped so that gradients are
    averaged), and the first one decides when to end.
    """
    started = time.monotonic()
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(corpus))
    held = [corpus.sequence(int(i), 0) for i in order[: int(len(corpus) * settings.held_out)][:512]]
    used = order[len(held) :]
    batches: list[IntArray] = []
    curve: list[tuple[int, float, float]] = []
    best_held, evaluations, done, loss = math.inf, 0, 0, math.nan
    alone_on_cpu = team.size == 1 and next(model.parameters()).device.type == "cpu"
    shards = min(SHARDS, max(1, settings.batch // _LEAST_SHARE)) if alone_on_cpu else 1

    def summed(twin: nn.Module, sequences: Sequence[IntArray]) -> tuple[Tensor, int]:
        return token_loss(twin, sequences, corpus.prefix, settings.precision, corpus.columns)

    model.train()
    with replicas(model, shards, settings.threads, team) as together:
        for step in itertools.count():
            progress = step / settings.steps if seconds is None else (time.monotonic() - started) / seconds
            progress = team.agree(1.0 if over() else progress)
            if progress >= 1:
                break
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * _schedule(step, progress, settings)
            if not batches:
                batches = epoch(corpus, used, settings.batch, rng)
            picked = batches.pop()
            draws = rng.integers(0, 1 << 30, len(picked))
            mine = team.share(len(picked))
            sequences = [corpus.sequence(int(i), int(d)) for i, d in zip(picked[mine], draws[mine])]
            loss = together.backward(summed, sequences)
            torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
            optimizer.step()
            done = step + 1
            report(progress)
            if done % settings.eval_every == 0 or (seconds is None and done == settings.steps):
                held_value = team.agree(held_out_loss(model, held, corpus, settings))
                curve.append((done, loss, held_value))
                evaluations = 0 if held_value < best_held - 1e-3 else evaluations + 1
                best_held = min(best_held, held_value)
                if evaluations >= settings.patience:
                    break
        if done and (not curve or curve[-1][0] < done) and not over():  # time ran out between two evaluations
            held_value = held_out_loss(model, held, corpus, settings)
            best_held = min(best_held, held_value)
            curve.append((done, loss, held_value))
    return TrainLog(done, loss, best_held, time.monotonic() - started, tuple(curve))


@torch.no_grad()
def held_out_loss(model: nn.Module, held: Sequence[IntArray], corpus: Corpus, settings: TrainSettings) -> float:
    """Mean loss per token of the held-out sequences (nan where there are none)."""
    if not held:
        return math.nan
    model.eval()
    losses, tokens = 0.0, 0
    for first in range(0, len(held), settings.batch):
        batch = held[first : first + settings.batch]
        total, count = token_loss(model, batch, corpus.prefix, settings.precision, corpus.columns)
        losses, tokens = losses + float(total), tokens + count
    model.train()
    return losses / tokens


def _schedule(step: int, progress: float, settings: TrainSettings) -> float:
    """Linear warm-up by steps, and cosine down to a tenth by progress."""
    return min(1.0, (step + 1) / settings.warm_up) * (0.1 + 0.45 * (1 + math.cos(math.pi * progress)))


def epoch(corpus: Corpus, used: IntArray, batch: int, rng: np.random.Generator) -> list[IntArray]:
    """Every index of `used` once, in batches of sequences of similar length, so that padding costs little.

    Similar, not the same: where all of a batch end at one place, END is learned by place alone (docs/lecture.md).
    """
    order = rng.permutation(used)
    lengths = np.array([corpus.length(int(i)) for i in order])
    batches = []
    for first in range(0, len(order), batch * _DRAWN):
        drawn = slice(first, first + batch * _DRAWN)
        ranked = order[drawn][np.argsort(lengths[drawn], kind="stable")]
        batches += [ranked[i : i + batch] for i in range(0, len(ranked), batch)]
    rng.shuffle(batches)  # type: ignore[arg-type]
    return batches
