"""Cost of a tabu step against n: sparse rows, bitmaps, and regions from smaller sizes without a table of the class.

Prints a table and draws docs/cost-per-step.svg. Regions hold 98 % of the density of the shipped constructions below n.

python benchmarks/cost_per_step.py
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from patternboost.loop.regions import region
from patternboost.loop.smaller_sizes import seed_density
from patternboost.problem.registry import problem
from patternboost.problem.symmetry import class_orbits
from patternboost.search.bitmaps import build_bitrows
from patternboost.search.memory import Building
from patternboost.search.regions import RegionWalker, region_bitmaps
from patternboost.search.tables import build_table
from patternboost.search.walker import Walker, bit_walker, sparse_walker
from patternboost.store.library import shipped

SIZES = (8, 12, 16, 24, 32, 40, 48, 56, 64, 80, 100)
#: sizes whose tables no memory holds: regions alone
LARGE = (128, 150, 200, 256)
SYMMETRY = "both-mirrors"
SHARE = 0.98
STEPS = 20_000


def nanoseconds(walker: Walker) -> float:
    """Best of several runs, ns per step, once the walk has settled."""
    walker.start(np.empty(0, np.int64))
    walker.run(5_000, 10**9, 10**9)
    best = np.inf
    for _ in range(7):
        began = time.perf_counter()
        walker.run(STEPS, 10**9, 10**9)
        best = min(best, time.perf_counter() - began)
    return 1e9 * best / STEPS


def in_region(n: int) -> tuple[int, float, float, float]:
    """Orbits of the region, its bitmaps in MB, seconds to make them, and ns per step."""
    instance = problem("isosceles", n)
    seeds = [c for m in range(1, n) if (c := shipped(problem("isosceles", m))) is not None]
    density = seed_density(instance, SYMMETRY, seeds)
    assert density is not None
    inside = region(density, SHARE)
    began = time.perf_counter()
    rows = region_bitmaps(instance, SYMMETRY, inside, 4 << 30, Building(jobs=2))
    built = time.perf_counter() - began
    assert rows is not None
    return len(inside), rows.nbytes / 1e6, built, nanoseconds(RegionWalker(inside, rows, (1, 3), 1))


def told(n: int) -> float:
    """Print a region's part of the line; returns its ns per step."""
    count, size, built, cost = in_region(n)
    print(f"{count:7} {size:11.1f} {built:8.2f} {cost:8.0f}", flush=True)
    return cost


def main() -> None:
    rows, regions = [], []
    print(f"isosceles, {SYMMETRY}: ns per step (best of 7 runs of {STEPS:,} steps), one thread")
    print("   n  orbits  table MB  bitmaps MB  build s   sparse  bitmaps  ratio | region  bitmaps MB  build s       ns")
    for n in SIZES:
        began = time.perf_counter()
        table = build_table(problem("isosceles", n), SYMMETRY, Building(4 << 30, 2))
        bits = build_bitrows(table)
        built = time.perf_counter() - began
        sparse = nanoseconds(sparse_walker(table, (1, 3), 1))
        dense = nanoseconds(bit_walker(bits, (1, 3), 1)) if bits is not None else np.nan
        megabytes = bits.bits.nbytes / 1e6 if bits is not None else np.nan
        rows.append((n, sparse, dense))
        print(
            f"{n:4} {table.orbits.count:7} {table.nbytes / 1e6:9.1f} {megabytes:11.1f} {built:8.2f} "
            f"{sparse:8.0f} {dense:8.0f} {sparse / dense:6.1f} |",
            end="",
        )
        regions.append((n, told(n)))
    for n in LARGE:
        print(f"{n:4} {class_orbits(problem('isosceles', n), SYMMETRY).count:7} {'|':>55}", end="")
        regions.append((n, told(n)))
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    n, sparse, dense = np.array(rows).T
    axes.loglog(n, sparse, "o-", label="sparse rows")
    axes.loglog(n, dense, "s-", label="bitmaps")
    axes.loglog(*zip(*regions, strict=True), "^-", label="regions from smaller sizes")
    axes.set(xlabel="n", ylabel="ns per tabu step", title="isosceles, both mirrors, one thread")
    axes.set_xticks((*SIZES, *LARGE), [str(s) for s in (*SIZES, *LARGE)], fontsize=7)
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(Path(__file__).parent.parent / "docs" / "cost-per-step.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
