"""The bitmap state against the sparse one, and the tabu walk against the definition."""

import os
import subprocess
import sys

import numpy as np
import patternboost_problems.isosceles as isosceles
import patternboost_problems.no_three_in_line as no_three_in_line
import pytest

from patternboost.problem import Instance
from patternboost.search import bitsliced, set_by_set, sparse
from patternboost.search import rng as chance
from patternboost.search.bitmaps import BitRows, bitrows_nbytes, build_bitrows
from patternboost.search.bitstate import BitState, new_bitstate
from patternboost.search.enumerate import find_conflicts
from patternboost.search.memory import Building
from patternboost.search.simd_u64 import LANES
from patternboost.search.sparse import MEMBER, new_state
from patternboost.search.tables import Table, build_table
from patternboost.search.tabu import ADDED, BEST_COUNT, BEST_POINTS, BEST_STEP, STEP, TABU_COUNT, Walk, begin, new_walk
from patternboost.search.walker import Walker, bit_walker, sparse_walker

CLASSES = [
    "none",
    "mirror",
    "half-turn",
    "both-mirrors",
    "quarter-turn",
    "diagonal",
    "near-quarter-turn",
]
#: without symmetry 24 x 24 cells are bitmaps of two vectors
CASES = [(isosceles.PROBLEM, n) for n in (5, 6, 7, 8, 9, 13)] + [(no_three_in_line.PROBLEM, n) for n in (6, 9, 24)]
FOREVER = 10**9


def built(problem, n: int, symmetry: str) -> tuple[Table, BitRows]:
    table = build_table(Instance(problem, n), symmetry)
    rows = build_bitrows(table)
    assert rows is not None
    assert bitrows_nbytes(rows.orbits) >= rows.bits.nbytes
    return table, rows


def bits(bitmap: np.ndarray) -> np.ndarray:
    return np.unpackbits(bitmap.view(np.uint8), bitorder="little").astype(np.int64)


def counts(rows: BitRows, state: BitState) -> np.ndarray:
    planes = [bits(plane) << p for p, plane in enumerate(state.plane.reshape(rows.planes, rows.words))]
    unpacked = np.sum(planes, axis=0)
    assert not unpacked[rows.orbits :].any()
    return unpacked[: rows.orbits]


def members(state: BitState) -> list[int]:
    return sorted(state.member[: state.total[0]].tolist())


def points_of(table: Table, orbits) -> list:
    return table.instance.to_points(table.orbits.expand(np.asarray(orbits, np.int64)))


def assert_consistent(rows: BitRows, state: BitState, walk: Walk | None = None) -> None:
    free, inside = (bits(b)[: rows.orbits] for b in state.bitmap.reshape(3, rows.words)[:2])
    held = members(state)
    assert np.flatnonzero(inside).tolist() == held
    tabu = [] if walk is None else walk.tabu[: walk.info[TABU_COUNT]].tolist()
    usable = set(np.flatnonzero(bits(rows.usable)).tolist())
    assert set(np.flatnonzero(free).tolist()) == usable - set(held) - set(tabu)
    assert state.total[1] == rows.weight[held].sum()
    assert [state.position[a] for a in state.member[: state.total[0]]] == list(range(state.total[0]))


@pytest.mark.parametrize("symmetry", CLASSES)
@pytest.mark.parametrize(("problem", "n"), CASES)
def test_counts_equal_the_sparse_ones(problem, n, symmetry):
    table, rows = built(problem, n, symmetry)
    plain, state = new_state(table.rows, 1), new_bitstate(rows, 1)
    random = np.random.default_rng(n)
    usable = np.flatnonzero(table.rows.bad == 0)
    # Many more members than a valid set has, so that sums of more than 56 rows and long carries occur too.
    for step in range(3 * len(usable)):
        a = int(random.choice(usable))
        if plain.position[a] < 0:
            sparse.add(problem.complete, table.rows, plain, a)
            bitsliced.add(0, rows, state, a)
        else:
            sparse.drop(problem.complete, table.rows, plain, a)
            bitsliced.drop(0, rows, state, a)
        if step % 7 == 0 or step > 3 * len(usable) - 4:
            expected = plain.key & (MEMBER - 1)
            assert np.array_equal(counts(rows, state), expected)
            assert [bitsliced.conflicts(rows, state, int(c)) for c in usable[:20]] == expected[usable[:20]].tolist()
            assert_consistent(rows, state)
            least = bitsliced.least(state)
            candidates = np.flatnonzero((plain.position < 0) & (table.rows.bad == 0))
            assert least in candidates if len(candidates) else least == -1
            assert least == -1 or expected[least] == expected[candidates].min()
            held = np.array([m for m in members(state) if m != a], np.int64)
            worst = bitsliced.worst_member(state, a)
            if len(held) and expected[held].max() > 0:
                assert worst in held
                assert expected[worst] == expected[held].max()
            else:
                assert worst == -1


