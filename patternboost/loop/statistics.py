"""What happened in one generation, and its line in the log (`store.log_line` checks one that is read)."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from patternboost.loop.origins import Origin
from patternboost.loop.pool import Pool
from patternboost.problem import Problem
from patternboost.problem.base import NOTHING
from patternboost.search.tasks import Outcome

if TYPE_CHECKING:
    from patternboost.model.training import TrainLog


#: what is known of a model's work
_LEARNED = ("train", "align", "sampled", "malformed", "empty", "novel", "temperature")


@dataclass
class Walks:
    """Walks whose starts have one origin: merits of the starts (after projection and repair) and of the ends."""

    before: Counter[int] = field(default_factory=Counter)
    after: Counter[int] = field(default_factory=Counter)
    steps: int = 0
    #: seconds of all workers, and sets that were new and good enough for the pool
    seconds: float = 0.0
    new: int = 0

    def entry(self, problem: Problem) -> dict[str, Any]:
        """Their part of the log's line; scores there."""
        walks = sum(self.after.values())
        mean = sum(merit * count for merit, count in self.after.items()) / walks
        return {
            "walks": walks,
            "best": problem.score(max(self.after)),
            "mean": round(abs(mean), 3),
            "new": self.new,
            "before": _by_score(problem, self.before),
            "after": _by_score(problem, self.after),
        }


@dataclass
class Statistics:
    """Counts of one generation."""

    #: merits of the starts that were not empty, after projection and repair; merits after local search
    before: Counter[int] = field(default_factory=Counter)
    after: Counter[int] = field(default_factory=Counter)
    #: the same by the origin of the start
    origins: dict[Origin, Walks] = field(default_factory=dict)
    #: by symmetry class and proposer: new sets good enough for the pool by merit; best merit; work
    hits: dict[tuple[str, Origin], Counter[int]] = field(default_factory=dict)
    bests_of: dict[tuple[str, Origin], int] = field(default_factory=dict)
    work: Counter[tuple[str, Origin]] = field(default_factory=Counter)
    #: walks per symmetry class
    starts: Counter[str] = field(default_factory=Counter)
    #: constructions new to the pool, walks that ended better than they started, tabu steps
    new: int = 0
    improved: int = 0
    steps: int = 0
    #: the solver's share of the search
    solver_share: float = 0.0
    #: samples drawn; of those of a wrong format, empty, and unlike each other and the pool; their temperature
    sampled: int = 0
    malformed: int = 0
    empty: int = 0
    novel: int = 0
    temperature: float | None = None
    #: samples walked from that broke no rule before any repair
    valid: int = 0
    #: seconds per phase
    seconds: dict[str, float] = field(default_factory=dict)
    #: steps, loss, held-out loss and learning curve of training (None: not known), or None where there was none
    train: dict[str, Any] | None = None
    #: what alignment did, or None
    align: dict[str, float] | None = None
    #: every new best: seconds of the run, score
    bests: list[tuple[float, int]] = field(default_factory=list)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the seconds inside to a phase, less those of phases within it."""
        began, others = time.monotonic(), sum(self.seconds.values())
        try:
            yield
        finally:
            within = sum(self.seconds.values()) - others
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - began - within

    def note(self, outcome: Outcome, origin: Origin, symmetry: str, size: int) -> None:
        """Count one walk from a start of `size` points; where no set of it counts it has no merit to be noted."""
        self.steps += outcome.steps
        self.starts[symmetry] += 1
        walks = self.origins.setdefault(origin, Walks())
        walks.steps += outcome.steps
        walks.seconds += outcome.seconds
        if outcome.after == NOTHING:
            return
        for after in (self.after, walks.after):
            after[outcome.after] += 1
        if not origin.empty and outcome.before != NOTHING:
            for before in (self.before, walks.before):
                before[outcome.before] += 1
            self.improved += outcome.after > outcome.before
            self.valid += origin is Origin.MODEL and outcome.before == size

    def note_work(self, symmetry: str, arm: Origin, work: float, best: int = NOTHING) -> None:
        """Work of a proposer in a class, and the merit it ended with."""
        self.work[symmetry, arm] += work  # type: ignore[assignment]
        self.bests_of[symmetry, arm] = max(self.bests_of.get((symmetry, arm), NOTHING), best)

    def note_new(self, symmetry: str, origin: Origin, merit: int, hit: bool) -> None:
        """A set that is new and good enough for the pool, and whether it counts as a hit of its proposer."""
        if hit:
            self.hits.setdefault((symmetry, origin.arm), Counter())[merit] += 1
        self.origins[origin].new += 1

    def note_samples(self, sets: int, malformed: int, empty: int, temperature: float) -> None:
        """Count samples of one class."""
        self.sampled += sets + malformed + empty
        self.malformed += malformed
        self.empty += empty
        self.temperature = temperature

    def note_training(self, log: TrainLog) -> None:
        """Keep the training's figures; what is not finite is not known (and has no place in JSON)."""
        self.train = {
            "steps": log.steps,
            "loss": _known(log.loss),
            "held_out_loss": _known(log.held_out_loss),
            "counted_loss": _known(log.counted_loss),
            "curve": [[step, _known(loss), _known(held)] for step, loss, held in log.curve],
        }

    def learned(self) -> dict[str, Any]:
        """What the line says of training and sampling, JSON-ready."""
        return {name: getattr(self, name) for name in _LEARNED}

    def take_learned(self, learned: dict[str, Any]) -> None:
        """Take up `learned()` of others."""
        for name in _LEARNED:
            setattr(self, name, learned[name])

    def note_alignment(self, means: Sequence[float], bests: Sequence[float]) -> None:
        """Keep what samples were worth: in the mean at the first and the last step, and at best."""
        if means:
            self.align = {"steps": len(means), "first": means[0], "last": means[-1], "best": max(bests)}

    def entry(
        self, problem: Problem, generation: int, seconds: float, best: int, pool: Pool, leader: str
    ) -> dict[str, Any]:
        """The generation's line in log.jsonl; scores there, `best` included."""
        least = problem.score(min((e.merit for e in pool.entries), default=0))
        walks = sum(self.after.values())
        return {
            "generation": generation,
            "seconds": round(seconds, 3),
            "best": best,
            "minimised": problem.minimises,
            "pool": {"size": len(pool), "median": abs(pool.median), "least": least},
            "starts": dict(self.starts),
            "leader": leader,
            "before": _by_score(problem, self.before),
            "after": _by_score(problem, self.after),
            "origins": {str(o): walks.entry(problem) for o, walks in sorted(self.origins.items()) if walks.after},
            "new": round(self.new / walks, 4) if walks else 0.0,
            "improved": self.improved,
            "sampled": self.sampled,
            "malformed": self.malformed,
            "empty": self.empty,
            "novel": self.novel,
            "temperature": None if self.temperature is None else round(self.temperature, 4),
            "valid": self.valid,
            "train": self.train,
            "align": self.align,
            "steps": self.steps,
            "worked": {str(origin): round(walks.seconds, 3) for origin, walks in sorted(self.origins.items())},
            "phases": {name: round(s, 3) for name, s in self.seconds.items()},
            "bests": [[round(seconds, 3), score] for seconds, score in self.bests],
        }


def _by_score(problem: Problem, merits: Counter[int]) -> dict[int, int]:
    return dict(sorted((problem.score(merit), count) for merit, count in merits.items()))


def _known(figure: float) -> float | None:
    return round(figure, 6) if math.isfinite(figure) else None
