"""The contract every registered problem keeps: rule and definition agree, symmetries preserve both, optima are met."""

from itertools import combinations

import numpy as np
import pytest
import reference

from patternboost.problem import Problem, ProblemError
from patternboost.records import known_records
from patternboost.registry import find_problem, problem, problem_names

NAMES = problem_names()


def complete(instance, chosen):
    out = np.zeros(instance.size, np.int64)
    count = instance.problem.complete(instance.n, np.array(chosen, np.int64), out)
    return [int(x) for x in out[:count]]


def test_the_first_problems_are_registered():
    assert {"isosceles", "no-three-in-line"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_rule_agrees_with_definition(name, n):
    instance = problem(name, n)
    for chosen in combinations(range(instance.size), instance.problem.k - 1):
        for order in (chosen, chosen[::-1]):
            got = complete(instance, order)
            assert len(got) == len(set(got)), "an element twice"
            assert set(got) == reference.completions(instance, list(chosen))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [17, 64, 100])
def test_rule_agrees_with_definition_on_random_pairs_of_large_boards(name, n):
    instance = problem(name, n)
    rng = np.random.default_rng(n)
    for _ in range(12):
        chosen = [int(x) for x in rng.choice(instance.size, instance.problem.k - 1, replace=False)]
        got = set(complete(instance, chosen))
        base = [tuple(int(x) for x in instance.points[e]) for e in chosen]
        others = set(rng.choice(instance.size, 300).tolist()) | got
        for e in others - set(chosen):
            forbidden = instance.violation([*base, tuple(int(x) for x in instance.points[e])]) is not None
            assert forbidden == (e in got)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [2, 3, 4])
def test_symmetries_preserve_rule_and_definition(name, n):
    instance = problem(name, n)
    forbidden = set(reference.forbidden_sets(instance))
    for permutation in instance.symmetries:
        assert {frozenset(int(permutation[e]) for e in s) for s in forbidden} == forbidden


@pytest.mark.parametrize("name", NAMES)
def test_forbidden_sets_may_be_moved_where_the_problem_says_so(name):
    small, large = problem(name, 4), problem(name, 7)
    if not small.problem.translations:
        return
    for chosen in combinations(range(small.size), small.problem.k):
        points = [tuple(int(x) for x in small.points[e]) for e in chosen]
        moved = [(r + 3, c + 2) for r, c in points]
        assert (small.violation(points) is None) == (large.violation(moved) is None)


@pytest.mark.parametrize("name", NAMES)
def test_violation_names_a_forbidden_subset(name):
    instance = problem(name, 6)
    rng = np.random.default_rng(5)
    for _ in range(50):
        elements = rng.choice(instance.size, 12, replace=False)
        points = instance.to_points(elements)
        witness = instance.violation(points)
        if witness is not None:
            assert len(set(witness)) == instance.problem.k
            assert set(witness) <= set(points)
            assert instance.violation(witness) is not None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_known_small_optima(name, n):
    record = known_records().get((name, n))
    instance = problem(name, n)
    best = reference.optimum(instance)
    assert best <= instance.upper_bound
    if record is not None and record.status == "optimal":
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
        assert set(complete(instance, [e])) == reference.completions(instance, [e])


@pytest.mark.parametrize("text", ["1 / 0", "x = (", "PROBLEM = 3", ""])
def test_a_broken_file_gets_one_line(tmp_path, text):
    path = tmp_path / "broken.py"
    path.write_text(text)
    with pytest.raises(ProblemError) as caught:
        problem(str(path), 4)
    assert "broken.py" in str(caught.value)
    assert "\n" not in str(caught.value)
