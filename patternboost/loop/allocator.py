"""Who gets which share of the effort: one ledger of symmetry classes and their proposers, and the improvers' records.

A record says what an arm brought for its work; a policy turns records into shares. No policy looks at the clock in a
run with a budget in generations, where work is counted in steps, so that such runs stay repeatable.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from patternboost.loop.tail import chances, expected
from patternboost.problem.base import NOTHING

#: what earlier generations count for: in hits and work, and in gains and work of improvers
_FADE, _FADE_GAINS = 0.97, 0.7


@dataclass
class Record:
    """What an arm has brought, earlier generations fading."""

    #: sets by merit that were new and good enough for the pool, but not those beside the best that are as good
    hits: dict[int, float] = field(default_factory=dict)
    #: the best merit of any walk; `NOTHING`: never tried, or nothing came of any
    best: int = NOTHING
    #: seconds of all workers (millions of steps, where the clock may not decide)
    work: float = 0.0

    @property
    def tried(self) -> bool:
        """Whether any work was done."""
        return self.work > 0

    def note(self, hits: Mapping[int, float], best: int, work: float) -> None:
        """A generation's hits, best score and work."""
        self.hits = {s: _FADE * h for s, h in self.hits.items()}
        for score, count in hits.items():
            self.hits[score] = self.hits.get(score, 0.0) + count
        self.best = max(self.best, best)
        self.work = _FADE * self.work + work

    @property
    def evidence(self) -> tuple[dict[int, float], float]:
        """What `tail` reads."""
        return self.hits, self.work


class Ledger:
    """A record for every proposer (by its origin) in every symmetry class."""

    def __init__(self, classes: Iterable[str], arms: Iterable[str]) -> None:
        names = list(arms)
        self.records: dict[str, dict[str, Record]] = {c: {arm: Record() for arm in names} for c in classes}

    def __getitem__(self, symmetry: str) -> dict[str, Record]:
        return self.records[symmetry]

    def total(self, symmetry: str) -> Record:
        """All proposers of a class together."""
        found = Record()
        for record in self.records[symmetry].values():
            for score, count in record.hits.items():
                found.hits[score] = found.hits.get(score, 0.0) + count
            found.best = max(found.best, record.best)
            found.work += record.work
        return found

    def tried(self) -> dict[str, Record]:
        """The classes that were tried, each with all its proposers together."""
        totals = {symmetry: self.total(symmetry) for symmetry in self.records}
        return {symmetry: record for symmetry, record in totals.items() if record.tried}

    def to_json(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            symmetry: {
                arm: {"hits": sorted(r.hits.items()), "best": r.best, "work": r.work}
                for arm, r in arms.items()
                if r.tried
            }
            for symmetry, arms in self.records.items()
        }

    def take(self, saved: Mapping[str, Any]) -> None:
        """Take up what `to_json` gave. Raises KeyError, TypeError or ValueError where it is damaged."""
        for symmetry, arms in saved.items():
            for arm, kept in arms.items():
                record = self.records[symmetry][arm]
                record.hits = {int(score): float(count) for score, count in kept["hits"]}
                best = int(kept["best"])
                record.best = best if best or record.hits else NOTHING  # 0.3.0 wrote 0 where nothing came of it
                record.work = float(kept["work"])


# -- policy for symmetry classes ---------------------------------------------------------------------------------------

#: classes that earn less than this share wait; one class in turn gets the explorer's share
_LEAST = 0.02
_EXPLORE = 0.05
#: what each new class gets, and all of them at most; the latter where it is known what paid at other sizes
_EACH_NEW, _NEW, _NEW_KNOWN = 0.1, 0.5, 0.1
#: added to what other sizes say of a class: the larger it is, the less their word counts (docs/LOG.md)
_UNKNOWN = 0.3
#: tables of untried classes may always cost this many steps, half a second, so that small sizes try all at once
AFFORDABLE = 3e6


