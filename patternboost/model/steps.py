"""Training steps: on the CPU by threads, on a GPU as captured graphs.

A small model's step is a few hundred kernels of microseconds each, and starting them one by one takes longer than they
run. A graph starts them all at once (https://pytorch.org/docs/stable/notes/cuda.html#cuda-graphs); it needs the same
shapes and the same memory every time, so there is one for every kind and length that batches have.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from patternboost.model.compiling import hush
from patternboost.model.corpus import Batch
from patternboost.model.gpt import BLOCK
from patternboost.model.replicas import Loss, Replicas, replicas
from patternboost.model.team import ALONE, Team
from patternboost.model.tokens import END

#: a batch on the CPU is always divided into so many shards, whatever the threads: sums of gradients depend on it
SHARDS = 2
#: a shard gets at least so many sequences
_LEAST_SHARE = 4
#: steps that run as they are before a shape is captured: libraries set themselves up, the optimiser makes its moments
_BEFORE = 3
#: torch prefers cuDNN's attention, which takes three times as long for a few dozen tokens
_ATTENTION = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
#: steps that may be under way on a GPU
_AHEAD = 4


class Steps(Protocol):
    """Takes training steps."""

    def step(self, batch: Batch, share: float, at: Tensor | None) -> None:
        """One step; `share` of a batch's usual number of sequences are in it, and `at` as in `token_loss`."""

    def loss(self) -> float:
        """Mean loss per token of the last step."""


class _ReplicaSteps(Steps):
    """Shards of a batch, by threads or by processes."""

    def __init__(self, together: Replicas, model: nn.Module, optimizer: torch.optim.Optimizer, loss: Loss, clip: float):
        self._together, self._model, self._optimizer = together, model, optimizer
        self._of, self._clip = loss, clip
        self._last = float("nan")

    def loss(self) -> float:
        """As of the last step."""
        return self._last

    def step(self, batch: Batch, share: float, at: Tensor | None) -> None:
        """Gradients, clipped, and the optimiser's step."""
        self._last = self._together.backward(lambda twin, part: self._of(twin, part, at), batch, share)
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), self._clip)
        self._optimizer.step()


@dataclass
class _Captured:
    """The graph of one shape and the memory it reads."""

    batch: Batch
    at: Tensor | None
    share: Tensor
    mean: Tensor
    #: None until it is captured
    graph: torch.cuda.CUDAGraph | None = None
    eager: int = 0


class CapturedSteps(Steps):
    """Steps on a GPU. `capture=False` runs the same code as it is, on any device: what the tests compare.

    In bfloat16 a twin of the model computes and the model itself keeps the weights in float32. Autocast, which does the
    same weight by weight, leaves what passes between layers in float32: twice the memory traffic, and that is the time.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        loss: Loss,
        clip: float,
        dtype: torch.dtype = torch.float32,
        capture: bool = True,
        compiled: bool = False,
    ) -> None:
        self._model, self._optimizer, self._of, self._clip, self._capture = model, optimizer, loss, clip, capture
        self._twin = model if dtype == torch.float32 else copy.deepcopy(model).to(dtype)
        if compiled:
            hush()
            for block in self._twin.blocks:  # type: ignore[union-attr]
                block.compile(dynamic=False)
        self._shapes: dict[Hashable, _Captured] = {}
        self._last: Tensor | None = None
        #: what graphs compute with, one after the other
        self._memory = torch.cuda.graph_pool_handle() if torch.cuda.is_available() else None
        self._under_way: deque[torch.cuda.Event] = deque()

    def begin(self) -> None:
        """The model may have changed since the last step."""
        if self._twin is not self._model:
            for twin, own in zip(self._twin.state_dict().values(), self._model.state_dict().values(), strict=True):
                twin.copy_(own)

    def loss(self) -> float:
        """Waits for the device."""
        return float("nan") if self._last is None else float(self._last)

    def step(self, batch: Batch, share: float, at: Tensor | None) -> None:
        """Fill the shape's memory and start its graph."""
        beyond = -(batch.tokens.shape[1] - 1) % BLOCK
        batch = replace(batch, tokens=functional.pad(batch.tokens, (0, beyond), value=END))
        shape = self._shape(batch, at)
        shape.batch.tokens.copy_(batch.tokens)
        shape.share.fill_(share)
        if at is not None and shape.at is not None:
            shape.at.copy_(at)
        if shape.graph is None and self._capture and shape.eager >= _BEFORE:
            torch.cuda.current_stream().synchronize()
            shape.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(shape.graph, self._memory, torch.cuda.current_stream()):
                self._run(shape)
        if shape.graph is not None:
            shape.graph.replay()
        else:
            shape.eager += 1
            self._run(shape)
        self._last = shape.mean
        self._wait()

    def _shape(self, batch: Batch, at: Tensor | None) -> _Captured:
        key = batch.kind, tuple(batch.tokens.shape)
        if key not in self._shapes:
            own = replace(batch, tokens=batch.tokens.clone())
            share, mean = (torch.zeros((), device=batch.tokens.device) for _ in range(2))
            self._shapes[key] = _Captured(own, None if at is None else at.clone(), share, mean)
        return self._shapes[key]

    def _run(self, shape: _Captured) -> None:
        ours: list[Tensor] = list(self._model.parameters())
        theirs: list[Tensor] = list(self._twin.parameters())
        for parameter in (*ours, *theirs):
            parameter.grad = None
        with sdpa_kernel(_ATTENTION):
            total, predicted = self._of(self._twin, shape.batch, shape.at)
            mean = total / predicted
            (mean * shape.share).backward()  # type: ignore[no-untyped-call]
        if self._twin is not self._model:
            for one, other in zip(ours, theirs, strict=True):
                one.grad = None if other.grad is None else other.grad.float()
        torch.nn.utils.clip_grad_norm_(ours, self._clip)
        self._optimizer.step()
        if self._twin is not self._model:
            with torch.no_grad():
                torch._foreach_copy_(theirs, ours)
        shape.mean.copy_(mean.detach())

    def _wait(self) -> None:
        """Keep the host from running ahead: it has to know when the time is over."""
        if not torch.cuda.is_available() or not self._capture:
            return
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record()
        self._under_way.append(event)
        if len(self._under_way) > _AHEAD:
            self._under_way.popleft().synchronize()


@contextmanager
def steps_for(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss: Loss,
    clip: float,
    batch: int,
    threads: int,
    team: Team = ALONE,
    captured: CapturedSteps | None = None,
) -> Iterator[Steps]:
    """Steps for a model on its device; `captured` are those of an earlier training of the same model and optimiser."""
    device = next(model.parameters()).device
    if device.type == "cuda" and team.size == 1:
        side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("high")  # float32 products by tensor cores
        try:
            with torch.cuda.stream(side):
                steps = captured or CapturedSteps(model, optimizer, loss, clip)
                steps.begin()
                yield steps
        finally:
            torch.set_float32_matmul_precision(before)
        torch.cuda.current_stream().wait_stream(side)
        return
    alone_on_cpu = team.size == 1 and device.type == "cpu"
    shards = min(SHARDS, max(1, batch // _LEAST_SHARE)) if alone_on_cpu else 1
    with replicas(model, shards, threads, team) as together:
        yield _ReplicaSteps(together, model, optimizer, loss, clip)
