"""Does a model learn more about size n from smaller sizes? The lecture's experiment, at equal training time.

    python benchmarks/seeding.py 16 --seeds 5 --seconds 60 -o seeding-16

Two training sets: random greedy attempts at size n, alone ("without") or with the best constructions of all sizes from
4 to n - 1 ("with", found by a short tabu search). A model is trained on each for the same time and sampled at size n,
once freely and once under the legality mask. Scores: points left once the worst are dropped until the set is valid; -10
for a sample of a wrong format, as in the lecture. No local search comes after. Both models of a seed train side by
side, one thread each, so that whatever else the machine does hits both alike.

Writes NAME.json and NAME.png (histograms: attempts in, samples out) and prints a table.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from patternboost.archive import canonical_key
from patternboost.model.generator import GPTGenerator, pick_device
from patternboost.model.sampling import SampleSettings
from patternboost.model.tokens import TOKENISATIONS, Example
from patternboost.model.training import TrainSettings
from patternboost.registry import find_problem, problem
from patternboost.search.greedy import Greedy
from patternboost.search.local import prepare
from patternboost.search.walker import SparseWalker, make_walker

SAMPLES = 2_000
WRONG_FORMAT = -10
#: classes in which the best constructions of smaller sizes are searched, and tabu steps per construction
CLASSES, STEPS = ("none", "mirror", "both-mirrors"), 3_000


def attempts(name: str, n: int, count: int, seed: int) -> list[Example]:
    """Random greedy fills of the whole grid."""
    return [Example(n, "none", elements) for elements in Greedy.of(problem(name, n)).sample(count, seed)]


def best_of(name: str, n: int, count: int, seed: int) -> list[Example]:
    """The best distinct constructions of size n that short walks find, as sets without symmetry."""
    instance = problem(name, n)
    found: dict[bytes, Example] = {}
    for symmetry in CLASSES:
        table, bits = prepare(instance, symmetry)
        walker = make_walker(table, bits, (1, 3), seed)
        for _ in range(count):
            walker.start(np.empty(0, np.int64))
            walker.run(STEPS, STEPS, instance.upper_bound)
            elements = table.orbits.expand(np.sort(walker.best[0]))
            found.setdefault(canonical_key(instance, elements), Example(n, "none", elements))
    return sorted(found.values(), key=lambda e: -len(e.elements))[:count]


def scores_of(name: str, n: int, bodies: list[np.ndarray], vocabulary) -> list[int]:
    """Points of every sample once it is valid, or WRONG_FORMAT."""
    table = prepare(problem(name, n), "none").table
    walker = SparseWalker(table, (1, 3), 1)
    sets = [vocabulary.decode(n, "none", body) for body in bodies]
    return [WRONG_FORMAT if s is None else walker.start(s) for s in sets]


def one(
    name: str, n: int, tokens: str, seed: int, count: int, smaller: list[Example], seconds: float
) -> dict[str, object]:
    """Train one model on `count` attempts and the smaller constructions, and sample from it."""
    examples = attempts(name, n, count, seed)
    scores_in = [len(e.elements) for e in examples]
    examples += smaller
    family = find_problem(name)
    vocabulary = TOKENISATIONS[tokens](family, tuple(range(4, n + 1)), ("none",))
    shape = {"layers": 4, "heads": 4, "width": 128}
    generator = GPTGenerator(
        vocabulary, shape, TrainSettings(patience=10**6), SampleSettings(), pick_device("cpu"), seed
    )
    log = generator.fit(examples, seed, lambda: False, lambda share: None, seconds)
    table = prepare(problem(name, n), "none").table
    free = generator.bodies(n, "none", SAMPLES, seed, None, lambda: False, 1.0)
    masked = generator.bodies(n, "none", SAMPLES, seed, table, lambda: False, 1.0)
    return {
        "seed": seed, "smaller": bool(smaller), "examples": len(examples), "steps": log.steps, "loss": log.loss,
        "held_out": log.held_out_loss, "in": scores_in, "free": scores_of(name, n, free, vocabulary),
        "masked": scores_of(name, n, masked, vocabulary),
    }  # fmt: skip


def line(label: str, scores: list[int]) -> str:
    """Mean, median, mean of the top fifth, maximum, and the share of wrong formats."""
    s = np.sort(scores)
    top = s[-len(s) // 5 :].mean()
    wrong = f"wrong {(s == WRONG_FORMAT).mean():.1%}"
    return f"{label:24} mean {s.mean():6.2f}  median {np.median(s):5.1f}  top fifth {top:5.2f}  max {s[-1]}  {wrong}"


def draw(results: list[dict], n: int, path: Path) -> None:
    """Histograms over all seeds: attempts in, samples out."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(3, 1, figsize=(7, 7), sharex=True, layout="constrained")
    rows = [("attempts in", "in", None), ("samples, free", "free", 1), ("samples, masked", "masked", 1)]
    for axis, (title, key, arms) in zip(axes, rows, strict=True):
        for smaller in (False, True) if arms else (False,):
            scores = np.concatenate([r[key] for r in results if r["smaller"] == smaller])
            scores = scores[scores >= 0]
            bins = np.arange(0, scores.max() + 2) - 0.5
            label = None if not arms else ("with smaller n" if smaller else "without")
            axis.hist(scores, bins, density=True, alpha=0.6, label=label)
        axis.set_title(f"{title}, n = {n}", loc="left")
        axis.set_ylabel("share")
        if arms:
            axis.legend()
    axes[-1].set_xlabel("points")
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n", type=int)
    parser.add_argument("--problem", default="isosceles")
    parser.add_argument("--tokens", choices=TOKENISATIONS, default="orbits")
    parser.add_argument("--attempts", type=int, default=10_000)
    parser.add_argument("--smaller", type=int, default=500, help="constructions of each smaller size, at most")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    results = []
    with ProcessPoolExecutor(2) as pool:
        made = [pool.submit(best_of, given.problem, m, given.smaller, 1) for m in range(4, given.n)]
        best = [example for work in made for example in work.result()]
        print(f"{len(best)} constructions of smaller sizes", flush=True)
        for seed in range(1, given.seeds + 1):
            shared = (given.problem, given.n, given.tokens, seed, given.attempts)
            work = [(*shared, smaller, given.seconds) for smaller in ([], best)]
            pair = [f.result() for f in [pool.submit(one, *w) for w in work]]
            results += pair
            print(line(f"seed {seed} attempts in", pair[0]["in"]), flush=True)
            for r in pair:
                arm = "with" if r["smaller"] else "without"
                print(line(f"  {arm}, free", r["free"]) + f"  ({r['steps']} steps)", flush=True)
                print(line(f"  {arm}, masked", r["masked"]), flush=True)
    given.output.with_suffix(".json").write_text(json.dumps(results))
    draw(results, given.n, given.output.with_suffix(".png"))


if __name__ == "__main__":
    main()
