"""Comparisons: fair, stopped and continued, and verdicts that chance does not make."""

import json
import signal
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from commands import finish, invoke, refused, start, wait_until

from patternboost.problem.registry import problem
from patternboost.store.construction import Construction, load
from patternboost.store.run_folder import RunFolder
from patternboost.studies.compare.arm_run import ArmRun, read_outcome
from patternboost.studies.compare.comparison import compare
from patternboost.studies.compare.figures import (
    curves,
    hit_rates,
    least_p,
    median_time,
    ranking,
    runs_needed,
    target_of,
    too_easy,
    verdict,
)
from patternboost.studies.compare.page import rows, text
from patternboost.studies.compare.plan import ComparisonError, Plan, read_plan, take_up

QUICK = ("--minutes", 0.03, "--jobs", 1)


def outcomes_in(folder):
    """The runs that a comparison's folder holds."""
    found = [read_outcome(folder, arm, seed) for arm, seed in read_plan(folder).runs()]
    return [run for run in found if run is not None]


def outcome(arm, seed, *curve):
    return ArmRun(arm, seed, curve)


def test_ranks_go_by_score_and_then_by_time():
    runs = [outcome("gpt", 1, (1.0, 5), (9.0, 8)), outcome("none", 1, (2.0, 8), (9.0, 8)), outcome("none", 2, (1.0, 7))]
    assert ranking(runs).tolist() == [1, 2, 0]
    assert runs[0].best == 8
    assert runs[0].time_to(6) == 9.0
    assert runs[2].time_to(8) is None


def test_rates_times_and_curves_by_hand():
    runs = [outcome("none", i, (1.0, 5), (float(i), s)) for i, s in ((2, 7), (4, 8), (6, 7))]
    assert hit_rates(runs, ["none", "gpt"]) == [(8, [1 / 3, 0.0]), (7, [1.0, 0.0])]
    assert target_of(runs, 0) == 8
    assert target_of(runs, 6) == 6
    assert median_time(runs, 7) == 4.0
    assert median_time(runs, 8) is None
    assert curves(runs[:1], np.array([0.5, 1.0, 1.5, 2.0, 9.0])).tolist() == [[0, 5, 5, 7, 7]]


def test_times_to_the_target_as_they_are_printed():
    arms = ("never", "soon", "late")
    runs = [outcome("never", 1, (1.0, 7)), outcome("soon", 1, (0.52, 8)), outcome("late", 1, (41.4, 8))]
    head, *lines = rows(Plan("isosceles", 5, 1.5, arms, 1, 1, target=8), runs)
    times = {line[0]: line[head.index("median time to 8")] for line in lines}
    assert times == {"never": "over 90 s", "soon": "0.5 s", "late": "41 s"}


def test_verdicts():
    def runs(arm, scores):
        return [outcome(arm, i, (1.0 + i / 100, s)) for i, s in enumerate(scores)]

    better = verdict(runs("gpt", [9] * 8), runs("none", [8] * 8))
    assert (better.share, better.low, better.high) == (1.0, 1.0, 1.0)
    assert better.p < 0.001
    assert str(better) == "gpt is better than none: wins 100% of the pairs (95 %: 100% to 100%; p < 0.001)"
    assert str(verdict(runs("gpt", [7] * 8), runs("none", [8] * 8))).startswith("gpt is worse")
    same = verdict(runs("gpt", [8, 9, 8, 9, 8, 9]), runs("none", [9, 8, 9, 8, 9, 8]))
    assert same.p > 0.5
    assert "no difference shown" in str(same)
    assert "too few runs" in str(verdict(runs("gpt", [9, 9]), runs("none", [8, 8])))
    assert "too few runs" in str(verdict(runs("gpt", [9]), runs("none", [8])))


def test_whether_a_verdict_is_possible_is_known_before():
    """By the permutation test itself: `least_p` is what it says of arms of which one wins all pairs."""
    for seeds in (4, 5):
        won, lost = ([outcome(arm, i, (1.0, s)) for i in range(seeds)] for arm, s in (("gpt", 9), ("none", 8)))
        assert verdict(won, lost).p == pytest.approx(least_p(seeds, 2))
    assert [runs_needed(arms) for arms in (2, 3, 4, 6)] == [4, 5, 5, 5]
    assert least_p(runs_needed(3) - 1, 3) >= 0.05 > least_p(runs_needed(3), 3)


def test_that_a_size_is_too_easy_is_said():
    easy = [outcome(arm, seed, (seed / 10, 20)) for arm in ("gpt", "none") for seed in range(4)]
    assert too_easy(easy, 60)
    assert not too_easy(easy[:3], 60)
    assert not too_easy([*easy, outcome("gpt", 9, (1.0, 19))], 60)
    assert not too_easy([*easy, outcome("gpt", 9, (50.0, 20))], 60)


