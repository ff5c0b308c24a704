"""Every registered problem keeps the contract, and the optima of its small sizes are those known."""

import tracemalloc
from itertools import combinations

import numpy as np
import pytest
import reference

from patternboost.problem import Problem, ProblemError, contract
from patternboost.problem.registry import find_problem, problem, problem_names
from patternboost.store.records import known_records

NAMES = problem_names()


@pytest.mark.parametrize("name", NAMES)
def test_the_contract(name):
    contract.check(find_problem(name))


def small_sizes(name):
    """Sizes whose every subset may be looked at in a test."""
    ground = find_problem(name).ground
    return [n for n in range(ground.min_n, ground.min_n + 6) if ground.size(n) <= 16]


@pytest.mark.parametrize(("name", "n"), [(name, n) for name in NAMES for n in small_sizes(name)])
def test_rule_and_optimum_of_small_sizes(name, n):
    instance = problem(name, n)
    several = len(instance.problem.rules) > 1
    for part in instance.problem.rules:
        for chosen in combinations(range(instance.size), part.k - 1):
            if several and instance.violation(instance.to_points(np.array(chosen))) is not None:
                continue
            out = np.zeros(instance.size, np.int64)
            got = out[: part.complete(n, np.array(chosen, np.int64), out)].tolist()
            known = reference.completions(instance, list(chosen))
            if several:  # those that a smaller forbidden set explains aside
                known = {e for e in known if e in got or not reference.smaller(instance, (*chosen, e), part.k)}
            assert sorted(got) == sorted(known)
    if instance.problem.by_value and instance.size > 12:
        return
    best = reference.optimum(instance)
    if best is None:
        return
    assert instance.problem.merit(best) <= instance.problem.merit(instance.upper_bound)
    record = known_records().get((name, n))
    if record is not None and record.optimal:
        assert best == record.value


def test_problem_refuses_what_cannot_be():
    good = find_problem("isosceles")
    for n in (0, -3, 10**9):
        with pytest.raises(ProblemError, match="n must be from 1 to"):
            good.at(n)
    with pytest.raises(ProblemError, match="unknown problem"):
        find_problem("no-such-problem")
    with pytest.raises(ProblemError, match="k = 9"):
        Problem("x", "", "", 9, good.complete, good.violation, ())
    with pytest.raises(ProblemError, match="name"):
        Problem("Bad Name", "", "", 3, good.complete, good.violation, ())


OWN = '''
"""No two points in one row or column: rooks that do not attack."""
from patternboost.problem import Problem, rule

@rule
def complete(n, chosen, out):
    row, column = chosen[0] // n, chosen[0] % n
    count = 0
    for i in range(n):
        if i != column:
            out[count] = row * n + i
            count += 1
        if i != row:
            out[count] = i * n + column
            count += 1
    return count

def violation(points):
    for i, p in enumerate(points):
        for q in points[:i]:
            if p[0] == q[0] or p[1] == q[1]:
                return [p, q]
    return None

PROBLEM = Problem("rooks", "rooks", "No two points in one row or column.", 2, complete, violation, ("chess",))
'''


def test_a_users_own_file_is_a_problem(tmp_path):
    path = tmp_path / "rooks.py"
    path.write_text(OWN)
    instance = problem(str(path), 4)
    assert reference.optimum(instance) == 4
    for e in range(16):
        assert len(reference.completions(instance, [e])) == 6
    contract.check(instance.problem)


@pytest.mark.parametrize("text", ["1 / 0", "x = (", "PROBLEM = 3", ""])
def test_a_broken_file_gets_one_line(tmp_path, text):
    path = tmp_path / "broken.py"
    path.write_text(text)
    with pytest.raises(ProblemError) as caught:
        problem(str(path), 4)
    assert "broken.py" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "forbidden"), [("isosceles", reference.is_isosceles), ("no-three-in-line", reference.is_straight)]
)
def test_definitions_agree_with_the_plain_triple_loop(name, forbidden):
    rng = np.random.default_rng(7)
    verdicts = set()
    for _ in range(400):
        instance = problem(name, int(rng.integers(2, 12)))
        elements = rng.choice(instance.size, min(instance.size, int(rng.integers(0, 8))), replace=False)
        points = instance.to_points(elements)
        rng.shuffle(points)
        witness = instance.violation(points)
        verdicts.add(witness is None)
        assert (witness is None) == (not any(forbidden(three) for three in combinations(points, 3)))
        if witness is not None:
            assert len(set(witness)) == 3
            assert set(witness) <= set(points)
            assert forbidden(witness)
    assert verdicts == {True, False}


@pytest.mark.parametrize("name", ["isosceles", "isosceles-torus", "no-three-in-line"])
def test_a_huge_set_is_judged_in_little_memory(name):
    instance = problem(name, 128)
    points = instance.to_points(np.arange(instance.size))
    tracemalloc.start()
    try:
        assert instance.violation(points) is not None
        assert tracemalloc.get_traced_memory()[1] < 50 << 20
    finally:
        tracemalloc.stop()
