"""Attention of one new token to the cached ones, on the CPU: what decoding spends its time in beside matrix products.

torch's own attention treats every head of every sequence as a matrix product of its own, with a single row; most of
that is overhead. Here keys lie in blocks of 16 positions, position fastest, so that 16 scores are one vector; values
lie by position, so that their weighted sum is vectors too; and both are read from front to back. A step must read its
cache once, 2 x width x length numbers per sequence and layer: that is the floor.

Numbers are float32, or bfloat16 (the upper half of a float32) held as uint16; sums are float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from patternboost.model.lanes import LANES, add_product, load, power_of_two, store, widen, zeros

_LOG2_E = np.float32(1.4426950408889634)
_LN_2 = np.float32(0.6931471805599453)
#: 1 / i!
_TAYLOR = tuple(np.float32(1 / f) for f in (720, 120, 24, 6, 2, 1, 1))
#: e to less than this is 0 for our purpose (and its bits would leave the exponent's range)
_LOWEST = np.float32(-80)


def padded(context: int) -> int:
    """Positions that a cache for `context` tokens has: whole blocks."""
    return -(-context // LANES) * LANES


@njit(types.float32(types.float32), cache=True, fastmath=True, nogil=True, inline="always")
def exp(x):  # type: ignore[no-untyped-def]
    """e to the x for x <= 0, to 7 digits, from operations that LLVM turns into vectors: 2^k times a polynomial."""
    y = max(x, _LOWEST) * _LOG2_E
    k = np.int32(y - np.float32(0.5))
    r = (y - np.float32(k)) * _LN_2
    p = _TAYLOR[0]
    p = p * r + _TAYLOR[1]
    p = p * r + _TAYLOR[2]
    p = p * r + _TAYLOR[3]
    p = p * r + _TAYLOR[4]
    p = p * r + _TAYLOR[5]
    p = p * r + _TAYLOR[6]
    return p * power_of_two(k)


def _signature(number: Any) -> Any:
    flat = number[::1]
    return types.void(
        number[:, ::1], flat, flat, types.int64[::1], types.int64, types.int64, types.float32[::1], types.float32[::1]
    )


@njit(
    [_signature(types.float32), _signature(types.uint16)],
    cache=True,
    fastmath=True,
    nogil=True,
    error_model="numpy",
)
def attend(qkv, keys, values, slots, length, heads, scores, out):  # type: ignore[no-untyped-def]
    """Cache the new token's key and value of every sequence, and attend to all `length` cached positions.

    qkv: [B, 3 W], query, key and value of the new token, which takes position length - 1. Caches are flat, with room
    for P = `padded(context)` positions in every slot: keys [slots, P / 16, W, 16], values [slots, heads, P, W / heads];
    W / heads must be a multiple of 16. `slots` says where each sequence's cache is. `scores` float32[P] is scratch.
    Writes out, float32 [B * W].
    """
    room = len(scores)
    width = qkv.shape[1] // 3
    wide = width // heads
    scale = np.float32(1 / np.sqrt(np.float64(wide)))
    last = length - 1
    whole = (length + LANES - 1) // LANES
    for b in range(len(slots)):
        base = slots[b] * room * width
        newest = base + (last // LANES) * width * LANES + last % LANES
        for i in range(width):
            keys[newest + i * LANES] = qkv[b, width + i]
        for h in range(heads):
            first = h * wide
            history = base + h * room * wide
            for d in range(wide):
                values[history + last * wide + d] = qkv[b, 2 * width + first + d]
            for block in range(whole):
                sums = zeros()
                at = base + (block * width + first) * LANES
                for d in range(wide):
                    sums = add_product(sums, widen(qkv[b, first + d]) * scale, load(keys, at + d * LANES))
                store(scores, block * LANES, sums)
            highest = scores[0]
            for t in range(length):
                highest = max(highest, scores[t])
            total = np.float32(0)
            for t in range(length):
                scores[t] = exp(scores[t] - highest)
                total += scores[t]
            for d in range(0, wide, LANES):
                sums = zeros()
                for t in range(length):
                    sums = add_product(sums, scores[t] / total, load(values, history + t * wide + d))
                store(out, b * width + first + d, sums)
