"""Sampling where the tokens stay on the device: rows of fixed shapes, refilled as they end, a step captured as a graph.

The host learns what was drawn once in `_BLOCK` steps. Every row draws its quota of sequences one after the other; which
ones come back does not depend on how long they are, as it would if the first to end were taken.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from cachetools import LRUCache
from torch import Tensor
from torch.nn import functional

from patternboost.model.corpus import Kind
from patternboost.model.gpt import GPT
from patternboost.model.masks import DeviceBits, DeviceMask
from patternboost.model.next_token import SampleSettings, invert
from patternboost.model.request import DrawRequest
from patternboost.model.tokens import END, Vocabulary
from patternboost.problem.ground import IntArray
from patternboost.search.bitmaps import build_bitrows
from patternboost.search.tables import Table

#: steps between two looks of the host; attention spans are multiples of it, too
_BLOCK = 8
#: a row that was cut at its longest, and one that has drawn its quota
_CUT, _IDLE = -1, -2
#: batches that are ready, and tables, at most
_READY = 4
#: the share of the device's memory that keys and values of a batch take at most
_CACHE = 1 / 8


class RowSampler:
    """A batch of rows of one kind: everything that a step reads and writes, at fixed places."""

    def __init__(
        self,
        model: GPT,
        columns: IntArray,
        kind: Kind | None,
        prefix: tuple[int, ...],
        batch: int,
        length: int,
        bits: DeviceBits | None,
        capture: bool,
    ) -> None:
        device = next(model.parameters()).device
        among = torch.from_numpy(columns).to(device)
        room = len(prefix) + length
        self._rows = model.rows(among, kind, prefix, batch, room)
        width = len(self._rows.first)
        self._token_of = functional.pad(among, (0, width - len(among)), value=END)
        self._mask = None if bits is None else DeviceMask(bits, batch, room)
        self._prefix, self._length, self._batch, self._capture = len(prefix), length, batch, capture
        whole = {"dtype": torch.int64, "device": device}
        self._logits = torch.zeros(batch, width, device=device)
        self._left = torch.zeros(batch, **whole)  # type: ignore[call-overload]
        self._drawn = torch.zeros(batch, **whole)  # type: ignore[call-overload]
        self._clock = torch.zeros(1, **whole)  # type: ignore[call-overload]
        self._noise = torch.zeros(_BLOCK, batch, device=device)
        self._log = torch.zeros(_BLOCK, batch, dtype=torch.int32, device=device)
        self._temperature = torch.ones((), device=device)
        self._graphs: dict[tuple[int, float], torch.cuda.CUDAGraph] = {}
        self._calls = 0

    @torch.no_grad()
    def draw(self, count: int, settings: SampleSettings, seed: int, over: Callable[[], bool]) -> Tensor:
        """The log, int32 [steps, B], of `count` bodies; fewer have ended once `over()`."""
        device = self._left.device
        noise = torch.Generator(device=device).manual_seed(seed)
        self._calls += 1
        self._rows.begin()
        everyone = torch.ones(self._batch, dtype=torch.bool, device=device)
        self._restart(everyone)
        self._logits.copy_(self._rows.first.expand_as(self._logits))
        quota = np.full(self._batch, count // self._batch, np.int64)
        quota[: count % self._batch] += 1
        self._left.copy_(torch.from_numpy(quota))
        self._temperature.fill_(max(settings.temperature, 1e-6))
        logs: list[Tensor] = []
        most, room = int(quota.max(initial=0)), self._prefix + self._length
        for block in range(-(-most * self._length // _BLOCK)):
            if over() or not bool((self._left > 0).any()):
                break
            self._noise.uniform_(generator=noise)
            self._clock.zero_()
            # As long as no row has begun anew, all have as many tokens as there were steps.
            span = min(room, self._prefix + (block + 1) * _BLOCK) if most == 1 else room
            for _ in range(_BLOCK):
                self._run(span, settings.top_p)
            logs.append(self._log.clone())
        return torch.cat(logs) if logs else self._log[:0]

    def _run(self, span: int, top_p: float) -> None:
        """A step: as a graph from the second call on, since making one takes longer than a single call."""
        if not self._capture or self._calls < 2:
            self._step(span, top_p)
            return
        key = span, top_p
        if key not in self._graphs:
            torch.cuda.synchronize()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self._step(span, top_p)
            self._graphs[key] = graph
        self._graphs[key].replay()

    def _step(self, span: int, top_p: float) -> None:
        logits = self._logits.clone() if self._mask is None else self._mask.apply(self._logits.clone())
        probability = torch.softmax(logits / self._temperature, dim=-1)
        tokens = self._token_of[invert(probability, top_p, self._noise[self._clock].T)]
        active = self._left > 0
        self._drawn += 1
        cut = (self._drawn >= self._length) & (tokens != END)
        ended = (tokens == END) | cut
        said = tokens.masked_fill(cut, _CUT).masked_fill(~active, _IDLE)
        self._log.index_copy_(0, self._clock, said.to(torch.int32)[None])
        self._clock += 1
        self._left -= (ended & active).long()
        self._logits.copy_(self._rows.step(tokens, span))
        if self._mask is not None:
            self._mask.extend(tokens, span)
        self._logits.copy_(torch.where(ended[:, None], self._rows.first.float(), self._logits))
        self._restart(ended)

    def _restart(self, rows: Tensor) -> None:
        self._rows.restart(rows)
        self._drawn.masked_fill_(rows, 0)
        if self._mask is not None:
            self._mask.restart(rows)


def split(log: Tensor) -> tuple[Tensor, Tensor, int]:
    """The bodies in a log [steps, rows], without END: the body of every token and the tokens, int64; how many.

    What a row began and did not end is left out. A body that was cut ends with a token `_CUT`.
    """
    rows = log.T
    ends = (rows == END) | (rows == _CUT)
    ends_later = ends.flip(1).cummax(dim=1).values.flip(1)
    kept = rows[ends_later & (rows != _IDLE)].long()
    last = (kept == END) | (kept == _CUT)
    body = last.long().cumsum(dim=0) - last.long()
    written = kept != END
    return body[written], kept[written], int(last.sum())


def bodies_of(body: IntArray, tokens: IntArray, count: int) -> list[IntArray]:
    """What `split` found as a list of bodies: END at the end, but where they were cut."""
    at = np.searchsorted(body, np.arange(count + 1))
    found = (tokens[first:last] for first, last in itertools.pairwise(at))
    return [one[:-1] if len(one) and one[-1] == _CUT else np.append(one, END) for one in found]


def memory_of(device: torch.device) -> int:
    """Bytes of a device's memory."""
    return torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else 8 << 30


