"""Does one model for every size know a size that it never saw? Loss and regions at n = 100 after training on n <= 64.

    python benchmarks/every_size.py --seconds 300 --cpu-seconds 60        (a quarter of an hour of one core)

Isosceles, both mirrors of the inner board. Beside the model: the kernel density of smaller sizes, which the search
uses, and counting in sets of n = 100 itself. Then walks in the region that each points out, as in `regions.py`.
"""

from __future__ import annotations

import argparse

import numpy as np
from architectures import counting_loss, pool
from seed_regions import measure

from patternboost.loop.regions import expected_density, held, region
from patternboost.loop.smaller_sizes import seed_density
from patternboost.model.network_generator import NetworkGenerator
from patternboost.model.next_token import SampleSettings
from patternboost.model.precision import pick_device
from patternboost.model.request import DrawRequest, FitRequest
from patternboost.model.tokens import Example, OrbitVocabulary
from patternboost.model.training import TrainSettings
from patternboost.problem.registry import problem
from patternboost.problem.symmetry import class_orbits
from patternboost.search.tasks import prepare
from patternboost.store.construction import Construction

SYMMETRY, N = "both-mirrors+half", 100
SIZES = tuple(range(32, 65, 4))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300.0, help="training of the model")
    parser.add_argument("--cpu-seconds", type=float, default=60.0, help="walks in each region")
    parser.add_argument("--share", type=float, default=0.93)
    given = parser.parse_args()
    given.score, given.patience = 156, 20
    instance = problem("isosceles", N)

    def found(n: int, count: int) -> list[Example]:
        prepared = prepare(problem("isosceles", n), SYMMETRY)
        return pool("isosceles", n, SYMMETRY, prepared, count, 4 * prepared.table.orbits.count)

    smaller = [e for n in SIZES for e in found(n, 300)]
    own = found(N, 600)
    rng = np.random.default_rng(1)
    own = [own[i] for i in rng.permutation(len(own))]
    tokens = np.mean([len(class_orbits(instance, SYMMETRY).project(e.elements)) + 1 for e in own])
    print(f"{len(smaller)} sets of n = {SIZES[0]} to {SIZES[-1]}; {len(own)} of n = {N}, {tokens:.1f} tokens each")

    vocabulary = OrbitVocabulary(instance.problem, (*SIZES, N), (SYMMETRY,))
    generator = NetworkGenerator(
        vocabulary, {"layers": 4, "heads": 4, "width": 96}, TrainSettings(eval_every=200, patience=10**6, batch=32),
        SampleSettings(), pick_device("auto"), 1, threads=1, network="every-size",
    )  # fmt: skip
    log = generator.fit(FitRequest(smaller, 1, seconds=given.seconds, longest=int(1.5 * tokens)))
    print(f"every-size: {log.steps} steps, loss {log.held_out_loss:.3f} at the sizes that it saw")

    orbits = class_orbits(instance, SYMMETRY)
    best = {n: max((e for e in smaller if e.n == n), key=lambda e: len(e.elements)) for n in SIZES}
    seeds = [Construction.of(problem("isosceles", n), problem("isosceles", n).to_points(e.elements))
             for n, e in best.items()]  # fmt: skip
    density = seed_density(instance, SYMMETRY, seeds)
    assert density is not None
    uniform = np.log(orbits.count)
    print(f"loss per token at n = {N}: uniform order-free {bernoulli(np.ones(orbits.count), own, tokens):.3f}, "
          f"seeds' density {bernoulli(density, own, tokens):.3f}, every-size {generator.loss_of(own):.3f}, "
          f"counting at n = {N} itself {counting_loss(vocabulary, own[:300], own[300:]):.3f} "
          f"(a uniform token: {uniform:.3f})", flush=True)  # fmt: skip

    table = prepare(instance, SYMMETRY).table
    samples = [Example(N, SYMMETRY, s) for s in generator.sample(DrawRequest(N, SYMMETRY, 200, 3, table)).sets]
    points = np.sort([len(s.elements) for s in samples])
    print(f"masked samples at n = {N}: mean {points.mean():.1f}, best {points[-1]}")
    expected = expected_density(generator, orbits, samples)
    counted = held(orbits, [e.elements for e in own])
    print("region           orbits  built s    walks      steps/s   score: sets (different)")
    for name, known in (("seeds' density", density), ("every-size", expected), ("counted", counted)):
        print(f"{name:15}", measure(instance, SYMMETRY, region(known, given.share), given), flush=True)


def bernoulli(density: np.ndarray[tuple[int, ...], np.dtype[np.float64]], sets: list[Example], tokens: float) -> float:
    """Loss per token where every orbit is in a set or not by itself, by a density that is told the sets' mean size."""
    share = np.clip(density / density.sum() * (tokens - 1), 1e-5, 0.99)
    orbits = class_orbits(problem("isosceles", sets[0].n), SYMMETRY)
    total = 0.0
    for e in sets:
        inside = orbits.project(e.elements)
        total -= np.log1p(-share).sum() + (np.log(share[inside]) - np.log1p(-share[inside])).sum()
    return total / len(sets) / tokens


if __name__ == "__main__":
    main()
