"""Decoding: next-token logits for a batch of growing sequences, from keys and values cached in place.

Two forms of the same computation. `FastDecoder` is for the CPU: weights in bfloat16 or float32, an attention kernel of
its own, and sequences that have ended cost nothing, since a list of slots says which caches still matter.
`TorchDecoder` has the model's own layers on any device (`rows`); it serves every architecture, and the fast one is
tested against it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from typing_extensions import override

from patternboost.model.decode_attention import attend_cached, padded
from patternboost.model.gpt import GPT
from patternboost.model.simd_f32 import LANES
from patternboost.problem.ground import IntArray

if TYPE_CHECKING:
    from patternboost.model.corpus import Kind

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

    def open(self, columns: IntArray, kind: Kind | None = None) -> Stepper:
        """A new batch of a kind; its logits are those of the tokens `columns`, in that order."""


class TorchDecoder(Decoder):
    """A network's own rows, all of the same length."""

    def __init__(self, model: GPT, dtype: torch.dtype = torch.float32) -> None:
        self.model = model
        self.dtype = dtype
        self.device = next(model.parameters()).device

    @override
    def open(self, columns: IntArray, kind: Kind | None = None) -> Stepper:
        return _TorchStepper(self, columns, kind)


class _TorchStepper(Stepper):
    """A batch of rows."""

    def __init__(self, decoder: TorchDecoder, columns: IntArray, kind: Kind | None) -> None:
        self._decoder = decoder
        self._columns = torch.from_numpy(columns).to(decoder.device)
        self._kind = kind

    @override
    def start(self, prefix: tuple[int, ...], batch: int) -> Tensor:
        model = self._decoder.model
        with self._format():
            self._rows = model.rows(self._columns, self._kind, prefix, batch, model.settings.context)
        return self._rows.first[: len(self._columns)].float().repeat(batch, 1)

    @override
    def step(self, tokens: Tensor) -> Tensor:
        with self._format():
            return self._rows.step(tokens, self._rows.steps + 1)[:, : len(self._columns)].float()

    @override
    def keep(self, rows: Tensor) -> None:
        self._rows.keep(rows)

    def _format(self) -> torch.autocast:
        dtype = self._decoder.dtype
        return torch.autocast(self._decoder.device.type, dtype, enabled=dtype != torch.float32)


def fast_decoding(model: GPT, device: torch.device) -> bool:
    """Whether the attention kernel serves a model: heads of whole vectors, nothing beside them, on the CPU."""
    s = model.settings
    return model.plain and device.type == "cpu" and s.width // s.heads % LANES == 0


def decoder_of(model: GPT, device: torch.device, dtype: torch.dtype) -> Decoder:
    """The way to decode a model on a device."""
    return FastDecoder(model, dtype) if fast_decoding(model, device) else TorchDecoder(model, dtype)


class FastDecoder(Decoder):
    """Decoding on the CPU."""

    def __init__(self, model: GPT, dtype: torch.dtype) -> None:
        self.model = model
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
    def open(self, columns: IntArray, kind: Kind | None = None) -> Stepper:
        return _FastStepper(self, columns, kind)


class _FastStepper(Stepper):
    """A batch with its caches, flat, as `attend_cached` wants them."""

    def __init__(self, decoder: FastDecoder, columns: IntArray, kind: Kind | None) -> None:
        self._decoder, self._columns = decoder, len(columns)
        dtype = decoder.dtype
        with torch.no_grad():
            names = decoder.model.names(kind)
            self._names = names._replace(vectors=names.vectors.to(dtype))
            self._head, bias = self._names.among(torch.from_numpy(columns))
            self._bias = bias.to(dtype)
            self._positions = decoder.model.positions().to(dtype)

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
        tokens = functional.pad(tokens, (0, -len(tokens) % _ROWS))
        x = self._names.of(tokens) + self._positions[self._length]
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
        return logits[: len(self._slots), : self._columns].float()


def _norm(x: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"])


def _numbers(x: Tensor) -> NDArray[np.float32] | NDArray[np.uint16]:
    """A tensor as the attention kernel reads it, without a copy."""
    array: NDArray[np.float32] | NDArray[np.uint16] = (x if x.dtype == torch.float32 else x.view(torch.uint16)).numpy()
    return array
