"""Problems with an objective, forbidden sets of several sizes, fewer symmetries, boards: in search and in files."""

import dataclasses
import json
import re
from itertools import combinations

import numpy as np
import pytest
import reference
from commands import invoke, read_log, refused

import patternboost as pb
from patternboost.problem import (
    Objective,
)
from patternboost.problem.base import NOTHING
from patternboost.problem.registry import find_problem, problem
from patternboost.problem.symmetry import class_orbits
from patternboost.search.enumerate import find_conflicts
from patternboost.search.hypergraph import Conflicts, add_element, bare_hypergraph, drop_element
from patternboost.search.memory import Building
from patternboost.search.tasks import Effort, Task, run_task
from patternboost.store.archive import Archive
from patternboost.store.construction import Construction, load
from patternboost.store.new_problem import new_problem
from patternboost.store.records import compare, is_gain
from patternboost.studies.compare.arm_run import ArmRun
from patternboost.studies.compare.figures import hit_rates, ranking, target_of
from patternboost.studies.ladder.choosing import lags

VALUED = ("permanent-avoiding-312", "hypercube-full-diameter", "smallest-maximal-no-three-in-line")
NONE = np.empty(0, np.int64)
SHORT = ("--generations", 2, "--model", "none", "--jobs", 1)


def walk(instance, symmetry, seed=1, start=NONE, length=3000, target=1 << 60):
    return run_task(Task(instance, symmetry, (start,), Effort(length, length), seed, target))[0]


# -- conflict counts of several sizes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("written", [True, False])
def test_counts_of_forbidden_sets_of_several_sizes(written):
    """Written out and padded, or asked of both rules: the counts are those of the definition."""
    instance = problem("no-repeated-distance", 4)
    conflicts = find_conflicts(instance, Building())
    assert conflicts.hypergraph.written
    if not written:
        conflicts = Conflicts(instance, bare_hypergraph(4, 4, instance.size, True))
    what = conflicts.complete, conflicts.update, conflicts.hypergraph
    counts, members, rng = conflicts.empty(), [], np.random.default_rng(3)
    for _ in range(60):
        e = int(rng.integers(instance.size))
        if e in members:
            drop_element(*what, counts, e)
            members.remove(e)
        elif len(members) < 6:
            add_element(*what, counts, e)
            members.append(e)
        expected = np.zeros(instance.size, int)
        for k, part in ((p.k, p) for p in instance.problem.rules):
            for chosen in combinations(members, k - 1):
                out = np.zeros(instance.size, np.int64)
                expected[out[: part.complete(4, np.array(chosen, np.int64), out)]] += 1
        assert counts.counts[: instance.size].tolist() == expected.tolist()


# -- the walk by value -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "n"), [("permanent-avoiding-312", 4), ("hypercube-full-diameter", 3), (VALUED[2], 4)])
def test_walks_by_value_end_at_sets_that_count(name, n):
    instance = problem(name, n)
    for symmetry in instance.classes:
        orbits = class_orbits(instance, symmetry)
        for seed in range(3):
            outcome = walk(instance, symmetry, seed)
            if outcome.after == NOTHING:
                assert not len(outcome.elements)
                continue
            points = instance.to_points(outcome.elements)
            assert instance.violation(points) is None
            assert instance.problem.merit(instance.score(points)) == outcome.after
            assert orbits.is_union(outcome.elements)
            assert np.array_equal(outcome.elements, walk(instance, symmetry, seed).elements)


@pytest.mark.parametrize(("name", "n", "best"), [(VALUED[0], 3, 4), (VALUED[1], 2, 4), (VALUED[2], 3, 4)])
def test_walks_by_value_find_the_best_there_is(name, n, best):
    instance = problem(name, n)
    assert reference.optimum(instance) == best
    assert instance.problem.score(max(walk(instance, "none", seed).after for seed in range(4))) == best


def test_a_walk_goes_on_from_its_start_and_stays_in_its_region():
    instance = problem("hypercube-full-diameter", 3)
    full = np.arange(instance.size)
    assert walk(instance, "none", start=full, length=0).before == -12
    region = np.arange(10)
    found = run_task(Task(instance, "none", (full,), Effort(500, 500), 1, 1 << 60, region=region, around=False))[0]
    assert set(found.elements.tolist()) <= set(region.tolist())


def test_change_and_value_make_the_same_walks():
    """A `change` makes steps cheaper and nothing else."""
    original = find_problem("permanent-avoiding-312")
    own = original.objective
    without = dataclasses.replace(original, objective=Objective(own.judge, own.value, excess=own.excess))
    for seed in range(3):
        a, b = (walk(p.at(5), "none", seed) for p in (original, without))
        assert (a.after, a.elements.tolist()) == (b.after, b.elements.tolist())


def test_greedy_alone_repairs_and_fills():
    for name, n in (("isosceles", 8), ("no-square", 6), ("permanent-avoiding-312", 5)):
        instance = problem(name, n)
        outcome = run_task(Task(instance, "none", (NONE,), Effort(0, 0), 1, 1 << 60))[0]
        points = instance.to_points(outcome.elements)
        assert instance.violation(points) is None
        if not instance.problem.by_value:
            assert instance.addable(points) is None
            assert outcome.steps == len(points)


