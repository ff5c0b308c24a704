"""Where walks start from: the one list of origins, from which log, page, docs and terminal take their words."""

from __future__ import annotations

from enum import StrEnum


class Origin(StrEnum):
    """What proposed a start. The value is what logs, pools and certificates hold."""

    RANDOM = "random"
    ELITE = "elite"
    ELITE_IN_REGION = "elite-in-region"
    BEST_IN_REGION = "best-in-region"
    RELAXED = "relaxed"
    SEED = "seed"
    MODEL = "model"
    MODEL_REGION = "model-region"
    NARROW_COUNTED_REGION = "narrow-counted-region"
    COUNTED_REGION = "counted-region"
    WIDE_COUNTED_REGION = "wide-counted-region"
    INNER_BOARD = "inner-board"
    NARROW_SEED_REGION = "narrow-seed-region"
    SEED_REGION = "seed-region"
    WIDE_SEED_REGION = "wide-seed-region"
    REPAIRED = "repaired"
    COMPLETED = "completed"

    @property
    def label(self) -> str:
        """In words, for people."""
        return _LABELS[self]

    @property
    def empty(self) -> bool:
        """Whether the start is the empty set: it has no score before local search."""
        return self in (Origin.RANDOM, Origin.INNER_BOARD, *REGIONS)

    @property
    def guided(self) -> bool:
        """Whether the walk stays in a region that says where to search."""
        return self in GUIDED

    @property
    def learned(self) -> bool:
        """Whether that region was made from what this run found: what is found in it narrows it, if it is learned."""
        return self in LEARNED

    @property
    def of_model(self) -> bool:
        """Whether the model made it: its samples, and regions that hold most of what it expects."""
        return self in (Origin.MODEL, Origin.MODEL_REGION, Origin.COMPLETED)

    @property
    def of_members(self) -> bool:
        """Whether the start is made from a pool member."""
        return self in OF_MEMBERS

    @property
    def arm(self) -> Origin:
        """The proposer that is credited."""
        return Origin.ELITE if self is Origin.RELAXED else self

    @property
    def by_solver(self) -> bool:
        """Whether the exact solver, not tabu search, improved the start."""
        return self in (Origin.REPAIRED, Origin.COMPLETED)


#: origins of walks that stay in a region: made from what the run found, and from other sizes
COUNTED_REGIONS = (Origin.NARROW_COUNTED_REGION, Origin.COUNTED_REGION, Origin.WIDE_COUNTED_REGION)
LEARNED_REGIONS = (Origin.MODEL_REGION, *COUNTED_REGIONS)
SEED_REGIONS = (Origin.NARROW_SEED_REGION, Origin.SEED_REGION, Origin.WIDE_SEED_REGION)
REGIONS = (*LEARNED_REGIONS, *SEED_REGIONS)
#: those from pool members in regions, all from pool members, and all in regions
ELITES_IN_REGIONS = (Origin.ELITE_IN_REGION, Origin.BEST_IN_REGION)
OF_MEMBERS = (Origin.ELITE, Origin.RELAXED, Origin.REPAIRED, *ELITES_IN_REGIONS)
GUIDED = (*REGIONS, *ELITES_IN_REGIONS)
LEARNED = (*LEARNED_REGIONS, *ELITES_IN_REGIONS)
#: proposers that a search can do without
ARMS = (Origin.INNER_BOARD, Origin.ELITE, Origin.SEED, Origin.MODEL, *GUIDED)

_LABELS = {
    Origin.RANDOM: "the empty board",
    Origin.INNER_BOARD: "the empty inner board",
    Origin.ELITE: "pool members with a part dropped",
    Origin.ELITE_IN_REGION: "pool members with a part dropped, in a wide region",
    Origin.BEST_IN_REGION: "the best pool members with a part dropped, in a wide region",
    Origin.RELAXED: "pool members, symmetry relaxed",
    Origin.SEED: "seeds",
    Origin.MODEL: "samples of the model",
    Origin.MODEL_REGION: "regions of the model",
    Origin.NARROW_COUNTED_REGION: "regions counted in the pool, narrow",
    Origin.COUNTED_REGION: "regions counted in the pool",
    Origin.WIDE_COUNTED_REGION: "regions counted in the pool, wide",
    Origin.NARROW_SEED_REGION: "regions of other sizes, narrow",
    Origin.SEED_REGION: "regions of other sizes",
    Origin.WIDE_SEED_REGION: "regions of other sizes, wide",
    Origin.REPAIRED: "solver repairs",
    Origin.COMPLETED: "samples completed by the solver",
}
