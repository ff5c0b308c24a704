"""Decoding: next-token logits for a batch of growing sequences, from keys and values cached in place.

Two forms of the same computation. `FastDecoder` is for the CPU: weights in bfloat16 or float32, an attention kernel of
its own, and sequences that have ended cost nothing, since a list of slots says which caches still matter.
`TorchDecoder` runs the model's own code with its static cache on any device; it is what a GPU uses, and what the fast
one is tested against.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from typing_extensions import override

from patternboost.model.decode_attention import attend_cached, padded
from patternboost.model.gpt import GPT, Cache, GPTSettings
from patternboost.model.simd_f32 import LANES
from patternboost.problem.ground import IntArray

#: Matrix products have a multiple of so many rows: oneDNN prepares one for every shape it meets, and keeps 1,024, which
#: is memory and time where every number of sequences that go on has its own.
_ROWS = 16


class Stepper(Protocol):
    """What sampling asks of a model, for a batch of sequences that all have the same length."""

    def start(self, prefix: tuple[int, ...], batch: int) -> Tensor:
        """Logits [B, C] after a prefix that all sequences share."""

    def step(self, tokens: Tensor) -> Tensor:
        """Logits [B, C] after one more token per sequence, int64 [B]."""

    def keep(self, rows: Tensor) -> None:
        """Go on with these sequences only."""


class Decoder(Protocol):
    """A model that is ready to be sampled from."""

    device: torch.device

    def open(self, columns: IntArray) -> Stepper:
        """A new batch; its logits are those of the tokens `columns`, in that order."""


class TorchDecoder(Decoder):
    """The model's own forward pass, one token at a time."""

    def __init__(self, model: GPT, dtype: torch.dtype = torch.float32) -> None:
        self.model = model
        self.dtype = dtype
        self.device = next(model.parameters()).device

    @override
    def open(self, columns: IntArray) -> Stepper:
        return _TorchStepper(self.model, torch.from_numpy(columns).to(self.device), self.dtype)


class _TorchStepper(Stepper):
    """A batch with its static cache."""

    def __init__(self, model: GPT, columns: Tensor, dtype: torch.dtype) -> None:
        self._model = model
        self._columns = columns
        self._dtype = dtype

    @override
    def start(self, prefix: tuple[int, ...], batch: int) -> Tensor:
        self._cache = Cache(self._model.settings, batch, self._columns.device, self._dtype)
        return self._run(torch.tensor(prefix, device=self._columns.device).expand(batch, -1))

    @override
    def step(self, tokens: Tensor) -> Tensor:
        return self._run(tokens[:, None])

    @override
    def keep(self, rows: Tensor) -> None:
        self._cache.keep(rows)

    def _run(self, tokens: Tensor) -> Tensor:
        with torch.autocast(tokens.device.type, self._dtype, enabled=self._dtype != torch.float32):
            last = self._model.body(tokens, self._cache)[:, -1]
            return self._model.head(last, self._columns).float()


def fast_decoding(settings: GPTSettings, device: torch.device) -> bool:
    """Whether the attention kernel serves a model's shape: heads of whole vectors, on the CPU."""
    return device.type == "cpu" and settings.width // settings.heads % LANES == 0


class FastDecoder(Decoder):
    """Decoding on the CPU."""

    def __init__(self, model: GPT, dtype: torch.dtype) -> None:
        self.settings = model.settings
        self.dtype = dtype
        self.device = torch.device("cpu")
        self.weights: dict[str, Tensor] = {name: p.detach().to(dtype) for name, p in model.state_dict().items()}
        self.layers = [
            {
                name.removeprefix(f"blocks.{i}."): w
                for name, w in self.weights.items()
                if name.startswith(f"blocks.{i}.")
            }
            for i in range(model.settings.layers)
        ]

    @override
    def open(self, columns: IntArray) -> Stepper:
        return _FastStepper(self, columns)


class _FastStepper(Stepper):
    """A batch with its caches, flat, as `attend_cached` wants them."""

    def __init__(self, decoder: FastDecoder, columns: IntArray) -> None:
        self._decoder = decoder
        self._head = decoder.weights["embedding.weight"][torch.from_numpy(columns)]
        self._bias = decoder.weights["bias"][torch.from_numpy(columns)]

    @override
    def start(self, prefix: tuple[int, ...], batch: int) -> Tensor:
        s = self._decoder.settings
        number = np.float32 if self._decoder.dtype == torch.float32 else np.int8
        room = padded(s.context)
        self._caches = [
            (
                *(np.zeros(batch * room * s.width, number) for _ in ("keys", "values")),
                *(np.zeros(batch * room * s.heads, np.float32) for _ in ("their scales", "and theirs")),
            )
            for _ in range(s.layers)
        ]
        self._scores = np.empty(room, np.float32)
        self._slots = np.arange(batch)
        self._length = 0
        for token in prefix:
            hidden = self._run(torch.full((batch,), token))
        return self._logits(hidden)

    @override
    def step(self, tokens: Tensor) -> Tensor:
        return self._logits(self._run(tokens))

    @override
    def keep(self, rows: Tensor) -> None:
        self._slots = self._slots[rows.numpy()]

    def _run(self, tokens: Tensor) -> Tensor:
        """One token through all layers: hidden numbers [B, W], and rows without meaning up to a multiple of `_ROWS`."""
        weights = self._decoder.weights
        tokens = functional.pad(tokens, (0, -len(tokens) % _ROWS))
        x = weights["embedding.weight"][tokens] + weights["position.weight"][self._length]
        self._length += 1
        heads = self._decoder.settings.heads
        mixed = np.zeros(x.numel(), np.float32)  # the kernel writes the rows of sequences only
        for layer, cache in zip(self._decoder.layers, self._caches, strict=True):
            normed = _norm(x, layer, "norm_attention")
            qkv = functional.linear(normed, layer["attention.weight"])
            keys, values, key_scale, value_scale = cache
            attend_cached(
                _numbers(qkv),
                keys,
                values,
                key_scale,
                value_scale,
                self._slots,
                self._length,
                heads,
                self._scores,
                mixed,
            )
            attended = torch.from_numpy(mixed).view(x.shape).to(x.dtype)
            x = x + functional.linear(attended, layer["project.weight"])
            hidden = functional.linear(_norm(x, layer, "norm_feed"), layer["widen.weight"], layer["widen.bias"])
            x = x + functional.linear(hidden.relu_().square_(), layer["narrow.weight"], layer["narrow.bias"])
        return x

    def _logits(self, x: Tensor) -> Tensor:
        logits: Tensor = functional.linear(_norm(x, self._decoder.weights, "norm"), self._head, self._bias)
        return logits[: len(self._slots)].float()


def _norm(x: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"])


def _numbers(x: Tensor) -> NDArray[np.float32] | NDArray[np.uint16]:
    """A tensor as the attention kernel reads it, without a copy."""
    array: NDArray[np.float32] | NDArray[np.uint16] = (x if x.dtype == torch.float32 else x.view(torch.uint16)).numpy()
    return array
