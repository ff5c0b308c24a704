"""The lecture's research experiments: train on constructions, sample, and look at the scores in and out.

Scores of samples are what is left once the worst points are dropped until the set is valid; a sample of a wrong format
scores -10, as in the lecture. No local search comes after, but in `no-three-in-line`, which asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from patternboost.model.alignment import AlignRequest, AlignSettings
from patternboost.model.levels import LEVELS, level_of
from patternboost.model.network_generator import NetworkGenerator
from patternboost.model.next_token import SampleSettings
from patternboost.model.request import DrawRequest, FitRequest
from patternboost.model.tokens import TOKENISATIONS, Example
from patternboost.model.training import TrainSettings
from patternboost.problem.ground import IntArray
from patternboost.problem.registry import find_problem, problem
from patternboost.problem.symmetry import canonical_key
from patternboost.search.tables import Table
from patternboost.search.tasks import prepare
from patternboost.search.walker import make_walker
from patternboost.studies.lecture.attempts import STEPS, Attempts, best_of
from patternboost.studies.lecture.experiments import Arm, Experiment

#: the score of a sample of a wrong format
WRONG_FORMAT = -10
#: training steps for one of alignment, which draws 128 samples
_ALIGN = 5
_SHAPE = {"layers": 4, "heads": 4, "width": 128}
#: a vision transformer's width, for about as many weights
_VISION = 104


@dataclass(frozen=True)
class ResearchSettings:
    """The knobs of an experiment."""

    steps: int = 1_500
    weight_decay: float = 0.1
    seed: int = 0
    #: constructions of the size in question to learn from, and of every smaller one
    count: int = 5_000
    smaller: int = 2_000
    samples: int = 1_000
    batch: int = 64
    threads: int = 1


@dataclass(frozen=True)
class ArmResult:
    """What came of one arm with one seed: scores in, and of samples drawn freely and under the legality mask."""

    arm: Arm
    seed: int
    steps: int
    parameters: int
    held_out_loss: float
    seconds: float
    examples: int
    scores_in: list[int]
    free: list[int]
    masked: list[int]
    #: share of the masked samples that no training example is equivalent to
    new: float
    #: scores after local search from the masked samples, and from nothing with as many steps
    improved: list[int]
    from_nothing: list[int]


def scores_of(table: Table, sets: Sequence[IntArray | None]) -> list[int]:
    """Points of every set once it is valid, or WRONG_FORMAT."""
    walker = make_walker(table, None, (1, 3), 1)
    return [WRONG_FORMAT if s is None else walker.start(table.orbits.project(s)) for s in sets]


def run_arm(
    experiment: Experiment,
    arm: Arm,
    settings: ResearchSettings,
    seed: int,
    smaller: Sequence[Example],
    device: torch.device,
    over: Callable[[], bool] = lambda: False,
    report: Callable[[float], None] = lambda share: None,
    seconds: float | None = None,
) -> ArmResult:
    """Train one model with one seed, for `seconds` or the settings' steps, and sample from it.

    `over()` ends the training early.
    """
    name, n = experiment.problem, experiment.n
    source = arm.source or experiment.source
    attempts = None if source == "best" else Attempts(name, n, source == "symmetric")
    own = best_of(name, n, settings.count, seed, over) if attempts is None else attempts.many(settings.count, seed)
    told = _levels(own) if arm.ask_above else lambda example: example
    examples = [told(e) for e in (*(() if arm.unseen else own), *(smaller if arm.smaller else ()))]
    sizes = tuple(sorted({e.n for e in examples} | {n}))
    vocabulary = TOKENISATIONS[arm.tokens](find_problem(name), sizes, ("none",), LEVELS if arm.ask_above else 1)
    training = TrainSettings(
        settings.steps, settings.batch, weight_decay=settings.weight_decay, eval_every=max(1, settings.steps // 20),
        patience=10**9,
    )  # fmt: skip
    shape = _SHAPE | ({"width": _VISION} if arm.model == "vit" else {})
    generator = NetworkGenerator(
        vocabulary, shape, training, SampleSettings(), device, seed, threads=settings.threads, network=arm.model
    )
    fresh = None if attempts is None or not arm.fresh else lambda drawn: told(Example(n, "none", attempts.one(drawn)))
    longest = max(len(e.elements) for e in own)
    log = generator.fit(FitRequest(examples, seed, over, report, seconds, fresh, longest))
    instance = problem(name, n)
    prepared = prepare(instance, "none")
    aligned = None
    if arm.align:
        worth = lambda sets: np.array([len(s) for s in sets], np.float64)  # noqa: E731
        request = AlignRequest(n, "none", prepared.table, worth, seed, over, report)
        aligned = generator.align(
            request, AlignSettings(arm.align, max(1, settings.steps // _ALIGN), learning_rate=1e-3)
        )

    def drawn(table: Table | None) -> list[IntArray | None]:
        bodies = generator.sample_sequences(DrawRequest(n, "none", settings.samples, seed, table))
        return [vocabulary.decode(n, "none", body) for body in bodies]

    free, masked = drawn(None), drawn(prepared.table)
    known = {canonical_key(instance, e.elements) for e in own}
    unlike = [s for s in masked if s is not None and canonical_key(instance, s) not in known]
    walker = make_walker(prepared.table, prepared.bits, (1, 3), seed)

    def walked(starts: Sequence[IntArray]) -> list[int]:
        scores = []
        for start in starts:
            walker.start(prepared.table.orbits.project(start))
            walker.run(STEPS, STEPS, instance.upper_bound)
            scores.append(walker.best[1])
        return scores

    formed = [s for s in masked if s is not None] if experiment.improved else []
    return ArmResult(
        arm,
        seed,
        log.steps,
        generator.model.parameter_count(),
        generator.loss_of([Example(n, "none", e.elements) for e in own[:500]]) if arm.unseen else log.held_out_loss,
        log.seconds + (0.0 if aligned is None else aligned.seconds),
        len(examples),
        [len(e.elements) for e in own],
        scores_of(prepared.table, free),
        scores_of(prepared.table, masked),
        len(unlike) / max(1, len(masked)),
        walked(formed),
        walked([np.empty(0, np.int64)] * len(formed)),
    )


def _levels(examples: Sequence[Example]) -> Callable[[Example], Example]:
    """Gives examples their levels: 1 for as many points as the best of these has, 2 for the next number, and so on.

    Those of other sizes are the best there: 1.
    """
    scores, n = {len(e.elements) for e in examples}, examples[0].n
    return lambda e: replace(e, level=level_of(len(e.elements), scores) if e.n == n else 1)


@dataclass(frozen=True)
class Figures:
    """What the lecture says of a list of scores."""

    mean: float
    median: float
    top_fifth: float
    best: int
    wrong: float

    @classmethod
    def of(cls, scores: Sequence[int]) -> Figures:
        """The figures of a list that is not empty."""
        s = np.sort(scores)
        top = float(s[-max(1, len(s) // 5) :].mean())
        return cls(float(s.mean()), float(np.median(s)), top, int(s[-1]), float((s == WRONG_FORMAT).mean()))

    def __str__(self) -> str:
        wrong = f", wrong format {self.wrong:.1%}" if self.wrong else ""
        return f"mean {self.mean:.1f}, median {self.median:g}, top fifth {self.top_fifth:.2f}, max {self.best}{wrong}"