# -- through the whole program -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "n", "best", "words"),
    [(VALUED[0], 4, 8, "permanent 8"), (VALUED[1], 3, 9, "edges 9"), (VALUED[2], 4, 4, "4 points")],
)
def test_a_value_goes_through_search_certificate_archive_and_report(tmp_path, name, n, best, words):
    run = tmp_path / "run"
    answer = invoke("search", name, n, *SHORT, "--run-dir", run, "--target", best)
    certificate = run / "best" / f"{name}-n{n}-{best}.json"
    assert answer.out.splitlines()[-1] == f"best {best} {name} n={n} verified {certificate}"
    saved = json.loads(certificate.read_text())
    assert (saved["score"], saved["value"]) == (best, best)
    assert words in invoke("verify", certificate).out
    with Archive() as archive:
        assert archive.best(problem(name, n))[0].score == best
    row = next(row for row in pb.records(name) if row["n"] == n)
    assert row["ours"] == best
    assert invoke("report", run).status == 0
    assert read_log(run)[-1]["best"] == best
    assert invoke("runs", tmp_path).out.count("finished") == 1


def test_a_smaller_score_is_the_better_one_where_small_ones_are_wanted(tmp_path):
    instance = problem("hypercube-full-diameter", 3)
    whole = Construction.of(instance, instance.points.tolist())
    less = Construction.of(instance, instance.to_points(walk(instance, "none").elements))
    assert whole.check() == less.check() == []
    assert whole.score == 12 > less.score
    with Archive() as archive:
        archive.add([whole, less])
        assert [c.score for c in archive.best(instance, 2)] == [less.score, 12]
    name = "smallest-maximal-no-three-in-line"
    assert compare(name, 13, 11) == "NEW RECORD"
    assert compare(name, 13, 13) == "best known is 12"
    assert compare(name, 10, 8) == "optimal"
    assert compare(name, 10, 7) == "below the listed optimum 8: check the table"


def test_a_wrong_value_and_sets_that_do_not_count_are_refused(tmp_path):
    good = Construction.of(problem("permanent-avoiding-312", 2), [(0, 0), (1, 1)])
    path = good.save(tmp_path / "a.json")
    path.write_text(path.read_text().replace('"score": 1', '"score": 2'))
    assert load(path).check() == ["score 2 is wrong: it is 1"]
    assert "gives these points no value" in Construction.of(good.instance, [(0, 0)]).check()[0]
    line = problem("smallest-maximal-no-three-in-line", 3)
    assert Construction.of(line, [(0, 0)]).check() == ["not maximal: [0, 1] may be added"]
    assert Construction.of(line, [(0, 0), (0, 1), (0, 2)]).check()[0].startswith("forbidden set")


def test_a_run_that_found_nothing_is_the_worst_of_a_comparison():
    nothing, good, better = (
        ArmRun("a", 1, (), True),
        ArmRun("b", 1, ((1.0, 20),), True),
        ArmRun("c", 1, ((1.0, 9),), True),
    )
    assert ranking([nothing, good, better]).tolist() == [0, 1, 2]
    assert target_of([nothing, good], 0, "none") == 20
    assert hit_rates([nothing, good, better], ["a", "b", "c"]) == [(9, [0, 0, 1]), (20, [0, 1, 1])]
    assert (nothing.time_to(20), better.time_to(20)) == (None, 1.0)


@pytest.mark.long
def test_a_ladder_climbs_down_where_small_scores_are_wanted(tmp_path):
    command = ("ladder", "hypercube-full-diameter", "2-3", "--minutes", 0.3, "--jobs", 1, "--set", "model=none")
    command = (*command, "--run-dir", tmp_path / "l")
    answer = invoke(*command)
    assert answer.status == 0, answer.err
    assert re.search(r"^2 +- +4 +new", answer.out, re.M)
    assert re.search(r"^3 +- +9 +new", answer.out, re.M)
    assert [is_gain(*scores, True) for scores in ((5, 4), (4, 5), (0, 9), (9, 0))] == [True, False, True, False]
    assert lags({1: 5, 2: 6, 3: 9, 4: 8, 5: 9}, minimises=True)[3] > 1 > lags({1: 5, 2: 6, 3: 9, 4: 8, 5: 9})[3]


def test_a_certificate_of_ones_own_problem_is_exported_with_its_file(tmp_path):
    path = new_problem("own", tmp_path)
    found = Construction.of(find_problem(str(path)).at(3), [(0, 0)]).save(tmp_path / "own-n3-1.json")
    refused(invoke("export", found, "--format", "csv"), "unknown problem 'own'", "pass it by --problem FILE.py")
    assert invoke("export", found, "--format", "csv", "--problem", path).out == "row,column\n0,0\n"
    refused(invoke("search", "isosceels", 5), "did you mean isosceles")


def test_a_comparison_of_values_prefers_small_ones(tmp_path):
    answer = invoke(
        "compare", "hypercube-full-diameter", 3, "--minutes", 0.1, "--seeds", 1, "--jobs", 1, "--arms", "unigram,none",
        "--set", "stop_at_optimum=false", "--run-dir", tmp_path / "c",
    )  # fmt: skip
    assert answer.status == 0
    assert "time to 9" in answer.out


@pytest.mark.long
def test_what_only_counts_points_says_so():
    refused(invoke("prove", "permanent-avoiding-312", 3), "know numbers of points, not values")
    refused(
        invoke("search", "permanent-avoiding-312", 3, *SHORT, "--improve", "solver"),
        "know numbers of points, not values",
    )
    answer = invoke("search", "permanent-avoiding-312", 3, *SHORT, "--set", "max_steps=9")
    assert "max_steps: values are searched by annealing" in answer.err


@pytest.mark.long
def test_seeds_that_do_not_count_at_another_size_are_left_out(tmp_path):
    small = problem("hypercube-full-diameter", 2)
    Construction.of(small, small.points.tolist()).save(tmp_path / "seed.json")
    answer = invoke(
        "search",
        "hypercube-full-diameter",
        3,
        *SHORT,
        "--seed-from",
        tmp_path / "seed.json",
        "--run-dir",
        tmp_path / "r",
    )
    assert (answer.status, answer.last.split()[1]) == (0, "9"), answer.err
