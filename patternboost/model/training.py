"""Training: AdamW, warm-up and decay, clipping, turned examples, early stop on held-out loss."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from patternboost.model.compiling import can_compile
from patternboost.model.corpus import Batch, Corpus, epoch, loss_targets
from patternboost.model.gpt import GPT
from patternboost.model.precision import DTYPES
from patternboost.model.replicas import Loss
from patternboost.model.steps import CapturedSteps, Steps, steps_for
from patternboost.model.team import ALONE, Team
from patternboost.problem.ground import IntArray

#: sequences held out, at most
_HELD = 512
#: and sequences whose tokens are counted, at most
_COUNTED = 4096
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
    #: what token frequencies alone come to on what was held out: a model that is no better has learned nothing more
    counted_loss: float = math.nan
    #: whether weights came out that are no numbers: the model was thrown away
    diverged: bool = False


def make_optimizer(model: nn.Module, settings: TrainSettings) -> torch.optim.AdamW:
    """AdamW with weight decay on matrices only."""
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    others = [p for p in model.parameters() if p.dim() < 2]
    device = matrices[0].device
    # A captured step reads its rate from the device.
    rate = torch.tensor(settings.learning_rate, device=device) if device.type == "cuda" else settings.learning_rate
    return torch.optim.AdamW(
        [{"params": matrices, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=rate,
        fused=True,
        capturable=device.type == "cuda",
        betas=(0.9, 0.98),
    )


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The learning rate of the next step."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def token_loss(model: nn.Module, batch: Batch, precision: str, at: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Summed cross-entropy of the predicted tokens, and how many they are, int64; both on the device.

    `at` (int64 [K], places of the input) leaves out what is predicted elsewhere.
    """
    targets = loss_targets(batch, _IGNORE)
    if at is not None:
        targets = targets[:, at]
    with torch.autocast(batch.tokens.device.type, DTYPES[precision], enabled=precision != "fp32"):
        logits = model(batch.tokens[:, :-1], batch.columns, batch.kind, at)
    flat = logits.float().flatten(0, 1)
    total = functional.cross_entropy(flat, targets.flatten(), ignore_index=_IGNORE, reduction="sum")
    return total, (targets != _IGNORE).sum()


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
    captured: CapturedSteps | None = None,
) -> TrainLog:
    """Train until the steps (or, if given, the seconds) are done, the held-out loss stops falling, or `over()`.

    With a team of several processes each takes its share of every batch (`model` is then wrapped so that gradients are
    averaged), and the first one decides when to end. `captured`: see `steps.steps_for`.
    """
    started = time.monotonic()
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(corpus.lengths))
    held = order[: int(len(order) * settings.held_out)][:_HELD]
    used = order[len(held) :]
    batches: list[IntArray] = []
    curve: list[tuple[int, float, float]] = []
    best_held, evaluations, done = math.inf, 0, 0
    device = next(model.parameters()).device
    full = min(settings.batch, len(used))

    def look(steps: Steps) -> float:
        """Note the losses of now."""
        value = team.agree(held_out_loss(model, held, corpus, settings))
        curve.append((done, steps.loss(), value))
        return value

    model.train()
    with steps_for(
        model, optimizer, loss_at(settings.precision), settings.clip, settings.batch, settings.threads, team, captured
    ) as steps:
        for step in itertools.count():
            progress = step / settings.steps if seconds is None else (time.monotonic() - started) / seconds
            progress = team.agree(1.0 if over() else progress)
            if progress >= 1:
                break
            set_rate(optimizer, settings.learning_rate * _schedule(step, progress, settings))
            if not batches:
                batches = epoch(corpus, used, settings.batch, rng)
            picked = batches.pop()
            share = len(picked) / full  # a batch that is not full counts for less
            if device.type == "cuda" and len(picked) < full:  # and has its usual shape on a device
                picked = np.resize(picked, full)
            draws = rng.integers(0, 1 << 30, len(picked))
            mine = team.share(len(picked))
            batch = corpus.batch(picked[mine], draws[mine])
            steps.step(batch, share, places(model, batch, rng))
            done = step + 1
            report(progress)
            if done % settings.eval_every == 0 or (seconds is None and done == settings.steps):
                held_value = look(steps)
                evaluations = 0 if held_value < best_held - 1e-3 else evaluations + 1
                best_held = min(best_held, held_value)
                if evaluations >= settings.patience:
                    break
        loss = steps.loss()
        if done and (not curve or curve[-1][0] < done) and not over():  # time ran out between two evaluations
            best_held = min(best_held, look(steps))
    counted = counted_loss(corpus, used, held, settings.batch)
    return TrainLog(done, loss, best_held, time.monotonic() - started, tuple(curve), counted)


