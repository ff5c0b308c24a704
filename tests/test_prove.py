"""The verb prove: optima, targets, bounds that last, interruption, and what records say of it."""

import json
import re
import signal
import sqlite3
import sys

import pytest
from commands import finish, invoke, refused, start, wait_until
from samples import greedy

from patternboost.problem.registry import problem
from patternboost.store.archive import Archive
from patternboost.store.proofs import Proof, bounds, standing


def proof(**changes):
    values = {
        "problem": "isosceles",
        "n": 16,
        "symmetry": "none",
        "status": "bounds",
        "lower": 28,
        "upper": 31,
        "target": 0,
        "solver": "a solver 1.0",
        "seconds": 1.5,
        "date": "2026-11-23T12:00:00+00:00",
    }
    return Proof(**(values | changes))


# -- the table of proofs, which needs no solver ------------------------------------------------------------------------


def test_proofs_last_and_their_bounds_join(home):
    with Archive() as archive:
        archive.add_proof(proof())
        archive.add_proof(proof(lower=27, upper=30))
        archive.add_proof(proof(symmetry="mirror", status="optimal", lower=28, upper=28))
        archive.add_proof(proof(problem="no-three-in-line", upper=32))
    with Archive() as archive:
        assert archive.proofs("isosceles")[0] == proof()
        assert len(archive.proofs()) == 4
        assert bounds(archive.proofs("isosceles")) == {
            ("isosceles", 16, "none"): (28, 30),
            ("isosceles", 16, "mirror"): (28, 28),
        }


def test_an_archive_from_before_there_were_proofs_is_taken_up(home):
    with Archive() as archive:
        archive.add([greedy(problem("isosceles", 5), 1)])
    database = sqlite3.connect(home / "archive.sqlite")
    database.execute("drop table proofs")
    database.close()
    with Archive() as archive:
        assert archive.proofs() == []
        assert archive.sizes("isosceles") == [5]
        archive.add_proof(proof())


@pytest.mark.parametrize(
    ("by_class", "score", "words"),
    [
        ({}, 28, None),
        ({"none": (28, 28)}, 28, "optimal, proved here"),
        ({"none": (26, 28)}, 28, "optimal, proved here"),
        ({"none": (28, 31)}, 28, "at most 31, proved here"),
        ({"both-mirrors": (28, 28)}, 28, "optimal within both mirrors"),
        ({"both-mirrors": (24, 24), "mirror": (26, 40)}, 28, "optimal within both mirrors: 24"),
        (
            {"none": (28, 31), "mirror": (28, 28), "full": (8, 8), "diagonal": (8, 8)},
            28,
            "at most 31, proved here; optimal within mirror; optimal within diagonal, full: 8",
        ),
    ],
)
def test_standing_in_words(by_class, score, words):
    assert standing(by_class, score) == words


def test_records_show_what_was_proved(home):
    best = greedy(problem("isosceles", 5), 1)
    with Archive() as archive:
        archive.add([best])
        archive.add_proof(proof(n=5, status="optimal", lower=best.score, upper=best.score))
        archive.add_proof(proof(n=60, symmetry="both-mirrors", status="optimal", lower=96, upper=96))
    rows = {row["n"]: row for row in json.loads(invoke("records", "isosceles", "--format", "json").out)}
    assert rows[5]["proved"] == "optimal, proved here"
    assert rows[60]["proved"] == "optimal within both mirrors: 96"
    assert rows[60]["ours"] is None
    assert rows[6]["proved"] is None
    assert "optimal, proved here" in invoke("records", "isosceles").out