def class_policy(
    ledger: Ledger,
    costs: Mapping[str, float],
    known: Mapping[str, float],
    turn: int,
    work: float,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Share of every class that gets any in generation `turn` of `work` steps; they add up to 1.

    A class gets the chance that it is the one that beats the best score. One class in turn is tried anyway, where its
    table costs no more than that, so that a slow starter can still come up. A class's first turn comes once its table
    costs no more than a generation: `costs` are in steps. `known` has the shares that paid at other sizes, where these
    are known. They say which classes come first; and of classes that find the best score as often, which of them is
    likelier to have better ones.
    """
    tried = ledger.tried()
    # A class whose walks all end with nothing (all its orbits are forbidden by themselves) is not tried again.
    alive = {name: record.evidence for name, record in tried.items() if record.best > NOTHING}
    untried = {name: known.get(name, 0.0) if known else 1.0 for name in ledger.records if name not in tried}
    expects = sum(untried.values())
    new = max(_NEW_KNOWN, min(_NEW, expects)) if known else min(_NEW, _EACH_NEW * len(untried))
    due = _due(untried, costs, work * (new if alive else 1.0), bool(alive))
    first = {name: untried[name] + 1e-3 for name in due}
    total = sum(first.values())
    if not alive:  # where every class was tried and gave nothing, all go on
        first, total = (first, total) if due else (dict.fromkeys(tried, 1.0), float(len(tried)))
        return {name: share / total for name, share in first.items()}
    above = {name: known.get(name, 0.0) + _UNKNOWN for name in alive} if known else None
    found = chances(alive, rng, above)
    earned = {name: share for name, share in found.items() if share >= _LEAST}
    if due:
        given = {name: new * share / total for name, share in first.items()}
    else:
        able = [name for name in alive if costs[name] <= max(AFFORDABLE, _EXPLORE * work)]
        given = {name: _EXPLORE for name in able if name == able[turn % len(able)] and name not in earned}
    left = (1 - sum(given.values())) / sum(earned.values())
    return {name: left * share for name, share in earned.items() if name not in given} | given


def _due(untried: Mapping[str, float], costs: Mapping[str, float], work: float, alive: bool) -> list[str]:
    """Untried classes, the one that is expected to pay most first, then the cheapest: as many as `work` has room for.

    One at least while no class has given anything.
    """
    due: list[str] = []
    left = max(work, AFFORDABLE)
    for name in sorted(untried, key=lambda name: (-untried[name], costs[name])):
        left -= costs[name]
        if left >= 0 or not (due or alive):
            due.append(name)
    return due


def standings(ledger: Ledger) -> list[tuple[str, float, int]]:
    """Classes tried, the likeliest to beat the best first: name, share of the work, best score."""
    tried = ledger.tried()
    rates, worked = expected({n: r.evidence for n, r in tried.items()}), sum(r.work for r in tried.values())
    rows = [(name, record.work / worked, record.best) for name, record in tried.items()]
    return sorted(rows, key=lambda row: (row[2] > NOTHING, rates[row[0]]), reverse=True)


def likeliest(ledger: Ledger) -> dict[str, float]:
    """How likely each class that was tried is to beat the best score."""
    evidence = {name: record.evidence for name, record in ledger.tried().items() if record.best > NOTHING}
    return chances(evidence, np.random.default_rng(0)) if evidence else {}


def leader(ledger: Ledger) -> str:
    """The class that is likeliest to beat the best score."""
    return next((name for name, _, _ in standings(ledger)), next(iter(ledger.records)))


# -- policy for the proposers of a class -------------------------------------------------------------------------------

#: the part of a class's effort that its proposers share evenly, whatever they bring
_FLOOR = 0.1


def proposer_policy(
    records: Mapping[str, Record],
    most: Mapping[str, float],
    least: Mapping[str, float],
    guided: Sequence[str],
    most_guided: float,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Shares of the proposers that `most` names, each at most that much; they add up to 1 where that allows it.

    A proposer gets the chance that it is the one that beats the best score, and a small floor; those that `least`
    names get that much anyway. The `guided` ones have no more than `most_guided` together, while there are others.
    """
    found = chances({arm: records[arm].evidence for arm in most}, rng)
    shares = {arm: (1 - _FLOOR) * share + _FLOOR / len(most) for arm, share in found.items()}
    inside = sum(shares[arm] for arm in most if arm in guided)
    if inside > most_guided and inside < 1:
        for arm in most:
            shares[arm] *= most_guided / inside if arm in guided else (1 - most_guided) / (1 - inside)
    return _raised(_capped(shares, most), least)


def earned_by(records: Mapping[str, Record], arms: Sequence[str]) -> float:
    """The chance that one of `arms`, and no other proposer that was tried, is the one that beats the best score."""
    found = chances({arm: r.evidence for arm, r in records.items() if r.tried}, np.random.default_rng(0))
    return sum(share for arm, share in found.items() if arm in arms)


def _capped(shares: Mapping[str, float], most: Mapping[str, float]) -> dict[str, float]:
    """Shares cut at the most of each; what is cut goes to the others in proportion, while they have room."""
    found = dict(shares)
    for _ in most:
        over = sum(max(0.0, found[arm] - most[arm]) for arm in most)
        room = [arm for arm in most if found[arm] < most[arm]]
        found = {arm: min(found[arm], most[arm]) for arm in most}
        free = sum(found[arm] for arm in room)
        if over <= 1e-12 or not room:
            break
        for arm in room:
            found[arm] += over * (found[arm] / free if free else 1 / len(room))
    return found


def _raised(shares: Mapping[str, float], least: Mapping[str, float]) -> dict[str, float]:
    """Shares of which those below their least have it; the others give up as much, in proportion."""
    raised = {arm: least[arm] for arm in least if arm in shares and shares[arm] < least[arm]}
    others = sum(share for arm, share in shares.items() if arm not in raised)
    left = sum(shares.values()) - sum(raised.values())
    return {arm: raised.get(arm, share * left / others if others else 0.0) for arm, share in shares.items()}


# -- policy for improvers: the logarithm of gains per share ------------------------------------------------------------

#: share of the solver at the start, at least and at most
_FIRST, _FEWEST, _LARGEST = 0.25, 0.1, 0.9


@dataclass
class Gains:
    """What an improver brought for its shares of the search, earlier generations fading."""

    gains: float = 0.0
    work: float = 0.0


class Improvers:
    """Tabu search and the exact solver."""

    def __init__(self) -> None:
        self.records = {"tabu": Gains(), "solver": Gains()}

    def to_json(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {name: [r.gains, r.work] for name, r in self.records.items()}

    def take(self, saved: Mapping[str, Any]) -> None:
        """Take up what `to_json` gave. Raises KeyError, TypeError or ValueError where it is damaged."""
        for name, record in self.records.items():
            record.gains, record.work = (float(v) for v in saved[name])

    def solver_share(self) -> float:
        """The solver's share of the search where both improvers are wanted.

        Gains enter by their logarithm (see `note`): one lucky generation decides nothing.
        """
        if not any(r.work for r in self.records.values()):
            return _FIRST
        paid = {name: r.gains / r.work if r.work else 0.0 for name, r in self.records.items()}
        total = sum(paid.values())
        return min(max(paid["solver"] / total, _FEWEST), _LARGEST) if total else 0.5

    def note(self, new: Mapping[str, int], share: float) -> None:
        """A generation's constructions that were new to the pool, by improver, while the solver had this share."""
        for name, part in (("solver", share), ("tabu", 1 - share)):
            record = self.records[name]
            record.gains = _FADE_GAINS * record.gains + math.log1p(new.get(name, 0))
            record.work = _FADE_GAINS * record.work + part
