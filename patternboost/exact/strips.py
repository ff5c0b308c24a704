"""Bounds on strips: how many points any p rows in a row can hold, for p = 1, 2, ... up to the whole board.

The same Russian dolls as in `windows`, but one row at a time and as wide as the board, for the classes that keep every
row in its place. Each strip is solved with the bounds of all narrower ones; the last step, the board, is the proof.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from patternboost.exact.constraints import Hypergraph, hypergraph
from patternboost.exact.model import Model
from patternboost.exact.solver import Watch, solve
from patternboost.exact.windows import Window, has_windows
from patternboost.problem.ground import IntArray
from patternboost.search.tables import Table


def has_strips(table: Table) -> bool:
    """Whether every orbit of the class lies in one row, so that strips can be moved up and down."""
    rows = table.instance.points[:, 0]
    first = rows[table.orbits.representatives]
    return has_windows(table.instance) and bool((rows == first[table.orbits.orbit_of]).all())


def strips(
    table: Table,
    windows: Sequence[Window],
    seconds: float,
    over: Callable[[], bool],
    tell: Callable[[int, int], None],
    jobs: int = 1,
    seed: int = 0,
) -> list[Window]:
    """Bounds of all strips of fewer than n rows, each solved for at most `seconds`; `windows` are known to hold.

    Stops at the first strip that is not solved in time, or where `over` says so; `tell` hears rows and bound.
    """
    n, orbits = table.instance.n, table.orbits
    row = table.instance.points[orbits.representatives, 0]
    lower, upper = [0], [0]
    found: list[Window] = []

    def strip(top: int, height: int) -> Window:
        inside = np.flatnonzero((top <= row) & (row < top + height)).astype(np.int64)
        return Window(inside, orbits.weights[inside].astype(np.int64), upper[height])

    for height in range(1, n):
        inside = np.flatnonzero(row < height).astype(np.int64)
        graph = hypergraph(table, None, inside)
        if not graph.count:
            lower.append(0)
            upper.append(0)
            tell(height, 0)
            continue
        model = Model(graph)
        model.within(w for w in windows if np.isin(w.orbits, inside).all())
        model.within(strip(top, h) for h in range(1, height) for top in range(height - h + 1))
        model.break_symmetry(_moves(table, graph, height))
        model.at_least(lower[-1])
        sums = [upper[h] + upper[height - h] for h in range(1, height)]
        bound = min([int(orbits.weights[inside].sum()), *sums])
        end, least = time.monotonic() + seconds, lower[-1]

        def bounded(value: float, least: int = least) -> None:
            nonlocal bound
            if value >= least:
                bound = min(bound, math.floor(value + 1e-6))

        def late(end: float = end) -> bool:
            return over() or time.monotonic() >= end

        watch = Watch(lambda chosen: None, bounded)
        answer = solve(model, jobs=jobs, seed=seed, over=late, watch=watch)
        points = least if answer.orbits is None else int(orbits.weights[answer.orbits].sum())
        lower.append(points)
        upper.append(points if answer.complete else bound)
        tell(height, upper[-1])
        found += [strip(top, height) for top in range(n - height + 1)]
        if not answer.complete:
            break
    return found


def tiled(upper: Mapping[int, int], n: int) -> int:
    """The bound that strips of heights with a bound in `upper`, laid side by side, put on n rows."""
    best = [0]
    for height in range(1, n + 1):
        best.append(min(best[height - h] + bound for h, bound in upper.items() if h <= height))
    return best[n]


def _moves(table: Table, graph: Hypergraph, height: int) -> list[IntArray]:
    """The mirrors of a strip of the top `height` rows that map orbits to orbits, as permutations of the variables."""
    n, orbits = table.instance.n, table.orbits
    place = np.full(orbits.count, -1, np.int64)
    place[graph.orbits] = np.arange(graph.count)
    cells = np.concatenate(
        [np.empty(0, np.int64), *(orbits.expand(graph.orbits[i : i + 1]) for i in range(graph.count))]
    )
    owner = np.repeat(np.arange(graph.count), graph.weights)
    rows, columns = cells // n, cells % n
    moves = []
    for r, c in ((rows, n - 1 - columns), (height - 1 - rows, columns), (height - 1 - rows, n - 1 - columns)):
        image = place[orbits.orbit_of[r * n + c]]
        move = np.full(graph.count, -1, np.int64)
        move[owner] = image
        if (image >= 0).all() and (move[owner] == image).all():
            moves.append(move)
    return moves
