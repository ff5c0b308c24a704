"""Ladders: which size is next, what goes up and down, stopping, killing and continuing, parts, the page."""

import dataclasses
import json
import os
import random
import signal
import time

import pytest
from commands import finish, invoke, refused, start, wait_until

import patternboost as pb
from patternboost.problem.registry import problem
from patternboost.store import library
from patternboost.store.archive import Archive
from patternboost.store.construction import Construction, load
from patternboost.studies.ladder.choosing import Standing, Visit, idle_seconds, lags, next_visit
from patternboost.studies.ladder.climbing import best_score, carried
from patternboost.studies.ladder.ladder import ladder, resume_ladder
from patternboost.studies.ladder.plan import LadderError, Plan, read_part, read_plan, read_sizes, take_up


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PATTERNBOOST_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def standings(best, known=None, final=()):
    known = known or {}
    return {n: Standing(score, known.get(n), n in final) for n, score in best.items()}


# -- which size is next ------------------------------------------------------------------------------------------------


def test_lags_are_points_behind_the_line_of_the_neighbours():
    line = {n: 2 * n for n in range(10, 30)}
    assert all(lag < 1e-9 for lag in lags(line).values())
    behind = lags(line | {20: 37})
    assert behind[20] == pytest.approx(3)
    assert max(behind, key=behind.get) == 20
    assert lags({5: 3, 6: 9}) == {5: 0, 6: 0}


def test_idle_seconds_end_with_a_gain_and_a_gain_beside_makes_up_for_half():
    visits = [Visit(5, 10, 3, 3), Visit(6, 8, 4, 4), Visit(5, 20, 3, 3), Visit(6, 30, 4, 5), Visit(9, 7, 1, 1)]
    assert idle_seconds([5, 6, 7], visits) == {5: 15, 6: 0, 7: 0}


def test_every_size_comes_once_small_ones_first_then_those_that_may_gain():
    scores = {n: 2 * n for n in range(10, 20)}
    visits = []
    for n in range(10, 20):
        chosen, seconds = next_visit(standings(scores), visits, [], 1000)
        assert chosen == n
        assert seconds == pytest.approx(30)  # three tenths of the budget for the first round
        visits.append(Visit(n, seconds, scores[n], scores[n]))
    assert next_visit(standings(scores | {14: 24}), visits, [], 1000)[0] == 14  # behind its neighbours
    assert next_visit(standings(scores, {17: 40}), visits, [], 1000)[0] == 17  # behind a known value
    assert next_visit(standings(scores, {17: 40}), visits, [17], 1000)[0] != 17  # another worker is there
    longer = next_visit(standings(scores, {17: 40}), visits, [], 1000)[1]
    assert longer == pytest.approx(45)
    visits += [Visit(17, 1000, 34, 34)]
    assert next_visit(standings(scores, {17: 40}), visits, [], 1000)[0] != 17  # nothing came of it
    assert next_visit(standings(scores, final=range(10, 19)), visits, [], 1000)[0] == 19
    assert next_visit(standings(scores, final=range(10, 20)), visits, [], 1000) is None
    assert next_visit(standings(scores), visits, range(10, 20), 1000) is None


# -- what it is asked --------------------------------------------------------------------------------------------------


def test_sizes_and_parts(monkeypatch):
    assert read_sizes("20-100") == (20, 100)
    assert read_sizes("7") == (7, 7)
    for wrong in ("", "20-", "-4", "a-b", "20-100-3", "9999999"):
        with pytest.raises(LadderError, match="like 20-100"):
            read_sizes(wrong)
    assert read_part(None) == (1, 1)
    assert read_part("3/16") == (3, 16)
    with pytest.raises(LadderError, match="like 3/16"):
        read_part("3")
    with pytest.raises(LadderError, match="no task of a SLURM array"):
        read_part("array")
    for name, value in (("ID", "12"), ("MIN", "10"), ("COUNT", "4")):
        monkeypatch.setenv(f"SLURM_ARRAY_TASK_{name}", value)
    assert read_part("array") == (3, 4)


