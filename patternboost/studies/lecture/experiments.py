"""The lecture's research experiments, and what it leaves to be tried: an experiment is an entry here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Arm:
    """One model of an experiment: what it learns from and how that is written."""

    name: str
    tokens: str = "orbits"
    #: whether the best constructions of all smaller sizes from 4 on are added, and those of the size itself left out
    smaller: bool = False
    unseen: bool = False
    #: the architecture; 'attempts', 'symmetric' or 'best' instead of the experiment's source
    model: str = "gpt"
    source: str = ""
    #: whether every batch has new attempts, instead of a fixed set of them
    fresh: bool = False
    #: whether the model is told how good each example is, and asked for better than all of them
    ask_above: bool = False
    #: 'preference' or 'policy' after imitation
    align: str = ""


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
    #: what the models learn from besides: 'attempts' (random greedy fills of the whole grid), 'symmetric' (of symmetry
    #: classes in turn), or 'best' (of short walks of tabu search)
    source: str = "attempts"
    #: whether local search goes on from the samples, against as many walks from nothing
    improved: bool = False
    #: whether all arms train as long as the first one did, whatever a step takes
    timed: bool = False


_TRY = "asks for it: what to try next"

EXPERIMENTS = {
    e.name: e
    for e in (
        Experiment(
            "learn-from-attempts",
            "All attempts (random greedy fills) at n = 16 in, more attempts like these out.",
            "in: mean 16.7, median 17, top fifth 20.7, max 23; out: 15.9, 17, 21.9, 24",
            "isosceles",
            16,
            (
                Arm("attempts"),
                Arm("fresh attempts", fresh=True),
                Arm("symmetric attempts", source="symmetric"),
                Arm("fresh symmetric attempts", source="symmetric", fresh=True),
                Arm("the same, asked for more", source="symmetric", fresh=True, ask_above=True),
            ),
        ),
        Experiment(
            "smaller-sizes",
            "The same with the best constructions of n = 4 to 15 added.",
            "without: top fifth 21.9, max 24; with: mean 15.4, median 16, top fifth 23.4, max 25, more illegal samples",
            "isosceles",
            16,
            (
                Arm("without"),
                Arm("with smaller n", smaller=True),
                Arm("symmetric attempts, without", source="symmetric"),
                Arm("symmetric attempts, with smaller n", source="symmetric", smaller=True),
                Arm("the same, asked for more", source="symmetric", smaller=True, ask_above=True),
            ),
        ),
        Experiment(
            "larger-n",
            "n = 21 with the best constructions of n = 4 to 20; those of n = 21 are the best of many.",
            "100k best for n <= 20 and 10k of n = 21 with score 28: spikes at scores divisible by 4",
            "isosceles",
            21,
            (Arm("with smaller n", smaller=True), Arm("symmetric attempts", source="symmetric")),
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
        Experiment(
            "alignment",
            "After imitation the model learns from what its own samples are worth.",
            _TRY,
            "isosceles",
            16,
            (Arm("imitation"), Arm("preference", align="preference"), Arm("policy", align="policy")),
        ),
        Experiment(
            "vision",
            "A model that sees the board so far in patches beside one that reads it as a sequence, in equal time.",
            _TRY,
            "isosceles",
            16,
            (Arm("gpt"), Arm("vit", model="vit")),
            source="symmetric",
            timed=True,
        ),
        Experiment(
            "graph",
            "Attention that knows how two cells lie to each other beside attention that does not, in equal time.",
            _TRY,
            "isosceles",
            16,
            (Arm("gpt"), Arm("graph", model="graph")),
            source="symmetric",
            timed=True,
        ),
        Experiment(
            "every-size",
            "Tokens computed from places, so that a model writes for n = 16 having seen n = 4 to 15 alone.",
            "tokens of larger n are new to the model; smaller n help",
            "isosceles",
            16,
            (
                Arm("gpt, n = 16 unseen", smaller=True, unseen=True),
                Arm("every-size, n = 16 unseen", smaller=True, unseen=True, model="every-size"),
                Arm("gpt", smaller=True),
                Arm("every-size", smaller=True, model="every-size"),
            ),
            source="best",
            timed=True,
        ),
    )
}
