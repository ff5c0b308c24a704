"""The arms of a comparison: a new one is an entry here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from patternboost.loop.origins import ARMS as PROPOSERS
from patternboost.store.settings import TRANSFORMERS

#: no seeds, nor any that the search makes for itself
_UNSEEDED: dict[str, Any] = {"seed_from": [], "make_seeds": False}
#: arms by name: what they set of a search. 'greedy' is no search: random greedy fills, as many as time allows.
#: With seeds all arms begin with them, but for those that say otherwise
ARMS: dict[str, dict[str, Any]] = {
    **{name: {"model": name} for name in TRANSFORMERS},
    "gpt-policy": {"model": "gpt", "align": "policy"},
    "gpt-preference": {"model": "gpt", "align": "preference"},
    "gpt-ask-above": {"model": "gpt", "ask_above": True},
    "none": {"model": "none"},
    "bigram": {"model": "bigram"},
    "unigram": {"model": "unigram"},
    "exact": {"model": "none", "improve": "solver"},
    "greedy": {},
    "seeded": {"model": "gpt"},
    "unseeded": {"model": "gpt"} | _UNSEEDED,
    "seeded-unigram": {"model": "unigram"},
    "unseeded-unigram": {"model": "unigram"} | _UNSEEDED,
    "unseeded-none": {"model": "none"} | _UNSEEDED,
    "made-seeds": {"model": "gpt", "seed_from": []},
}
ARMS |= {f"without-{origin}": {"without": str(origin)} for origin in PROPOSERS}
#: arms that need seeds
SEEDED = tuple(name for name in ARMS if name.startswith("seeded"))
#: the arm that the others are held against: the first of these that is there, or else the last of all
_CONTROLS = ("none", "unseeded-none", "unseeded")


def control_of(arms: Sequence[str]) -> str:
    """The arm that the others are held against."""
    return next((name for name in _CONTROLS if name in arms), arms[-1])