@pytest.mark.parametrize(("n", "value"), [(9, 0), (9, 1)])
def test_ties_are_uniform(n, value):
    _, rows = built(isosceles.PROBLEM, n, "none")
    state = new_bitstate(rows, 3)
    bitsliced.load_orbits(rows, state, np.array([0, 1, 2, 60, 61, 62] if value else [0, 3, 40]))
    now = counts(rows, state)
    if value:  # ties among the members in most violated sets
        held = np.array(members(state))
        ties = held[now[held] == now[held].max()]
        drawn = [bitsliced.worst_member(state, -1) for _ in range(4000)]
    else:
        outside = np.setdiff1d(np.arange(rows.orbits), members(state))
        ties = outside[now[outside] == now[outside].min()]
        drawn = [bitsliced.least(state) for _ in range(4000)]
    assert len(ties) > 1
    found, frequency = np.unique(drawn, return_counts=True)
    assert found.tolist() == ties.tolist()
    expected = 4000 / len(ties)
    assert abs(frequency - expected).max() < 6 * expected**0.5


def begun(rows: BitRows, seed: int, tenure: tuple[int, int]) -> tuple[BitState, Walk]:
    """A walk from the empty set."""
    state, walk = new_bitstate(rows, seed), new_walk(rows.orbits, tenure)
    begin(state, walk)
    return state, walk


@pytest.mark.parametrize("symmetry", CLASSES)
@pytest.mark.parametrize(("problem", "n"), CASES)
def test_walks_are_valid_and_resume(problem, n, symmetry):
    table, rows = built(problem, n, symmetry)
    (once, first), (often, second) = begun(rows, 5, (1, 3)), begun(rows, 5, (1, 3))
    assert not bitsliced.tabu(rows, once, first, 4000, FOREVER, FOREVER)
    for steps in (1, 1499, 0, 500, 2000):
        assert not bitsliced.tabu(rows, often, second, steps, FOREVER, FOREVER)
        assert_consistent(rows, often, second)
    for name, mine, other in zip(BitState._fields, once, often, strict=True):
        assert np.array_equal(mine, other) or name in ("row_at", "bitmap")
    assert first.info.tolist() == second.info.tolist()
    best = points_of(table, second.best[: second.info[BEST_COUNT]])
    assert table.instance.violation(best) is None
    assert len(best) == second.info[BEST_POINTS]
    assert len(best) > 0 or not rows.usable.any()


def reference_walk(table: Table, seed: int, steps: int, tenure: int, span: int) -> tuple[list[int], int, int]:
    """The tabu walk over the sparse state, step by step as it is defined; draws random numbers in the same order."""
    complete, rows = table.instance.problem.complete, table.rows
    state, best = new_state(rows, seed), 0
    until = np.zeros(table.orbits.count, np.int64)

    def pick(ties: np.ndarray) -> int:
        return int(ties[chance.random_below(state.rng, len(ties)) if len(ties) > 1 else 0])

    added = -1
    for step in range(steps):
        while state.total[1] <= best:
            candidates = np.flatnonzero((state.position < 0) & (rows.bad == 0) & (until <= step))
            if not len(candidates):
                break
            now = state.key & (MEMBER - 1)
            added = pick(candidates[now[candidates] == now[candidates].min()])
            sparse.add(complete, rows, state, added)
        held = np.array([m for m in members(state) if m != added], np.int64)
        now = state.key[held] & (MEMBER - 1)
        if now.any():
            worst = pick(held[now == now.max()])
            until[worst] = step + 1 + tenure + chance.random_below(state.rng, span)
            sparse.drop(complete, rows, state, worst)
        elif state.total[1] > best:
            best = int(state.total[1])
        elif state.total[0]:
            at = chance.random_below(state.rng, state.total[0])
            sparse.drop(complete, rows, state, int(state.member[at]))
    return members(state), best, int(state.rng[0])


@pytest.mark.parametrize(("tenure", "span"), [(1, 3), (0, 2), (4, 5)])
@pytest.mark.parametrize("symmetry", CLASSES)
@pytest.mark.parametrize(("problem", "n"), CASES)
def test_the_walk_is_the_one_that_is_defined(problem, n, symmetry, tenure, span):
    table, rows = built(problem, n, symmetry)
    state, walk = begun(rows, 11, (tenure, tenure + span - 1))
    bitsliced.tabu(rows, state, walk, 300, FOREVER, FOREVER)
    mine = (members(state), int(walk.info[BEST_POINTS]), int(state.rng[0]))
    assert mine == reference_walk(table, 11, 300, tenure, span)


