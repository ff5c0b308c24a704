"""Rows as bitmaps: the orbit table of `tables` in the form that the bitmap state (`bitset`) works on.

A bitmap is W words for N orbits, W a multiple of 8 so that it is whole cache lines. Every pair of orbits has one, so
bitmaps cost N / 8 bytes for each of the N (N - 1) / 2 pairs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit, typeof, types
from numpy.typing import NDArray

from patternboost.search.memory import DEFAULT_MEMORY
from patternboost.search.simd_u64 import LANES
from patternboost.search.tables import Table

#: fewest planes of a state: as many as the sum of a group of rows has bits
SUM_PLANES = 6
_ONE = np.uint64(1)


class BitRows(NamedTuple):
    """The bitmaps that kernels read. N orbits, W words a bitmap (a multiple of 8), P planes."""

    #: N, W and P
    orbits: int
    words: int
    planes: int
    #: whether pairs of orbits have rows (forbidden 3-sets)
    triples: bool
    #: uint64, flat, at a cache line: bitmaps of the rows of all a < b in `pair_index` order (none without triples),
    #: then of every orbit's forbidden pairs, then zeros
    bits: NDArray[np.uint64]
    #: where the pairs' bitmaps and the zeros start in `bits`
    pair_at: int
    zero_at: int
    #: elements per orbit, int32[N]
    weight: NDArray[np.int32]
    #: bitmap of the orbits that are not forbidden by themselves, uint64[W]
    usable: NDArray[np.uint64]

    @property
    def nbytes(self) -> int:
        """Memory held by the bitmaps, bytes."""
        return int(self.bits.nbytes)


def words_of(count: int) -> int:
    """Words in the bitmap of `count` orbits: whole cache lines."""
    return -(-count // (64 * LANES)) * LANES


def bitrows_nbytes(count: int, triples: bool = True) -> int:
    """Memory that the bitmaps of a table of `count` orbits take, bytes."""
    pairs = count * (count - 1) // 2 if triples else 0
    return 8 * words_of(count) * (pairs + count + 2)


@njit(
    types.void(types.uint64[::1], types.int64, types.int64, types.uint32[::1], types.uint16[::1], types.int64[::1]),
    cache=True,
    nogil=True,
)
def _spread(bits, at, words, row_start, row, degree):  # type: ignore[no-untyped-def]
    """Set the bits of consecutive sparse rows from bits[at:] on; counts in `degree` the rows every orbit is in."""
    for index in range(len(row_start) - 1):
        for t in range(row_start[index], row_start[index + 1]):
            c = np.int64(row[t])
            bits[at + (c >> 6)] |= _ONE << np.uint64(c & 63)
            degree[c] += 1
        at += words


def cache_aligned(words: int) -> NDArray[np.uint64]:
    """Zeros, uint64[words], that start at a cache line."""
    raw = np.zeros(words + LANES, np.uint64)
    skip = -raw.ctypes.data % (8 * LANES) // 8
    return raw[skip : skip + words]


def bitmap(chosen: NDArray[np.bool_], words: int) -> NDArray[np.uint64]:
    """A bitmap, uint64[words], of the orbits that bool[N] marks."""
    raw = np.zeros(8 * words, np.uint8)
    packed = np.packbits(chosen, bitorder="little")
    raw[: len(packed)] = packed
    return raw.view("<u8").astype(np.uint64, copy=False)


def blank(weight: NDArray[np.int32], triples: bool, usable: NDArray[np.bool_]) -> BitRows:
    """Bitmaps of orbits of these weights (int32[N]) that forbid nothing yet, without planes."""
    count, words = len(weight), words_of(len(weight))
    pair_at = words * (count * (count - 1) // 2) if triples else 0
    zero_at = pair_at + words * count
    bits = cache_aligned(zero_at + words)
    return BitRows(count, words, 0, triples, bits, pair_at, zero_at, weight, bitmap(usable, words))


#: no orbits; and numba's type of all bitmaps
EMPTY_BITROWS = blank(np.zeros(1, np.int32), True, np.zeros(1, bool))._replace(planes=SUM_PLANES)
BITROWS_TYPE = typeof(EMPTY_BITROWS)


def with_planes(rows: BitRows, degree: NDArray[np.int64]) -> BitRows:
    """The bitmaps with the planes they need; `degree` (int64[N]) counts the rows every orbit is in.

    No conflict count exceeds the number of forbidden sets that hold the orbit, so the planes never overflow.
    """
    return rows._replace(planes=max(SUM_PLANES, int(degree.max(initial=0)).bit_length()))


def build_bitrows(table: Table, memory: int = DEFAULT_MEMORY) -> BitRows | None:
    """The bitmaps of a table; None where its rows are not compiled or the bitmaps would not fit `memory` bytes."""
    rows = table.rows
    triples = rows.k == 3
    if rows.k > 3 or (triples and not rows.compiled) or bitrows_nbytes(len(rows.weight), triples) > memory:
        return None
    made = blank(rows.weight, triples, rows.bad == 0)
    degree = np.zeros(made.orbits, np.int64)
    if triples:
        _spread(made.bits, 0, made.words, rows.row_start, rows.row, degree)
    _spread(made.bits, made.pair_at, made.words, rows.pair_start.astype(np.uint32), rows.pair, degree)
    return with_planes(made, degree)