def test_a_missing_solver_is_named_in_one_line(home, monkeypatch, tmp_path):
    for name in [m for m in sys.modules if m == "ortools" or m.startswith("ortools.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ortools", None)
    refused(invoke("prove", "isosceles", 5, "--run-dir", tmp_path / "p"), "pip install 'patternboost[exact]'")
    assert not (tmp_path / "p").exists()
    run = tmp_path / "r"
    arguments = ("search", "isosceles", 5, "--improve", "both", "--model", "none", "--run-dir", run)
    refused(invoke(*arguments), "pip install 'patternboost[exact]'")
    assert not run.exists()


# -- with the solver ---------------------------------------------------------------------------------------------------

solver = pytest.mark.skipif(
    __import__("importlib.util").util.find_spec("ortools") is None, reason="the extra exact (OR-tools) is not installed"
)


@solver
@pytest.mark.parametrize(("n", "optimum"), [(1, 1), (2, 2), (3, 4), (4, 6), (5, 7), (6, 9)])
def test_isosceles_optima(n, optimum, home, tmp_path):
    answer = invoke("prove", "isosceles", n, "--jobs", 1, "--quiet", "--run-dir", tmp_path)
    certificate = tmp_path / f"isosceles-n{n}-{optimum}.json"
    assert answer.last == f"optimum {optimum} isosceles n={n} proved {certificate}"
    assert (answer.status, answer.err) == (0, "")
    assert invoke("verify", certificate).status == 0
    written = json.loads((tmp_path / "proof.json").read_text())
    with Archive() as archive:
        stored = [p for p in archive.proofs("isosceles") if p.n == n][-1]
        assert archive.best(problem("isosceles", n))[0].score == optimum
    assert (stored.status, stored.lower, stored.upper) == ("optimal", optimum, optimum)
    assert (written["status"], written["upper"]) == ("optimal", optimum)
    assert ("CP-SAT" in stored.solver) == (n > 1)  # one cell needs no solver


@solver
def test_the_solver_alone_proves_no_three_in_line_without_the_rows_bound(home, tmp_path):
    """The bound 2n is in the constraints too: the solver finds it without being told."""
    from dataclasses import replace

    import patternboost as pb

    instance = replace(problem("no-three-in-line", 5).problem, upper_bound=None).at(5)
    result = pb.prove(instance, jobs=1, quiet=True, run_dir=tmp_path)
    assert (result.proof.status, result.proof.lower, result.best.score) == ("optimal", 10, 10)


@solver
def test_within_a_class_and_where_nothing_is_allowed(home, tmp_path):
    answer = invoke("prove", "isosceles", 8, "--symmetry", "both-mirrors", "--jobs", 1, "--run-dir", tmp_path / "a")
    assert answer.status == 0
    assert "n=8 within both-mirrors proved" in answer.last
    assert "bound" in answer.err
    # A quarter-turn makes a square of every point of an even board.
    answer = invoke("prove", "isosceles", 8, "--symmetry", "quarter-turn", "--jobs", 1, "--run-dir", tmp_path / "b")
    assert answer.last == "optimum 0 isosceles n=8 within quarter-turn proved"
    records = invoke("records", "isosceles", "--format", "csv").out
    assert "optimal within both mirrors" in records


@solver
@pytest.mark.parametrize("jobs", [1, 2])
def test_targets(jobs, home, tmp_path):
    arguments = ("--symmetry", "quarter-turn", "--jobs", jobs, "--quiet", "--run-dir", tmp_path)
    answer = invoke("prove", "no-three-in-line", 12, "--target", "2n", *arguments)
    assert answer.status == 0
    assert answer.last.startswith("optimum 24 no-three-in-line n=12 within quarter-turn proved ")
    answer = invoke("prove", "isosceles", 6, "--target", 8, "--jobs", jobs, "--quiet", "--run-dir", tmp_path)
    assert answer.status == 0
    assert answer.last.startswith(("found 8 isosceles n=6 verified ", "optimum 9", "found 9"))
    answer = invoke("prove", "isosceles", 6, "--target", 10, "--minutes", 2, "--jobs", jobs, "--run-dir", tmp_path)
    assert answer.status == 0
    assert answer.last.startswith(("at most 9 isosceles n=6 proved ", "optimum 9 isosceles n=6 proved "))


@solver
def test_a_target_missed_in_time_is_status_1_and_the_bounds_last(home, tmp_path):
    arguments = ("isosceles", 16, "--target", 29, "--minutes", 0.03, "--jobs", 1, "--run-dir", tmp_path)
    answer = invoke("prove", *arguments)
    assert answer.status == 1
    assert "neither reached nor proved impossible" in answer.err
    assert answer.last.startswith("between 2")
    with Archive() as archive:
        (stored,) = archive.proofs("isosceles")
    assert (stored.status, stored.target) == ("bounds", 29)
    assert stored.lower < 29 <= stored.upper


@solver
def test_no_time_at_all_gives_what_is_known_anyway(home, tmp_path):
    """Before even the orbit table is there."""
    answer = invoke("prove", "isosceles", 23, "--minutes", 1e-9, "--jobs", 1, "--quiet", "--run-dir", tmp_path)
    assert (answer.status, answer.err) == (0, "")
    assert re.fullmatch(r"between \d+ and 529 isosceles n=23( .*)?", answer.last)


@solver
def test_bounds_of_before_are_where_the_next_proof_begins(home, tmp_path):
    with Archive() as archive:
        archive.add_proof(proof(n=7, lower=0, upper=11))
        archive.add_proof(proof(n=7, lower=9, upper=10, symmetry="mirror"))
    answer = invoke("prove", "isosceles", 7, "--target", 12, "--jobs", 1, "--quiet", "--run-dir", tmp_path)
    assert answer.last.startswith("at most 11 isosceles n=7 proved")
    assert json.loads((tmp_path / "proof.json").read_text())["seconds"] < 5


@pytest.mark.long
@solver
def test_ctrl_c_says_what_is_known_and_loses_nothing(home, tmp_path):
    run = tmp_path / "run"
    process = start("prove", "isosceles", 16, "--jobs", 1, "--run-dir", run, home=home)
    try:
        wait_until(lambda: any(run.glob("isosceles-n16-*.json")))
        process.send_signal(signal.SIGINT)
        answer = finish(process, 60)
    finally:
        process.kill()
    assert answer.status == 130, answer
    words = answer.last.split()
    assert words[0] == "between"
    lower, upper = int(words[1]), int(words[3])
    assert "stopped; what is known is in the archive" in answer.err
    with Archive() as archive:
        stored = [p for p in archive.proofs("isosceles") if p.n == 16][-1]
        assert archive.best(problem("isosceles", 16))[0].score == lower
    assert (stored.status, stored.lower, stored.upper) == ("bounds", lower, upper)
    assert invoke("verify", words[-1]).status == 0


@solver
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("isosceles", 8, "--symmetry", "auto"), "one symmetry class"),
        (("isosceles", 8, "--symmetry", "spiral"), "spiral"),
        (("isosceles", 8, "--target", "many"), "2n"),
        (("isosceles", 8, "--target", "0"), "at least 1"),
        (("isosceles", 8, "--minutes", "0"), "more than 0"),
        (("isosceles", 8, "--minutes", "nan"), "more than 0"),
        (("isosceles", 100, "--minutes", "1", "--symmetry", "none"), "10,000 orbits"),
        (("circles", 8), "circles"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(arguments, words, home, tmp_path):
    refused(invoke("prove", *arguments, "--quiet", "--run-dir", tmp_path / "p"), words)
