"""Walks from nothing in regions that constructions of other sizes point out: guided from the first second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.proposers.one_region import OneRegion
from patternboost.loop.regions import telling_region
from patternboost.loop.smaller_sizes import seed_density, sizes_agree
from patternboost.problem import IntArray

if TYPE_CHECKING:
    from patternboost.loop.state import State


class SeedRegions(OneRegion):
    """The orbits that hold a share of the density of smaller sizes.

    Narrow regions find good sets soonest, and the same few again; what is rare in all sizes decides records, so that
    long runs want wide ones.
    """

    def __init__(self, origin: Origin, share_of_density: float) -> None:
        self.origin = origin
        self._share = share_of_density

    @override
    def inside(self, context: Context, state: State, symmetry: str) -> IntArray | None:
        """The region; None where none is wanted, there is none, or it would mislead.

        It would where good sets of different sizes do not lie alike, or use most of the class.
        """
        wanted = context.settings.regions > 0 and context.settings.seed_regions
        if not wanted or not sizes_agree(context.instance, state.seeds):
            return None
        density = seed_density(context.instance, symmetry, state.seeds)
        return None if density is None else telling_region(density, self._share)
