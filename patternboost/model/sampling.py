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
from torch import Tensor

from patternboost.model.decoding import Decoder, Stepper
from patternboost.model.masks import DeviceBits, DeviceMask, HostMask, LogitMask
from patternboost.model.precision import one_torch_thread
from patternboost.model.request import DrawRequest
from patternboost.model.tokens import END, Vocabulary
from patternboost.problem.ground import IntArray
from patternboost.search.bitmaps import build_bitrows

#: so many batches, for as many threads, where they still have so many sequences each
_AT_LEAST, _SMALLEST = 4, 32
#: a GPU is asked for ended sequences once in so many tokens, since asking waits for it
_LOOK_EVERY = 16


@dataclass(frozen=True)
class SampleSettings:
    """How tokens are drawn."""

    temperature: float = 1.0
    #: keep only the most likely tokens that together have this probability
    top_p: float = 1.0
    #: most tokens of a sequence after its prefix, END included
    length: int = 256
    #: sequences sampled together, at most: by one thread on the CPU, and on a device
    batch: int = 256
    device_batch: int = 1024


@dataclass(frozen=True)
class Samples:
    """What a generator drew: well-formed sets of elements, and how many samples had a wrong format or were empty."""

    sets: list[IntArray]
    malformed: int
    empty: int = 0


def decoded(bodies: Sequence[IntArray], vocabulary: Vocabulary, n: int, symmetry: str) -> Samples:
    """Bodies as sets."""
    sets = [vocabulary.decode(n, symmetry, body) for body in bodies]
    formed = [s for s in sets if s is not None]
    good = [s for s in formed if len(s)]
    return Samples(good, len(sets) - len(formed), len(formed) - len(good))


def sample(
    decoder: Decoder, vocabulary: Vocabulary, request: DrawRequest, settings: SampleSettings, threads: int = 1
) -> list[IntArray]:
    """Bodies (tokens, then END unless cut at `length`) of the sequences that are asked for, at their temperature."""
    n, symmetry, table = request.n, request.symmetry, request.table
    settings = replace(settings, temperature=request.temperature)
    columns = vocabulary.columns(n, symmetry) if table is not None else np.arange(vocabulary.count)
    # Tokens should not travel to the host and back where bitmaps let the device keep the mask.
    bitmaps = None
    if table is not None and decoder.device.type != "cpu" and vocabulary.one_orbit_each:
        bitmaps = build_bitrows(table)
    bits = None if bitmaps is None else DeviceBits(bitmaps, columns, decoder.device)

    def mask_for(batch: int) -> LogitMask | None:
        if table is None:
            return None
        if bits is not None:
            return DeviceMask(bits, batch, settings.length)
        return HostMask(vocabulary.mask(n, symmetry, table, batch))

    prefix = vocabulary.prefix(n, symmetry)
    return sample_tokens(
        decoder, prefix, columns, request.count, settings, request.seed, mask_for, request.over, threads
    )


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
) -> list[IntArray]:
    """Bodies of `count` sequences after a prefix, of the tokens `columns`; `mask_for` makes the mask of a batch."""
    sizes = _batches(count, settings) if decoder.device.type == "cpu" else _device_batches(count, settings)
    seeds = np.random.SeedSequence(seed).generate_state(len(sizes), np.uint64) >> np.uint64(1)

    @torch.no_grad()  # holds for one thread only
    def one(index: int) -> list[IntArray]:
        mask = mask_for(sizes[index])
        noise = torch.Generator(device=decoder.device).manual_seed(int(seeds[index]))
        return _sample_batch(decoder.open(columns), prefix, sizes[index], columns, settings, noise, mask, over)

    workers = threads if decoder.device.type == "cpu" else 1
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
    waits = device.type == "cpu" or (mask is not None and mask.waits)
    logits = stepper.start(prefix, batch)
    for at in range(settings.length):
        if mask is not None:
            logits = mask.apply(logits)
        tokens = token_of[draw(logits, settings, noise)].masked_fill_(ended, END)
        bodies[rows, at] = tokens
        ended |= tokens == END
        last = at + 1 == settings.length
        if waits or last or at % _LOOK_EVERY == _LOOK_EVERY - 1:
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


def draw(logits: Tensor, settings: SampleSettings, noise: torch.Generator) -> Tensor:
    """One column per row of logits [B, C], int64 [B], by inversion: one random number per row."""
    probability = torch.softmax(logits / max(settings.temperature, 1e-6), dim=-1)
    if settings.top_p < 1:
        ordered, index = probability.sort(dim=-1, descending=True)
        outside = ordered.cumsum(dim=-1) - ordered >= settings.top_p
        probability = torch.zeros_like(probability).scatter(-1, index, ordered.masked_fill(outside, 0.0))
    upto = probability.cumsum(dim=-1)
    total = upto[:, -1:]
    place = torch.rand(total.shape, generator=noise, device=total.device) * total
    below = torch.nextafter(total, torch.zeros_like(total))  # rounding must not reach what has no probability
    return torch.searchsorted(upto, torch.minimum(place, below), right=True).flatten()
