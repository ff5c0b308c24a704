"""Who gets which share of the effort: one allocator for symmetry classes, proposers and improvers.

An allocator keeps a record per arm; a policy turns the records into shares (adaptive operator selection; Fialho, Da
Costa, Schoenauer and Sebag, Analyzing bandit-based adaptive operator selection mechanisms, 2010). No policy looks at
the clock, so that runs with a budget in generations stay repeatable.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: scores remembered per arm
_MEMORY = 200
#: what earlier generations count for: in gains and work
_FADE = 0.7


@dataclass
class Record:
    """What an arm has brought. Gains are constructions that were new to the pool; work is in steps, or shares."""

    #: scores of the last walks
    scores: list[int] = field(default_factory=list)
    #: gains and work, earlier generations fading
    gains: float = 0.0
    work: float = 0.0

    def note_scores(self, scores: Sequence[int]) -> None:
        """The scores of finished walks."""
        self.scores = (self.scores + list(scores))[-_MEMORY:]

    def note_gains(self, gains: float, work: float) -> None:
        """A generation's gains for its work."""
        self.gains = _FADE * self.gains + gains
        self.work = _FADE * self.work + work


class Allocator:
    """Records of some arms by name. The policies below read them."""

    def __init__(self, arms: Iterable[str]) -> None:
        self.records: dict[str, Record] = {arm: Record() for arm in arms}

    def __getitem__(self, arm: str) -> Record:
        return self.records[arm]

    def to_json(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {arm: {"scores": r.scores, "gains": r.gains, "work": r.work} for arm, r in self.records.items()}

    def take(self, saved: Mapping[str, Any]) -> None:
        """Take up what `to_json` gave. Raises KeyError, TypeError or ValueError where it is damaged."""
        for arm, record in self.records.items():
            kept = saved[arm]
            record.scores = [int(s) for s in kept["scores"]]
            record.gains, record.work = float(kept["gains"]), float(kept["work"])


# -- policy for symmetry classes: the best tenth of an arm's scores ----------------------------------------------------

#: the share of scores, from the top, that a class is judged by
_TOP = 0.1
#: classes that earn less than this share wait; one class in turn, and each new one, gets the explorer's share, the new
#: ones half of all at most
_LEAST = 0.05
_EXPLORE = 0.1
_NEW = 0.5
#: tables of untried classes may always cost this many steps, half a second, so that small sizes try all at once
_AFFORDABLE = 1e6


def value(record: Record) -> float:
    """Mean of the top scores of an arm that was tried."""
    scores = sorted(record.scores, reverse=True)
    top = scores[: max(1, math.ceil(len(scores) * _TOP))]
    return sum(top) / len(top)


def by_top_scores(classes: Allocator, costs: Mapping[str, float], turn: int, work: float) -> dict[str, float]:
    """Share of every class that gets any in generation `turn` of `work` steps; they add up to 1.

    Shares are a softmax of each class's top scores: a class two percent of the best score behind gets a third of the
    leader's effort. One class in turn is tried anyway, so that a slow starter can still come up. A class's first turn
    comes once its table costs no more than a generation: `costs` are in steps.
    """
    due = _due(classes, costs, work)
    values = {name: value(record) for name, record in classes.records.items() if record.scores}
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


def _due(classes: Allocator, costs: Mapping[str, float], work: float) -> list[str]:
    """Untried classes, the cheapest first, whose tables together cost no more than `work`."""
    due: list[str] = []
    left = max(work, _AFFORDABLE)
    untried = [name for name, record in classes.records.items() if not record.scores]
    tried = len(untried) < len(classes.records)
    for name in sorted(untried, key=costs.__getitem__):
        left -= costs[name]
        if left >= 0 or not (due or tried):
            due.append(name)
    return due


def standings(classes: Allocator) -> list[tuple[str, float, int]]:
    """Classes tried, the one that pays best first: name, value, best of the remembered scores."""
    rows = [(name, value(r), max(r.scores)) for name, r in classes.records.items() if r.scores]
    return sorted(rows, key=lambda row: -row[1])


def leader(classes: Allocator) -> str:
    """The class with the highest value among those tried."""
    tried = {name: value(record) for name, record in classes.records.items() if record.scores}
    return max(tried, key=tried.__getitem__) if tried else next(iter(classes.records))


# -- policy for proposers: gains per step ------------------------------------------------------------------------------

#: gains at the common rate that every arm begins with, so that chance decides little
_PRIOR = 5.0
#: no arm gets less than this part of what it could have
_FLOOR = 0.1


def by_gain_rate(proposers: Allocator, free: str, guided: Sequence[str], most: float) -> dict[str, float]:
    """Shares for the `guided` arms, at most `most` in all, and for walks on the whole board (`free`); they add up to 1.

    Twice as many gains per step get four times the effort.
    """
    if not guided:
        return {free: 1.0}
    even = {free: 1 - most} | {arm: most / len(guided) for arm in guided}
    records = {arm: proposers[arm] for arm in even}
    if not all(record.work for record in records.values()):
        return even
    common = (sum(r.gains for r in records.values()) + 1) / sum(r.work for r in records.values())
    pays = {arm: ((r.gains + _PRIOR) / (r.work + _PRIOR / common)) ** 2 for arm, r in records.items()}
    paid = sum(pays[arm] for arm in guided)
    room = min(most, max(paid / (paid + pays[free]), _FLOOR * most))
    found = {arm: room * (_FLOOR + (1 - len(guided) * _FLOOR) * pays[arm] / paid) for arm in guided}
    return {free: 1 - room} | found


def proposer_shares(
    proposers: Allocator, free: str, ready: Sequence[str], fixed: Mapping[str, float], most: float
) -> dict[str, float]:
    """Shares of all proposers that are ready; they add up to 1.

    Those with a record follow `by_gain_rate`. The effort of the whole board is divided by the settings: each of `fixed`
    takes its share of what those before it left, and `free`, the walks from nothing, has the rest.
    """
    shares = by_gain_rate(proposers, free, [arm for arm in ready if arm in proposers.records and arm != free], most)
    left = shares[free]
    for arm, share in fixed.items():
        if arm in ready and arm not in shares:
            shares[arm] = share * left
            left -= shares[arm]
    return shares | {free: left}


# -- policy for improvers: the logarithm of gains per share ------------------------------------------------------------

#: share of the solver at the start, at least and at most
_FIRST, _FEWEST, _LARGEST = 0.25, 0.1, 0.9


def solver_share(improvers: Allocator) -> float:
    """The solver's share of the search where both improvers are wanted.

    Gains enter by their logarithm (see `note_improvers`): one lucky generation decides nothing.
    """
    tabu, solver = improvers["tabu"], improvers["solver"]
    if not tabu.work + solver.work:
        return _FIRST
    paid = {arm: r.gains / r.work if r.work else 0.0 for arm, r in improvers.records.items()}
    total = sum(paid.values())
    return min(max(paid["solver"] / total, _FEWEST), _LARGEST) if total else 0.5


def note_improvers(improvers: Allocator, new: Mapping[str, int], share: float) -> None:
    """A generation's constructions that were new to the pool, by improver, while the solver had this share."""
    for arm, part in (("solver", share), ("tabu", 1 - share)):
        improvers[arm].note_gains(math.log1p(new.get(arm, 0)), part)
