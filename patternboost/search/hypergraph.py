"""Forbidden sets of any sizes: conflict counts per element, from written-out sets or from the rules.

``counts[e]`` is the number of forbidden sets that hold e and otherwise only members. Adding or removing an element
changes the counts of those that share a forbidden set with it and k - 2 members. Where all forbidden sets fit the
memory they are written out once (see `patternboost.search.enumerate`), each element with the sets it is in; past it the
problem's own conflict update, or the rule for every k - 2 members, is evaluated again each time. All forms make the
same counts. Where forbidden sets have several sizes, written-out ones of fewer than the most elements are padded by a
further element, m, that counts as a member of everything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit, typeof, types
from numpy.typing import NDArray

from patternboost.problem import RULE_TYPE, UPDATE_TYPE, Instance, rule, update
from patternboost.search.combinations import next_combination
from patternboost.search.joint import joint_update


class Hypergraph(NamedTuple):
    """What kernels read. m elements, E written-out sets of k elements."""

    n: int
    k: int
    #: elements of every set, uint16[E, k], ascending; no sets where they are not written out
    sets: NDArray[np.uint16]
    #: the sets of element e, m (the padding) included: incident[start[e]:start[e + 1]], uint32; start is int64[m + 2]
    start: NDArray[np.int64]
    incident: NDArray[np.uint32]
    written: bool
    #: whether the problem has a conflict update of its own
    own: bool


class ElementCounts(NamedTuple):
    """A set of elements with its conflict counts. m elements, E written-out sets."""

    #: int32[m + 1]; see the module's docstring
    counts: NDArray[np.int32]
    #: the members, int64[m], in no order; where each element stands in it (-1 outside), int64[m + 1]
    member: NDArray[np.int64]
    position: NDArray[np.int64]
    #: number of members, int64[1]
    size: NDArray[np.int64]
    #: members in every written-out set, padding included, uint8[E]
    inside: NDArray[np.uint8]
    #: scratch for the rule: int64[k - 1], int64[m], int64[k]
    chosen: NDArray[np.int64]
    out: NDArray[np.int64]
    places: NDArray[np.int64]


def new_counts(size: int, k: int, sets: int) -> ElementCounts:
    """An empty set of elements of a ground set of so many, for so many written-out sets, none of them padded."""
    position = np.full(size + 1, -1, np.int64)
    position[size] = size
    return ElementCounts(
        np.zeros(size + 1, np.int32),
        np.zeros(size, np.int64),
        position,
        np.zeros(1, np.int64),
        np.zeros(sets, np.uint8),
        np.zeros(max(1, k - 1), np.int64),
        np.zeros(size, np.int64),
        np.zeros(k, np.int64),
    )


def bare_hypergraph(n: int, k: int, size: int, own: bool) -> Hypergraph:
    """No sets written out."""
    sets, incident = np.zeros((0, k), np.uint16), np.zeros(0, np.uint32)
    return Hypergraph(n, k, sets, np.zeros(size + 2, np.int64), incident, False, own)


HYPERGRAPH_TYPE = typeof(bare_hypergraph(0, 4, 0, False))
COUNTS_TYPE = typeof(new_counts(0, 4, 0))


@njit(types.void(HYPERGRAPH_TYPE, COUNTS_TYPE), cache=True, nogil=True)
def empty_counts(hypergraph, counts):  # type: ignore[no-untyped-def]
    """Make the set of elements the empty one; the padding stays a member of the sets that it is in."""
    for i in range(counts.size[0]):
        counts.position[counts.member[i]] = -1
    counts.size[0] = 0
    counts.counts[:] = 0
    counts.inside[:] = 0
    padding = len(hypergraph.start) - 2
    for t in range(hypergraph.start[padding], hypergraph.start[padding + 1]):
        counts.inside[hypergraph.incident[t]] += 1


@dataclass(frozen=True)
class Conflicts:
    """The forbidden sets of an instance in the form that fits: what every thread shares."""

    instance: Instance
    hypergraph: Hypergraph

    @property
    def nbytes(self) -> int:
        """Memory held by the written-out sets, bytes."""
        h = self.hypergraph
        return h.sets.nbytes + h.start.nbytes + h.incident.nbytes

    @property
    def complete(self) -> Callable[..., int]:
        """The problem's rule where it has one alone, or a stand-in that is never called."""
        parts = self.instance.problem.rules
        return parts[0].complete if len(parts) == 1 else _no_rule

    @property
    def update(self) -> Callable[..., None]:
        """The problem's conflict update, or a stand-in that is never called."""
        parts = self.instance.problem.rules
        if not parts or self.hypergraph.written:
            return _no_update
        return (parts[0].conflicts or _no_update) if len(parts) == 1 else joint_update(parts)

    def empty(self) -> ElementCounts:
        """An empty set of elements."""
        counts = new_counts(self.instance.size, self.hypergraph.k, len(self.hypergraph.sets))
        if len(self.instance.problem.rules) > 1:
            empty_counts(self.hypergraph, counts)  # type: ignore[call-arg]
        return counts


