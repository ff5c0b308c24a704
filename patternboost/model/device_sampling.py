"""Sampling where the tokens stay on the device: rows of fixed shapes, a step captured as a graph, compiled before.

The host learns what was drawn once in `_BLOCK` steps. All rows begin together, and again when the last has ended: a row
that went on with the next sequence by itself would make all of them look at caches of full length in every step, and
that takes more than the steps it saves (docs/LOG.md).
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

from patternboost.model.compiling import can_compile, compiled
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
#: a row that was cut at its longest, and one that has ended before
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
        compile: bool = False,
    ) -> None:
        device = next(model.parameters()).device
        among = torch.from_numpy(columns).to(device)
        room = len(prefix) + length
        self._rows = model.rows(among, kind, prefix, batch, room)
        self._choose = choose
        if compile:
            self._rows.compile()
            self._choose = compiled(choose)
        width = len(self._rows.first)
        self._token_of = functional.pad(among, (0, width - len(among)), value=END)
        self._mask = None if bits is None else DeviceMask(bits, batch, room)
        self._prefix, self._length, self._batch, self._capture = len(prefix), length, batch, capture
        self._logits = torch.zeros(batch, width, device=device)
        self._going = torch.zeros(batch, dtype=torch.bool, device=device)
        self._row = torch.arange(batch, device=device)
        #: steps of this round, and of this block
        self._drawn, self._clock = (torch.zeros(1, dtype=torch.int64, device=device) for _ in range(2))
        self._noise = torch.zeros(_BLOCK, batch, device=device)
        self._log = torch.zeros(_BLOCK, batch, dtype=torch.int32, device=device)
        self._temperature = torch.ones((), device=device)
        self._graphs: dict[tuple[int, float], torch.cuda.CUDAGraph] = {}
        #: the call in which steps of a span were first taken
        self._began: dict[tuple[int, float], int] = {}
        self._calls = 0

    @torch.no_grad()
    def draw(self, count: int, settings: SampleSettings, seed: int, over: Callable[[], bool]) -> Tensor:
        """The log, int32 [steps, B], of `count` bodies; fewer have ended once `over()`."""
        noise = torch.Generator(device=self._going.device).manual_seed(seed)
        self._calls += 1
        self._rows.begin()
        self._temperature.fill_(max(settings.temperature, 1e-6))
        logs: list[Tensor] = [self._log[:0]]
        for first in range(0, count, self._batch):
            self._restart(count - first)
            for block in range(-(-self._length // _BLOCK)):
                if over() or not bool(self._going.any()):
                    break
                self._noise.uniform_(generator=noise)
                self._clock.zero_()
                span = min(self._prefix + (block + 1) * _BLOCK, self._prefix + self._length)
                for _ in range(_BLOCK):
                    self._run(span, settings.top_p)
                logs.append(self._log.clone())
        return torch.cat(logs)

    def _restart(self, rows: int) -> None:
        """Let the first `rows` rows begin, or all."""
        self._rows.restart()
        if self._mask is not None:
            self._mask.restart()
        self._logits.copy_(self._rows.first.expand_as(self._logits))
        torch.lt(self._row, rows, out=self._going)
        self._drawn.zero_()

    def _run(self, span: int, top_p: float) -> None:
        """A step: as a graph from the second call on, since making one takes longer than a single call.

        What is compiled, too, is compiled before.
        """
        key = span, top_p
        if not self._capture or self._began.setdefault(key, self._calls) == self._calls:
            self._step(span, top_p)
            return
        if key not in self._graphs:
            torch.cuda.synchronize()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                self._step(span, top_p)
            self._graphs[key] = graph
        self._graphs[key].replay()

    def _step(self, span: int, top_p: float) -> None:
        column = self._choose(self._logits, self._mask, self._temperature, top_p, self._noise[self._clock].T)
        tokens = self._token_of[column]
        self._drawn += 1
        cut = (self._drawn >= self._length) & (tokens != END)
        said = tokens.masked_fill(cut, _CUT).masked_fill(~self._going, _IDLE)
        self._log.index_copy_(0, self._clock, said.to(torch.int32)[None])
        self._clock += 1
        self._going &= (tokens != END) & ~cut
        self._logits.copy_(self._rows.step(tokens, span))
        if self._mask is not None:
            self._mask.extend(tokens, span)


def choose(logits: Tensor, mask: DeviceMask | None, temperature: Tensor, top_p: float, uniform: Tensor) -> Tensor:
    """The columns drawn for logits [B, C] with random numbers [B, 1], int64 [B]."""
    if mask is not None:
        logits = mask.apply(logits.clone())
    return invert(torch.softmax(logits / temperature, dim=-1), top_p, uniform)


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

    def __init__(
        self, model: GPT, dtype: torch.dtype, capture: bool | None = None, compile: bool | None = None
    ) -> None:
        """Steps are captured, and compiled where it pays, on a GPU; or as asked: what the tests compare."""
        self._model = model
        self.device = next(model.parameters()).device
        on_gpu = self.device.type == "cuda"
        self._capture = on_gpu if capture is None else capture
        self._compile = on_gpu and can_compile(model.settings.width) if compile is None else compile
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
                self._twin, columns, kind, prefix, batch, settings.length, bits, self._capture, self._compile
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
