"""Several processes that train and sample together: who does which share, and how they agree.

A team of one needs no torch.distributed. What they tell each other is JSON and plain tensors, never pickle.
"""

from __future__ import annotations

import gc
import json
import os
from datetime import timedelta
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from patternboost.problem.ground import IntArray

#: others wait so long for the first process, which also does the local search
_PATIENCE = timedelta(days=7)


class Team:
    """The processes of one run. `rank` 0 runs the search; the others serve it."""

    def __init__(self, rank: int = 0, size: int = 1, device: torch.device | None = None) -> None:
        self.rank = rank
        self.size = size
        self._device = device or torch.device("cpu")

    def agree(self, value: float) -> float:
        """The first process's value, in all of them."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=self._device)
        dist.broadcast(shared, 0)
        return float(shared)

    def mean(self, value: float) -> float:
        """The mean of all processes' values, in all of them."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=self._device)
        dist.all_reduce(shared)
        return float(shared) / self.size

    def share(self, count: int) -> IntArray:
        """Which of `count` things are this process's; never none of them."""
        mine = np.arange(self.rank, count, self.size)
        return mine if len(mine) else np.arange(min(count, 1))

    def tell(self, message: dict[str, Any] | None = None) -> dict[str, Any]:
        """The first process's message (JSON), in all of them."""
        raw = json.dumps(message).encode()
        length = int(self.agree(len(raw)))
        text = torch.zeros(length, dtype=torch.uint8, device=self._device)
        if self.rank == 0:
            text.copy_(torch.frombuffer(bytearray(raw), dtype=torch.uint8))
        dist.broadcast(text, 0)
        heard: dict[str, Any] = json.loads(text.cpu().numpy().tobytes())
        return heard

    def broadcast(self, tensors: list[Tensor]) -> None:
        """Overwrite tensors by the first process's."""
        for tensor in tensors:
            held = tensor.to(self._device)
            dist.broadcast(held, 0)
            tensor.copy_(held)

    def gather(self, rows: list[IntArray]) -> list[IntArray]:
        """All processes' arrays of token numbers (>= 0), in the order of the processes."""
        if self.size == 1:
            return rows
        longest = max((len(r) for r in rows), default=0)
        shape = torch.tensor([len(rows), longest], device=self._device)
        dist.all_reduce(shape, dist.ReduceOp.MAX)
        padded = torch.full((int(shape[0]), int(shape[1])), -1, dtype=torch.int64)
        for i, row in enumerate(rows):
            padded[i, : len(row)] = torch.from_numpy(row)
        heard = [torch.empty_like(padded, device=self._device) for _ in range(self.size)]
        dist.all_gather(heard, padded.to(self._device))
        everything = torch.cat(heard).cpu().numpy()
        return [row[row >= 0] for row in everything if (row >= 0).any()]

    def part(self) -> None:
        """The work is done. A process that ends with its group alive may be aborted in gloo's threads."""
        if self.size > 1:
            dist.destroy_process_group()
            gc.collect()  # DistributedDataParallel holds the group, and sits in reference cycles


ALONE = Team()


def called_by_torchrun() -> bool:
    """Whether this process is one of several that torchrun started."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def join(device: torch.device) -> Team:
    """The team that torchrun's environment describes: NCCL between GPUs, else gloo."""
    if not called_by_torchrun():
        return ALONE
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    if not dist.is_initialized():
        # DistributedDataParallel imports it too late otherwise: its default arguments would hold the group for ever
        from torch.distributed.nn import functional  # noqa: F401

        dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)
    return Team(dist.get_rank(), dist.get_world_size(), device)
