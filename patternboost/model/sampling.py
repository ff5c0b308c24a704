"""Sampling: one token at a time from a decoder, optionally only legal ones.

Sequences are drawn in batches, each with a random generator of its own, so that what is drawn does not depend on how
many batches run at once. On the CPU every batch runs in one thread of its own: threads that share one small matrix
product wait for each other more than they work, above all on a busy machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch

from patternboost.model.corpus import Kind
from patternboost.model.decoding import Decoder, Stepper
from patternboost.model.masks import HostMask, LogitMask
from patternboost.model.next_token import SampleSettings, draw
from patternboost.model.precision import one_torch_thread
from patternboost.model.request import DrawRequest
from patternboost.model.tokens import END, Vocabulary
from patternboost.problem.ground import IntArray

#: so many batches, for as many threads, where they still have so many sequences each
_AT_LEAST, _SMALLEST = 4, 32


@dataclass(frozen=True)
class Samples:
    """What a generator drew: well-formed sets of elements, and how many samples had a wrong format or were empty."""

    sets: list[IntArray]
    malformed: int
    empty: int = 0

    @classmethod
    def of(cls, sets: Sequence[IntArray | None]) -> Samples:
        """Decoded sets; None for a wrong format."""
        formed = [s for s in sets if s is not None]
        good = [s for s in formed if len(s)]
        return cls(good, len(sets) - len(formed), len(formed) - len(good))


def decoded(bodies: Sequence[IntArray], vocabulary: Vocabulary, n: int, symmetry: str) -> Samples:
    """Bodies as sets."""
    return Samples.of([vocabulary.decode(n, symmetry, body) for body in bodies])


def sample(
    decoder: Decoder, vocabulary: Vocabulary, request: DrawRequest, settings: SampleSettings, threads: int = 1
) -> list[IntArray]:
    """Bodies (tokens, then END unless cut at `length`) of the sequences that are asked for, at their temperature."""
    n, symmetry, table = request.n, request.symmetry, request.table
    settings = replace(settings, temperature=request.temperature)
    columns = vocabulary.columns(n, symmetry)

    def mask_for(batch: int) -> LogitMask | None:
        return None if table is None else HostMask(vocabulary.mask(n, symmetry, table, batch))

    prefix = vocabulary.prefix(n, symmetry, request.level)
    return sample_tokens(
        decoder, prefix, columns, request.count, settings, request.seed, mask_for, request.over, threads,
        Kind(n, symmetry),
    )  # fmt: skip


def sample_tokens(
    decoder: Decoder,
    prefix: tuple[int, ...],
    columns: IntArray,
    count: int,
    settings: SampleSettings,
    seed: int,
    mask_for: Callable[[int], LogitMask | None] = lambda batch: None,
    over: Callable[[], bool] = lambda: False,
    threads: int = 1,
    kind: Kind | None = None,
) -> list[IntArray]:
    """Bodies of `count` sequences after a prefix, of the tokens `columns`; `mask_for` makes the mask of a batch."""
    on_cpu = decoder.device.type == "cpu"
    sizes = _batches(count, settings) if on_cpu else _device_batches(count, settings)
    seeds = np.random.SeedSequence(seed).generate_state(len(sizes), np.uint64) >> np.uint64(1)

    @torch.no_grad()  # holds for one thread only
    def one(index: int) -> list[IntArray]:
        mask = mask_for(sizes[index])
        noise = torch.Generator(device=decoder.device).manual_seed(int(seeds[index]))
        return _sample_batch(decoder.open(columns, kind), prefix, sizes[index], columns, settings, noise, mask, over)

    workers = threads if on_cpu else 1
    with one_torch_thread(), ThreadPoolExecutor(max_workers=workers) as pool:
        return [body for bodies in pool.map(one, range(len(sizes))) for body in bodies]


def _batches(count: int, settings: SampleSettings) -> list[int]:
    """Even batches of at most `settings.batch`; a few even where one would do, for as many threads."""
    pieces = max(-(-count // settings.batch), min(_AT_LEAST, count // _SMALLEST), 1)
    return [(count + i) // pieces for i in range(pieces)] if count else []


def _device_batches(count: int, settings: SampleSettings) -> list[int]:
    """As few batches as can be."""
    return [min(settings.device_batch, count - first) for first in range(0, count, settings.device_batch)]


def _sample_batch(
    stepper: Stepper,
    prefix: tuple[int, ...],
    batch: int,
    columns: IntArray,
    settings: SampleSettings,
    noise: torch.Generator,
    mask: LogitMask | None,
    over: Callable[[], bool],
) -> list[IntArray]:
    if over():
        return []
    device = noise.device
    token_of = torch.from_numpy(columns).to(device)
    bodies = torch.full((batch, settings.length), END, device=device)
    rows = torch.arange(batch, device=device)  # those whose sequences go on
    ended = torch.zeros(batch, dtype=torch.bool, device=device)  # of `rows`
    finished = np.zeros(batch, bool)
    logits = stepper.start(prefix, batch)
    for at in range(settings.length):
        if mask is not None:
            logits = mask.apply(logits)
        tokens = token_of[draw(logits, settings, noise)].masked_fill_(ended, END)
        bodies[rows, at] = tokens
        ended |= tokens == END
        last = at + 1 == settings.length
        finished[rows[ended].cpu().numpy()] = True
        going = torch.nonzero(~ended).flatten()
        if len(going) < len(rows):
            if not len(going):
                break
            stepper.keep(going)
            rows, tokens, ended = rows[going], tokens[going], ended[going]
            if mask is not None:
                mask.keep(going)
        if over():
            break
        if not last:
            if mask is not None:
                mask.extend(tokens)
            logits = stepper.step(tokens)
    drawn = bodies.cpu().numpy()
    lengths = np.where(finished, (drawn == END).argmax(axis=1) + 1, settings.length)
    # A sequence that ran to its full length counts as a sample (of a wrong format); one that was cut off does not.
    whole = finished | (at + 1 == settings.length)
    return [drawn[i, : lengths[i]] for i in np.flatnonzero(whole)]
