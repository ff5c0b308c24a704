"""Walks from nothing in regions counted in the pool: the orbits that its members hold most often, and those nearby."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cachetools import LRUCache, cached
from typing_extensions import override

from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.places import FloatArray, places_of
from patternboost.loop.proposers.one_region import OneRegion
from patternboost.loop.regions import marginal_frequencies, telling_region
from patternboost.problem import Instance, IntArray
from patternboost.problem.symmetry import class_orbits
from patternboost.store.settings import TRANSFORMERS

if TYPE_CHECKING:
    from patternboost.loop.pool import Entry
    from patternboost.loop.state import State

#: pool members of a class that counting asks for
LEAST = 20


class CountedRegions(OneRegion):
    """Beside a transformer's regions; the members that count were found outside learned regions.

    Where places compare, counts are spread to places nearby: a few hundred sets do not show every place that pays.
    """

    def __init__(self, origin: Origin, left_out: float) -> None:
        """`left_out`: share of what `region_mass` leaves out that this one leaves out."""
        self.origin = origin
        self._left_out = left_out

    @override
    def inside(self, context: Context, state: State, symmetry: str) -> IntArray | None:
        """The region; None where none is wanted, there is none yet, or it would be most of the class."""
        s = context.settings
        wanted = s.regions > 0 and s.count_regions and s.model in TRANSFORMERS and context.instance.problem.by_rows
        members = [e for e in state.pool.unguided if e.symmetry == symmetry]
        if not wanted or len(members) < LEAST:
            return None
        density = counted_density(context.instance, symmetry, members)
        return telling_region(density, 1 - self._left_out * (1 - s.region_mass))


@cached(LRUCache(16), key=lambda instance, symmetry, members: (instance, symmetry, *(e.key for e in members)))
def counted_density(instance: Instance, symmetry: str, members: Sequence[Entry]) -> FloatArray:
    """How often sets hold each orbit of a class, float64 [orbits], spread to places nearby where places compare."""
    found = marginal_frequencies(instance, class_orbits(instance, symmetry), [e.elements for e in members])
    where = places_of(instance, symmetry)
    return found if where is None else where.spread(found)
