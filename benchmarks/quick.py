"""The hot loops of this version in a minute: tabu steps, greedy fill, training, masked sampling. Prints one a line.

python benchmarks/quick.py        (docs/LOG.md has these lines beside those of an earlier version, in turn)
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

from patternboost.model.network_generator import NetworkGenerator
from patternboost.model.next_token import SampleSettings
from patternboost.model.request import DrawRequest, FitRequest
from patternboost.model.tokens import TOKENISATIONS, Example, classes_at
from patternboost.model.training import TrainSettings
from patternboost.problem.registry import problem
from patternboost.search import sparse
from patternboost.search.bitmaps import build_bitrows
from patternboost.search.greedy import Greedy
from patternboost.search.memory import Building
from patternboost.search.tables import build_table
from patternboost.search.walker import bit_walker, sparse_walker

ROOM = Building(4 << 30, 2)
STEPS = 20_000


def seconds(run: Callable[[], object], rounds: int) -> float:
    """The median time of a call."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def tabu() -> None:
    """Steps within both mirrors, once the walk has settled."""
    for n in (16, 32, 64, 100):
        table = build_table(problem("isosceles", n), "both-mirrors", ROOM)
        bits = build_bitrows(table, 4 << 30)
        for name, walker in (("bit-sliced", bit_walker(bits, (1, 2), 1)), ("sparse", sparse_walker(table, (1, 2), 1))):
            walker.start(np.empty(0, np.int64))
            walker.run(5_000, 10**9, 10**9)
            each = seconds(lambda w=walker: w.run(STEPS, 10**9, 10**9), 30) / STEPS
            print(f"tabu step, {name}, n = {n}: {1e9 * each:.0f} ns")


def fill() -> None:
    """Twenty random greedy fills of the whole grid."""
    for n in (32, 64):
        instance = problem("isosceles", n)
        table, greedy = build_table(instance, "none", ROOM), Greedy.of(instance)
        state, complete = sparse.new_state(table.rows, 1), instance.problem.complete
        orders = [np.random.default_rng(seed).permutation(n * n) for seed in range(20)]

        def by_rows(state=state, table=table, orders=orders, complete=complete):
            for order in orders:
                sparse.clear(complete, table.rows, state)
                sparse.fill_in_order(complete, table.rows, state, order)

        print(f"20 greedy fills by rows, n = {n}: {1e3 * seconds(by_rows, 7):.1f} ms")
        by_shifts = seconds(lambda g=greedy, o=orders: [g.fill(order) for order in o], 7)
        print(f"20 greedy fills by displacement, n = {n}: {1e3 * by_shifts:.1f} ms")


def learn() -> None:
    """The default transformer on 300 sets of n = 32 within one mirror: 60 steps, then 1,000 masked samples."""
    instance = problem("isosceles", 32)
    table = build_table(instance, "mirror", ROOM)
    walker, examples = sparse_walker(table, (1, 3), 1), []
    for _ in range(300):
        walker.start(np.empty(0, np.int64))
        examples.append(Example(32, "mirror", table.orbits.expand(np.sort(walker.best[0]))))
    vocabulary = TOKENISATIONS["orbits"](instance.problem, (32,), classes_at(instance.problem, [32]))
    shape, tokens = {"layers": 4, "heads": 4, "width": 64}, 60 * 32 * np.mean([len(e.elements) / 2 for e in examples])
    for threads in (1, 2):
        generator = NetworkGenerator(
            vocabulary, shape, TrainSettings(steps=60), SampleSettings(), torch.device("cpu"), 0, "auto", threads
        )
        generator.fit(FitRequest(examples, 1))
        took = seconds(lambda g=generator: g.fit(FitRequest(examples, 2)), 4)
        print(f"training, {threads} threads: {tokens / took:,.0f} tokens/s")
        request = DrawRequest(32, "mirror", 1000, 3, table)
        drawn = sum(map(len, generator.sample(request).sets)) / 2
        took = seconds(lambda g=generator, r=request: g.sample(r), 4)
        print(f"masked sampling, {threads} threads: {drawn / took:,.0f} tokens/s")


if __name__ == "__main__":
    tabu()
    fill()
    learn()
