"""The arms of a comparison: a new one is an entry here."""

from __future__ import annotations

from typing import Any

#: arms by name: what they set of a search. 'greedy' is no search: random greedy fills, as many as time allows
ARMS: dict[str, dict[str, Any]] = {
    "gpt": {"model": "gpt"},
    "none": {"model": "none"},
    "bigram": {"model": "bigram"},
    "unigram": {"model": "unigram"},
    "exact": {"model": "none", "improve": "solver"},
    "greedy": {},
}
#: the arm that the others are held against
CONTROL = "none"
