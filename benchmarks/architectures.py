"""The architectures beside each other: as many weights, as long a training, the same pool. A line for each.

    python benchmarks/architectures.py --seconds 60         (four pools, half an hour of one core)

Pools are what short walks from nothing find in one symmetry class, distinct up to symmetry. Printed: held-out loss per
token, and the points of samples drawn under the legality mask, beside counting (unigram) and the pool itself. Two
models are trained once more with how good each set is in its prefix, and are asked for sets better than all, and as
good as the best; their loss is that of sets whose score they are told.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np

from patternboost.loop.regions import marginal_frequencies
from patternboost.model.bigram import BigramGenerator
from patternboost.model.corpus import PoolCorpus
from patternboost.model.generator import Generator
from patternboost.model.levels import LEVELS, level_of
from patternboost.model.network_generator import NetworkGenerator
from patternboost.model.next_token import SampleSettings
from patternboost.model.precision import pick_device
from patternboost.model.request import DrawRequest, FitRequest
from patternboost.model.tokens import Example, OrbitVocabulary
from patternboost.model.training import TrainSettings
from patternboost.problem.registry import problem
from patternboost.problem.symmetry import canonical_key
from patternboost.search.tasks import Prepared, prepare
from patternboost.search.walker import make_walker

POOLS = (
    ("isosceles", 64, "both-mirrors"),
    ("isosceles", 100, "both-mirrors"),
    ("no-square", 14, "none"),
    ("no-four-cycle", 24, "none"),
)
#: those that are told levels as well
TOLD = ("gpt", "every-size")
#: widths that come to about as many weights as gpt's 64, whatever the number of tokens
MODELS = ("gpt", "graph", "vit", "every-size")
DEVICE = pick_device("auto")


def pool(name: str, n: int, symmetry: str, prepared: Prepared, count: int, patience: int) -> list[Example]:
    """The better half of what walks find, at most `count` distinct sets."""
    instance, found = problem(name, n), {}
    walker = make_walker(prepared.table, prepared.bits, (1, 2), 1)
    began = time.monotonic()
    while len(found) < 2 * count and time.monotonic() - began < 60:
        walker.start(np.empty(0, np.int64))
        walker.run(patience, patience, 10**6)
        elements = prepared.table.orbits.expand(np.sort(walker.best[0]))
        # Graphs have too many symmetries for it, and walks do not come upon the same one twice.
        key = elements.tobytes() if name.startswith("no-four") else canonical_key(instance, elements)
        found.setdefault(key, Example(n, symmetry, elements))
    return sorted(found.values(), key=lambda e: -len(e.elements))[:count]


def weights(generator: NetworkGenerator, context: int) -> int:
    """Number of weights."""
    return generator.build(context).model.parameter_count()


def fitting(vocabulary: OrbitVocabulary, name: str, wanted: int, seed: int, context: int) -> NetworkGenerator:
    """A model of about so many weights."""
    made = []
    for width in range(32, 161, 8):
        shape = {"layers": 4, "heads": 4, "width": width}
        training = TrainSettings(eval_every=50, patience=10**6)
        generator = NetworkGenerator(
            vocabulary, shape, training, SampleSettings(), DEVICE, seed, threads=1, network=name
        )
        made.append((abs(weights(generator, context) - wanted), width, generator))
    generator = min(made)[2]
    generator.built = None
    return generator


def line(what: str, generator: Generator, asked: DrawRequest, figures: str) -> None:
    """What samples are like."""
    sets = generator.sample(asked).sets
    points = np.sort([len(s) for s in sets])
    fifth = points[-len(points) // 5 :].mean()
    print(
        f"  {what:11} {figures}; samples: mean {points.mean():.2f}, top fifth {fifth:.2f}, best {points[-1]}",
        flush=True,
    )


def one(name: str, n: int, symmetry: str, seconds: float, seed: int) -> None:
    """All models on one pool."""
    instance = problem(name, n)
    prepared = prepare(instance, symmetry)
    examples = pool(name, n, symmetry, prepared, 4000, 4 * prepared.table.orbits.count)
    rng = np.random.default_rng(seed)
    examples = [examples[i] for i in rng.permutation(len(examples))]
    held, used = examples[: len(examples) // 10], examples[len(examples) // 10 :]
    points = np.sort([len(e.elements) for e in examples])
    vocabulary = OrbitVocabulary(instance.problem, (n,), (symmetry,))
    longest = int(PoolCorpus(vocabulary, examples, DEVICE).lengths.max())
    print(f"{name} {n} {symmetry}: {len(examples)} sets of {points[0]} to {points[-1]}, mean {points.mean():.2f}")
    asked = DrawRequest(n, symmetry, 500, 3, prepared.table)
    counted = BigramGenerator(vocabulary, SampleSettings(), unigram=True)
    counted.fit(FitRequest(used, 1))
    line("counting", counted, asked, f"loss {counting_loss(vocabulary, used, held):.3f}")
    base = NetworkGenerator(
        vocabulary, {"layers": 4, "heads": 4, "width": 64}, TrainSettings(), SampleSettings(), DEVICE, seed
    )
    wanted = weights(base, longest + 8)
    for network in MODELS:
        generator = fitting(vocabulary, network, wanted, seed, longest + 8)
        log = generator.fit(FitRequest(used, seed, seconds=seconds))
        loss, count = generator.loss_of(held), generator.model.parameter_count()
        line(network, generator, asked, f"{count:,} weights, {log.steps} steps, loss {loss:.3f}")
    vocabulary = OrbitVocabulary(instance.problem, (n,), (symmetry,), LEVELS)
    scores = set(points.tolist())
    held, used = ([replace(e, level=level_of(len(e.elements), scores)) for e in sets] for sets in (held, used))
    for network in TOLD:
        generator = fitting(vocabulary, network, wanted, seed, longest + 8)
        log = generator.fit(FitRequest(used, seed, seconds=seconds))
        loss = generator.loss_of(held)
        for level, words in enumerate(("above all", "as the best")):
            figures = f"asked for {words}, {log.steps} steps, loss {loss:.3f}"
            line(network, generator, replace(asked, level=level), figures)


def counting_loss(vocabulary: OrbitVocabulary, used: list[Example], held: list[Example]) -> float:
    """Loss per token of counting: how often sets hold each orbit, in every way the symmetries turn them.

    Every orbit is in a set or not by itself; so what is between two tokens of a sequence counts as well.
    """
    kind = held[0].n, held[0].symmetry
    view = vocabulary.view(*kind)
    times = marginal_frequencies(vocabulary.problem.at(kind[0]), view.orbits, [e.elements for e in used])
    share = (times + 0.5) / (len(used) * len(view.moves) + 1)
    nothing = np.log1p(-share).sum()
    odds = np.log(share) - np.log1p(-share)
    total = sum(nothing + odds[view.held(e.elements)].sum() for e in held)
    return float(-total / sum(len(view.held(e.elements)) + 1 for e in held))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="training of each model")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pools", default="0123", help="which of them")
    given = parser.parse_args()
    for which in map(int, given.pools):
        one(*POOLS[which], given.seconds, given.seed)


if __name__ == "__main__":
    main()