def is_finite(model: nn.Module) -> bool:
    """Whether all weights are numbers."""
    return all(bool(torch.isfinite(p).all()) for p in model.parameters())


def captured_steps(model: GPT, optimizer: torch.optim.Optimizer, precision: str, clip: float) -> CapturedSteps | None:
    """Steps for a model on a GPU, to be kept over trainings; None elsewhere."""
    if next(model.parameters()).device.type != "cuda":
        return None
    compiled = can_compile(model.settings.width)
    return CapturedSteps(model, optimizer, loss_at("fp32"), clip, DTYPES[precision], compiled=compiled)


def loss_at(precision: str) -> Loss:
    """`token_loss` in a number format."""
    return lambda model, batch, at: token_loss(model, batch, precision, at)


def places(model: nn.Module, batch: Batch, rng: np.random.Generator) -> Tensor | None:
    """The places at which a step predicts: a few, drawn anew, for a model to which each costs a pass of its own."""
    looks = getattr(getattr(model, "module", model), "looks", 0)  # a team wraps the model
    choices = np.arange(batch.prefix - 1, batch.tokens.shape[1] - 1)
    if not looks or len(choices) <= looks:
        return None
    picked = np.sort(rng.choice(choices, looks, replace=False))
    return torch.from_numpy(picked).to(batch.tokens.device)


@torch.no_grad()
def held_out_loss(model: nn.Module, held: IntArray, corpus: Corpus, settings: TrainSettings) -> float:
    """Mean loss per token of the held-out sequences (nan where there are none)."""
    if not len(held):
        return math.nan
    model.eval()
    rng = np.random.default_rng(0)  # the same places at every look
    losses, tokens = [], []
    for rows in epoch(corpus, held, settings.batch, rng):
        batch = corpus.batch(rows, np.zeros(len(rows), np.int64))
        total, count = token_loss(model, batch, settings.precision, places(model, batch, rng))
        losses.append(total)
        tokens.append(count)
    model.train()
    return float(torch.stack(losses).sum()) / float(torch.stack(tokens).sum())


def counted_loss(corpus: Corpus, used: IntArray, held: IntArray, size: int) -> float:
    """The mean loss per token of held-out sequences by how frequent tokens are in the others, by kind (nan: no others).

    Every frequency counts half a token more than were seen (Krichevsky and Trofimov 1981).
    """
    rng = np.random.default_rng(0)

    def targets(rows: IntArray) -> Iterator[tuple[int, Tensor, int]]:
        for picked in epoch(corpus, rows, size, rng):
            batch = corpus.batch(picked, rng.integers(0, 1 << 30, len(picked)))
            wanted = loss_targets(batch, _IGNORE)
            count = int(wanted.max()) + 1 if batch.columns is None else len(batch.columns)
            yield int(corpus.kinds[picked[0]]), wanted[wanted != _IGNORE], count

    seen: dict[int, Tensor] = {}
    for kind, tokens, count in targets(rng.permutation(used)[:_COUNTED]):
        counts = torch.bincount(tokens, minlength=count).double()
        seen[kind] = seen[kind] + counts if kind in seen else counts + 0.5
    losses = [(seen[kind].log() - seen[kind].sum().log())[tokens] for kind, tokens, _ in targets(held) if kind in seen]
    return -float(torch.cat(losses).mean()) if losses else math.nan


def _schedule(step: int, progress: float, settings: TrainSettings) -> float:
    """Linear warm-up by steps, and cosine down to a tenth by progress."""
    return min(1.0, (step + 1) / settings.warm_up) * (0.1 + 0.45 * (1 + math.cos(math.pi * progress)))
