"""What constructions of other sizes say about this one: where points are likely, and which symmetry class pays.

Good sets of different sizes look alike in the coordinates of `places`. The kernel that spreads every point of every
construction is the wider, the more the sizes differ (docs/LOG.md has what was measured).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from cachetools import LRUCache, cached

from patternboost.loop.places import FloatArray, Places, Weighted, merged, places, places_of, spread
from patternboost.loop.regions import densest
from patternboost.problem import Instance
from patternboost.problem.ground import scale
from patternboost.problem.symmetry import alike, class_orbits, holds
from patternboost.store.construction import Construction

#: sizes that count: those that differ by no more than this factor, and at least so many of the nearest
_FACTOR, _FEWEST = 2.5, 8
#: sizes whose best constructions say which class pays
_NEAREST = 8
#: the nearest sizes are predicted from the others: so many of them, by this share of the density, which has to hold so
#: much of their best sets (docs/LOG.md has what was measured)
_PREDICTED, _LOOKED_AT, _HOLDS = 3, 0.93, 0.75
#: sizes besides its own that a model learns, and one that knows a token by its place
LEARNED, _LEARNED_BY_PLACE = 4, 40


def nearest_sizes(n: int, sizes: Iterable[int]) -> list[int]:
    """Sizes by how little they differ from n, the smaller one first."""
    return sorted(set(sizes) - {n}, key=lambda m: (max(scale(m) / scale(n), scale(n) / scale(m)), m))


def best_of_sizes(n: int, seeds: Sequence[Construction]) -> dict[int, list[Construction]]:
    """The best constructions of every size but n, the nearest size first."""
    best: dict[int, list[Construction]] = {m: [] for m in nearest_sizes(n, (c.n for c in seeds))}
    for m, found in best.items():
        merit = max(c.merit for c in seeds if c.n == m)
        found += [c for c in seeds if c.n == m and c.merit == merit]
    return best


def learned_sizes(n: int, seeds: Sequence[Construction], model: str) -> list[int]:
    """The sizes whose seeds a model learns besides its own: the nearest, and more where tokens mean the same at all."""
    return nearest_sizes(n, (c.n for c in seeds))[: _LEARNED_BY_PLACE if model == "every-size" else LEARNED]


def sizes_compare(instance: Instance, seeds: Sequence[Construction]) -> bool:
    """Whether there are constructions of other sizes, and places of different sizes compare."""
    other = any(c.n != instance.n for c in seeds)
    return other and instance.problem.ground.box(instance.n, np.arange(instance.size)) is not None


def by_seeds(instance: Instance, seeds: Sequence[Construction]) -> tuple[object, ...]:
    """What a cache knows an instance and its seeds by."""
    return (instance, *(c.sha256 for c in seeds))


@cached(LRUCache(64), key=lambda instance, symmetry, seeds: (symmetry, *by_seeds(instance, seeds)))
def seed_density(instance: Instance, symmetry: str, seeds: Sequence[Construction]) -> FloatArray | None:
    """How much the best constructions of other sizes have at each orbit of a class, float64 [orbits].

    Every size counts as much as any other. None where sizes have no coordinates in common, or there is no seed.
    """
    where = places_of(instance, symmetry)
    found = None if where is None else _density_at(instance, where, seeds)
    return None if where is None or found is None else where.of_orbits(found)


@cached(LRUCache(64), key=lambda instance, where, seeds: (where.box, *by_seeds(instance, seeds)))
def _density_at(instance: Instance, where: Places, seeds: Sequence[Construction]) -> FloatArray | None:
    """The density at places, float64 [places]: classes on the same inner board have the same."""
    known = _known_places(instance, seeds)
    return None if known is None else spread(where.at, known)


@cached(LRUCache(4), key=by_seeds)
def sizes_agree(instance: Instance, seeds: Sequence[Construction]) -> bool:
    """Whether good sets of different sizes lie alike: the best of the nearest sizes where the other sizes point to.

    True where nothing can be said: with seeds of one size alone, or where sizes have no coordinates in common.
    """
    by_size = best_of_sizes(instance.n, seeds)
    shares: list[float] = []
    for m in list(by_size)[:_PREDICTED]:
        others = [c for size, found in by_size.items() if size != m for c in found]
        own = by_size[m][0].instance
        density = seed_density(own, "none", others)
        if density is not None:
            inside, orbit_of = densest(density, _LOOKED_AT), class_orbits(own, "none").orbit_of
            held = [np.isin(orbit_of[own.to_elements(c.points)], inside).mean() for c in by_size[m]]
            shares.append(float(np.mean(held)))
    return not shares or float(np.mean(shares)) >= _HOLDS


@cached(LRUCache(4), key=by_seeds)
def _known_places(instance: Instance, seeds: Sequence[Construction]) -> Weighted | None:
    """Where the best constructions of other sizes have their points, sizes that compare; None where there is none."""
    ground = instance.problem.ground
    by_size = best_of_sizes(instance.n, seeds)
    near = [m for m in by_size if max(scale(m) / scale(instance.n), scale(instance.n) / scale(m)) <= _FACTOR]
    sizes = near if len(near) >= _FEWEST else list(by_size)[:_FEWEST]
    if not sizes:
        return None
    known, weights, widths = [], [], []
    for construction in (c for m in sizes for c in by_size[m]):
        own = construction.instance
        elements = own.to_elements(construction.points)
        corners = ground.box(own.n, elements)
        assert corners is not None  # as at this size
        known.append(places(own.points[elements], *corners))
        weights.append(np.full(len(elements), 1 / len(by_size[own.n]) / len(elements)))
        ratio = scale(instance.n) / scale(own.n)
        widths.append(np.full(len(elements), max(ratio, 1 / ratio)))
    return merged(np.concatenate(known), np.concatenate(weights), np.concatenate(widths))


def classes_of_seeds(instance: Instance, classes: Sequence[str], seeds: Sequence[Construction]) -> dict[str, float]:
    """Share of every class among those that hold the best constructions of the nearest sizes; empty: no seeds.

    Classes of two sizes are matched by their maps, not by their names. Of several that hold a set the one with the
    fewest orbits counts.
    """
    by_orbits = sorted(classes, key=lambda name: class_orbits(instance, name).count)
    found: dict[str, float] = {}
    for constructions in list(best_of_sizes(instance.n, seeds).values())[:_NEAREST]:
        own = alike(instance, by_orbits, constructions[0].instance)
        for construction in constructions:
            name = smallest_class(construction, own)
            if name is not None:
                found[name] = found.get(name, 0.0) + 1 / len(constructions)
    total = sum(found.values())
    return {name: count / total for name, count in found.items()}


def smallest_class(construction: Construction, classes: Mapping[str, str | None]) -> str | None:
    """The first of the classes that holds a construction, turned by a symmetry where it must be; None: none does.

    `classes` has for each what it is called at the construction's size, None where there is none like it.
    """
    own = construction.instance
    turned = own.symmetries[:, own.to_elements(construction.points)]
    for name, called in classes.items():
        if called is not None and any(holds(own.size, own.classes[called], image) for image in turned):
            return name
    return None