@pytest.mark.parametrize("symmetry", CLASSES)
@pytest.mark.parametrize(("problem", "n"), CASES)
def test_every_form_of_counts_makes_the_same_walk(problem, n, symmetry):
    """Same seed, same start, same patience: the same steps, members and random numbers."""
    table, rows = built(problem, n, symmetry)
    walkers = [sparse_walker(table, (1, 3), 7), bit_walker(rows, (1, 3), 7)]
    if symmetry == "none" and table.orbits.count < 100:  # orbits of one element: there all forms count the same
        conflicts = find_conflicts(table.instance, Building())
        state = set_by_set.new_state(table.orbits, conflicts.empty(), table.rows.bad, 7)
        walkers.append(Walker(set_by_set.FORM, set_by_set.space_of(conflicts), state, (1, 3)))
    start = np.arange(0, rows.orbits, 3)
    seen = []
    for walker in walkers:
        left = walker.start(start)
        over = walker.run(2500, 600, FOREVER)
        held = walker.state.member[: walker.state.total[0]].tolist()
        seen.append((left, over, walker.steps, walker.best[0].tolist(), held, int(walker.state.rng[0])))
    assert all(other == seen[0] for other in seen[1:])


def test_bitmaps_of_three_vectors_make_the_same_walk():
    table, rows = built(no_three_in_line.PROBLEM, 33, "none")
    assert rows.words == 3 * LANES
    seen = []
    for walker in (sparse_walker(table, (1, 3), 7), bit_walker(rows, (1, 3), 7)):
        walker.start(np.arange(0, rows.orbits, 3))
        walker.run(300, FOREVER, FOREVER)
        held = walker.state.member[: walker.state.total[0]].tolist()
        seen.append((walker.best[0].tolist(), held, int(walker.state.rng[0])))
    assert seen[0] == seen[1]


def test_walk_stops_at_target_and_at_patience():
    table, rows = built(isosceles.PROBLEM, 8, "none")
    state, walk = begun(rows, 2, (1, 3))
    assert bitsliced.tabu(rows, state, walk, FOREVER, FOREVER, 12)
    best = walk.best[: walk.info[BEST_COUNT]]
    assert len(points_of(table, best)) == walk.info[BEST_POINTS] == 12
    done = walk.info[STEP]
    assert bitsliced.tabu(rows, state, walk, 100, FOREVER, 12)
    assert walk.info[STEP] == done
    assert bitsliced.tabu(rows, state, walk, FOREVER, 700, FOREVER)
    assert walk.info[STEP] == walk.info[BEST_STEP] + 700
    bitsliced.clear(rows, state)
    begin(state, walk)
    assert_consistent(rows, state, walk)
    assert not counts(rows, state).any()
    assert walk.info[[STEP, BEST_POINTS, BEST_COUNT, TABU_COUNT, ADDED]].tolist() == [0, 0, 0, 0, -1]


@pytest.mark.parametrize("symmetry", ["none", "both-mirrors"])
def test_load_repair_fill_and_start(symmetry):
    table, rows = built(isosceles.PROBLEM, 12, symmetry)
    state, walk = begun(rows, 4, (3, 6))
    bitsliced.tabu(rows, state, walk, 500, FOREVER, FOREVER)
    orbits = np.arange(0, rows.orbits, 2)
    bitsliced.clear(rows, state)
    bitsliced.load_orbits(rows, state, np.concatenate([orbits, orbits[:3]]))
    assert members(state) == [a for a in orbits.tolist() if table.rows.bad[a] == 0]
    bitsliced.repair(rows, state)
    assert table.instance.violation(points_of(table, members(state))) is None
    bitsliced.fill(rows, state)
    filled = members(state)
    assert table.instance.violation(points_of(table, filled)) is None
    assert (counts(rows, state)[np.setdiff1d(np.flatnonzero(table.rows.bad == 0), filled)] > 0).all()
    begin(state, walk)
    assert_consistent(rows, state, walk)
    assert walk.info[[STEP, BEST_POINTS, BEST_COUNT]].tolist() == [0, state.total[1], state.total[0]]


def test_tables_that_do_not_fit_have_no_bitmaps():
    table = build_table(Instance(isosceles.PROBLEM, 8), "none")
    assert build_bitrows(table, memory=10_000) is None
    assert build_bitrows(build_table(table.instance, "none", Building(100))) is None


PLAIN = """
import numpy as np, patternboost_problems.isosceles as isosceles
from patternboost.problem import Instance
from patternboost.search.tables import build_table
from patternboost.search.bitmaps import build_bitrows
from patternboost.search.walker import bit_walker
np.seterr(over="ignore")
walker = bit_walker(build_bitrows(build_table(Instance(isosceles.PROBLEM, 6), "mirror")), (1, 3), 9)
walker.start(np.empty(0, np.int64))
walker.run(120, 10**9, 10**9)
state = walker.state
print(walker.steps, walker.best, state.member[: state.total[0]].tolist(), state.rng.tolist())
"""


def test_without_the_compiler_the_walk_is_the_same():
    def out(flag: str) -> str:
        environment = {**os.environ, "NUMBA_DISABLE_JIT": flag}
        return subprocess.run(
            [sys.executable, "-c", PLAIN], env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert out("1") == out("0")