class DeviceSampling:
    """A model's samplers, kept between calls. Weights are copied in the number format that they are sampled in."""

    def __init__(self, model: GPT, dtype: torch.dtype, capture: bool | None = None) -> None:
        self._model = model
        self.device = next(model.parameters()).device
        self._capture = self.device.type == "cuda" if capture is None else capture
        self._twin = copy.deepcopy(model).to(dtype).eval()
        self._samplers: LRUCache[tuple[object, ...], RowSampler] = LRUCache(_READY)
        self._bits: LRUCache[int, tuple[Table, DeviceBits | None]] = LRUCache(_READY)

    @torch.no_grad()
    def sample(self, vocabulary: Vocabulary, request: DrawRequest, settings: SampleSettings) -> Tensor | None:
        """A log for `split`; None where the mask has to be kept on the host."""
        n, symmetry, table = request.n, request.symmetry, request.table
        columns, bits = vocabulary.columns(n, symmetry), None
        if table is not None:
            bits = self._bits_of(table, columns) if vocabulary.one_orbit_each else None
            if bits is None:
                return None
        for ours, theirs in zip(self._twin.state_dict().values(), self._model.state_dict().values(), strict=True):
            ours.copy_(theirs)
        s = self._model.settings
        each = 2 * s.layers * s.width * (settings.length + 2) * next(self._twin.parameters()).element_size()
        most = min(settings.device_batch, max(64, int(_CACHE * memory_of(self.device)) // each))
        batch = min(most, max(64, 1 << (request.count - 1).bit_length()))
        key = n, symmetry, request.level, batch, settings.length, id(bits)
        if key not in self._samplers:
            prefix = vocabulary.prefix(n, symmetry, request.level)
            kind = Kind(n, symmetry)
            self._samplers[key] = RowSampler(
                self._twin, columns, kind, prefix, batch, settings.length, bits, self._capture
            )
        return self._samplers[key].draw(
            request.count, replace(settings, temperature=request.temperature), request.seed, request.over
        )

    def _bits_of(self, table: Table, columns: IntArray) -> DeviceBits | None:
        """A table's bitmaps on the device, made once; None where it has none."""
        if id(table) not in self._bits:
            made = build_bitrows(table)
            self._bits[id(table)] = table, None if made is None else DeviceBits(made, columns, self.device)
        return self._bits[id(table)][1]
