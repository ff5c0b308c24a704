"""What regions are worth, from smaller sizes or counted in a pool: sets of a score or more, and different ones.

    python benchmarks/regions.py isosceles 100 both-mirrors+half 160 --smaller 44-64 --cpu-seconds 30
    python benchmarks/regions.py isosceles 64 both-mirrors+half 108 --pool 20 --cpu-seconds 90

Walks from nothing in one region each, one thread, as a search makes them; `whole` is the inner board of the class, or
the class. The seeds are the best constructions that ship for the sizes given; `--seeds class` takes those alone that
are of the class, `--seeds leading` those at or above the line through the scores of their neighbours. `--drawn
0.9,0.999,0.5` draws a region anew for every batch of walks: all of the share 0.9, half of the orbits that 0.999 adds.
With `--pool SECONDS` the density is that of the 300 best sets which walks on the inner board find in so many
CPU-seconds: counted, and (`spread`) carried to places nearby. `needs` says how many orbits of each density's order the
best construction that ships for the size itself would need.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from patternboost.loop.places import FloatArray, places_of
from patternboost.loop.regions import marginal_frequencies, region
from patternboost.loop.smaller_sizes import seed_density, smallest_class
from patternboost.loop.starts import NOTHING
from patternboost.problem import Instance, IntArray
from patternboost.problem.registry import problem
from patternboost.problem.symmetry import board_orbits, canonical_key, class_orbits
from patternboost.search.region_cache import region_rows
from patternboost.search.tasks import Effort, Outcome, Task, run_task
from patternboost.store.construction import Construction
from patternboost.store.library import shipped
from patternboost.studies.ladder.choosing import lags

_TASK_STEPS = 400_000
_MEMORY = 4 << 30
#: sets of a pool that count
_POOL = 300


def walked(
    instance: Instance, symmetry: str, drawn: Callable[[], IntArray], patience: int, seconds: float, score: int
) -> Iterator[Outcome]:
    """Walks from nothing in the regions that `drawn` gives, for so many CPU-seconds."""
    inside, walks = drawn(), 0
    patience = max(1000, patience * len(inside))
    effort = Effort(patience, 10 * patience)
    starts = (NOTHING,) * max(1, round(_TASK_STEPS / 2 / patience))
    began = time.process_time()
    while time.process_time() - began < seconds:
        task = Task(instance, symmetry, starts, effort, walks, 10**9, _MEMORY, None, drawn(), False, score)
        for outcome in run_task(task):
            walks += 1
            yield outcome


def measure(instance: Instance, symmetry: str, drawn: Callable[[], IntArray], given: argparse.Namespace) -> str:
    """A line of the table for one region, or (`drawn` gives another each time) one for every batch of walks."""
    began, inside = time.perf_counter(), drawn()
    region_rows(instance, symmetry, inside, _MEMORY)
    built = time.perf_counter() - began
    hits: Counter[int] = Counter()
    different: dict[int, set[bytes]] = {}
    walks = steps = 0
    began = time.process_time()
    for outcome in walked(instance, symmetry, drawn, given.patience, given.cpu_seconds, given.score):
        walks, steps = walks + 1, steps + outcome.steps
        if outcome.after >= given.score:
            hits[outcome.after] += 1
            different.setdefault(outcome.after, set()).add(canonical_key(instance, outcome.elements))
    spent = time.process_time() - began
    found = ", ".join(f"{s}: {hits[s]} ({len(different[s])})" for s in sorted(hits))
    return f"{len(inside):7} {built:8.2f} {walks:8} {steps / spent:12,.0f}   {found or 'none'}"


def pool(instance: Instance, symmetry: str, inner: IntArray, seconds: float) -> list[IntArray]:
    """The best different sets that walks on the inner board find in so many CPU-seconds."""
    found = {
        canonical_key(instance, outcome.elements): outcome.elements
        for outcome in walked(instance, symmetry, lambda: inner, 10, seconds, 10**9)
    }
    return sorted(found.values(), key=len, reverse=True)[:_POOL]


def needs(instance: Instance, symmetry: str, inner: IntArray, density: FloatArray) -> str:
    """How many orbits, in a density's order, the size's own best construction needs, and all but 1, 2 and 4 of them."""
    best = shipped(instance)
    if best is None:
        return "unknown"
    own = class_orbits(instance, symmetry).project(instance.to_elements(best.points))
    rank = np.argsort(np.argsort(-density, kind="stable"))[np.intersect1d(own, inner)]
    return ", ".join(str(1 + int(np.sort(rank)[-1 - without])) for without in (0, 1, 2, 4))


def anew(density: FloatArray, shares: str) -> Callable[[], IntArray]:
    """Regions drawn anew each time: ALL,SOME,PART as `--drawn` takes them."""
    least, most, part = map(float, shares.split(","))
    core, rng = region(density, least), np.random.default_rng(0)
    rest = np.setdiff1d(region(density, most), core)
    return lambda: np.sort(np.concatenate([core, rng.choice(rest, round(part * len(rest)), replace=False)]))


def chosen_seeds(which: str, seeds: list[Construction], symmetry: str) -> list[Construction]:
    """All of the seeds, those of a class, or those at or above the line of their neighbours' scores."""
    if which == "class":
        return [c for c in seeds if smallest_class(c, {symmetry: symmetry, "none": "none"}) == symmetry]
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
    parser.add_argument("--pool", type=float, default=0.0, metavar="SECONDS", help="count in a pool instead of seeds")
    given = parser.parse_args()
    least, _, most = given.smaller.partition("-")
    instance = problem(given.problem, given.n)
    inner, orbits = board_orbits(instance, given.symmetry), class_orbits(instance, given.symmetry)
    densities: dict[str, FloatArray] = {}
    if given.pool:
        counts = marginal_frequencies(instance, orbits, pool(instance, given.symmetry, inner, given.pool))
        counts[np.setdiff1d(np.arange(orbits.count), inner)] = 0
        densities["counted"], where = counts, places_of(instance, given.symmetry)
        if where is not None:
            densities["spread"] = where.spread(counts)
    else:
        sizes = range(int(least), min(int(most or given.n - 1), given.n - 1) + 1)
        seeds = [c for n in sizes if (c := shipped(problem(given.problem, n))) is not None]
        density = seed_density(instance, given.symmetry, chosen_seeds(given.seeds, seeds, given.symmetry))
        if density is None:
            parser.error("no seeds of these sizes, or sizes do not compare on this ground set")
        densities[f"{given.seeds} seeds"] = density
    print(f"{instance}, {given.symmetry}, {given.cpu_seconds:g} CPU-seconds each")
    print("  share  orbits  built s    walks      steps/s   score: sets (different)")
    for name, density in densities.items():
        print(f"{name}; needs {needs(instance, given.symmetry, inner, density)}")
        if given.drawn:
            print(f"{given.drawn:>7}", measure(instance, given.symmetry, anew(density, given.drawn), given), flush=True)
        for share in [] if given.drawn else map(float, given.shares.split(",")):
            inside = region(density, share)
            print(f"{share:7}", measure(instance, given.symmetry, lambda inside=inside: inside, given), flush=True)
    if given.whole:
        print("  whole", measure(instance, given.symmetry, lambda: inner, given), flush=True)


if __name__ == "__main__":
    main()
