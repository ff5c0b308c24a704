"""What regions from smaller sizes are worth: sets of a score or more, and different ones, per share of the density.

    python benchmarks/seed_regions.py isosceles 100 both-mirrors+half 160 --smaller 44-64 --cpu-seconds 30

Walks from nothing in one region each, one thread, as a search makes them; `whole` is the inner board of the class, or
the class. The seeds are the best constructions that ship for the sizes given; `--seeds class` takes those alone that
are of the class, `--seeds leading` those at or above the line through the scores of their neighbours. `--drawn
0.9,0.999,0.5` draws a region anew for every batch of walks: all of the share 0.9, half of the orbits that 0.999 adds.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable

import numpy as np

from patternboost.loop.regions import region
from patternboost.loop.smaller_sizes import seed_density, smallest_class
from patternboost.loop.starts import NOTHING
from patternboost.problem import Instance, IntArray
from patternboost.problem.registry import problem
from patternboost.problem.symmetry import canonical_key, class_orbits, inner_board
from patternboost.search.regions import region_rows
from patternboost.search.tasks import Effort, Task, run_task
from patternboost.store.construction import Construction
from patternboost.store.library import shipped
from patternboost.studies.ladder.choosing import lags

_TASK_STEPS = 400_000


def measure(instance: Instance, symmetry: str, drawn: Callable[[], IntArray], given: argparse.Namespace) -> str:
    """A line of the table for one region, or (`drawn` gives another each time) one for every batch of walks."""
    began, inside = time.perf_counter(), drawn()
    region_rows(instance, symmetry, inside, 4 << 30)
    built = time.perf_counter() - began
    patience = max(1000, given.patience * len(inside))
    effort = Effort(patience, 10 * patience)
    starts = (NOTHING,) * max(1, round(_TASK_STEPS / 2 / patience))
    hits: Counter[int] = Counter()
    different: dict[int, set[bytes]] = {}
    walks = steps = 0
    began = time.process_time()
    while time.process_time() - began < given.cpu_seconds:
        task = Task(instance, symmetry, starts, effort, walks, 10**9, 4 << 30, None, drawn(), False, given.score)
        for outcome in run_task(task):
            walks, steps = walks + 1, steps + outcome.steps
            if outcome.after >= given.score:
                hits[outcome.after] += 1
                different.setdefault(outcome.after, set()).add(canonical_key(instance, outcome.elements))
    spent = time.process_time() - began
    found = ", ".join(f"{s}: {hits[s]} ({len(different[s])})" for s in sorted(hits))
    return f"{len(inside):7} {built:8.2f} {walks:8} {steps / spent:12,.0f}   {found or 'none'}"


def chosen_seeds(which: str, seeds: list[Construction], symmetry: str) -> list[Construction]:
    """All of the seeds, those of a class, or those at or above the line of their neighbours' scores."""
    if which == "class":
        return [c for c in seeds if smallest_class(c, [symmetry, "none"]) == symmetry]
    if which == "leading":
        behind = lags({c.n: c.score for c in seeds})
        return [c for c in seeds if behind[c.n] <= 0]
    return seeds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problem")
    parser.add_argument("n", type=int)
    parser.add_argument("symmetry")
    parser.add_argument("score", type=int)
    parser.add_argument("--smaller", default="1-", help="sizes of the seeds: 44-64")
    parser.add_argument("--shares", default="0.85,0.93,0.98,0.995")
    parser.add_argument("--patience", type=int, default=20, help="steps per orbit of the region")
    parser.add_argument("--cpu-seconds", type=float, default=30.0)
    parser.add_argument("--seeds", choices=("all", "class", "leading"), default="all")
    parser.add_argument("--drawn", metavar="ALL,SOME,PART", help="regions drawn anew, instead of --shares")
    parser.add_argument("--whole", action="store_true", help="the inner board, or the class, beside them")
    given = parser.parse_args()
    least, _, most = given.smaller.partition("-")
    instance = problem(given.problem, given.n)
    sizes = range(int(least), min(int(most or given.n - 1), given.n - 1) + 1)
    seeds = [c for n in sizes if (c := shipped(problem(given.problem, n))) is not None]
    seeds = chosen_seeds(given.seeds, seeds, given.symmetry)
    density = seed_density(instance, given.symmetry, seeds)
    if density is None:
        parser.error("no seeds of these sizes, or sizes do not compare on this ground set")
    print(f"{instance}, {given.symmetry}, seeds of {len(seeds)} sizes, {given.cpu_seconds:g} CPU-seconds each")
    print("  share  orbits  built s    walks      steps/s   score: sets (different)")
    if given.drawn:
        least, most, part = map(float, given.drawn.split(","))
        core, rng = region(density, least), np.random.default_rng(0)
        rest = np.setdiff1d(region(density, most), core)

        def drawn() -> IntArray:
            return np.sort(np.concatenate([core, rng.choice(rest, round(part * len(rest)), replace=False)]))

        print(f"{given.drawn:>7}", measure(instance, given.symmetry, drawn, given), flush=True)
    for share in [] if given.drawn else map(float, given.shares.split(",")):
        inside = region(density, share)
        print(f"{share:7}", measure(instance, given.symmetry, lambda inside=inside: inside, given), flush=True)
    if given.whole:
        inner = inner_board(instance, given.symmetry)
        orbits = np.arange(class_orbits(instance, given.symmetry).count) if inner is None else inner
        print("  whole", measure(instance, given.symmetry, lambda: orbits, given), flush=True)


if __name__ == "__main__":
    main()
