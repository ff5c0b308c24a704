"""What happened in one generation, and its line in the log."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from patternboost.pool import Pool
from patternboost.search.local import Outcome


@dataclass
class Tally:
    """Counts of one generation."""

    #: scores of the starts that were not empty, after projection and repair; scores after local search
    before: Counter[int] = field(default_factory=Counter)
    after: Counter[int] = field(default_factory=Counter)
    #: origin of the start -> scores after local search
    origins: dict[str, list[int]] = field(default_factory=dict)
    #: walks per symmetry class
    starts: Counter[str] = field(default_factory=Counter)
    #: constructions new to the pool, tabu steps
    new: int = 0
    steps: int = 0
    #: samples drawn; of those of a wrong format, empty, and unlike each other and the pool; their temperature
    sampled: int = 0
    malformed: int = 0
    empty: int = 0
    novel: int = 0
    temperature: float | None = None
    #: seconds per phase
    seconds: dict[str, float] = field(default_factory=dict)
    #: steps, loss and held-out loss of training (None: not known), or None where there was none
    train: dict[str, float | None] | None = None

    def note(self, outcome: Outcome, origin: str, symmetry: str) -> None:
        """Count one walk."""
        self.steps += outcome.steps
        self.starts[symmetry] += 1
        self.after[outcome.after] += 1
        self.origins.setdefault(origin, []).append(outcome.after)
        if origin != "random":
            self.before[outcome.before] += 1

    def note_samples(self, sets: int, malformed: int, empty: int, temperature: float) -> None:
        """Count samples of one class."""
        self.sampled += sets + malformed + empty
        self.malformed += malformed
        self.empty += empty
        self.temperature = temperature

    def note_training(self, steps: int, loss: float, held_out_loss: float) -> None:
        """Keep the training's figures; what is not finite is not known (and has no place in JSON)."""
        figures = {"loss": loss, "held_out_loss": held_out_loss}
        self.train = {"steps": steps} | {k: v if math.isfinite(v) else None for k, v in figures.items()}

    def entry(self, generation: int, seconds: float, best: int, pool: Pool, leader: str) -> dict[str, Any]:
        """The generation's line in log.jsonl."""
        scores = [e.score for e in pool.entries]
        walks = sum(self.after.values())
        return {
            "generation": generation,
            "seconds": round(seconds, 3),
            "best": best,
            "pool": {"size": len(scores), "median": _median(scores), "least": min(scores, default=0)},
            "starts": dict(self.starts),
            "leader": leader,
            "before": dict(sorted(self.before.items())),
            "after": dict(sorted(self.after.items())),
            "origins": {
                origin: {"walks": len(s), "best": max(s), "mean": round(sum(s) / len(s), 3)}
                for origin, s in sorted(self.origins.items())
            },
            "new": round(self.new / walks, 4) if walks else 0.0,
            "sampled": self.sampled,
            "malformed": self.malformed,
            "empty": self.empty,
            "novel": self.novel,
            "temperature": None if self.temperature is None else round(self.temperature, 4),
            "train": self.train,
            "steps": self.steps,
            "phases": {name: round(s, 3) for name, s in self.seconds.items()},
        }


def _median(scores: Sequence[int]) -> float:
    """Of scores sorted from the best down."""
    return (scores[len(scores) // 2] + scores[(len(scores) - 1) // 2]) / 2 if scores else 0.0
