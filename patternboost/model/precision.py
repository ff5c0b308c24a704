"""Which number format is faster here: a quick measurement, made once per process."""

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
#: what is multiplied: [256, 256] by [256, 1024]
_SIDE = 256
#: below this width a model's time goes into other things
_NARROW = 64


def pick_precision(name: str, device: torch.device, width: int) -> str:
    """'fp32' or 'bf16': as named, or for 'auto' whichever multiplies matrices faster; 'fp32' for narrow models.

    What is measured does not depend on the model, and is large enough for the answer to be clear: two runs that are
    alike must choose alike.
    """
    if name != "auto":
        return name
    return "fp32" if width < _NARROW else _faster(device.type)


@lru_cache
def _faster(device: str) -> str:
    with one_torch_thread():
        seconds = {name: _seconds(device, dtype) for name, dtype in DTYPES.items()}
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


def _seconds(device: str, dtype: torch.dtype) -> float:
    """The shortest of a few rounds: the least disturbed one, so that the choice repeats."""
    clock = time.perf_counter if device == "cuda" else time.thread_time  # others' work must not sway the choice
    x = torch.ones(_SIDE, _SIDE, device=device, dtype=dtype)
    weight = torch.ones(4 * _SIDE, _SIDE, device=device, dtype=dtype)
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