def test_parts_share_the_sizes():
    plan = Plan("isosceles", 20, 30, 1.0, 1)
    parts = [dataclasses.replace(plan, part=i, parts=3).check().sizes for i in (1, 2, 3)]
    assert parts[0] == [20, 23, 26, 29]
    assert sorted(n for part in parts for n in part) == list(range(20, 31))
    for wrong in ({"part": 4, "parts": 3}, {"part": 0}, {"part": 12, "parts": 12}, {"least": 31}, {"minutes": 0.0}):
        with pytest.raises(LadderError):
            dataclasses.replace(plan, **wrong).check()


def test_a_folder_keeps_its_plan(tmp_path):
    plan = Plan("isosceles", 5, 8, 1.0, 1, options=("starts=3",))
    take_up(tmp_path, plan, {5: 1})
    assert read_plan(tmp_path) == plan
    longer = dataclasses.replace(plan, minutes=5.0, jobs=2)
    assert take_up(tmp_path, longer, {}) == longer == read_plan(tmp_path)
    with pytest.raises(LadderError, match="name another folder"):
        take_up(tmp_path, dataclasses.replace(plan, most=9), {})
    (tmp_path / "ladder.json").write_text('{"format": "something else"}')
    with pytest.raises(ValueError, match="damaged"):
        read_plan(tmp_path)


def test_what_cannot_be_is_refused_in_one_line(tmp_path):
    refused(invoke("ladder", "isosceles", "9-5"), "the smaller one comes first")
    refused(invoke("ladder", "isosceles", "5-9", "--part", "4/3"), "--part 4/3")
    refused(invoke("ladder", "isosceles", "5-9", "--set", "nonsense=1"), "nonsense")
    refused(invoke("ladder", "isosceles", "5-900"), "n must be from")
    refused(invoke("ladder", "no-such-problem", "5-9"), "no-such-problem")
    refused(invoke("ladder", "isosceles", "5-9", "--symmetry", "round"), "round")


# -- up and down -------------------------------------------------------------------------------------------------------


def test_constructions_go_up_and_down():
    six = Construction.of(problem("isosceles", 4), [(0, 1), (0, 3), (1, 0), (1, 3), (3, 0), (3, 1)])
    assert six.check() == []
    with Archive() as archive:
        archive.add([six])
        up = carried(archive, problem("isosceles", 5), [4])
        assert up is not None
        assert up.score == best_score(archive, problem("isosceles", 5)) == 6
        assert up.found["from_n"] == 4
        assert carried(archive, problem("isosceles", 5), [4]) is None  # no gain any more
        down = carried(archive, problem("isosceles", 3), [4])
        assert down is not None
        assert down.check() == []
        assert down.score == best_score(archive, problem("isosceles", 3)) >= 2


def test_a_ladder_gives_every_size_its_due(tmp_path, home):
    result = ladder("isosceles", (4, 9), minutes=0.2, jobs=2, run_dir=tmp_path / "l", quiet=True, starts=50)
    assert set(result.now) == set(range(4, 10))
    assert [result.now[n] for n in (4, 5, 6, 7)] == [6, 7, 9, 10]  # proved optima: they are left then
    assert result.now[8] >= 12
    assert result.gains == result.now
    assert not result.interrupted
    visits = [json.loads(line) for line in (tmp_path / "l" / "visits.jsonl").read_text().splitlines()]
    assert {v["n"] for v in visits} == set(range(4, 10))
    assert all(v["n"] > 7 for v in visits[6:])
    with Archive() as archive:
        for n, score in result.now.items():
            assert library.best(archive, problem("isosceles", n))[0].score == score
    saved = [load(path) for path in (tmp_path / "l" / "best").glob("*.json")]
    assert {c.n: c.score for c in sorted(saved, key=lambda c: c.score)} == result.now
    assert all(c.check() == [] for c in saved)
    assert list((tmp_path / "l" / "visits").iterdir()) == []
    page = (tmp_path / "l" / "index.html").read_text()
    assert page.count("<svg") == 6
    assert "6 sizes gained" in page
    assert "data:image/png;base64," in page
    assert str(result).splitlines()[0].split() == ["n", "before", "now", "gained", "best", "known", "standing"]
    again = resume_ladder(tmp_path / "l", quiet=True)  # its budget is spent
    assert again.now == result.now
    assert len((tmp_path / "l" / "visits.jsonl").read_text().splitlines()) == len(visits)
    assert pb.ladder is ladder


