"""A set of orbits with bit-sliced conflict counts, and which orbits have the most and the fewest of them.

The search down the planes keeps bitmaps of one and two vectors in registers, and asks in a branch whether any orbit is
left: the processor guesses it mostly right and need not wait, as it would for memory or for a conditional move. A
spared orbit is masked out without asking whether there is one: an `if` there makes numba count references every time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit, typeof, types
from numpy.typing import NDArray

from patternboost.search.bitmaps import EMPTY_BITROWS, BitRows, cache_aligned
from patternboost.search.rng import random_below, seeded
from patternboost.search.simd_u64 import (
    LANES,
    VECTOR,
    bit,
    bit_count,
    bits_in,
    both,
    either,
    load,
    lowest_bit,
    some,
    store,
    without,
    word,
)

#: rows are summed so many at a time
GROUP = 8
#: where `BitState.total` holds W
WORDS = 3
_ONE = np.uint64(1)


class BitState(NamedTuple):
    """A set of orbits with its conflict counts, and the scratch space of one thread. N orbits, W words, P planes."""

    #: bit-sliced conflict counts, uint64[P, W] flat: word p * W + w is bit p of the counts of orbits 64 w .. 64 w + 63
    plane: NDArray[np.uint64]
    #: bitmaps: orbits that may be added (usable, outside, not tabu), members, scratch; uint64[3, W] flat
    bitmap: NDArray[np.uint64]
    #: the members, int32[N], in no order; where each orbit stands in it (-1 outside), int32[N]
    member: NDArray[np.int32]
    position: NDArray[np.int32]
    #: of every member, in the same order: where the row of its pair with orbit 0 would start, and its number in words,
    #: int64[N]; the row of a < b starts at the first of a and the second of b
    pairs_at: NDArray[np.int64]
    offset: NDArray[np.int64]
    #: [number of members, number of points, planes from which on all are zero, W], int64[4]
    total: NDArray[np.int64]
    #: scratch: where the rows of one move start, int64[N + 16]
    row_at: NDArray[np.int64]
    #: random state, uint64[1]
    rng: NDArray[np.uint64]


def new_bitstate(bitrows: BitRows, seed: int) -> BitState:
    """An empty set."""
    count, words = bitrows.orbits, bitrows.words
    state = BitState(
        cache_aligned(bitrows.planes * words),
        cache_aligned(3 * words),
        np.zeros(count, np.int32),
        np.full(count, -1, np.int32),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.array([0, 0, 0, words], np.int64),
        np.zeros(count + 2 * GROUP, np.int64),
        seeded(seed),
    )
    state.bitmap[:words] = bitrows.usable
    return state


BITSTATE_TYPE = typeof(new_bitstate(EMPTY_BITROWS, 0))


@njit(types.int64(BITSTATE_TYPE), cache=True, nogil=True, forceinline=True)
def _pick(state):  # type: ignore[no-untyped-def]
    """A random one among the bits of the scratch bitmap (-1 where it is empty)."""
    bitmap, at = state.bitmap, 2 * state.total[WORDS]
    ties = 0
    for w in range(at, at + state.total[WORDS], LANES):
        ties += bits_in(load(bitmap, w))
    if ties == 0:
        return -1
    left = random_below(state.rng, ties) if ties > 1 else 0
    w = at
    inside = bit_count(word(bitmap, w))
    while inside <= left:
        left -= inside
        w += 1
        inside = bit_count(word(bitmap, w))
    tied = word(bitmap, w)
    for _ in range(left):
        tied &= tied - _ONE
    return (w - at) * 64 + lowest_bit(tied)


@njit(VECTOR(VECTOR, VECTOR, types.boolean), forceinline=True)
def _of(left, plane, highest):  # type: ignore[no-untyped-def]
    """Those of `left` whose bit of this plane is set, or unset."""
    return both(left, plane) if highest else without(left, plane)


@njit(types.boolean(BITSTATE_TYPE, types.int64, types.boolean, types.int64), cache=True, nogil=True, forceinline=True)
def _extreme(state, at, highest, spared):  # type: ignore[no-untyped-def]
    """Leave in the scratch bitmap those of the bitmap at state.bitmap[at:] whose count is highest, or lowest.

    `spared` is not among them. Down the planes: where some have the bit set (unset, for the lowest), the others fall
    away. Returns whether any had one.
    """
    words, bitmap, plane = state.total[WORDS], state.bitmap, state.plane
    scratch, any_found = 2 * words, False
    if words == LANES:
        left = without(load(bitmap, at), bit(spared))
        for p in range(state.total[2] - 1, -1, -1):
            x = _of(left, load(plane, p * LANES), highest)
            if some(x):
                left, any_found = x, True
        store(bitmap, scratch, left)
        return any_found
    if words == 2 * LANES:
        left = without(load(bitmap, at), bit(spared))
        right = without(load(bitmap, at + LANES), bit(spared - 64 * LANES))
        for p in range(state.total[2] - 1, -1, -1):
            x = _of(left, load(plane, 2 * p * LANES), highest)
            y = _of(right, load(plane, (2 * p + 1) * LANES), highest)
            if some(either(x, y)):
                left, right, any_found = x, y, True
        store(bitmap, scratch, left)
        store(bitmap, scratch + LANES, right)
        return any_found
    for w in range(0, words, LANES):
        store(bitmap, scratch + w, without(load(bitmap, at + w), bit(spared - 64 * w)))
    for p in range(state.total[2] - 1, -1, -1):
        found = False
        for w in range(0, words, LANES):
            found |= some(_of(load(bitmap, scratch + w), load(plane, p * words + w), highest))
        if found:
            any_found = True
            for w in range(0, words, LANES):
                store(bitmap, scratch + w, _of(load(bitmap, scratch + w), load(plane, p * words + w), highest))
    return any_found


@njit(types.int64(BITSTATE_TYPE), cache=True, nogil=True, forceinline=True)
def least(state):  # type: ignore[no-untyped-def]
    """A random one among the least-conflicting orbits that may be added; -1 where none may."""
    _extreme(state, 0, False, -1)
    return _pick(state)


@njit(types.int64(BITSTATE_TYPE, types.int64), cache=True, nogil=True, forceinline=True)
def worst_member(state, spared):  # type: ignore[no-untyped-def]
    """A random one among the members (other than `spared`) in most violated sets; -1 where none is in any."""
    return _pick(state) if _extreme(state, state.total[WORDS], True, spared) else -1
