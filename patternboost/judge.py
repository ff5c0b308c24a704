"""The judge of what the search claims: the problem's own definition, and nothing of the search."""

from __future__ import annotations

from datetime import UTC, datetime

from patternboost import __version__
from patternboost.construction import Construction
from patternboost.pool import Entry
from patternboost.problem import Instance, ProblemError


def verified(instance: Instance, entry: Entry, seed: int) -> Construction:
    """A candidate for the pool as a construction that the definition accepts; `seed` is the run's.

    Raises ProblemError where it does not: then the problem's rule and its definition disagree.
    """
    found = {
        "program": f"patternboost {__version__}",
        "seed": seed,
        "generation": entry.generation,
        "class": entry.symmetry,
        "origin": entry.origin,
        "date": datetime.now(UTC).date().isoformat(),
    }
    construction = Construction.of(instance, instance.to_points(entry.elements), found)
    faults = construction.check()
    if faults:
        raise ProblemError(
            f"{instance}: complete and violation disagree: the search, which follows complete, made a set that "
            f"violation refuses ({faults[0]}); one of the two is wrong"
        )
    return construction
