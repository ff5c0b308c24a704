"""Walks from pool members beside walks from nothing, in regions and on the whole board: new sets of a score or more.

    patternboost search isosceles 100 --minutes 10 --jobs 1 --seed 6 --seed-from FOLDER --run-dir runs/hundred
    python benchmarks/pool_members.py runs/hundred both-mirrors+half 160 --cpu-seconds 40

The pool is that of the newest checkpoint; new are different sets that are not in it. Regions are those of the run's
seeds and those counted in its pool, by their share of the density. One thread; tables and bitmaps are built before.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from patternboost.loop.context import Context
from patternboost.loop.pool import Pool
from patternboost.loop.proposers.counted_regions import counted_density
from patternboost.loop.proposers.elites import left_of
from patternboost.loop.regions import telling_region
from patternboost.loop.seeding import collect
from patternboost.loop.smaller_sizes import seed_density
from patternboost.loop.starts import NOTHING, effort
from patternboost.problem import IntArray
from patternboost.problem.registry import problem
from patternboost.problem.symmetry import canonical_key, class_orbits
from patternboost.search.tasks import Task, run_task
from patternboost.store.archive import open_archive
from patternboost.store.run_folder import RunFolder

_MEMORY = 4 << 30
#: walks of a task
_BATCH = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("symmetry")
    parser.add_argument("score", type=int)
    parser.add_argument("--cpu-seconds", type=float, default=40.0)
    given = parser.parse_args()
    run = RunFolder.read(given.run)
    instance, settings = problem(run.settings.problem, run.settings.n), run.settings
    context = Context(settings, instance, (given.symmetry,), instance.upper_bound, "a proved bound")
    orbits, pool = class_orbits(instance, given.symmetry), Pool(settings.pool, settings.pool_floor, settings.top)
    latest = run.latest()
    if latest is None:
        parser.error(f"{given.run} has no checkpoint")
    pool.load(latest[0] / "pool.npz")
    own = pool.made_of(orbits, given.symmetry)
    unguided = [e for e in pool.unguided if e.symmetry == given.symmetry]
    with open_archive() as archive:
        seeds = collect(instance, settings.seed_from, archive)
    densities = {
        "counted": counted_density(instance, given.symmetry, unguided) if unguided else None,
        "other sizes": seed_density(instance, given.symmetry, seeds),
    }
    shares = (("counted", 0.85), ("counted", 0.925), ("counted", 0.98), ("other sizes", 0.98), ("other sizes", 0.995))
    places: dict[str, IntArray | None] = {"whole board": None}
    for name, share in shares:
        density = densities[name]
        inside = None if density is None else telling_region(density, share)
        if inside is not None:
            places[f"{name}, {share:.1%}"] = inside

    def from_member(rng: np.random.Generator) -> IntArray:
        return left_of(context, orbits, own[int(rng.integers(len(own)))], rng)

    kinds: dict[str, Callable[[np.random.Generator], IntArray]] = {"pool members": from_member}
    kinds |= {"nothing": lambda _: NOTHING}
    print(f"{instance}, {given.symmetry}, {len(own)} members, {given.cpu_seconds:g} CPU-seconds each")
    for kind, start in kinds.items():
        for place, region in places.items():
            rng, walks, found = np.random.default_rng(1), 0, dict[bytes, int]()
            how = effort(context, given.symmetry, region)
            spent = -1.0  # the first task builds what is needed
            while spent < given.cpu_seconds:
                starts = tuple(start(rng) for _ in range(_BATCH))
                seed, filled_from = int(rng.integers(2**31)), int(pool.median)
                task = Task(
                    instance, given.symmetry, starts, how, seed, 10**9, _MEMORY, None, region, False, filled_from
                )
                began = time.process_time()
                outcomes = run_task(task)
                if spent < 0:
                    spent = 0.0
                    continue
                spent, walks = spent + time.process_time() - began, walks + len(outcomes)
                keys = {canonical_key(instance, o.elements): o.after for o in outcomes if o.after >= given.score}
                found |= {key: merit for key, merit in keys.items() if key not in pool}
            counts = ", ".join(f"{merit}: {count}" for merit, count in sorted(Counter(found.values()).items()))
            size = orbits.count if region is None else len(region)
            print(f"{kind:12}  {place:20}  {size:5} orbits  {walks:6} walks  new: {counts or 'none'}", flush=True)


if __name__ == "__main__":
    main()
