"""What torch's compiler makes of a model's small operations on a GPU: one kernel for many of them."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import TypeVar

import torch

from patternboost.model.precision import NARROW_GPU

_Function = TypeVar("_Function", bound=Callable[..., object])


def can_compile(width: int) -> bool:
    """Whether a model's layers are compiled for a GPU: where it pays, and torch has what it needs.

    Every shape of batches takes some ten seconds once, which a narrow model does not win back. torch needs triton, and
    a C compiler for what starts its kernels.
    """
    compiler = any(shutil.which(name) for name in (os.environ.get("CC", "cc"), "gcc", "clang"))
    return width >= NARROW_GPU and compiler and find_spec("triton") is not None


@cache
def compiled(function: _Function) -> _Function:
    """A function of tensors, compiled when it is first called: once for all who call it with the same shapes.

    A size that changes from call to call is compiled as unknown from the second value on.
    """
    hush()
    return torch.compile(function)  # type: ignore[return-value]


def hush() -> None:
    """Keep the compiler's advice to its own makers from the user's terminal."""
    for room in ("_inductor", "_dynamo"):
        warnings.filterwarnings("ignore", category=UserWarning, module=rf"torch\.{room}")
