"""Attention of one new token to the cached ones, on the CPU: what decoding spends its time in beside matrix products.

torch's own attention treats every head of every sequence as a matrix product of its own, with a single row; most of
that is overhead. Here keys lie in blocks of 16 positions, position fastest, so that 16 scores are one vector; values
lie by position, so that their weighted sum is vectors too; and both are read from front to back. A step must read its
cache once, 2 x width x length numbers per sequence and layer: that is the floor.

Sums are float32. Beside float32 there is a compact form for models in bfloat16, which have two or three digits anyway:
keys and values as int8, with a scale for every head and position, since what a step costs is reading them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types

from patternboost.model.simd_f32 import LANES, add_product, load, power_of_two, store, widen, zeros

_LOG2_E = np.float32(1.4426950408889634)
_LN_2 = np.float32(0.6931471805599453)
#: 1 / i!
_TAYLOR = tuple(np.float32(1 / f) for f in (720, 120, 24, 6, 2, 1, 1))
#: e to less than this is 0 for our purpose (and its bits would leave the exponent's range)
_LOWEST = np.float32(-80)
_ONE, _LARGEST, _TINY = np.float32(1), np.float32(127), np.float32(1e-30)


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


def _signature(number: Any, kept: Any) -> Any:
    floats = types.float32[::1]
    return types.void(
        number[:, ::1], kept[::1], kept[::1], floats, floats, types.int64[::1], types.int64, types.int64, floats, floats
    )


@njit(
    [_signature(types.float32, types.float32), _signature(types.uint16, types.int8)],
    cache=True,
    fastmath=True,
    nogil=True,
    error_model="numpy",
)
def attend_cached(qkv, keys, values, key_scale, value_scale, slots, length, heads, scores, out):  # type: ignore[no-untyped-def]
    """Cache the new token's key and value of every sequence, and attend to all `length` cached positions.

    qkv: [B, 3 W], query, key and value of the new token, which takes position length - 1; float32, or bfloat16 as
    uint16. Caches are flat, with room for P = `padded(context)` positions in every slot: keys [slots, P / 16, W, 16],
    values [slots, heads, P, W / heads], scales float32 [slots, heads, P]; W / heads must be a multiple of 16. With
    float32 the caches are float32, else int8 in units of the scale. `slots` says where each sequence's cache is.
    `scores` float32[P] is scratch. Writes out, float32 [B * W].
    """
    room = len(scores)
    width = qkv.shape[1] // 3
    wide = width // heads
    root = np.float32(1 / np.sqrt(np.float64(wide)))
    last = length - 1
    exact = keys.itemsize == 4
    query = np.empty(wide, np.float32)
    for b in range(len(slots)):
        base = slots[b] * room * width
        newest = base + (last // LANES) * width * LANES + last % LANES
        for h in range(heads):
            first = h * wide
            scales = (slots[b] * heads + h) * room
            history = base + h * room * wide
            most_key, most_value = _TINY, _TINY
            for d in range(wide):
                query[d] = widen(qkv[b, first + d]) * root
                most_key = max(most_key, abs(widen(qkv[b, width + first + d])))
                most_value = max(most_value, abs(widen(qkv[b, 2 * width + first + d])))
            key_scale[scales + last] = _ONE if exact else most_key / _LARGEST
            value_scale[scales + last] = _ONE if exact else most_value / _LARGEST
            for d in range(wide):
                key, value = widen(qkv[b, width + first + d]), widen(qkv[b, 2 * width + first + d])
                keys[newest + (first + d) * LANES] = key if exact else np.rint(key * (_LARGEST / most_key))
                values[history + last * wide + d] = value if exact else np.rint(value * (_LARGEST / most_value))
            for at in range(0, length, LANES):
                # Several sums at once, here and below: one would wait for its own last addition.
                column = base + at * width + first * LANES
                even, odd = zeros(), zeros()
                for d in range(0, wide, 2):
                    even = add_product(even, query[d], load(keys, column + d * LANES))
                    odd = add_product(odd, query[d + 1], load(keys, column + (d + 1) * LANES))
                store(scores, at, add_product(even, _ONE, odd))
            highest = scores[0] * key_scale[scales]
            for t in range(length):
                scores[t] *= key_scale[scales + t]
                highest = max(highest, scores[t])
            total = np.float32(0)
            for t in range(length):
                share = exp(scores[t] - highest)
                total += share
                scores[t] = share * value_scale[scales + t]
            if length % 2:
                scores[length] = 0  # the loop takes two positions at a time
            for d in range(0, wide, LANES):
                even, odd = zeros(), zeros()
                for t in range(0, length, 2):
                    even = add_product(even, scores[t], load(values, history + t * wide + d))
                    odd = add_product(odd, scores[t + 1], load(values, history + (t + 1) * wide + d))
                store(out, b * width + first + d, add_product(zeros(), _ONE / total, add_product(even, _ONE, odd)))
