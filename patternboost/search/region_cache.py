"""Bitmaps of regions, made once: cut from those of more orbits where there are such, from the rule elsewhere.

A search asks for a dozen regions of a class in every generation, each hardly different from the one before, and to
evaluate the rule for all pairs of a region's orbits takes ten times as long as to copy bits. So once as many pairs were
evaluated for single regions as all orbits asked for lately have, these are evaluated together, and what is asked for
next is cut from them: at most twice the work if little is asked, a tenth of it if much is.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from cachetools import LRUCache
from numba import njit, types

from patternboost.problem import Instance
from patternboost.problem.ground import IntArray
from patternboost.search.bitmaps import BITROWS_TYPE, BitRows, bitmap, bitrows_nbytes, blank
from patternboost.search.memory import Building, shared
from patternboost.search.regions import region_bitmaps
from patternboost.search.simd_u64 import lowest_bit
from patternboost.search.tables import pair_index

_ONE = np.uint64(1)
#: the bitmaps of one region may take this part of the memory
_SHARE = 4
#: regions asked for lately that count, and those from the rule that others are cut from
_LATELY = 16
_DEFAULT = Building()


@njit(forceinline=True)
def _usable(made, a):  # type: ignore[no-untyped-def]
    return (made.usable[a >> 6] >> np.uint64(a & 63)) & _ONE


@njit(
    types.void(BITROWS_TYPE, types.int64[::1], types.int64[::1], types.uint64[::1], BITROWS_TYPE),
    cache=True,
    nogil=True,
)
def _copy(whole, places, number, inside, made):  # type: ignore[no-untyped-def]
    """Copy the bits of the rows of `places` into `made`.

    number[c] is the place among `places` of orbit c of `whole`; `inside` is the bitmap of those that are usable.
    """
    count, bits = len(places), made.bits
    for a in range(count):
        if not _usable(made, a):
            continue
        for b in range(a, count):
            if not _usable(made, b):
                continue
            if a == b:
                begin, at = whole.pair_at + places[a] * whole.words, made.pair_at + a * made.words
            elif made.triples:
                begin = pair_index(whole.orbits, places[a], places[b]) * whole.words
                at = pair_index(count, a, b) * made.words
            else:
                break
            for w in range(whole.words):
                word = whole.bits[begin + w] & inside[w]
                while word:
                    c = number[64 * w + lowest_bit(word)]
                    bits[at + (c >> 6)] |= _ONE << np.uint64(c & 63)
                    word &= word - _ONE


def cut(whole: BitRows, places: IntArray) -> BitRows:
    """The bitmaps of the orbits `places` (int64, ascending) of `whole` alone, renumbered 0 .. len(places) - 1.

    They have as many planes as those of `whole`, which is enough.
    """
    number = np.full(whole.orbits, -1, np.int64)
    number[places] = np.arange(len(places))
    usable = np.unpackbits(whole.usable.view(np.uint8), bitorder="little")[places].astype(bool)
    made = blank(whole.weight[places], whole.triples, usable)
    _copy(whole, places, number, bitmap(number >= 0, whole.words) & whole.usable, made)
    return made._replace(planes=whole.planes)


@dataclass(frozen=True)
class _Bitmaps:
    """A region's bitmaps, None where they do not fit."""

    rows: BitRows | None

    @property
    def nbytes(self) -> int:
        return 0 if self.rows is None else self.rows.nbytes


@dataclass
class _Asked:
    """What was asked for in a class, int64 arrays of orbits, ascending."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    lately: deque[IntArray] = field(default_factory=lambda: deque(maxlen=_LATELY))
    #: whose bitmaps were made from the rule, and the pairs of orbits that this took since they were last made together
    from_rule: deque[IntArray] = field(default_factory=lambda: deque(maxlen=_LATELY))
    pairs: int = 0

    def source(
        self, region: IntArray, kept: Callable[[IntArray], bool], fit: Callable[[IntArray], bool]
    ) -> IntArray | None:
        """Orbits to cut a region from: bitmaps of them are `kept`, or worth making now and `fit`. None: no such gain.

        Then the region's own are to be made from the rule, which is noted.
        """
        for orbits in self.from_rule:
            if kept(orbits) and np.isin(region, orbits, assume_unique=True).all():
                return orbits
        self.lately.append(region)
        self.pairs += len(region) ** 2
        every = np.unique(np.concatenate(self.lately))
        if len(every) > len(region) and self.pairs >= len(every) ** 2 and fit(every):
            self.pairs = 0
            self.from_rule.append(every)
            return every
        self.from_rule.append(region)
        return None


_classes: LRUCache[Hashable, _Asked] = LRUCache(64)
_lock = threading.Lock()


def fits(instance: Instance, region: IntArray, memory: int) -> bool:
    """Whether walks in a region can have its bitmaps."""
    problem = instance.problem
    return problem.by_rows and bitrows_nbytes(len(region), problem.k == 3) <= memory // _SHARE


def region_rows(
    instance: Instance,
    symmetry: str,
    region: IntArray,
    memory: int,
    building: Building = _DEFAULT,
    whole: BitRows | None = None,
) -> BitRows | None:
    """The bitmaps of a region, as `region_bitmaps` has them, kept while they fit beside the tables.

    `whole`: the bitmaps of the class, where they are at hand. None where the region's take more than a quarter of
    `memory` (bytes). Raises Interrupted.
    """
    of = "region", instance.problem.rules, instance.name, instance.n, symmetry, memory

    def key(orbits: IntArray) -> Hashable:
        return (*of, orbits.tobytes())

    def fit(orbits: IntArray) -> bool:
        return fits(instance, orbits, memory)

    def have(orbits: IntArray, make: Callable[[], BitRows | None]) -> BitRows | None:
        expected = bitrows_nbytes(len(orbits), instance.problem.k == 3) if fit(orbits) else 0
        return shared.get(key(orbits), memory, expected, lambda: _Bitmaps(make())).rows

    def from_rule(orbits: IntArray) -> BitRows | None:
        return have(orbits, lambda: region_bitmaps(instance, symmetry, orbits, memory // _SHARE, building))

    if key(region) in shared or not fit(region):
        return from_rule(region)
    if whole is not None:
        return have(region, partial(cut, whole, region))
    with _lock:
        asked = _classes.setdefault(of, _Asked())
    with asked.lock:  # others wait for what is made for all
        orbits = asked.source(region, lambda orbits: key(orbits) in shared, fit)
        larger = None if orbits is None else from_rule(orbits)
    if orbits is None or larger is None:
        return from_rule(region)
    return have(region, partial(cut, larger, np.searchsorted(orbits, region)))
