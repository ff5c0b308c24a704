"""Which symmetry classes deserve the effort: shares of the search that follow what pays."""

from __future__ import annotations

import math
from collections.abc import Mapping

#: scores remembered per class, and the share of them, from the top, that a class is judged by
_MEMORY = 200
_TOP = 0.1
#: classes that earn less than this share wait; one class in turn, and each new one, gets the explorer's share, the new
#: ones half of all at most
_LEAST = 0.05
_EXPLORE = 0.1
_NEW = 0.5
#: tables of untried classes may always cost this many steps, half a second, so that small sizes try all at once
_AFFORDABLE = 1e6


class ClassBandit:
    """Scores of past walks per class, and the shares they earn.

    Shares are a softmax of each class's top scores: a class two percent of the best score behind gets a third of
    the leader's effort. One class in turn is tried anyway, so that a slow starter can still come up. A class's first
    turn comes once its table costs no more than a generation: `costs` are in steps.
    """

    def __init__(
        self, names: list[str], history: Mapping[str, list[int]] | None = None, costs: Mapping[str, float] | None = None
    ) -> None:
        self.names = names
        self.costs = {name: (costs or {}).get(name, 0.0) for name in names}
        self.history: dict[str, list[int]] = {name: list((history or {}).get(name, [])) for name in names}

    def record(self, name: str, scores: list[int]) -> None:
        """Add the scores of finished walks."""
        self.history[name] = (self.history[name] + scores)[-_MEMORY:]

    def value(self, name: str) -> float:
        """Mean of the top scores of a class that was tried."""
        scores = sorted(self.history[name], reverse=True)
        top = scores[: max(1, math.ceil(len(scores) * _TOP))]
        return sum(top) / len(top)

    def _due(self, work: float) -> list[str]:
        """Untried classes, the cheapest first, whose tables together cost no more than `work`."""
        due: list[str] = []
        left = max(work, _AFFORDABLE)
        untried = (name for name in self.names if not self.history[name])
        for name in sorted(untried, key=self.costs.__getitem__):
            left -= self.costs[name]
            if left >= 0 or not (due or any(self.history.values())):
                due.append(name)
        return due

    def shares(self, turn: int, work: float = math.inf) -> dict[str, float]:
        """Share of the effort of every class that gets any in generation `turn` of `work` steps; they add up to 1."""
        due = self._due(work)
        values = {name: self.value(name) for name in self.names if self.history[name]}
        # A class whose walks all end with nothing (all its orbits are forbidden by themselves) is not tried again.
        alive = [name for name, v in values.items() if v > 0]
        if due and not alive:
            return {name: 1 / len(due) for name in due}
        best = max(values.values())
        scale = max(0.5, 0.02 * best)
        weights = {name: math.exp((v - best) / scale) for name, v in values.items()}
        total = sum(weights.values())
        earned = {name: w / total for name, w in weights.items() if w / total >= _LEAST}
        total = sum(earned.values())
        explorers = due
        if alive and not due:
            explorers = [name for name in [alive[turn % len(alive)]] if name not in earned]
        explored = min(_NEW, _EXPLORE * len(explorers))
        shares = {name: (1 - explored) * w / total for name, w in earned.items()}
        return shares | {name: explored / len(explorers) for name in explorers}

    def standings(self) -> list[tuple[str, float, int]]:
        """Classes tried, the one that pays best first: name, value, best of the remembered scores."""
        rows = [(name, self.value(name), max(self.history[name])) for name in self.names if self.history[name]]
        return sorted(rows, key=lambda row: -row[1])

    def leader(self) -> str:
        """The class with the highest value among those tried."""
        tried = [name for name in self.names if self.history[name]]
        return max(tried, key=self.value) if tried else self.names[0]
