"""Cost of a tabu step against n: sparse rows beside bitmaps. Prints a table and draws docs/cost-per-step.svg.

python benchmarks/cost_per_step.py
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from patternboost.problem.registry import problem
from patternboost.search.bitmaps import build_bitrows
from patternboost.search.memory import Building
from patternboost.search.tables import build_table
from patternboost.search.walker import Walker, bit_walker, sparse_walker

SIZES = (8, 12, 16, 24, 32, 40, 48, 56, 64, 80, 100)
SYMMETRY = "both-mirrors"
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


def main() -> None:
    rows = []
    print(f"isosceles, {SYMMETRY}: ns per step (best of 7 runs of {STEPS:,} steps), one thread")
    print("   n  orbits  table MB  bitmaps MB  build s   sparse  bitmaps  ratio")
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
            f"{sparse:8.0f} {dense:8.0f} {sparse / dense:6.1f}"
        )
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    n, sparse, dense = np.array(rows).T
    axes.loglog(n, sparse, "o-", label="sparse rows")
    axes.loglog(n, dense, "s-", label="bitmaps")
    axes.set(xlabel="n", ylabel="ns per tabu step", title="isosceles, both mirrors, one thread")
    axes.set_xticks(SIZES, [str(s) for s in SIZES])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(Path(__file__).parent.parent / "docs" / "cost-per-step.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
