"""Problems beyond square boards and points: fewer symmetries, boards, other ground sets, what cannot be."""

import dataclasses
import json

import numpy as np
import pytest
import reference
from commands import invoke

import patternboost as pb
from patternboost.problem import (
    BIPARTITE,
    HYPERCUBE,
    Forbidden,
    Objective,
    Problem,
    ProblemError,
    contract,
    measure,
    rule,
)
from patternboost.problem.ground import BoardSize, fits_in, size_of
from patternboost.problem.registry import find_problem, problem
from patternboost.problem.symmetry import canonical_key
from patternboost.search.tasks import Effort, Task, run_task

SHORT = ("--generations", 2, "--model", "none", "--jobs", 1)

# -- fewer symmetries --------------------------------------------------------------------------------------------------


def test_a_problem_has_the_symmetries_that_it_says():
    instance = problem("permanent-avoiding-312", 4)
    assert list(instance.classes) == ["none", "antidiagonal"]
    assert len(instance.symmetries) == 2
    one, other = instance.to_elements([(0, 1)]), instance.to_elements([(2, 3)])
    assert canonical_key(instance, one) == canonical_key(instance, other)
    assert canonical_key(instance, one) != canonical_key(instance, instance.to_elements([(1, 0)]))
    none = Problem("ones", "", "", 3, instance.problem.complete, instance.problem.violation, (), symmetries="none").at(
        3
    )
    assert list(none.classes) == ["none"]
    assert len(none.symmetries) == 1
    contract.check(none.problem)
    wrong = dataclasses.replace(none.problem, symmetries="x")
    with pytest.raises(ProblemError, match="symmetry 'x' is unknown: use all, none or some of none, half-turn"):
        _ = wrong.at(3).symmetries


def test_symmetries_that_change_the_value_are_found():
    own = find_problem("permanent-avoiding-312")
    wrong = Problem("p", "", "", 3, own.complete, own.violation, (), objective=own.objective)
    with pytest.raises(contract.ContractError, match='say symmetries="none", or name those that do'):
        contract.check(wrong)


# -- boards ------------------------------------------------------------------------------------------------------------


def test_sizes_of_boards_read_and_write_as_their_sides():
    size = size_of("6x9")
    assert (str(size), f"{size}", repr(size), size.height, size.width) == ("6x9", "6x9", "6x9", 6, 9)
    assert size_of("7x7") == 7 == size_of("7")
    assert not isinstance(size_of("7x7"), BoardSize)
    for wrong in ("x9", "0x9", "6x", "6x9x2", "99999x2"):
        with pytest.raises(ProblemError):
            size_of(wrong)


def test_a_board_is_searched_certified_exported_and_read_again(tmp_path):
    run = tmp_path / "run"
    answer = invoke("search", "isosceles-flat", "3x5", *SHORT, "--run-dir", run)
    best = int(answer.out.split()[1])
    instance = find_problem("isosceles-flat").at("3x5")
    assert best == reference.optimum(instance)
    certificate = run / "best" / f"isosceles-flat-n3x5-{best}.json"
    assert json.loads(certificate.read_text())["n"] == "3x5"
    assert invoke("verify", certificate).out == f"{certificate}: valid isosceles-flat n=3x5 {best} points\n"
    assert len(invoke("export", "isosceles-flat", "3x5", "--format", "txt").out.splitlines()) == 3
    assert invoke("export", "isosceles-flat", "3x5", "-o", tmp_path / "a.svg").status == 0
    assert invoke("resume", run, "--generations", 3).status == 0
    assert [row["n"] for row in pb.records("isosceles-flat") if row["ours"]] == [size_of("3x5")]
    assert invoke("import", certificate).status == 0


@pytest.mark.long
def test_boards_are_seeded_by_boards_that_lie_in_them(tmp_path):
    """Squares and boards in one archive: those that are wider or higher than this one are no seeds."""
    inside = [fits_in(size_of(size), size_of("5x6")) for size in ("5", "6", "4x6", "6x4")]
    assert inside == [True, False, True, False]
    for n in ("4", "8", "3x5", "6x2"):
        assert invoke("search", "isosceles-flat", n, *SHORT, "--run-dir", tmp_path / n).status == 0
    for words, last in (("archive", "3x5"), ("neighbours", "4x6")):  # those of its own size too
        command = ("search", "isosceles-flat", "4x6", "--generations", 2, "--model", "unigram", "--jobs", 1)
        answer = invoke(*command, "--seed-from", words, "--run-dir", tmp_path / words)
        assert answer.status == 0, answer.err
        assert f"sizes, n = 4 to {last}" in answer.err


def test_the_symmetries_of_a_board_are_those_of_a_rectangle():
    instance = find_problem("isosceles").at("4x6")
    assert len(instance.symmetries) == 4
    contract_of = instance.problem.rules[0]
    for p in instance.symmetries:
        assert sorted(p.tolist()) == list(range(24))
    for chosen in ((0, 7), (3, 22), (5, 10)):
        out = np.zeros(24, np.int64)
        got = out[: contract_of.complete(instance.n, np.array(chosen, np.int64), out)].tolist()
        assert set(got) == reference.completions(instance, list(chosen))
    for maps in instance.classes.values():
        assert all(m.max() < 24 for m in maps)


