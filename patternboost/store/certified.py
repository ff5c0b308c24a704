"""A set that a search claims, certified by the problem's own definition and nothing of the search."""

from __future__ import annotations

from datetime import UTC, datetime

from patternboost._version import __version__
from patternboost.problem import Instance, ProblemError
from patternboost.problem.ground import IntArray
from patternboost.store.construction import Construction


def certified(
    instance: Instance, elements: IntArray, seed: int, symmetry: str, origin: str, generation: int | None = None
) -> Construction:
    """A set of elements as a construction that the definition accepts; the rest says how it was found.

    Raises ProblemError where it does not: then the problem's rule and its definition disagree.
    """
    found = {
        "program": f"patternboost {__version__}",
        "seed": seed,
        **({} if generation is None else {"generation": generation}),
        "class": symmetry,
        "origin": origin,
        "date": datetime.now(UTC).date().isoformat(),
    }
    construction = Construction.of(instance, instance.to_points(elements), found)
    faults = construction.check()
    if faults:
        raise ProblemError(
            f"{instance}: the definition refuses a set that the search made ({faults[0]}): complete and violation "
            "disagree, or excess and judge; one of the two is wrong"
        )
    return construction
