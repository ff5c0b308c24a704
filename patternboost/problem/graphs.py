"""Exact helpers for measures on graphs."""

from __future__ import annotations

import numpy as np
from numba import njit, types

_INTS = types.int64[::1]


@njit(types.int64(types.float64[:, ::1], types.int64, types.int64, _INTS, _INTS, _INTS), cache=True, nogil=True)
def _path(beside, root, n, mate, parent, base):  # type: ignore[no-untyped-def]
    """The end of a path from `root` that takes edges outside and inside the matching in turn, or -1; see Edmonds."""
    queue, used = np.empty(n, np.int64), np.zeros(n, np.bool_)
    for v in range(n):
        parent[v], base[v] = -1, v
    queue[0], used[root] = root, True
    head, tail = 0, 1
    while head < tail:
        v = queue[head]
        head += 1
        for to in range(n):
            if beside[v, to] == 0.0 or base[v] == base[to] or mate[v] == to:
                continue
            if to == root or (mate[to] >= 0 and parent[mate[to]] >= 0):  # an odd cycle: shrink it to its base
                above, a = np.zeros(n, np.bool_), base[v]
                above[a] = True
                while mate[a] >= 0:
                    a = base[parent[mate[a]]]
                    above[a] = True
                b = base[to]
                while not above[b]:
                    b = base[parent[mate[b]]]
                inside = np.zeros(n, np.bool_)
                for side in range(2):
                    x, child = (v, to) if side == 0 else (to, v)
                    while base[x] != b:
                        inside[base[x]] = inside[base[mate[x]]] = True
                        parent[x] = child
                        child = mate[x]
                        x = parent[mate[x]]
                for x in range(n):
                    if inside[base[x]]:
                        base[x] = b
                        if not used[x]:
                            used[x] = True
                            queue[tail] = x
                            tail += 1
            elif parent[to] < 0:
                parent[to] = v
                if mate[to] < 0:
                    return to
                used[mate[to]] = True
                queue[tail] = mate[to]
                tail += 1
    return -1


@njit(types.int64(types.float64[:, ::1]), cache=True, nogil=True)
def matching_number(beside):  # type: ignore[no-untyped-def]
    """The most edges of a graph without a vertex in common; `beside` is its adjacency matrix, float64 [n, n].

    By blossoms (J. Edmonds, Paths, trees, and flowers, Canadian Journal of Mathematics 17, 1965).
    """
    n = len(beside)
    mate = np.full(n, -1, np.int64)
    parent, base = np.empty(n, np.int64), np.empty(n, np.int64)
    matched = 0
    for root in range(n):
        if mate[root] >= 0:
            continue
        end = _path(beside, root, n, mate, parent, base)
        matched += end >= 0
        while end >= 0:  # exchange along the path
            before = parent[end]
            following = mate[before]
            mate[end], mate[before] = before, end
            end = following
    return matched
