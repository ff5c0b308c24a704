"""The obvious slow version of every kernel, in plain Python: what the fast ones are tested against."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from patternboost.problem import Instance
from patternboost.problem.symmetry import Orbits


def completions(instance: Instance, chosen: list[int]) -> set[int]:
    """Every element that together with `chosen` (k - 1 elements) is a forbidden set, straight from the definition."""
    points = [tuple(int(x) for x in instance.points[e]) for e in range(instance.size)]
    base = [points[e] for e in chosen]
    return {e for e in range(instance.size) if e not in chosen and instance.violation([*base, points[e]]) is not None}


def forbidden_sets(instance: Instance) -> list[frozenset[int]]:
    """All forbidden sets of elements that hold no smaller one."""
    points = [tuple(int(x) for x in instance.points[e]) for e in range(instance.size)]
    found: list[frozenset[int]] = []
    for k in sorted(part.k for part in instance.problem.rules):
        for s in combinations(range(instance.size), k):
            if instance.violation([points[e] for e in s]) is not None and not smaller(instance, s, k):
                found.append(frozenset(s))
    return found


def smaller(instance: Instance, elements: Sequence[int], k: int) -> bool:
    """Whether fewer than k of some elements are a forbidden set."""
    points = [tuple(int(x) for x in instance.points[e]) for e in elements]
    sizes = [part.k for part in instance.problem.rules if part.k < k]
    return any(instance.violation(s) is not None for size in sizes for s in combinations(points, size))


def orbits(size: int, generators: list[np.ndarray]) -> list[frozenset[int]]:
    """Orbits under partial maps, by following every map from every element until nothing is new."""
    neighbours: dict[int, set[int]] = {e: set() for e in range(size)}
    for image in generators:
        for e in range(size):
            if image[e] >= 0:
                neighbours[e].add(int(image[e]))
                neighbours[int(image[e])].add(e)
    seen: set[int] = set()
    found = []
    for e in range(size):
        if e in seen:
            continue
        orbit, frontier = {e}, [e]
        while frontier:
            for other in neighbours[frontier.pop()] - orbit:
                orbit.add(other)
                frontier.append(other)
        seen |= orbit
        found.append(frozenset(orbit))
    return found


def orbit_edges(instance: Instance, partition: Orbits) -> set[frozenset[int]]:
    """The hypergraph on orbits: for every forbidden set the set of orbits it meets, minimal ones where they matter.

    Orbits that are forbidden alone are left out with all edges through them, and triples that hold a forbidden pair
    are left out: no valid set holds that pair.
    """
    edges = {frozenset(int(partition.orbit_of[e]) for e in s) for s in forbidden_sets(instance)}
    bad = {next(iter(e)) for e in edges if len(e) == 1}
    edges = {e for e in edges if not e & bad}
    pairs = {e for e in edges if len(e) == 2}
    return pairs | {e for e in edges if len(e) == 3 and not any(p < e for p in pairs)}


def bad_orbits(instance: Instance, partition: Orbits) -> set[int]:
    """Orbits that hold a forbidden set by themselves."""
    edges = [{int(partition.orbit_of[e]) for e in s} for s in forbidden_sets(instance)]
    return {next(iter(e)) for e in edges if len(e) == 1}


def conflict_counts(edges: set[frozenset[int]], count: int, members: set[int]) -> list[int]:
    """For every orbit the number of edges through it whose other orbits are all members."""
    return [sum(o in e and (e - {o}) <= members for e in edges) for o in range(count)]


def canonical(instance: Instance, elements: list[int]) -> list[int]:
    """The smallest sorted image under the symmetry group."""
    return min(sorted(int(p[e]) for e in elements) for p in instance.symmetries)


def best_value(instance: Instance) -> int | None:
    """The best value of all sets of elements; None: no set is a construction."""
    best = None
    for mask in range(1 << instance.size):
        points = instance.to_points(np.flatnonzero([mask >> e & 1 for e in range(instance.size)]))
        score = None if instance.violation(points) is not None else instance.score(points)
        if score is not None and (best is None or instance.problem.merit(score) > instance.problem.merit(best)):
            best = score
    return best


def optimum(instance: Instance) -> int | None:
    """The best score: the largest size of a set without a forbidden subset by branch and bound, or the best value."""
    if instance.problem.by_value:
        return best_value(instance)
    edges = [sorted(s) for s in forbidden_sets(instance)]
    ending: list[list[int]] = [[] for _ in range(instance.size)]  # forbidden sets by their last element, as bit masks
    for edge in edges:
        ending[edge[-1]].append(sum(1 << e for e in edge[:-1]))
    best = 0

    def branch(element: int, chosen: int, size: int) -> None:
        nonlocal best
        if size + instance.size - element <= best:
            return
        if element == instance.size:
            best = size
            return
        if not any(mask & chosen == mask for mask in ending[element]):
            branch(element + 1, chosen | 1 << element, size + 1)
        branch(element + 1, chosen, size)

    branch(0, 0, 0)
    return best


def attention(history, heads):
    """Causal attention's output at the last position: history [B, T, 3 W] of queries, keys, values -> [B, W]."""
    batch, steps, triple = history.shape
    width = triple // 3
    wide = width // heads
    out = np.zeros((batch, width))
    for b in range(batch):
        for h in range(heads):
            part = slice(h * wide, (h + 1) * wide)
            query = history[b, -1, :width][part].astype(float)
            scores = np.array([query @ history[b, t, width : 2 * width][part] for t in range(steps)]) / wide**0.5
            shares = np.exp(scores - scores.max())
            shares /= shares.sum()
            out[b, part] = sum(shares[t] * history[b, t, 2 * width :][part] for t in range(steps))
    return out


def is_isosceles(points: Sequence[Sequence[int]]) -> bool:
    """Whether three points make an isosceles triangle, flat ones included; from the distances alone."""
    a, b, c = points
    sides = [(p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2 for p, q in ((a, b), (b, c), (a, c))]
    return len(set(sides)) < 3


def is_straight(points: Sequence[Sequence[int]]) -> bool:
    """Whether three points lie on a straight line; from the determinant alone."""
    a, b, c = points
    return (b[0] - a[0]) * (c[1] - a[1]) == (b[1] - a[1]) * (c[0] - a[0])
