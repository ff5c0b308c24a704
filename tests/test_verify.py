"""The verifier accepts what is valid and names what is forbidden."""

import itertools
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from certificates import body, verify
from commands import Answer, invoke, refused
from reference import is_isosceles, is_straight
from samples import broken, greedy, isosceles

from patternboost.problem import Instance
from patternboost.problem.registry import find_problem, problem, problem_names
from patternboost.store.construction import Construction


def named_points(answer: Answer) -> list[tuple[int, ...]]:
    """The points of the forbidden set that an answer names."""
    found = re.search(r"forbidden set:((?: \[[-\d, ]+\])+)", answer.out)
    assert found, answer
    return [tuple(json.loads(p)) for p in re.findall(r"\[[^]]*\]", found[1])]


def small(name: str) -> Instance:
    """A problem at a size where plain Python is quick."""
    return problem(name, 5 if problem(name, 5).size <= 125 else 3)


@pytest.mark.parametrize("name", [name for name in problem_names() if not find_problem(name).by_value])
def test_valid_sets_are_accepted(name: str, tmp_path: Path) -> None:
    for seed in range(3):
        whole = greedy(small(name), seed)
        for size in {0, 1, len(whole.points) // 2, len(whole.points)}:
            part = Construction.of(whole.instance, random.Random(seed).sample(whole.points, size))
            answer = verify(tmp_path, body(part))
            assert (answer.status, answer.err) == (0, "")
            assert f"valid {part.instance} {size} point{'' if size == 1 else 's'}\n" in answer.out


@pytest.mark.parametrize("claimed", ["full", "mirror", "sideways", "", "\x1b[2J", "x" * 10_000])
def test_a_symmetry_that_is_not_there_is_a_fault(claimed: str, tmp_path: Path) -> None:
    crooked = Construction.of(problem("isosceles", 5), [(0, 0), (0, 1), (1, 3)])
    assert crooked.symmetry == "none"
    answer = verify(tmp_path, body(crooked) | {"symmetry": claimed})
    assert (answer.status, answer.err) == (1, "")
    assert f"symmetry is none, not {claimed[:64]!r}" in answer.out
    assert len(answer.out) < 500
    assert verify(tmp_path, {k: v for k, v in body(crooked).items() if k != "symmetry"}).status == 0


@pytest.mark.parametrize("name", problem_names())
def test_one_point_too_many_is_refused_with_a_witness(name: str, tmp_path: Path) -> None:
    whole = greedy(small(name), 1)
    everything = [tuple(int(x) for x in p) for p in whole.instance.points]
    for extra in [p for p in everything if p not in whole.points][:20]:
        answer = verify(tmp_path, body(Construction.of(whole.instance, [*whole.points, extra])))
        assert answer.status == 1
        witness = named_points(answer)
        assert len(set(witness)) in {part.k for part in whole.instance.problem.rules}
        assert extra in witness
        assert set(witness) <= {*whole.points, extra}
        assert whole.instance.violation(witness) is not None


@pytest.mark.parametrize(("name", "forbidden"), [("isosceles", is_isosceles), ("no-three-in-line", is_straight)])
def test_every_triple_is_judged_as_the_definition_says(name: str, forbidden: Any) -> None:
    instance = problem(name, 4)
    for triple in itertools.combinations(itertools.product(range(4), repeat=2), 3):
        faults = Construction.of(instance, triple).check()
        assert bool(faults) == forbidden(triple)
        if faults:
            assert faults == ["forbidden set: " + " ".join(str(list(p)) for p in triple)]


def test_the_only_forbidden_triple_is_found_wherever_it_is(tmp_path: Path) -> None:
    instance = problem("isosceles", 12)
    tried = 0
    for seed in range(60):
        valid = greedy(instance, seed).points
        rng = random.Random(seed)
        part = rng.sample(valid, 6)
        extra = rng.choice([p for p in itertools.product(range(12), repeat=2) if p not in part])
        points = [*part, extra]
        bad = [t for t in itertools.combinations(sorted(points), 3) if is_isosceles(t)]
        if len(bad) == 1:
            tried += 1
            answer = verify(tmp_path, body(Construction.of(instance, points)))
            assert answer.status == 1
            assert named_points(answer) == list(bad[0])
    assert tried > 10


def test_faults_are_named(tmp_path: Path) -> None:
    good = isosceles(8)
    twice = Construction.of(good.instance, [*good.points, good.points[2]])
    for data, words in (
        (body(twice), f"point {list(good.points[2])} is there twice"),
        (body(Construction.of(good.instance, [(0, 8)])), "point [0, 8] is off the board ([0, 0] to [7, 7])"),
        (body(Construction.of(good.instance, [(-1, 0)])), "point [-1, 0] is off the board"),
        (body(Construction.of(good.instance, [(0,)])), "point [0] is off the board"),
        (body(Construction.of(good.instance, [(0, 0, 0)])), "point [0, 0, 0] is off the board"),
        (body(Construction.of(good.instance, [(2**31 - 1, -(2**31))])), "off the board"),
        (body(good) | {"score": good.score + 1}, f"score {good.score + 1} is wrong: there are {good.score} points"),
        (body(good) | {"sha256": "0" * 64}, f"sha256 is wrong: it should be {good.sha256}"),
        (body(good) | {"sha256": ""}, "sha256 is wrong"),
        (body(good) | {"n": 9}, "sha256 is wrong"),
        (body(broken()), "forbidden set: [0, 0] [0, 1] [1, 0]"),
    ):
        answer = verify(tmp_path, data)
        assert answer.status == 1, data
        assert words in answer.out
        assert answer.err == ""
        assert len(answer.out.splitlines()) == 1


def test_the_worst_file_counts(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(json.dumps(body(isosceles())))
    (tmp_path / "bad.json").write_text(json.dumps(body(broken())))
    (tmp_path / "none.json").write_text("{}")
    good, bad, none = (tmp_path / f"{name}.json" for name in ("good", "bad", "none"))
    assert invoke("verify", good, good).status == 0
    assert invoke("verify", bad, good).status == 1
    answer = invoke("verify", none, bad, good)
    assert answer.status == 2
    assert [line.split(" ")[1] for line in answer.out.splitlines()] == ["INVALID", "valid"]
    assert len(answer.err.splitlines()) == 1


def test_the_picture_shows_the_forbidden_set(tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_text(json.dumps(body(broken())))
    assert invoke("verify", file, "--picture", tmp_path / "c.svg").status == 1
    assert "<svg" in (tmp_path / "c.svg").read_text()


def test_a_picture_of_what_is_off_the_board(tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_text(json.dumps(body(Construction.of(problem("isosceles", 8), [(0, 99)]))))
    answer = invoke("verify", file, "--picture", tmp_path / "c.svg")
    assert answer.status in (1, 2)
    assert "off the board" in answer.out


def test_any_readable_file_is_judged_and_nothing_archived(tmp_path, monkeypatch):
    monkeypatch.setenv("PATTERNBOOST_HOME", str(tmp_path / "home"))
    board = tmp_path / "board.txt"
    board.write_text(".#.\n...\n#..\n")
    answer = invoke("verify", board, "--problem", "isosceles")
    assert (answer.status, answer.out) == (0, f"{board}: valid isosceles n=3 2 points\n")
    one = tmp_path / "one.csv"
    one.write_text("row,column\n1,2\n3,1\n")
    refused(invoke("verify", one, "--problem", "isosceles", "--n", 3), "1-based? pass --from-one")
    assert invoke("verify", one, "--problem", "isosceles", "--n", 3, "--from-one").status == 0
    doubtful = tmp_path / "ab.txt"
    doubtful.write_text("aba\naaa\nbaa\n")
    refused(invoke("verify", doubtful, "--problem", "isosceles"), "--point 'a' or --point 'b'")
    assert invoke("verify", doubtful, "--problem", "isosceles", "--point", "b").status == 0
    assert not (tmp_path / "home").exists()


def test_a_set_that_a_sibling_problem_allows_gets_a_hint(tmp_path):
    flat = tmp_path / "flat.json"
    flat.write_text('{"n": 3, "points": [[0, 0], [0, 1], [0, 2]]}')
    answer = invoke("verify", flat, "--problem", "isosceles")
    assert answer.status == 1
    assert "forbidden set: [0, 0] [0, 1] [0, 2]; it is valid for isosceles-flat: " in answer.out
    corner = tmp_path / "corner.json"
    corner.write_text('{"n": 3, "points": [[0, 0], [0, 1], [1, 0]]}')
    assert "isosceles-flat" not in invoke("verify", corner, "--problem", "isosceles").out
