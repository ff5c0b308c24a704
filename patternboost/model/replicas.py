"""Gradients from several threads, each with its shard of a batch and the same weights.

The shards are the same for any number of threads, and their gradients are added in order: so is the sum.

torch can share the work on one matrix product between threads instead, but then threads wait for each other thousands
of times a step, and on a machine with anything else to do one late thread holds up all: a step took up to 20 times as
long (docs/LOG.md). Here they meet once a step.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from patternboost.model.corpus import Batch
from patternboost.model.precision import one_torch_thread
from patternboost.model.team import ALONE, Team

#: summed loss of some sequences at some places (None: all), and how many tokens are predicted there
Loss = Callable[[nn.Module, Batch, "Tensor | None"], tuple[Tensor, Tensor]]
#: the same where the places are settled
SettledLoss = Callable[[nn.Module, Batch], tuple[Tensor, Tensor]]


class Replicas:
    """A model and copies that share its weights but have gradients of their own."""

    def __init__(self, model: nn.Module, pool: ThreadPoolExecutor, count: int, team: Team) -> None:
        self._models = [model]
        self._team = team
        self._pool = pool
        for _ in range(count - 1):
            twin = copy.deepcopy(model)
            for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
                theirs.data = ours.data
            self._models.append(twin)

    def backward(self, loss: SettledLoss, batch: Batch, share: float = 1.0) -> float:
        """Leave `share` of the gradient of the mean loss per token on the model; returns that mean."""
        count = min(len(self._models), len(batch.tokens))
        parts = [batch.rows(slice(i, None, count)) for i in range(count)]

        def one(index: int) -> tuple[float, float]:
            model = self._models[index]
            for parameter in model.parameters():
                parameter.grad = None
            total, tokens = loss(model, parts[index])
            total.backward()  # type: ignore[no-untyped-call]
            return float(total.detach()), float(tokens)

        done = list(self._pool.map(one, range(count))) if count > 1 else [one(0)]
        tokens = self._team.mean(sum(d[1] for d in done))  # the team's gradients are averaged already
        with torch.no_grad():
            for parameters in zip(*(m.parameters() for m in self._models[:count]), strict=True):
                gradient = parameters[0].grad
                if gradient is None:
                    raise ValueError("a parameter has no part in the loss")
                for other in parameters[1:]:
                    gradient += other.grad
                gradient *= share / tokens
        return sum(d[0] for d in done) / tokens


@contextmanager
def replicas(model: nn.Module, shards: int, threads: int, team: Team = ALONE) -> Iterator[Replicas]:
    """A replica per shard while they are needed, `threads` at work at a time."""
    with one_torch_thread(), ThreadPoolExecutor(max_workers=min(shards, threads)) as pool:
        yield Replicas(model, pool, shards, team)
