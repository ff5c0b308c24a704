"""How a construction stands, as badges: whether it is valid, and its score beside the best known one."""

from __future__ import annotations

from typing import NamedTuple

from patternboost.store.construction import Construction
from patternboost.store.records import compare, known_record


class Badge(NamedTuple):
    """A few words, their kind ('good', 'bad', 'record' or none), and why they hold."""

    text: str
    kind: str = ""
    why: str = ""


def badge(best: Construction) -> Badge:
    """How a score stands beside the best known one."""
    standing = compare(best.problem, best.n, best.score)
    known = known_record(best.problem, best.n)
    if standing == "NEW RECORD" and known:
        return Badge(f"{standing}: {known.value} was the best known", "record")
    if standing == "equals best known" and known:
        return Badge(f"{standing} ({known.value})", "good")
    return Badge(standing, "good" if standing == "optimal" else "")


def verdict(best: Construction) -> Badge:
    """Whether a construction passes its verifier."""
    faults = best.check()
    if faults:
        return Badge(f"INVALID: {faults[0]}", "bad")
    return Badge("verified", "good", "checked from the definition, by code that the search does not share")
