"""Filling a set up with free orbits, straight from the rule.

For walks that had no table of their whole class; and, orbits being single elements, for sets with symmetry.
"""

from __future__ import annotations

import threading

import numpy as np
from cachetools import LRUCache, cached
from numba import njit, types

from patternboost.problem import RULE_TYPE, Instance
from patternboost.problem.ground import IntArray
from patternboost.problem.symmetry import class_orbits


@njit(
    types.void(
        RULE_TYPE, types.int64, types.int64, types.int64[::1], types.int64[::1], types.int64[::1], types.int32[::1],
        types.boolean[::1],
    ),
    cache=True,
    nogil=True,
)  # fmt: skip
def _block(complete, n, k, chosen, start, elements, orbit_of, blocked):  # type: ignore[no-untyped-def]
    """Mark orbits of which an element completes a forbidden set of the first element of a chosen orbit and others.

    Where the maps of the class are symmetries of the chosen elements, no other first element marks more.
    """
    pair, out = np.empty(2, np.int64), np.empty(len(orbit_of), np.int64)
    for i in range(len(chosen)):
        pair[0] = elements[start[chosen[i]]]
        if k == 2:
            for t in range(complete(n, pair[:1], out)):
                blocked[orbit_of[out[t]]] = True
            continue
        for orbit in chosen[i:]:
            for pair[1] in elements[start[orbit] : start[orbit + 1]]:
                if pair[1] != pair[0]:
                    for t in range(complete(n, pair, out)):
                        blocked[orbit_of[out[t]]] = True


@njit(
    types.boolean(
        RULE_TYPE, types.int64, types.int64, types.int64[::1], types.int64, types.boolean[::1], types.int64[::1]
    ),
    cache=True,
    nogil=True,
)
def _completes(complete, n, k, members, element, inside, out):  # type: ignore[no-untyped-def]
    """Whether an element completes a forbidden set of `members`, which are the elements `inside`; it is one of them."""
    pair = np.empty(2, np.int64)
    pair[0] = element
    if k == 2:
        members = members[:0]
        for t in range(complete(n, pair[:1], out)):
            if inside[out[t]]:
                return True
    for pair[1] in members:
        if pair[1] != element:
            for t in range(complete(n, pair, out)):
                if inside[out[t]]:
                    return True
    return False


@njit(
    types.int64(
        RULE_TYPE, types.int64, types.int64, types.int64[::1], types.int64[::1], types.int64[::1], types.int64[::1],
        types.int64,
    ),
    cache=True,
    nogil=True,
)  # fmt: skip
def _add_free(complete, n, k, orbits, start, elements, members, count):  # type: ignore[no-untyped-def]
    """Add each of `orbits` that is free to `members[:count]`, in turn; they come to the front. Returns their number."""
    inside, out = np.zeros(len(members), np.bool_), np.empty(len(members), np.int64)
    inside[members[:count]] = True
    added = 0
    for orbit in orbits:
        new = elements[start[orbit] : start[orbit + 1]]
        after = count + len(new)
        members[count:after] = new
        inside[new] = True
        free = True
        for element in new:
            if _completes(complete, n, k, members[:after], element, inside, out):
                free = False
                break
        if free:
            count = after
            orbits[added] = orbit
            added += 1
        else:
            inside[new] = False
    return added


def fill_up(instance: Instance, symmetry: str, chosen: IntArray) -> IntArray:
    """A valid set of a class's orbits (int64) with free orbits added until there is none, the heaviest first.

    Ascending. Not for forbidden sets of four and more elements.
    """
    return _filled_up(instance, symmetry, np.sort(chosen).astype(np.int64).tobytes()).copy()


#: walks end in the same sets again and again: so many are kept, ten megabytes at n = 64
_KEPT = 10_000


@cached(LRUCache(_KEPT), lock=threading.Lock())
def _filled_up(instance: Instance, symmetry: str, of: bytes) -> IntArray:
    chosen = np.frombuffer(bytearray(of), np.int64)  # the kernels take arrays that can be written alone
    orbits, rule = class_orbits(instance, symmetry), (instance.problem.complete, instance.n, instance.problem.k)
    blocked = np.zeros(orbits.count, bool)
    blocked[chosen] = True
    _block(*rule, chosen, orbits.start, orbits.members, orbits.orbit_of, blocked)
    free = np.flatnonzero(~blocked).astype(np.int64)
    free = free[np.argsort(-orbits.weights[free], kind="stable")]
    own, members = orbits.expand(chosen), np.empty(instance.size, np.int64)
    members[: len(own)] = own
    added = _add_free(*rule, free, orbits.start, orbits.members, members, len(own))
    return np.sort(np.concatenate([chosen, free[:added]]))
