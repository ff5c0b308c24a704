"""How often does local search alone reach a score within so many CPU-seconds? Prints the rate and the time per hit.

    python benchmarks/hit_rates.py isosceles 32 mirror 58 --cpu-seconds 60 --seeds 200

Every seed is one search of one thread: walks from nothing, one after the other, in one symmetry class, until the target
or the time is reached. The time to build the table (once, shared) is printed apart. Every hit is verified.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from patternboost.loop.context import Context
from patternboost.loop.starts import effort
from patternboost.problem.registry import problem
from patternboost.search.memory import Building
from patternboost.search.tasks import prepare
from patternboost.search.walker import make_walker
from patternboost.store.construction import Construction
from patternboost.store.settings import Settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problem")
    parser.add_argument("n", type=int)
    parser.add_argument("symmetry")
    parser.add_argument("target", type=int)
    parser.add_argument("--cpu-seconds", type=float, default=60.0)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    instance = problem(given.problem, given.n)
    began = time.monotonic()
    table, bits = prepare(instance, given.symmetry, Building(4 << 30, given.threads))
    built = time.monotonic() - began
    settings = Settings(given.problem, given.n)
    context = Context(settings, instance, (given.symmetry,), given.target, "its target")
    how = effort(context, given.symmetry)

    def one(seed: int) -> tuple[int, float, int]:
        walker = make_walker(table, bits, how.tenure, seed)
        began, steps, best = time.thread_time(), 0, 0
        while best < given.target and time.thread_time() - began < given.cpu_seconds:
            walker.start(np.empty(0, np.int64))
            while not walker.run(20_000, how.patience, given.target):
                if time.thread_time() - began >= given.cpu_seconds:
                    break
            orbits, points = walker.best
            steps += walker.steps
            if points > best:
                best = points
                assert not Construction.of(instance, instance.to_points(table.orbits.expand(orbits))).check()
        return best, time.thread_time() - began, steps

    with ThreadPoolExecutor(given.threads) as pool:
        results = list(pool.map(one, range(1, given.seeds + 1)))
    hits = sum(best >= given.target for best, _, _ in results)
    seconds = sum(spent for _, spent, _ in results)
    scores = sorted({best for best, _, _ in results}, reverse=True)
    print(
        f"{instance} {given.symmetry}: {given.target} in {hits}/{given.seeds} searches of {given.cpu_seconds:g} "
        f"CPU-seconds; {seconds / max(hits, 1):.2f} CPU-seconds per hit, "
        f"{sum(s for _, _, s in results) / seconds / 1e3:,.0f} thousand steps/s, table {built:.1f} s; "
        + ", ".join(f"{score}: {sum(best == score for best, _, _ in results)}" for score in scores)
    )


if __name__ == "__main__":
    main()