@pytest.mark.slow
def test_chance_alone_is_called_a_difference_at_most_at_the_level():
    rng = np.random.default_rng(1)
    called = 0
    for _ in range(60):
        scores = rng.integers(0, 4, 16)
        times = rng.random(16)
        runs = [outcome("x", i, (t, int(s))) for i, (s, t) in enumerate(zip(scores, times))]
        called += verdict(runs[:8], runs[8:]).p < 0.05
    assert called <= 8  # 3 are expected; more than 8 would come by chance once in 300


@pytest.mark.long
def test_a_comparison_of_all_arms(tmp_path):
    import_module("patternboost.model.making")  # torch may take longer to load than an arm has time
    arms = "gpt,none,bigram,greedy,exact"
    answer = invoke(
        "compare", "isosceles", 7, "--minutes", 0.12, "--jobs", 1, "--seeds", 1, "--arms", arms, "--out", tmp_path / "c"
    )
    assert answer.status == 0, answer.err
    for arm in arms.split(","):
        saved = json.loads((tmp_path / "c" / f"{arm}-1" / "outcome.json").read_text())
        best = max((load(p) for p in (tmp_path / "c" / f"{arm}-1" / "best").glob("*.json")), key=lambda c: c.score)
        assert best.check() == []
        assert saved["curve"][-1][1] == best.score
        assert f"\n{arm} " in answer.out
        assert f"{arm}, seed 1: run" in answer.err
    assert answer.last == str(tmp_path / "c" / "index.html")
    page = (tmp_path / "c" / "index.html").read_text()
    assert "data:image/png" in page
    assert "too few runs" in page
    assert "--seeds 5 or more are enough" in answer.err
    again = invoke(
        "compare", "isosceles", 7, "--minutes", 0.12, "--jobs", 1, "--seeds", 1, "--arms", arms, "--out", tmp_path / "c"
    )
    assert again.status == 0
    assert again.err == ""  # nothing was left to run
    assert again.out == answer.out
    assert text(read_plan(tmp_path / "c"), outcomes_in(tmp_path / "c")) == "\n".join(answer.out.splitlines()[:-1])


@pytest.mark.long
def test_it_grows_but_does_not_change(tmp_path):
    common = {"minutes": 0.02, "jobs": 1, "run_dir": tmp_path, "quiet": True}
    first = compare("isosceles", 5, seeds=1, arms=("none", "greedy"), **common)
    assert [(o.arm, o.seed) for o in first.outcomes] == [("none", 1), ("greedy", 1)]
    more = compare("isosceles", 5, seeds=2, arms=("none", "bigram"), **common)
    assert {(o.arm, o.seed) for o in more.outcomes} == {(a, s) for a in ("none", "greedy", "bigram") for s in (1, 2)}
    with pytest.raises(ComparisonError, match=r"minutes = 0\.02, not 0\.03"):
        compare("isosceles", 5, minutes=0.03, seeds=2, jobs=1, run_dir=tmp_path, quiet=True)
    with pytest.raises(ComparisonError, match="n = 5, not 6"):
        compare("isosceles", 6, minutes=0.02, seeds=2, jobs=1, run_dir=tmp_path, quiet=True)


def test_seeds_are_settled_once_for_all_runs(tmp_path):
    for n in (4, 5):
        invoke(
            "search", "isosceles", n, "--generations", 1, "--model", "none", "--quiet", "--run-dir", tmp_path / str(n)
        )
    shared = {"minutes": 0.02, "jobs": 1, "quiet": True}
    made = compare(
        "isosceles", 5, seeds=1, arms=("none", "greedy"), seed_from=["archive"], run_dir=tmp_path / "c", **shared
    )
    assert made.plan.seed_from == ("archive",)
    kept = [load(p) for p in (tmp_path / "c" / "seeds").glob("*.json")]
    assert max(c.n for c in kept) == 4  # of those found here and those that ship


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["isosceles", 7, "--arms", "gpt,lstm"], "lstm"),
        (["isosceles", 7, "--arms", "gpt"], "two different arms"),
        (["isosceles", 7, "--arms", "gpt,none,none"], "two different arms"),
        (["no-square", 4, "--seed-from", "archive"], "nothing for no-square smaller than 4"),
        (["isosceles", 7, "--minutes", 0], "more than 0"),
        (["isosceles", 7, "--symmetry", "sideways"], "sideways"),
        (["isosceles", 0], "from 1 to 256"),
        (["nothing", 7], "unknown problem"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(arguments, words, tmp_path):
    refused(invoke("compare", *arguments, "--out", tmp_path / "c"), words)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "patternboost-comparison/1", "n": "x"}'])
def test_a_damaged_plan_is_refused(text, tmp_path):
    (tmp_path / "comparison.json").write_text(text)
    refused(invoke("compare", "isosceles", 5, "--out", tmp_path), "comparison.json")