@rule
def _no_rule(n, chosen, out):  # type: ignore[no-untyped-def]
    """Forbids nothing."""
    return 0


@update
def _no_update(n, members, element, sign, counts):  # type: ignore[no-untyped-def]
    """Changes nothing."""


@njit(types.void(RULE_TYPE, HYPERGRAPH_TYPE, COUNTS_TYPE, types.int64, types.int64), cache=True, nogil=True)
def _ask_rule(complete, hypergraph, counts, element, sign):  # type: ignore[no-untyped-def]
    """Ask the rule for the element with every k - 2 members."""
    parts = hypergraph.k - 2
    size = counts.size[0]
    if size < parts:
        return
    index, chosen = counts.places[:parts], counts.chosen
    chosen[parts] = element
    for i in range(parts):
        index[i] = i
    while True:
        for i in range(parts):
            chosen[i] = counts.member[index[i]]
        for t in range(complete(hypergraph.n, chosen, counts.out)):
            counts.counts[counts.out[t]] += sign
        if not next_combination(index, 0, size):
            return


@njit(types.void(HYPERGRAPH_TYPE, COUNTS_TYPE, types.int64, types.int64), cache=True, nogil=True)
def _walk_sets(hypergraph, counts, element, sign):  # type: ignore[no-untyped-def]
    """Go through the written-out sets that hold the element (not counted as a member)."""
    k = hypergraph.k
    for t in range(hypergraph.start[element], hypergraph.start[element + 1]):
        s = hypergraph.incident[t]
        inside = counts.inside[s] if sign > 0 else counts.inside[s] - 1
        counts.inside[s] = inside + 1 if sign > 0 else inside
        if inside == k - 2:  # one more is missing: the only one outside
            for i in range(k):
                e = hypergraph.sets[s, i]
                if e != element and counts.position[e] < 0:
                    counts.counts[e] += sign
        elif inside == k - 1:
            for i in range(k):
                e = hypergraph.sets[s, i]
                if e != element:
                    counts.counts[e] += sign


@njit(
    types.void(RULE_TYPE, UPDATE_TYPE, HYPERGRAPH_TYPE, COUNTS_TYPE, types.int64, types.int64), cache=True, nogil=True
)
def _change(complete, conflicts, hypergraph, counts, element, sign):  # type: ignore[no-untyped-def]
    """Bring the counts up to date for an element that joins or has left the members (and is none now)."""
    if hypergraph.written:
        _walk_sets(hypergraph, counts, element, sign)
    elif hypergraph.own:
        conflicts(hypergraph.n, counts.member[: counts.size[0]], element, sign, counts.counts)
    else:
        _ask_rule(complete, hypergraph, counts, element, sign)


@njit(types.void(RULE_TYPE, UPDATE_TYPE, HYPERGRAPH_TYPE, COUNTS_TYPE, types.int64), cache=True, nogil=True)
def add_element(complete, conflicts, hypergraph, counts, element):  # type: ignore[no-untyped-def]
    """Make an element that is no member one."""
    _change(complete, conflicts, hypergraph, counts, element, 1)
    counts.position[element] = counts.size[0]
    counts.member[counts.size[0]] = element
    counts.size[0] += 1


@njit(types.void(RULE_TYPE, UPDATE_TYPE, HYPERGRAPH_TYPE, COUNTS_TYPE, types.int64), cache=True, nogil=True)
def drop_element(complete, conflicts, hypergraph, counts, element):  # type: ignore[no-untyped-def]
    """Take a member out."""
    counts.size[0] -= 1
    last = counts.member[counts.size[0]]
    counts.member[counts.position[element]] = last
    counts.position[last] = counts.position[element]
    counts.position[element] = -1
    _change(complete, conflicts, hypergraph, counts, element, -1)
