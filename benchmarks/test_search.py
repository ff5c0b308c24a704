"""Search kernels beside plain baselines.

    pytest benchmarks --benchmark-only --benchmark-group-by=group --benchmark-columns=median,ops

The numbers in brackets are ratios within a group: the machine's speed drops out.
"""

from __future__ import annotations

import numpy as np
import pytest
from baselines import greedy_pair_test, tabu_rescan

from patternboost.problem.registry import problem
from patternboost.search import sparse
from patternboost.search.bitmaps import build_bitrows
from patternboost.search.greedy import greedy_fill, make_shifts
from patternboost.search.memory import Building
from patternboost.search.tables import build_table
from patternboost.search.walker import bit_walker, sparse_walker


def orders(n, count=20):
    """The same random cell orders for every way to fill."""
    return [np.random.default_rng(seed).permutation(n * n) for seed in range(count)]


def fill_with(table, order):
    state = sparse.new_state(table.rows, 1)
    sparse.fill_in_order(table.instance.problem.complete, table.rows, state, order)
    return int(state.total[1])


@pytest.mark.parametrize("n", [16, 32, 64, 100])
@pytest.mark.parametrize("way", ["pair test", "rule on the fly", "compiled rows", "shifts"])
def test_greedy_fill(benchmark, n, way):
    benchmark.group = f"greedy fill, isosceles, full grid, n = {n}"
    chosen = np.zeros(n * n, np.int64)
    cells = orders(n)
    expected = [greedy_pair_test(n, order, chosen) for order in cells]
    if way == "pair test":
        benchmark(lambda: [greedy_pair_test(n, order, chosen) for order in cells])
        return
    if way == "shifts":
        shifts, blocked = make_shifts(problem("isosceles", n)), np.zeros((3 * n - 2) ** 2, np.uint8)
        assert [greedy_fill(shifts, order, blocked, chosen) for order in cells] == expected, "same cells, same sets"
        benchmark(lambda: [greedy_fill(shifts, order, blocked, chosen) for order in cells])
        return
    table = build_table(problem("isosceles", n), "none", Building((4 << 30) if way == "compiled rows" else 0, 2))
    assert [fill_with(table, order) for order in cells] == expected, "same cells, same sets"
    state = sparse.new_state(table.rows, 1)
    complete = table.instance.problem.complete

    def run():
        for order in cells:
            sparse.clear(complete, table.rows, state)
            sparse.fill_in_order(complete, table.rows, state, order)

    benchmark(run)


TABLES = [
    ("isosceles", 16, "both-diagonals"),
    ("isosceles", 32, "mirror"),
    ("isosceles", 64, "both-mirrors"),
    ("no-three-in-line", 36, "quarter-turn"),
]


@pytest.mark.parametrize("case", TABLES, ids=lambda c: f"{c[0]}-{c[1]}-{c[2]}")
@pytest.mark.parametrize("way", ["rescan", "sparse", "bitmaps"])
def test_tabu_steps(benchmark, case, way):
    name, n, symmetry = case
    steps = 5_000
    benchmark.group = f"{steps:,} tabu steps, {name}, n = {n}, {symmetry}"
    table = build_table(problem(name, n), symmetry, Building(jobs=2))
    rows = table.rows
    if way == "rescan":
        rng = np.array([7], np.uint64)

        def run():
            tabu_rescan(rows.row_start, rows.row, rows.pair_start, rows.pair, rows.bad, steps, rng)
    else:
        bits = build_bitrows(table)
        walker = sparse_walker(table, (0, 2), 7) if way == "sparse" else bit_walker(bits, (0, 2), 7)
        walker.start(np.empty(0, np.int64))

        def run():
            walker.run(steps, 10**9, 10**9)

    benchmark.pedantic(run, rounds=15, warmup_rounds=2)
    benchmark.extra_info["steps per second"] = round(steps / benchmark.stats["median"])
