"""Which number format is faster here: a quick measurement, made once per process and shape."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import torch
from torch.nn import functional

#: the names that settings use
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
#: bfloat16 must be so much faster to be chosen: less is noise, and float32 is more exact
_WORTH = 1.25
_ROUNDS = 15


def pick_precision(name: str, device: torch.device, width: int, rows: int) -> str:
    """'fp32' or 'bf16': as named, or for 'auto' whichever multiplies [rows, width] by [width, 4 width] faster."""
    return _faster(device.type, width, rows) if name == "auto" else name


@lru_cache
def _faster(device: str, width: int, rows: int) -> str:
    with one_torch_thread():
        seconds = {name: _seconds(device, dtype, width, rows) for name, dtype in DTYPES.items()}
    return "bf16" if seconds["bf16"] * _WORTH < seconds["fp32"] else "fp32"


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """torch works in the calling thread alone, and so does each thread that is started meanwhile."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _seconds(device: str, dtype: torch.dtype, width: int, rows: int) -> float:
    """The shortest of a few rounds: the least disturbed one, so that the choice repeats."""
    clock = time.perf_counter if device == "cuda" else time.thread_time  # others' work must not sway the choice
    x = torch.ones(rows, width, device=device, dtype=dtype)
    weight = torch.ones(4 * width, width, device=device, dtype=dtype)
    best = float("inf")
    with torch.no_grad():
        for _ in range(_ROUNDS):
            began = clock()
            for _ in range(4):
                functional.linear(x, weight)
            if device == "cuda":
                torch.cuda.synchronize()
            best = min(best, clock() - began)
    return best
