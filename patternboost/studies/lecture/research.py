"""The lecture's research experiments: train on constructions, sample, and look at the scores in and out.

Scores of samples are what is left once the worst points are dropped until the set is valid; a sample of a wrong format
scores -10, as in the lecture. No local search comes after, but in `no-three-in-line`, which asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from patternboost.model.drawing import SampleSettings
from patternboost.model.network_generator import NetworkGenerator
from patternboost.model.request import DrawRequest, FitRequest
from patternboost.model.tokens import TOKENISATIONS, Example
from patternboost.model.training import TrainSettings
from patternboost.problem.ground import IntArray
from patternboost.problem.registry import find_problem, problem
from patternboost.problem.symmetry import canonical_key
from patternboost.search.greedy import Greedy
from patternboost.search.tables import Table
from patternboost.search.tasks import prepare
from patternboost.search.walker import make_walker

#: the score of a sample of a wrong format
WRONG_FORMAT = -10
#: classes in which good constructions are searched, and tabu steps per construction
_CLASSES, _STEPS = ("none", "mirror", "both-mirrors"), 3_000
_SHAPE = {"layers": 4, "heads": 4, "width": 128}


@dataclass(frozen=True)
class Arm:
    """One model of an experiment: what it learns from and how that is written."""

    name: str
    tokens: str = "orbits"
    #: whether the best constructions of all smaller sizes from 4 on are added
    smaller: bool = False


@dataclass(frozen=True)
class Experiment:
    """A lesson of this kind."""

    name: str
    #: what is done, in a sentence, and what the lecture reports
    definition: str
    lecture: str
    problem: str
    n: int
    arms: tuple[Arm, ...]
    #: what the models learn from besides: 'attempts' (random greedy fills) or 'best' (of short walks of tabu search)
    source: str = "attempts"
    #: whether local search goes on from the samples, against as many walks from nothing
    improved: bool = False


EXPERIMENTS = {
    e.name: e
    for e in (
        Experiment(
            "learn-from-attempts",
            "All attempts (random greedy fills) at n = 16 in, more attempts like these out.",
            "in: mean 16.7, median 17, top fifth 20.7, max 23; out: 15.9, 17, 21.9, 24",
            "isosceles",
            16,
            (Arm("attempts"),),
        ),
        Experiment(
            "smaller-sizes",
            "The same with the best constructions of n = 4 to 15 added.",
            "without: top fifth 21.9, max 24; with: mean 15.4, median 16, top fifth 23.4, max 25, more illegal samples",
            "isosceles",
            16,
            (Arm("without"), Arm("with smaller n", smaller=True)),
        ),
        Experiment(
            "larger-n",
            "n = 21 with the best constructions of n = 4 to 20; those of n = 21 are the best of many.",
            "100k best for n <= 20 and 10k of n = 21 with score 28: spikes at scores divisible by 4",
            "isosceles",
            21,
            (Arm("with smaller n", smaller=True),),
            source="best",
        ),
        Experiment(
            "tokenisation",
            "The same attempts written as 0/1 strings, with learned tokens of several cells, and one token per cell.",
            "0s far outnumber 1s and the middle is empty: tokens that stand for more than one cell should help",
            "isosceles",
            16,
            (Arm("bits", "bits"), Arm("merged", "merged"), Arm("orbits")),
        ),
        Experiment(
            "no-three-in-line",
            "The exercise: start from your best no-three-in-line constructions; can the loop improve them?",
            "left to the listener",
            "no-three-in-line",
            16,
            (Arm("best"),),
            source="best",
            improved=True,
        ),
    )
}


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


def attempts(name: str, n: int, count: int, seed: int) -> list[Example]:
    """Random greedy fills of the whole grid."""
    return [Example(n, "none", elements) for elements in Greedy.of(problem(name, n)).sample(count, seed)]


def best_of(name: str, n: int, count: int, seed: int, over: Callable[[], bool] = lambda: False) -> list[Example]:
    """The best distinct constructions of size n that short walks find, as sets without symmetry, best first."""
    instance = problem(name, n)
    found: dict[bytes, Example] = {}
    for symmetry in (s for s in _CLASSES if s in instance.classes):
        prepared = prepare(instance, symmetry)
        walker = make_walker(prepared.table, prepared.bits, (1, 3), seed)
        for _ in range(count):
            if over():
                break
            walker.start(np.empty(0, np.int64))
            walker.run(_STEPS, _STEPS, instance.upper_bound)
            elements = prepared.table.orbits.expand(np.sort(walker.best[0]))
            if len(elements):
                found.setdefault(canonical_key(instance, elements), Example(n, "none", elements))
    return sorted(found.values(), key=lambda e: -len(e.elements))[:count]


def smaller_sizes(name: str, n: int, count: int, seed: int, over: Callable[[], bool]) -> list[Example]:
    """The best constructions of the sizes from 4 to n - 1."""
    return [example for m in range(4, n) for example in best_of(name, m, count, seed, over)]


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
) -> ArmResult:
    """Train one model with one seed and sample from it; `over()` ends the training early."""
    name, n = experiment.problem, experiment.n
    count = settings.count
    own = attempts(name, n, count, seed) if experiment.source == "attempts" else best_of(name, n, count, seed, over)
    examples = [*own, *(smaller if arm.smaller else ())]
    sizes = tuple(sorted({e.n for e in examples}))
    vocabulary = TOKENISATIONS[arm.tokens](find_problem(name), sizes, ("none",))
    training = TrainSettings(
        settings.steps, settings.batch, weight_decay=settings.weight_decay, eval_every=max(1, settings.steps // 20),
        patience=settings.steps,
    )  # fmt: skip
    generator = NetworkGenerator(vocabulary, _SHAPE, training, SampleSettings(), device, seed, threads=settings.threads)
    log = generator.fit(FitRequest(examples, seed, over, report))
    instance = problem(name, n)
    prepared = prepare(instance, "none")

    def drawn(table: Table | None) -> list[IntArray | None]:
        bodies = generator.sample_sequences(DrawRequest(n, "none", settings.samples, seed, table))
        return [vocabulary.decode(n, "none", body) for body in bodies]

    free, masked = drawn(None), drawn(prepared.table)
    known = {canonical_key(instance, e.elements) for e in own}
    fresh = [s for s in masked if s is not None and canonical_key(instance, s) not in known]
    walker = make_walker(prepared.table, prepared.bits, (1, 3), seed)

    def walked(starts: Sequence[IntArray]) -> list[int]:
        scores = []
        for start in starts:
            walker.start(prepared.table.orbits.project(start))
            walker.run(_STEPS, _STEPS, instance.upper_bound)
            scores.append(walker.best[1])
        return scores

    formed = [s for s in masked if s is not None] if experiment.improved else []
    return ArmResult(
        arm,
        seed,
        log.steps,
        generator.model.parameter_count(),
        log.held_out_loss,
        log.seconds,
        len(examples),
        [len(e.elements) for e in own],
        scores_of(prepared.table, free),
        scores_of(prepared.table, masked),
        len(fresh) / max(1, len(masked)),
        walked(formed),
        walked([np.empty(0, np.int64)] * len(formed)),
    )


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
