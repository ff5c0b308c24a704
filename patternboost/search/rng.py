"""Random numbers for kernels: the state is passed in, so that same seeds give same walks."""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numpy.typing import NDArray


@njit(types.int64(types.uint64[::1], types.int64), cache=True, nogil=True)
def random_below(rng: NDArray[np.uint64], bound: int) -> int:
    """A random integer in [0, bound): xorshift64*, state passed in (Vigna 2016, doi:10.1145/2845077)."""
    x = rng[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    rng[0] = x
    high = np.int64(((x * np.uint64(2685821657736338717)) >> np.uint64(32)) & np.uint64(0xFFFFFFFF))
    return int((high * bound) >> 32)


def seeded(seed: int) -> NDArray[np.uint64]:
    """A random state, uint64[1], from a seed >= 0."""
    rng = np.array([seed % (2**64 - 1) + 1], np.uint64)
    for _ in range(8):  # small seeds start alike; let the generator forget them
        random_below(rng, 2)
    return rng


@njit(types.int64(types.uint16[::1], types.int64, types.int64), cache=True, nogil=True, forceinline=True)
def kth_smallest(values: NDArray[np.uint16], count: int, k: int) -> int:
    """The k-th smallest (from 0) of the first `count` values, all different, which change places.

    Quickselect (Hoare, Algorithm 65: Find, 1961).
    """
    low, high = 0, count - 1
    while low < high:
        pivot = values[high]
        place = low
        for i in range(low, high):
            value = values[i]
            if value < pivot:
                values[i] = values[place]
                values[place] = value
                place += 1
        values[high] = values[place]
        values[place] = pivot
        if place == k:
            break
        if place < k:
            low = place + 1
        else:
            high = place - 1
    return int(values[k])
