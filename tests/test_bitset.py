"""The bitmap state against the sparse one, and the tabu walk against the definition."""

import os
import subprocess
import sys

import numpy as np
import patternboost_problems.isosceles as isosceles
import patternboost_problems.no_three_in_line as no_three_in_line
import pytest

from patternboost.problem import Instance
from patternboost.search import bitset, bittabu, kernels
from patternboost.search import rng as chance
from patternboost.search.bitmaps import BitRows, bitrows_nbytes, build_bitrows
from patternboost.search.bitset import BitState, new_bitstate
from patternboost.search.kernels import COUNT_MASK, new_state
from patternboost.search.tables import Table, build_table

CLASSES = [
    "none",
    "mirror",
    "half-turn",
    "both-mirrors",
    "quarter-turn",
    "diagonal",
    "near-quarter-turn",
]
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


def assert_consistent(rows: BitRows, state: BitState) -> None:
    free, inside = (bits(b)[: rows.orbits] for b in state.bitmap.reshape(4, rows.words)[:2])
    held = members(state)
    assert np.flatnonzero(inside).tolist() == held
    tabu = state.tabu[: state.walk[bittabu.TABU_COUNT]].tolist()
    usable = set(np.flatnonzero(bits(rows.usable)).tolist())
    assert set(np.flatnonzero(free).tolist()) == usable - set(held) - set(tabu)
    assert state.total[1] == rows.weight[held].sum()
    assert [state.position[a] for a in state.member[: state.total[0]]] == list(range(state.total[0]))


@pytest.mark.parametrize("symmetry", CLASSES)
@pytest.mark.parametrize(("problem", "n"), CASES)
def test_counts_equal_the_sparse_ones(problem, n, symmetry):
    table, rows = built(problem, n, symmetry)
    sparse, state = new_state(table.rows, 1), new_bitstate(rows, 1)
    random = np.random.default_rng(n)
    usable = np.flatnonzero(table.rows.bad == 0)
    # Many more members than a valid set has, so that sums of more than 56 rows and long carries occur too.
    for step in range(3 * len(usable)):
        a = int(random.choice(usable))
        if sparse.position[a] < 0:
            kernels.add(problem.complete, table.rows, sparse, a)
            bitset.add(rows, state, a)
        else:
            kernels.drop(problem.complete, table.rows, sparse, a)
            bitset.drop(rows, state, a)
        if step % 7 == 0 or step > 3 * len(usable) - 4:
            expected = sparse.key & COUNT_MASK
            assert np.array_equal(counts(rows, state), expected)
            assert [bitset.conflicts(rows, state, int(c)) for c in usable[:20]] == expected[usable[:20]].tolist()
            assert_consistent(rows, state)
            least = bitset.least(rows, state)
            candidates = np.flatnonzero((sparse.position < 0) & (table.rows.bad == 0))
            assert least in candidates if len(candidates) else least == -1
            assert least == -1 or expected[least] == expected[candidates].min()
            held = np.array([m for m in members(state) if m != a], np.int64)
            worst = bitset.worst_member(rows, state, a)
            if len(held) and expected[held].max() > 0:
                assert worst in held
                assert expected[worst] == expected[held].max()
            else:
                assert worst == -1


@pytest.mark.parametrize(("n", "value"), [(9, 0), (9, 1)])
def test_ties_are_uniform(n, value):
    _, rows = built(isosceles.PROBLEM, n, "none")
    state = new_bitstate(rows, 3)
    bitset.load_members(rows, state, np.array([0, 1, 2, 60, 61, 62] if value else [0, 3, 40], np.int32))
    now = counts(rows, state)
    if value:  # ties among the members in most violated sets
        held = np.array(members(state))
        ties = held[now[held] == now[held].max()]
        drawn = [bitset.worst_member(rows, state, -1) for _ in range(4000)]
    else:
        outside = np.setdiff1d(np.arange(rows.orbits), members(state))
        ties = outside[now[outside] == now[outside].min()]
        drawn = [bitset.least(rows, state) for _ in range(4000)]
    assert len(ties) > 1
    found, frequency = np.unique(drawn, return_counts=True)
    assert found.tolist() == ties.tolist()
    expected = 4000 / len(ties)
    assert abs(frequency - expected).max() < 6 * expected**0.5


