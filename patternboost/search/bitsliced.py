"""Conflict counts bit-sliced, rows as bitmaps: the form for tables of few orbits, three to five times as fast.

Every compiled row is a bitmap over the orbits, and the conflict counts are *bit-sliced*: plane p is the bitmap of
bit p of every orbit's count. Putting an orbit into the set sums the bitmaps of its rows with carry-save adders, eight
words at a time, and adds the sum to the planes; the least-conflicting orbits are what is left of the candidates after
walking down the planes.

A step is a chain in which every link waits for the one before, so what counts is how long each takes, not how much is
done. Where the rows of a move start is kept for every member, ready to be added to. Bitmaps change a vector at a time:
a vector that is read right after one of its words was written has to wait until that is in the cache.

The moves are forced inline: a call passes every field of every array on the stack, which costs more than a move does.
They take the rule first, as those of the other forms do, and do not need it: any number will do.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from patternboost.search.bitmaps import BITROWS_TYPE, SUM_PLANES
from patternboost.search.bitstate import BITSTATE_TYPE, GROUP, WORDS, least, worst_member
from patternboost.search.simd_u64 import (
    LANES,
    VECTOR,
    bit,
    borrow,
    both,
    differ,
    load,
    majority,
    parity,
    some,
    store,
    word,
    zeros,
)
from patternboost.search.tables import pair_index
from patternboost.search.tabu import WALK_TYPE, Form, tabu_walk

#: rows are summed GROUP at a time, into SUM_PLANES bits per orbit, before they go to the planes
_SUM_ROWS = 2**SUM_PLANES - GROUP
_ONE = np.uint64(1)


@njit(VECTOR(types.uint64[::1], types.int64, VECTOR, VECTOR, types.boolean), forceinline=True)
def _into_plane(plane, at, bits, carry, subtract):  # type: ignore[no-untyped-def]
    """Add bits + carry to (subtract them from) eight words of a plane; returns the carry (borrow)."""
    old = load(plane, at)
    store(plane, at, parity(old, bits, carry))
    return borrow(old, bits, carry) if subtract else majority(old, bits, carry)


@njit(types.int64(BITROWS_TYPE, types.int64), cache=True, nogil=True, forceinline=True)
def _pairs_at(rows, a):  # type: ignore[no-untyped-def]
    """Where the row of orbits a and 0 would start, if 0 were the later one."""
    return pair_index(rows.orbits, a, 0) * rows.words


@njit(types.void(BITROWS_TYPE, BITSTATE_TYPE, types.int64, types.boolean), cache=True, nogil=True, forceinline=True)
def _shift(rows, state, a, subtract):  # type: ignore[no-untyped-def]
    """Add to (subtract from) the counts one for every forbidden set of a, members and one further orbit."""
    words = rows.words
    bits, plane, row_at = rows.bits, state.plane, state.row_at
    length = 0
    if rows.triples:
        pairs_at, offset = state.pairs_at, state.offset
        own_at, own = _pairs_at(rows, a), a * words
        for i in range(state.total[0]):
            other_at, other = word(pairs_at, i), word(offset, i)
            row_at[i] = (own_at if other > own else other_at) + max(other, own)
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
                x, y = load(bits, word(row_at, i) + at), load(bits, word(row_at, i + 1) + at)
                twos = majority(sum1, x, y)
                sum1 = parity(sum1, x, y)
                x, y = load(bits, word(row_at, i + 2) + at), load(bits, word(row_at, i + 3) + at)
                more = majority(sum1, x, y)
                sum1 = parity(sum1, x, y)
                fours = majority(sum2, twos, more)
                sum2 = parity(sum2, twos, more)
                x, y = load(bits, word(row_at, i + 4) + at), load(bits, word(row_at, i + 5) + at)
                twos = majority(sum1, x, y)
                sum1 = parity(sum1, x, y)
                x, y = load(bits, word(row_at, i + 6) + at), load(bits, word(row_at, i + 7) + at)
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
    at = (i >> 9) * LANES
    store(bitmap, at, differ(load(bitmap, at), bit(i & 511)))


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
    at = state.total[0]
    state.position[a] = at
    state.member[at] = a
    state.pairs_at[at], state.offset[at] = _pairs_at(rows, a), a * rows.words
    state.total[0] += 1
    state.total[1] += rows.weight[a]


@njit(types.void(types.int64, BITROWS_TYPE, BITSTATE_TYPE, types.int64), cache=True, nogil=True, forceinline=True)
def drop(complete, rows, state, a):  # type: ignore[no-untyped-def]
    """Take member a out of the set."""
    state.total[0] -= 1
    state.total[1] -= rows.weight[a]
    at, last_at = state.position[a], state.total[0]
    last = state.member[last_at]
    state.member[at] = last
    state.pairs_at[at], state.offset[at] = state.pairs_at[last_at], state.offset[last_at]
    state.position[last] = at
    state.position[a] = -1
    flip(state.bitmap, a)
    flip(state.bitmap, a + 64 * rows.words)
    _shift(rows, state, a, True)


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
