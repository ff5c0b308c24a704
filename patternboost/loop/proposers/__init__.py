"""Where walks start: one file per proposer, all with the protocol of `base.py`.

`PROPOSERS` is the list that a generation asks. A new proposer is a file here, an origin in `origins.py` and an entry in
the list; log, page and comparison show it without more ado (docs/howto.md has an example).
"""

from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.proposers.base import Proposer
from patternboost.loop.proposers.counted_regions import CountedRegions
from patternboost.loop.proposers.elites import Elites
from patternboost.loop.proposers.elites_in_region import ElitesInRegion
from patternboost.loop.proposers.inner_board import InnerBoard
from patternboost.loop.proposers.model_regions import ModelRegions
from patternboost.loop.proposers.samples import Samples
from patternboost.loop.proposers.seed_regions import SeedRegions
from patternboost.loop.proposers.seeds import Seeds
from patternboost.loop.proposers.whole_board import WholeBoard

_WIDE_SEED = SeedRegions(Origin.WIDE_SEED_REGION, 0.995)
_WIDE_COUNTED = CountedRegions(Origin.WIDE_COUNTED_REGION, 0.13)

#: in the order in which they are asked; the last one takes what effort the others leave
PROPOSERS: tuple[Proposer, ...] = (
    SeedRegions(Origin.NARROW_SEED_REGION, 0.93),
    SeedRegions(Origin.SEED_REGION, 0.98),
    _WIDE_SEED,
    ModelRegions(),
    CountedRegions(Origin.NARROW_COUNTED_REGION, 1.0),
    CountedRegions(Origin.COUNTED_REGION, 0.5),
    _WIDE_COUNTED,
    Samples(),
    Seeds(),
    Elites(),
    ElitesInRegion(Origin.ELITE_IN_REGION, None, _WIDE_SEED, _WIDE_COUNTED),
    ElitesInRegion(Origin.BEST_IN_REGION, 20, _WIDE_SEED, _WIDE_COUNTED),
    InnerBoard(),
    WholeBoard(),
)


def proposers_of(context: Context) -> list[Proposer]:
    """The proposers that a search has, in the order in which they are asked."""
    left_out = context.settings.without.split(",")
    return [p for p in PROPOSERS if p.origin not in left_out]


__all__ = ["PROPOSERS", "Proposer", "proposers_of"]