@pytest.mark.parametrize("symmetry", CLASSES)
@pytest.mark.parametrize(("problem", "n"), CASES)
def test_walks_are_valid_and_resume(problem, n, symmetry):
    table, rows = built(problem, n, symmetry)
    once, often = new_bitstate(rows, 5), new_bitstate(rows, 5)
    assert bittabu.tabu(rows, once, 4000, FOREVER, FOREVER, 1, 3) == bittabu.STEPS_DONE
    for steps in (1, 1499, 0, 500, 2000):
        assert bittabu.tabu(rows, often, steps, FOREVER, FOREVER, 1, 3) == bittabu.STEPS_DONE
        assert_consistent(rows, often)
    for name, mine, other in zip(BitState._fields, once, often, strict=True):
        assert np.array_equal(mine, other) or name in ("row_at", "bitmap")
    best = points_of(table, often.best[: often.walk[bittabu.BEST_MEMBERS]])
    assert table.instance.violation(best) is None
    assert len(best) == often.walk[bittabu.BEST_POINTS]
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
            now = state.key & COUNT_MASK
            added = pick(candidates[now[candidates] == now[candidates].min()])
            kernels.add(complete, rows, state, added)
        held = np.array([m for m in members(state) if m != added], np.int64)
        now = state.key[held] & COUNT_MASK
        if now.any():
            worst = pick(held[now == now.max()])
            until[worst] = step + 1 + tenure + chance.random_below(state.rng, span)
            kernels.drop(complete, rows, state, worst)
        elif state.total[1] > best:
            best = int(state.total[1])
        elif state.total[0]:
            at = chance.random_below(state.rng, state.total[0])
            kernels.drop(complete, rows, state, int(state.member[at]))
    return members(state), best, int(state.rng[0])


@pytest.mark.parametrize(("tenure", "span"), [(1, 3), (0, 2), (4, 5)])
@pytest.mark.parametrize("symmetry", CLASSES)
@pytest.mark.parametrize(("problem", "n"), CASES)
def test_walk_is_the_sparse_walk(problem, n, symmetry, tenure, span):
    table, rows = built(problem, n, symmetry)
    state = new_bitstate(rows, 11)
    bittabu.tabu(rows, state, 300, FOREVER, FOREVER, tenure, span)
    mine = (members(state), int(state.walk[bittabu.BEST_POINTS]), int(state.rng[0]))
    assert mine == reference_walk(table, 11, 300, tenure, span)


def test_walk_stops_at_target_and_at_patience():
    table, rows = built(isosceles.PROBLEM, 8, "none")
    state = new_bitstate(rows, 2)
    assert bittabu.tabu(rows, state, FOREVER, 12, FOREVER, 1, 3) == bittabu.TARGET_REACHED
    best = state.best[: state.walk[bittabu.BEST_MEMBERS]]
    assert len(points_of(table, best)) == state.walk[bittabu.BEST_POINTS] == 12
    done = state.walk[bittabu.STEP]
    assert bittabu.tabu(rows, state, 100, 12, FOREVER, 1, 3) == bittabu.TARGET_REACHED
    assert state.walk[bittabu.STEP] == done
    assert bittabu.tabu(rows, state, FOREVER, FOREVER, 700, 1, 3) == bittabu.OUT_OF_PATIENCE
    assert state.walk[bittabu.STEP] == state.walk[bittabu.BEST_STEP] + 701
    bitset.clear(rows, state)
    assert_consistent(rows, state)
    assert not counts(rows, state).any()
    assert state.walk.tolist() == [0, 0, 0, 0, 0, -1]


@pytest.mark.parametrize("symmetry", ["none", "both-mirrors"])
def test_load_repair_fill_and_start(symmetry):
    table, rows = built(isosceles.PROBLEM, 12, symmetry)
    state = new_bitstate(rows, 4)
    bittabu.tabu(rows, state, 500, FOREVER, FOREVER, 3, 4)
    orbits = np.arange(0, rows.orbits, 2, dtype=np.int32)
    bitset.load_members(rows, state, np.concatenate([orbits, orbits[:3]]))
    assert members(state) == [a for a in orbits.tolist() if table.rows.bad[a] == 0]
    bitset.repair(rows, state)
    assert table.instance.violation(points_of(table, members(state))) is None
    bitset.fill(rows, state)
    filled = members(state)
    assert table.instance.violation(points_of(table, filled)) is None
    assert (counts(rows, state)[np.setdiff1d(np.flatnonzero(table.rows.bad == 0), filled)] > 0).all()
    bittabu.tabu(rows, state, 500, FOREVER, FOREVER, 3, 4)
    bittabu.start_walk(rows, state)
    assert_consistent(rows, state)
    assert state.walk.tolist() == [0, 0, state.total[1], state.total[0], 0, -1]


def test_tables_that_do_not_fit_have_no_bitmaps():
    table = build_table(Instance(isosceles.PROBLEM, 8), "none")
    assert build_bitrows(table, memory=10_000) is None
    assert build_bitrows(build_table(table.instance, "none", memory=100)) is None


PLAIN = """
import numpy as np, patternboost_problems.isosceles as isosceles
from patternboost.problem import Instance
from patternboost.search.tables import build_table
from patternboost.search.bitmaps import build_bitrows
from patternboost.search.bitset import new_bitstate
from patternboost.search.bittabu import tabu
np.seterr(over="ignore")
rows = build_bitrows(build_table(Instance(isosceles.PROBLEM, 6), "mirror"))
state = new_bitstate(rows, 9)
tabu(rows, state, 120, 10**9, 10**9, 1, 3)
print(state.walk.tolist(), state.member[: state.total[0]].tolist(), state.rng.tolist())
"""


def test_without_the_compiler_the_walk_is_the_same():
    def out(flag: str) -> str:
        environment = {**os.environ, "NUMBA_DISABLE_JIT": flag}
        return subprocess.run(
            [sys.executable, "-c", PLAIN], env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert out("1") == out("0")
