"""Which number format a model computes in: settled by rule, so that equal runs choose alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

#: the names that settings use
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
#: below these widths a model's time goes into other things than products, on a CPU and on a GPU
_NARROW_CPU, NARROW_GPU = 64, 256


def pick_device(name: str) -> torch.device:
    """'auto' takes a GPU where there is one. Raises ValueError for cuda without one."""
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device cuda: this machine has no GPU that torch can use; use --device auto or cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def pick_precision(name: str, device: torch.device, width: int) -> str:
    """'fp32' or 'bf16': as named, or for 'auto' bf16 where the processor multiplies it in hardware and it pays.

    On a CPU with AVX-512 BF16 or AMX products are twice as fast in bf16 from width 64 on; on an H100 bf16 was slower
    than fp32 in narrow models (docs/LOG.md). Checkpoints keep the choice.
    """
    if name != "auto":
        return name
    if device.type == "cuda":
        return "bf16" if width >= NARROW_GPU else "fp32"
    return "bf16" if width >= _NARROW_CPU and _cpu_multiplies_bf16() else "fp32"


def _cpu_multiplies_bf16() -> bool:
    """Whether this processor has instructions for it, as torch knows."""
    known: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """torch works in the calling thread alone, and so does each thread that is started meanwhile."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