@pytest.mark.long
def test_ctrl_c_keeps_what_is_there_and_the_same_command_continues(tmp_path, home):
    command = ("compare", "isosceles", 9, "--minutes", 0.05, "--jobs", 1, "--arms", "none,greedy", "--seeds", 2)
    process = start(*command, "--out", tmp_path / "c", home=home)
    wait_until(lambda: (tmp_path / "c" / "none-1" / "outcome.json").exists())
    process.send_signal(signal.SIGINT)
    stopped = finish(process)
    assert stopped.status == 130, stopped.err
    answer = invoke(*command, "--out", tmp_path / "c")
    assert answer.status == 0, answer.err
    assert "none, seed 1" not in answer.err
    assert len(outcomes_in(tmp_path / "c")) == 4


SIDE_BY_SIDE = ("compare", "isosceles", 9, "--jobs", 1, "--at-once", 2, "--arms", "none,greedy", "--seeds", 2)


def both_begun(folder):
    """Whether the runs of the first seed are at work, in processes of their own."""
    return (folder / "none-1" / "settings.toml").exists() and (folder / "greedy-1" / "best").exists()


@pytest.mark.long
def test_runs_side_by_side_can_be_stopped_and_continued(tmp_path, home):
    command = (*SIDE_BY_SIDE, "--minutes", 0.12)
    process = start(*command, "--out", tmp_path / "c", home=home)
    wait_until(lambda: both_begun(tmp_path / "c"))
    assert outcomes_in(tmp_path / "c") == []
    process.send_signal(signal.SIGINT)
    stopped = finish(process)
    assert stopped.status == 130, stopped.err
    assert "Traceback" not in stopped.err
    assert "14 s in all" in stopped.err
    assert "seed 2" not in stopped.err
    answer = invoke(*command, "--out", tmp_path / "c")
    assert answer.status == 0, answer.err
    assert len(outcomes_in(tmp_path / "c")) == 4
    assert read_plan(tmp_path / "c").at_once == 2


@pytest.mark.long
def test_runs_side_by_side_end_with_the_comparison(tmp_path, home):
    process = start(*SIDE_BY_SIDE, "--minutes", 9, "--out", tmp_path / "c", home=home)
    wait_until(lambda: both_begun(tmp_path / "c"))
    runs = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(runs) == 2
    process.kill()
    process.communicate()
    wait_until(lambda: not any(Path(f"/proc/{run}").exists() for run in runs))


def test_what_a_run_side_by_side_refuses_is_told_in_one_line(tmp_path):
    unknown = replace(problem("isosceles", 5).problem, name="nobody-knows-it")
    with pytest.raises(ComparisonError, match=r"^(none|greedy), seed 1: unknown problem 'nobody-knows-it'"):
        compare(unknown, 5, minutes=0.1, arms=("none", "greedy"), at_once=2, run_dir=tmp_path / "c", quiet=True)


def test_order_is_seed_by_seed():
    plan = Plan("isosceles", 5, 1.0, ("gpt", "none"), 2, 1)
    assert plan.runs() == [("gpt", 1), ("none", 1), ("gpt", 2), ("none", 2)]


def test_a_plan_is_kept(tmp_path):
    plan = Plan("isosceles", 5, 1.0, ("gpt", "none"), 2, 1, options=("starts=3",))
    assert take_up(tmp_path / "c", plan) == plan
    assert read_plan(tmp_path / "c") == plan
    assert problem(plan.problem, plan.n).size == 25


def test_arms_for_seeds_and_for_proposers_left_out(tmp_path):
    refused(
        invoke("compare", "isosceles", 8, *QUICK, "--arms", "seeded,unseeded", "--out", tmp_path / "a"), "--seed-from"
    )
    refused(
        invoke("compare", "isosceles", 8, *QUICK, "--arms", "none,without-luck", "--out", tmp_path / "b"),
        "without-luck",
    )
    folder = tmp_path / "c"
    seeds = tmp_path / "seeds"
    four = Construction.of(problem("isosceles", 4), [(0, 1), (0, 3), (1, 0), (1, 3), (3, 0), (3, 1)])
    four.save(seeds / "four.json")
    arms = "seeded-unigram,unseeded-none,without-elite"
    answer = invoke("compare", "isosceles", 7, "--minutes", 0.05, "--jobs", 1, "--seeds", 1, "--arms", arms,
                    "--seed-from", seeds, "--set", "model=none", "--out", folder)  # fmt: skip
    assert answer.status == 0, answer
    assert "seeded-unigram against unseeded-none" in answer.out
    settings = {arm: RunFolder.read(folder / f"{arm}-1").settings for arm in arms.split(",")}
    assert settings["seeded-unigram"].seed_from == settings["without-elite"].seed_from == (str(folder / "seeds"),)
    assert settings["unseeded-none"].seed_from == ()
    assert not any(s.known_classes for s in settings.values()), "what one run finds must not help the next"
    assert settings["without-elite"].without == "elite"
    walked = {origin for entry in RunFolder.read(folder / "without-elite-1").read_log() for origin in entry["origins"]}
    assert not {"elite", "relaxed"} & walked