def test_a_line_cut_short_counts_for_nothing(tmp_path):
    folder = tmp_path / "l"
    ladder("isosceles", "6", minutes=0.05, jobs=1, run_dir=folder, quiet=True, starts=20)
    with (folder / "visits.jsonl").open("a") as file:
        file.write('{"n": 6, "seco')
    visits = len((folder / "visits.jsonl").read_text().splitlines()) - 1
    ladder("isosceles", "6", minutes=0.1, jobs=1, run_dir=folder, quiet=True, starts=20)
    lines = (folder / "visits.jsonl").read_text().splitlines()
    assert lines[visits] == '{"n": 6, "seco'
    assert all(json.loads(line)["n"] == 6 for line in lines[visits + 1 :])


def test_parts_are_merged_by_import(tmp_path, monkeypatch):
    """Two machines, an archive each: the certificates of both make one table."""
    scores = {}
    for part in (1, 2):
        monkeypatch.setenv("PATTERNBOOST_HOME", str(tmp_path / f"machine-{part}"))
        answer = invoke("ladder", "isosceles", "5-8", "--minutes", 0.15, "--jobs", 1, "--part", f"{part}/2", "--quiet",
                        "--run-dir", tmp_path / f"l{part}", "--set", "starts=20")  # fmt: skip
        assert answer.status == 0, answer
        assert answer.last == str(tmp_path / f"l{part}" / "index.html")
        with Archive() as archive:
            scores |= {n: best_score(archive, problem("isosceles", n)) for n in (5, 6, 7, 8)[part - 1 :: 2]}
    monkeypatch.setenv("PATTERNBOOST_HOME", str(tmp_path / "all"))
    files = [p for part in (1, 2) for p in (tmp_path / f"l{part}" / "best").glob("*.json")]
    assert invoke("import", *files).status == 0
    with Archive() as archive:
        assert {n: best_score(archive, problem("isosceles", n)) for n in scores} == scores


@pytest.mark.long
def test_ctrl_c_saves_everything(tmp_path, home):
    folder = tmp_path / "l"
    process = start("ladder", "isosceles", "12-20", "--minutes", 5, "--jobs", 2, "--run-dir", folder, home=home)
    wait_until(lambda: (folder / "visits.jsonl").exists())
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    answer = finish(process)
    assert time.monotonic() - began < 20
    assert answer.status == 130
    assert f"stopped; everything is saved: `patternboost resume {folder}` goes on" in answer.err
    assert (folder / "index.html").exists()
    assert "Traceback" not in answer.err


@pytest.mark.slow
def test_killed_at_random_moments_it_goes_on(tmp_path, home):
    """Five times killed and resumed: no size below what was there, and a page at the end."""
    folder = tmp_path / "l"
    command = ("ladder", "isosceles", "12-19", "--minutes", 1, "--jobs", 2, "--run-dir", folder)
    rng = random.Random(7)
    best = {}
    for _ in range(5):
        process = start(*command, home=home)
        wait_until((folder / "ladder.json").exists)
        time.sleep(rng.uniform(1, 9))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        with Archive() as archive:
            now = {n: best_score(archive, problem("isosceles", n)) for n in range(12, 20)}
        assert all(now[n] >= score for n, score in best.items())
        best = now
    answer = invoke("resume", folder)
    assert answer.status == 0, answer
    assert answer.last == str(folder / "index.html")
    assert (folder / "index.html").read_text().count("<svg") == 8
    with Archive() as archive:
        assert all(best_score(archive, problem("isosceles", n)) >= score for n, score in best.items())
