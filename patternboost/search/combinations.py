"""Going through combinations in lexicographic order, inside kernels."""

from __future__ import annotations

from numba import njit


@njit(forceinline=True)
def next_combination(index, first, size):  # type: ignore[no-untyped-def]
    """Move `index` (int64, ascending, all below `size`) to the next combination; False: it was the last one.

    The places before `first` stay as they are.
    """
    parts = len(index)
    place = parts - 1
    while place >= first and index[place] == size - parts + place:
        place -= 1
    if place < first:
        return False
    index[place] += 1
    for i in range(place + 1, parts):
        index[i] = index[i - 1] + 1
    return True
