"""Conflict counts bit-sliced, rows as bitmaps: the form for tables of few orbits, three to five times as fast.

Every compiled row is a bitmap over the orbits, and the conflict counts are *bit-sliced*: plane p is the bitmap of
bit p of every orbit's count. Putting an orbit into the set sums the bitmaps of its rows with carry-save adders, eight
words at a time, and adds the sum to the planes; the least-conflicting orbits are what is left of the candidates after
walking down the planes.

The moves are forced inline: a call passes every field of every array on the stack, which costs more than a move does.
They take the rule first, as those of the other forms do, and do not need it: any number will do.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit, typeof, types
from numpy.typing import NDArray

from patternboost.search.bitmaps import BITROWS_TYPE, EMPTY_BITROWS, SUM_PLANES, BitRows, cache_aligned
from patternboost.search.rng import random_below, seeded
from patternboost.search.simd_u64 import (
    LANES,
    VECTOR,
    bit_count,
    bits_in,
    borrow,
    both,
    differ,
    load,
    lowest_bit,
    majority,
    parity,
    some,
    store,
    without,
    zeros,
)
from patternboost.search.tables import pair_index
from patternboost.search.tabu import WALK_TYPE, Form, tabu_walk

#: rows are summed eight at a time, into SUM_PLANES bits per orbit, before they go to the planes
GROUP = 8
_SUM_ROWS = 2**SUM_PLANES - GROUP
_ONE = np.uint64(1)
#: where `BitState.total` holds W
WORDS = 3


class BitState(NamedTuple):
    """A set of orbits with its conflict counts, and the scratch space of one thread. N orbits, W words, P planes."""

    #: bit-sliced conflict counts, uint64[P, W] flat: word p * W + w is bit p of the counts of orbits 64 w .. 64 w + 63
    plane: NDArray[np.uint64]
    #: bitmaps: orbits that may be added (usable, outside, not tabu), members, two of scratch; uint64[4, W] flat
    bitmap: NDArray[np.uint64]
    #: the members, int32[N], in no order; where each orbit stands in it (-1 outside), int32[N]
    member: NDArray[np.int32]
    position: NDArray[np.int32]
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
        cache_aligned(4 * words),
        np.zeros(count, np.int32),
        np.full(count, -1, np.int32),
        np.array([0, 0, 0, words], np.int64),
        np.zeros(count + 2 * GROUP, np.int64),
        seeded(seed),
    )
    state.bitmap[:words] = bitrows.usable
    return state


BITSTATE_TYPE = typeof(new_bitstate(EMPTY_BITROWS, 0))


@njit(VECTOR(types.uint64[::1], types.int64, VECTOR, VECTOR, types.boolean), forceinline=True)
def _into_plane(plane, at, bits, carry, subtract):  # type: ignore[no-untyped-def]
    """Add bits + carry to (subtract them from) eight words of a plane; returns the carry (borrow)."""
    old = load(plane, at)
    store(plane, at, parity(old, bits, carry))
    return borrow(old, bits, carry) if subtract else majority(old, bits, carry)


@njit(types.void(BITROWS_TYPE, BITSTATE_TYPE, types.int64, types.boolean), cache=True, nogil=True, forceinline=True)
def _shift(rows, state, a, subtract):  # type: ignore[no-untyped-def]
    """Add to (subtract from) the counts one for every forbidden set of a, members and one further orbit."""
    words = rows.words
    bits, plane, row_at = rows.bits, state.plane, state.row_at
    length = 0
    if rows.triples:
        for i in range(state.total[0]):
            b = np.int64(state.member[i])
            row_at[i] = pair_index(rows.orbits, min(a, b), max(a, b)) * words
        length = state.total[0]
    row_at[length] = rows.pair_at + a * words
    length += 1
    while length % GROUP:
        row_at[length] = rows.zero_at
        length += 1
    top = state.total[2]
    for begin in range(0, length, _SUM_ROWS):
        end = min(begin + _SUM_ROWS, length)
        for at in range(0, words, LANES):
            sum1, sum2, sum4, sum8, sum16, sum32 = zeros(), zeros(), zeros(), zeros(), zeros(), zeros()
            for i in range(begin, end, GROUP):
                x, y = load(bits, row_at[i] + at), load(bits, row_at[i + 1] + at)
                twos = majority(sum1, x, y)
                sum1 = parity(sum1, x, y)
                x, y = load(bits, row_at[i + 2] + at), load(bits, row_at[i + 3] + at)
                more = majority(sum1, x, y)
                sum1 = parity(sum1, x, y)
                fours = majority(sum2, twos, more)
                sum2 = parity(sum2, twos, more)
                x, y = load(bits, row_at[i + 4] + at), load(bits, row_at[i + 5] + at)
                twos = majority(sum1, x, y)
                sum1 = parity(sum1, x, y)
                x, y = load(bits, row_at[i + 6] + at), load(bits, row_at[i + 7] + at)
                more = majority(sum1, x, y)
                sum1 = parity(sum1, x, y)
                x = majority(sum2, twos, more)
                sum2 = parity(sum2, twos, more)
                eights = majority(sum4, fours, x)
                sum4 = parity(sum4, fours, x)
                x = both(sum8, eights)
                sum8 = differ(sum8, eights)
                y = both(sum16, x)
                sum16 = differ(sum16, x)
                sum32 = differ(sum32, y)
            carry = zeros()
            carry = _into_plane(plane, at, sum1, carry, subtract)
            carry = _into_plane(plane, at + words, sum2, carry, subtract)
            carry = _into_plane(plane, at + 2 * words, sum4, carry, subtract)
            carry = _into_plane(plane, at + 3 * words, sum8, carry, subtract)
            carry = _into_plane(plane, at + 4 * words, sum16, carry, subtract)
            carry = _into_plane(plane, at + 5 * words, sum32, carry, subtract)
            p = SUM_PLANES
            while some(carry):
                carry = _into_plane(plane, at + p * words, zeros(), carry, subtract)
                p += 1
            if not subtract:
                p = max(p, top)
                while p > top and not some(load(plane, at + (p - 1) * words)):
                    p -= 1
                top = max(top, p)
    state.total[2] = top


@njit(types.void(types.uint64[::1], types.int64), cache=True, nogil=True, forceinline=True)
def flip(bitmap: NDArray[np.uint64], i: int) -> None:
    """Change bit i of a bitmap."""
    bitmap[i >> 6] ^= _ONE << np.uint64(i & 63)


@njit(types.int64(BITROWS_TYPE, BITSTATE_TYPE, types.int64), cache=True, nogil=True, forceinline=True)
def conflicts(rows, state, a):  # type: ignore[no-untyped-def]
    """The conflict count of orbit a."""
    total = np.int64(0)
    for p in range(state.total[2]):
        total |= np.int64((state.plane[p * rows.words + (a >> 6)] >> np.uint64(a & 63)) & _ONE) << p
    return total


@njit(types.void(types.int64, BITROWS_TYPE, BITSTATE_TYPE, types.int64), cache=True, nogil=True, forceinline=True)
def add(complete, rows, state, a):  # type: ignore[no-untyped-def]
    """Put orbit a (usable, not a member, not tabu) into the set."""
    flip(state.bitmap, a)
    flip(state.bitmap, a + 64 * rows.words)
    _shift(rows, state, a, False)
    state.position[a] = state.total[0]
    state.member[state.total[0]] = a
    state.total[0] += 1
    state.total[1] += rows.weight[a]


@njit(types.void(types.int64, BITROWS_TYPE, BITSTATE_TYPE, types.int64), cache=True, nogil=True, forceinline=True)
def drop(complete, rows, state, a):  # type: ignore[no-untyped-def]
    """Take member a out of the set."""
    state.total[0] -= 1
    state.total[1] -= rows.weight[a]
    last = state.member[state.total[0]]
    state.member[state.position[a]] = last
    state.position[last] = state.position[a]
    state.position[a] = -1
    flip(state.bitmap, a)
    flip(state.bitmap, a + 64 * rows.words)
    _shift(rows, state, a, True)


@njit(types.int64(BITSTATE_TYPE, types.int64), cache=True, nogil=True, forceinline=True)
def _pick(state, at):  # type: ignore[no-untyped-def]
    """A random one among the bits of the bitmap at state.bitmap[at:] (-1 where it is empty)."""
    bitmap = state.bitmap
    ties = 0
    for w in range(at, at + state.total[WORDS], LANES):
        ties += bits_in(load(bitmap, w))
    if ties == 0:
        return -1
    left = random_below(state.rng, ties) if ties > 1 else 0
    w = at
    inside = bit_count(bitmap[w])
    while inside <= left:
        left -= inside
        w += 1
        inside = bit_count(bitmap[w])
    word = bitmap[w]
    for _ in range(left):
        word &= word - _ONE
    return (w - at) * 64 + lowest_bit(word)


@njit(types.int64(BITSTATE_TYPE, types.int64, types.boolean), cache=True, nogil=True, forceinline=True)
def _extreme(state, at, highest):  # type: ignore[no-untyped-def]
    """Where the bitmap is of those of the bitmap at state.bitmap[at:] whose count is highest, or lowest.

    Down the planes: where some of those left have the bit set (unset, for the lowest), the others fall away.
    """
    words, bitmap, plane = state.total[WORDS], state.bitmap, state.plane
    now, spare = at, 2 * words
    for p in range(state.total[2] - 1, -1, -1):
        found = False
        for w in range(0, words, LANES):
            left, bits = load(bitmap, now + w), load(plane, p * words + w)
            x = both(left, bits) if highest else without(left, bits)
            store(bitmap, spare + w, x)
            found |= some(x)
        if found:
            now, spare = spare, 5 * words - spare
    return now


@njit(types.int64(BITSTATE_TYPE), cache=True, nogil=True, forceinline=True)
def least(state):  # type: ignore[no-untyped-def]
    """A random one among the least-conflicting orbits that may be added; -1 where none may."""
    return _pick(state, _extreme(state, 0, False))


@njit(types.int64(BITSTATE_TYPE, types.int64), cache=True, nogil=True, forceinline=True)
def worst_member(state, spared):  # type: ignore[no-untyped-def]
    """A random one among the members (other than `spared`) in most violated sets; -1 where none is in any."""
    words = state.total[WORDS]
    hidden = spared >= 0 and state.position[spared] >= 0
    if hidden:
        flip(state.bitmap, spared + 64 * words)
    now = _extreme(state, words, True)
    if hidden:
        flip(state.bitmap, spared + 64 * words)
    return _pick(state, now) if now != words else -1


@njit(types.void(BITROWS_TYPE, BITSTATE_TYPE), cache=True, nogil=True)
def clear(rows, state):  # type: ignore[no-untyped-def]
    """Empty the set; nothing is tabu then."""
    words = rows.words
    state.plane[: state.total[2] * words] = 0
    state.bitmap[:words] = rows.usable
    state.bitmap[words : 2 * words] = 0
    for i in range(state.total[0]):
        state.position[state.member[i]] = -1
    state.total[:WORDS] = 0


@njit(types.void(BITROWS_TYPE, BITSTATE_TYPE, types.int64[::1]), cache=True, nogil=True)
def load_orbits(rows, state, orbits):  # type: ignore[no-untyped-def]
    """Add orbits (int64) to the set, conflicts or not; members and orbits forbidden by themselves stay out."""
    for a in orbits:
        if (state.bitmap[a >> 6] >> np.uint64(a & 63)) & _ONE:
            add(0, rows, state, a)


@njit(types.void(BITROWS_TYPE, BITSTATE_TYPE), cache=True, nogil=True)
def repair(rows, state):  # type: ignore[no-untyped-def]
    """Drop the member in most violated sets until none is violated."""
    worst = worst_member(state, -1)
    while worst >= 0:
        drop(0, rows, state, worst)
        worst = worst_member(state, -1)
    words, top = rows.words, state.total[2]
    while top > 0 and not state.plane[(top - 1) * words : top * words].any():
        top -= 1  # the counts may have shrunk a lot: no walk has to look at planes that are zero now
    state.total[2] = top


@njit(types.void(BITROWS_TYPE, BITSTATE_TYPE), cache=True, nogil=True)
def fill(rows, state):  # type: ignore[no-untyped-def]
    """Add random orbits that complete nothing until there is none."""
    a = least(state)
    while a >= 0 and conflicts(rows, state, a) == 0:
        add(0, rows, state, a)
        a = least(state)


# -- the tabu walk -----------------------------------------------------------------------------------------------------


@njit(forceinline=True)
def _flip_free(state, a):  # type: ignore[no-untyped-def]
    """Forbid or allow an orbit outside the set."""
    flip(state.bitmap, a)


@njit(
    types.boolean(BITROWS_TYPE, BITSTATE_TYPE, WALK_TYPE, types.int64, types.int64, types.int64),
    cache=True,
    nogil=True,
)
def tabu(rows, state, walk, steps, patience, target):  # type: ignore[no-untyped-def]
    """Walk on; see `tabu.tabu_walk`."""
    return tabu_walk(
        0, rows, state, walk, steps, patience, target, least, worst_member, add, drop, _flip_free, _flip_free
    )


FORM = Form(clear, load_orbits, repair, fill, tabu, chunk=10_000)
