"""Which symmetry classes deserve the effort: shares of the search that follow what pays."""

from __future__ import annotations

import math
from collections.abc import Mapping

#: scores remembered per class, and the share of them, from the top, that a class is judged by
_MEMORY = 200
_TOP = 0.1
#: classes that earn less than this share wait; one class in turn gets the explorer's share
_LEAST = 0.05
_EXPLORE = 0.1


class ClassBandit:
    """Scores of past walks per class, and the shares they earn.

    Shares are a softmax of each class's top scores: a class two percent of the best score behind gets a third of
    the leader's effort. One class in turn is tried anyway, so that a slow starter can still come up.
    """

    def __init__(self, names: list[str], history: Mapping[str, list[int]] | None = None) -> None:
        self.names = names
        self.history: dict[str, list[int]] = {name: list((history or {}).get(name, [])) for name in names}

    def record(self, name: str, scores: list[int]) -> None:
        """Add the scores of finished walks."""
        self.history[name] = (self.history[name] + scores)[-_MEMORY:]

    def value(self, name: str) -> float:
        """Mean of a class's top scores; infinite for one that was never tried."""
        scores = sorted(self.history[name], reverse=True)
        if not scores:
            return math.inf
        top = scores[: max(1, math.ceil(len(scores) * _TOP))]
        return sum(top) / len(top)

    def shares(self, turn: int) -> dict[str, float]:
        """Share of the effort of every class that gets any in generation `turn`; they add up to 1."""
        values = {name: self.value(name) for name in self.names}
        best = max(values.values())
        if math.isinf(best):  # first every class is tried
            untried = [name for name, v in values.items() if math.isinf(v)]
            return {name: 1 / len(untried) for name in untried}
        scale = max(0.5, 0.02 * best)
        weights = {name: math.exp((v - best) / scale) for name, v in values.items()}
        total = sum(weights.values())
        earned = {name: w / total for name, w in weights.items() if w / total >= _LEAST}
        total = sum(earned.values())
        # A class whose walks all end with nothing (all its orbits are forbidden by themselves) is not tried again.
        alive = [name for name in self.names if values[name] > 0]
        explorer = alive[turn % len(alive)] if alive else self.names[0]
        explored = 0.0 if explorer in earned else _EXPLORE
        shares = {name: (1 - explored) * w / total for name, w in earned.items()}
        return shares | ({explorer: explored} if explored else {})

    def standings(self) -> list[tuple[str, float, int]]:
        """Classes tried, the one that pays best first: name, value, best of the remembered scores."""
        rows = [(name, self.value(name), max(self.history[name])) for name in self.names if self.history[name]]
        return sorted(rows, key=lambda row: -row[1])

    def leader(self) -> str:
        """The class with the highest value among those tried."""
        tried = [name for name in self.names if self.history[name]]
        return max(tried, key=self.value) if tried else self.names[0]
