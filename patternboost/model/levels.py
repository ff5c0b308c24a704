"""Levels: how good an example is, as its prefix tells it (`ask_above`)."""

from __future__ import annotations

from collections.abc import Collection

#: levels of constructions, where the model is told them: above all, and the best so many scores less one
LEVELS = 16


def level_of(score: int, scores: Collection[int]) -> int:
    """1 for as good as the best of some different scores, 2 for the next one, and so on."""
    return 1 + sum(better > score for better in scores)
