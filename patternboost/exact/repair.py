"""Large-neighbourhood repair: keep most of a construction, free the rest, and let the solver complete it exactly.

The neighbourhoods are those that pay for forbidden-set problems: members chosen at random, members near one of them,
members in a band of rows (or columns), and the members that stand in the way of one orbit outside. Shaw, Using
constraint programming and local search methods to solve vehicle routing problems, CP 1998.

All limits are in the solver's deterministic unit (about a second of one core), so a repair depends on its seed alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from patternboost.exact.constraints import free_orbits, hypergraph
from patternboost.exact.model import Model
from patternboost.exact.solver import solve
from patternboost.problem import Instance
from patternboost.problem.ground import IntArray
from patternboost.search.memory import DEFAULT_MEMORY, Building, Interrupted, never
from patternboost.search.tables import Table
from patternboost.search.tasks import Outcome, prepare
from patternboost.search.walker import make_walker

#: most free orbits of one solve, and the deterministic time one solve may take
_MOST_FREE, _SOLVE_WORK = 160, 0.5
#: share of the members that are freed: from, to
_FREED = (0.2, 0.6)
#: share of a prefix of a sample that is kept: from, to
_PREFIX = (0.3, 0.8)


def complete(
    table: Table,
    fixed: IntArray,
    wanted: IntArray,
    rng: np.random.Generator,
    work: float = _SOLVE_WORK,
    over: Callable[[], bool] | None = None,
) -> IntArray:
    """The best set of orbits that holds all of `fixed`, at least as good as fixed and `wanted` together.

    `fixed` and `wanted` are disjoint orbits whose union is valid. Of equally good sets it is one that differs from
    `wanted`. Where the rest has more orbits than fit one solve, a random part of them (and `wanted`) is free.
    """
    free = free_orbits(table, fixed)
    if len(free) > _MOST_FREE:
        others = np.setdiff1d(free, wanted)
        free = np.concatenate([wanted, rng.permutation(others)[: max(0, _MOST_FREE - len(wanted))]])
    graph = hypergraph(table, fixed, free)
    if not graph.count:
        return np.sort(np.concatenate([fixed, wanted]))
    model = Model(graph)
    model.at_least(int(table.orbits.weights[wanted].sum()))
    model.prefer(rng.integers(0, 2, graph.count) * ~np.isin(graph.orbits, wanted))
    model.hint(wanted)
    answer = solve(model, seed=int(rng.integers(2**31 - 1)), work=work, over=over)
    return np.sort(np.concatenate([fixed, wanted if answer.orbits is None else answer.orbits]))


def improve(
    table: Table,
    members: IntArray,
    rng: np.random.Generator,
    work: float,
    target: int,
    over: Callable[[], bool] | None = None,
) -> IntArray:
    """A valid set of orbits at least as good as `members`, by repairs of at most `work` deterministic time in all."""
    left = work
    weights = table.orbits.weights
    while left > 0 and len(members) and not (over is not None and over()):
        if weights[members].sum() >= target:
            break
        freed = _NEIGHBOURHOODS[int(rng.integers(len(_NEIGHBOURHOODS)))](table, members, rng)
        members = complete(table, np.setdiff1d(members, freed), freed, rng, min(left, _SOLVE_WORK), over)
        left -= _SOLVE_WORK
    return members


# -- neighbourhoods: which members are freed ---------------------------------------------------------------------------


def _how_many(members: IntArray, rng: np.random.Generator) -> int:
    return max(1, round(float(rng.uniform(*_FREED)) * len(members)))


def _at_random(table: Table, members: IntArray, rng: np.random.Generator) -> IntArray:
    return rng.choice(members, _how_many(members, rng), replace=False)


def _near(table: Table, members: IntArray, rng: np.random.Generator) -> IntArray:
    """The members nearest to one of them: the least distance between their points counts."""
    points = table.instance.points
    centre = points[table.orbits.expand(members[rng.integers(len(members), size=1)])]
    distance = [
        int(((points[table.orbits.expand(members[i : i + 1])][:, None] - centre) ** 2).sum(axis=2).min())
        for i in range(len(members))
    ]
    return members[np.argsort(distance, kind="stable")[: _how_many(members, rng)]]


def _in_a_band(table: Table, members: IntArray, rng: np.random.Generator) -> IntArray:
    """The members nearest to a line across the board, by one coordinate of any of their points."""
    points = table.instance.points
    axis = int(rng.integers(points.shape[1]))
    line = rng.integers(points[:, axis].max() + 1)
    distance = [
        int(np.abs(points[table.orbits.expand(members[i : i + 1]), axis] - line).min()) for i in range(len(members))
    ]
    return members[np.argsort(distance, kind="stable")[: _how_many(members, rng)]]


def _in_the_way(table: Table, members: IntArray, rng: np.random.Generator) -> IntArray:
    """The members that are in a forbidden set with an orbit outside, which so gets its chance, and some at random."""
    outside = np.setdiff1d(np.flatnonzero(table.rows.bad == 0), members)
    if not len(outside):
        return _at_random(table, members, rng)
    entering = rng.choice(outside, 1)
    graph = hypergraph(table, None, np.concatenate([members, entering]))
    place = int(np.searchsorted(graph.orbits, entering[0]))
    sets = [s for s in (graph.pairs, graph.triples, *graph.larger) if len(s)]
    met = [np.unique(s[(s == place).any(axis=1)]) for s in sets]
    partners = np.setdiff1d(graph.orbits[np.concatenate([*met, np.empty(0, np.int64)]).astype(np.int64)], entering)
    return np.union1d(partners, _at_random(table, members, rng)[: max(1, len(members) // 10)])


_NEIGHBOURHOODS = (_at_random, _near, _in_a_band, _in_the_way)


# -- as tasks of the loop ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RepairTask:
    """Sets to improve by the solver in one symmetry class, for one worker: the loop's other kind of task."""

    instance: Instance
    symmetry: str
    #: sets of elements to start from (sorted, int64); an empty one starts from a random fill
    starts: tuple[IntArray, ...]
    #: whether each start is a sample of which a prefix is kept and completed
    prefixes: tuple[bool, ...]
    #: deterministic time for each start
    work: float
    seed: int
    target: int
    memory: int = DEFAULT_MEMORY
    #: seconds after which the batch ends early; None: never
    seconds: float | None = None

    def run(self, stopped: Callable[[], bool] | None = None) -> list[Outcome]:
        """Improve every start; fewer outcomes come back where time ran out or `stopped` said so."""
        deadline = None if self.seconds is None else time.monotonic() + self.seconds

        def over() -> bool:
            return (stopped is not None and stopped()) or (deadline is not None and time.monotonic() >= deadline)

        try:
            table = prepare(self.instance, self.symmetry, Building(self.memory, stopped=stopped or never)).table
        except Interrupted:
            return []
        outcomes: list[Outcome] = []
        for index, (start, prefix) in enumerate(zip(self.starts, self.prefixes, strict=True)):
            if over():
                break
            rng = np.random.default_rng([self.seed, index])
            members = _valid(table, table.orbits.project(start), prefix, rng)
            before = int(table.orbits.weights[members].sum())
            if prefix:
                kept = _prefix(table, members, float(rng.uniform(*_PREFIX)))
                members = complete(table, kept, np.setdiff1d(members, kept), rng, 2 * _SOLVE_WORK, over)
            members = improve(table, members, rng, self.work, self.target, over)
            after = int(table.orbits.weights[members].sum())
            outcomes.append(Outcome(table.orbits.expand(members), before, after, 0))
        return outcomes


def _prefix(table: Table, members: IntArray, share: float) -> IntArray:
    """The first orbits of a set in the order in which the model writes them, ascending."""
    rank = np.argsort(table.instance.problem.ground.order(table.instance.n))[table.orbits.representatives]
    ordered = members[np.argsort(rank[members])]
    return np.sort(ordered[: max(1, round(share * len(members)))])


def _valid(table: Table, orbits: IntArray, prefix: bool, rng: np.random.Generator) -> IntArray:
    """A valid set from any: repaired, and filled up unless it is a sample's."""
    return make_walker(table, None, (1, 1), int(rng.integers(2**62))).valid(orbits, filled=not prefix)