# -- further ground sets -----------------------------------------------------------------------------------------------


def test_the_edges_of_the_cube():
    assert [HYPERCUBE.size(d) for d in (1, 2, 3, 4)] == [1, 4, 12, 32]
    assert [len(HYPERCUBE.symmetries(d)) for d in (2, 3, 4)] == [8, 48, 384]
    assert len(HYPERCUBE.symmetries(6)) == 64 * 6
    points = HYPERCUBE.points(4)
    assert all(bin(u ^ v).count("1") == 1 and u < v for u, v in points.tolist())


def test_matrices_whose_rows_and_columns_may_be_permuted():
    @rule
    def complete(n, chosen, out):  # type: ignore[no-untyped-def]
        for i in range(3):
            for j in range(3):
                if j == i:
                    continue
                row, column = chosen[j], chosen[3 - i - j]
                if row // n == chosen[i] // n and column % n == chosen[i] % n:
                    out[0] = column // n * n + row % n
                    return 1
        return 0

    zarankiewicz = Problem("z", "", "", 4, complete, find_problem("no-rectangle").violation, (), BIPARTITE)
    contract.check(zarankiewicz)
    instance = zarankiewicz.at(4)
    pytest.importorskip("pynauty")
    one = instance.to_elements([(0, 0), (0, 1), (2, 0)])
    other = instance.to_elements([(3, 1), (1, 1), (1, 3)])
    assert canonical_key(instance, one) == canonical_key(instance, other)
    assert canonical_key(instance, one) != canonical_key(instance, instance.to_elements([(0, 0), (1, 1), (2, 0)]))


# -- what cannot be ----------------------------------------------------------------------------------------------------


@measure
def count_of(n, members, count):  # type: ignore[no-untyped-def]
    """The number of elements."""
    return count


def test_objectives_that_do_not_agree_with_their_definition_are_refused():
    for objective, words in [
        (Objective(lambda points: len(points) + 1, count_of), "but value is 0"),
        (Objective(lambda points: None, count_of), "give excess too, which leads there"),
        (Objective(lambda points: -1, count_of), "values are whole"),
        (Objective(lambda points: 1.5, count_of), "values are whole"),
        (Objective(lambda points: points[0][0], count_of), "judge raised IndexError"),
        (Objective(lambda points: len(points) if points else None, count_of, excess=count_of), "0 where a set counts"),
    ]:
        with pytest.raises(contract.ContractError, match=words):
            contract.check(Problem("own", "", "", objective=objective))


def test_problems_that_ask_for_nothing_or_for_two_things_are_refused():
    own = find_problem("isosceles")
    with pytest.raises(ProblemError, match="nothing is forbidden and nothing counts"):
        Problem("p", "", "")
    with pytest.raises(ProblemError, match="not both"):
        Problem("p", "", "", 3, own.complete, own.violation, forbidden=(Forbidden(3, own.complete),))
    twice = (Forbidden(3, own.complete), Forbidden(3, own.complete))
    with pytest.raises(ProblemError, match="two rules for the same k"):
        Problem("p", "", "", violation=own.violation, forbidden=twice)
    with pytest.raises(ProblemError, match="smallest_maximal needs forbidden sets"):
        Problem("p", "", "", objective=Objective(len), smallest_maximal=True)
    with pytest.raises(ProblemError, match="put @measure above"):
        Problem("p", "", "", objective=Objective(len, lambda n, members, count: count))
    with pytest.raises(ProblemError, match="violation is missing"):
        Problem("p", "", "", 3, own.complete)


def test_a_value_that_judge_does_not_confirm_ends_the_search(tmp_path, monkeypatch):
    """The contract looks at some sets; a wrong value of another is found before anything is kept."""
    own = find_problem("hypercube-full-diameter").objective
    wrong = Problem(
        "cube", "", "", ground=HYPERCUBE, objective=dataclasses.replace(own, judge=lambda points: len(points) + 1)
    )
    with pytest.raises(ProblemError, match=r"the search made a set of \d+, judge says \d+"):
        pb.search(wrong, 3, generations=1, model="none", jobs=1, quiet=True, run_dir=tmp_path / "r")


def test_two_objectives_of_one_name_are_two_problems():
    @measure
    def double(n, members, count):  # type: ignore[no-untyped-def]
        return 2 * count

    for objective in (Objective(len, count_of), Objective(lambda points: 2 * len(points), double)):
        instance = Problem("own", "", "", objective=objective).at(3)
        (outcome,) = run_task(Task(instance, "none", (np.empty(0, np.int64),), Effort(3000, 3000), 1, 1 << 60))
        assert outcome.after == instance.score(instance.to_points(outcome.elements))


def test_lists_do_for_tuples():
    own = find_problem("isosceles")
    listed = Problem("p", "", "", violation=own.violation, forbidden=[*own.rules], sources=["a"], symmetries=["mirror"])
    assert hash(listed) == hash(dataclasses.replace(listed))
    assert list(listed.at(4).classes) == ["none", "mirror"]
