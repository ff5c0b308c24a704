"""The lecture's data sets and lessons: rules as the lecture states them, and quick versions of every lesson."""

import dataclasses
import html
import json
from functools import partial

import numpy as np
import pytest
import torch
from commands import invoke, refused

from patternboost.model.tokens import END
from patternboost.problem.registry import problem
from patternboost.studies.lecture.characters import START, Characters
from patternboost.studies.lecture.experiments import EXPERIMENTS
from patternboost.studies.lecture.learning import LessonSettings, Score, learn
from patternboost.studies.lecture.lesson import lesson
from patternboost.studies.lecture.research import WRONG_FORMAT, Figures, ResearchSettings
from patternboost.studies.lecture.strings import STRINGS, twisted


@pytest.mark.parametrize("name", STRINGS)
def test_what_is_made_obeys_and_random_changes_do_not(name):
    strings = STRINGS[name]
    rng = np.random.default_rng(1)
    made = [strings.make(rng) for _ in range(100)]
    assert all(strings.obeys(s) for s in made)
    assert all(set(s) <= set(strings.alphabet) for s in made)
    assert len(set(made)) > 90
    assert all(right == of for count in strings.parts.values() for right, of in map(count, made))
    assert not strings.obeys("")
    assert not strings.obeys(made[0] + made[1])


def flipped(string, place):
    """A 0/1 string with one (1-based) place changed."""
    return string[: place - 1] + "10"[int(string[place - 1])] + string[place:]


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("equal-digits", [13, 22]), ("five-rules-1", [18, 47]), ("five-rules-2", [18, -20]), ("five-rules-3", [-1, 0]),
        ("five-rules-4", [18, 39, 31, 44, 4, 28]), ("five-rules-5", [18, 39, 31, 44, 4, -27]),
    ],
)  # fmt: skip
def test_the_rules_are_about_the_places_the_lecture_names(name, places):
    string = STRINGS[name].make(np.random.default_rng(3))
    if name != "equal-digits":  # long enough that no place is named from both ends
        while len(string) < 100:
            string = STRINGS[name].make(np.random.default_rng(len(string)))
    named = {place if place > 0 else len(string) + place for place in places}
    for place in range(1, len(string) + 1):
        assert STRINGS[name].obeys(flipped(string, place)) == (place not in named)


def test_fibonacci_lines_by_hand():
    assert STRINGS["fibonacci"].obeys("444,148,592,740,1332,2072,3404")
    for wrong in (
        "444,148,592,740,1332,2072,3405",
        "444,148,592",
        "1444,148,1592,1740,3332,5072,8404",
        "a",
        "0444,1,2",
    ):
        assert not STRINGS["fibonacci"].obeys(wrong)
    assert STRINGS["fibonacci"].parts["right terms"]("444,148,592,740,1332,2072,3405") == (4, 5)
    assert STRINGS["fibonacci"].parts["right terms"]("4,4,,") == (0, 5)
    assert twisted(521, 142) == "521,142,663,679,13"
    assert twisted(248, 602) == "248,602,750,32551,33301"
    assert twisted(855, 244) == "855,244,1099,41551,"
    assert STRINGS["fibonacci-twisted"].parts["right terms"]("521,142,663,679,14") == (2, 3)


def test_distances_by_hand():
    obeys = STRINGS["distance-4-or-5"].obeys
    board = ["0"] * 64
    board[0] = "1"
    for place, fine in ((1, True), (4, False), (5, False), (3 * 8 + 4, False), (4 * 8 + 3, False), (3 * 8 + 3, True)):
        both = list(board)
        both[place] = "1"
        assert obeys("".join(both)) == fine


def test_characters_round_trip():
    characters = Characters("01,")
    tokens = characters.encode("10,1")
    assert tokens.tolist() == [START, 3, 2, 4, 3, END]
    assert characters.decode(tokens[1:]) == "10,1"
    assert characters.decode(tokens[1:-1]) is None
    assert characters.decode(np.array([3, START, END])) is None
    assert characters.labels("10") == ["^", "1", "0"]


@pytest.mark.long
def test_the_command_writes_everything_and_says_what_came_of_it(tmp_path):
    answer = invoke(
        "lesson",
        "five-rules",
        "--steps",
        4,
        "--size",
        "tiny",
        "--count",
        80,
        "--samples",
        20,
        "--out",
        tmp_path / "five",
    )
    assert answer.status == 0, answer.err
    assert answer.out.count("obey the rule:") == answer.out.count("obey the rule alone") == 5
    assert "lecture: after 15,000 steps 99 %" in answer.out
    page = (tmp_path / "five" / "index.html").read_text()
    assert page.count("<section>") == 5
    assert "http" not in page.replace("http-equiv", "")
    made = {path.name for path in (tmp_path / "five" / "five-rules-3").iterdir()}
    assert made == {
        "data.txt",
        "samples.txt",
        "model.safetensors",
        "model.json",
        "result.json",
        "curve.png",
        "attention.png",
    }
    result = json.loads((tmp_path / "five" / "five-rules-3" / "result.json").read_text())
    assert result["steps"] == 4
    assert result["settings"]["count"] == 80


def test_the_bigram_lesson_and_the_list(tmp_path):
    answer = invoke("lesson", "bigram", "--count", 100, "--samples", 50, "--out", tmp_path)
    assert answer.status == 0, answer.err
    assert answer.out.count("bigram") >= len(STRINGS)
    assert set(json.loads((tmp_path / "result.json").read_text())) == set(STRINGS)
    listed = invoke("lesson", "--list")
    assert listed.status == 0
    assert all(name in listed.out for name in ("five-rules", "fibonacci-twisted", "bigram"))


#: those that take longest
_LONG = ("learn-from-attempts", "every-size", "smaller-sizes", "larger-n", "tokenisation")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in _LONG else ()) for name in EXPERIMENTS]
)
def test_a_quick_research_lesson(name, tmp_path, monkeypatch):
    quick = dataclasses.replace(EXPERIMENTS[name], n=7)
    monkeypatch.setitem(EXPERIMENTS, name, quick)
    monkeypatch.setattr("patternboost.studies.lecture.lesson.ResearchSettings", partial(ResearchSettings, smaller=60))
    seeds = 2 if len(quick.arms) == 1 else 1
    result = lesson(name, steps=20, count=60, samples=40, batch=16, seeds=seeds, out=tmp_path, quiet=True)
    saved = json.loads((tmp_path / "result.json").read_text())["results"]
    assert len(saved) == seeds * len(quick.arms)
    instance = problem(quick.problem, 7)
    for r in saved:
        assert len(r["free"]) == len(r["masked"]) == 40
        assert all(s == WRONG_FORMAT or 0 <= s <= instance.upper_bound for s in r["free"])
        assert 0 <= min(r["masked"]) < max(r["masked"])
        assert 0 < max(r["scores_in"]) <= instance.upper_bound
        if quick.improved:
            assert max(r["improved"]) >= max(r["masked"])
            assert len(r["from_nothing"]) == len(r["improved"]) > 0
    assert len({r["seed"] for r in saved}) == seeds
    assert any("mask" in what for what, *_ in result.rows)
    page = (tmp_path / "index.html").read_text()
    assert quick.lecture in html.unescape(page)
    assert "data:image/png" in page


def test_figures_by_hand():
    figures = Figures.of([1, 2, 3, 4, 5, 6, 7, 8, 9, WRONG_FORMAT])
    assert (figures.mean, figures.median, figures.top_fifth, figures.best, figures.wrong) == (3.5, 4.5, 8.5, 9, 0.1)


def test_boards_with_distances_are_constructions_of_the_problem():
    instance = problem("distance-4-5", 8)
    rng = np.random.default_rng(4)
    ones = 0
    for _ in range(50):
        string = STRINGS["distance-4-or-5"].make(rng)
        points = [divmod(place, 8) for place, digit in enumerate(string) if digit == "1"]
        assert instance.violation(points) is None
        ones += len(points)
    assert 10 < ones / 50 < 22


def test_unknown_lessons_and_sizes_are_refused():
    refused(invoke("lesson", "six-rules"), "six-rules", "five-rules")
    refused(invoke("lesson", "one-two", "--size", "huge"), "huge", "tiny")
    refused(invoke("lesson"), "--list")


@pytest.mark.long
@pytest.mark.parametrize("name", STRINGS)
def test_a_quick_lesson(name):
    settings = LessonSettings(steps=12, size="tiny", count=200, samples=40, batch=16)
    learned = learn(STRINGS[name], settings, torch.device("cpu"))
    summary = learned.summary()
    assert summary["steps"] == 12
    assert [step for step, _ in summary["rates"]] == list(range(1, 13))
    assert len(learned.transformer.samples) == len(learned.bigram.samples) == 40
    assert 0 <= learned.transformer.obeys <= 1
    assert np.isfinite(summary["held_out_loss"])


def test_a_lesson_ends_early_once_enough_is_right():
    settings = LessonSettings(steps=400, size="tiny", count=1000, samples=50, seed=1, until=0.01)
    learned = learn(STRINGS["one-two"], settings, torch.device("cpu"))
    assert learned.log.steps < 400
    assert learned.rates[-1][1] >= 0.01


@pytest.mark.long
def test_a_lesson_learns_and_a_bigram_cannot():
    """One 2 in a short string: a transformer of 25,000 weights sees it soon, a bigram cannot remember it."""
    settings = LessonSettings(steps=400, size="tiny", count=1000, samples=300, seed=1)
    learned = learn(STRINGS["one-two"], settings, torch.device("cpu"))
    assert learned.transformer.obeys > 0.4
    assert learned.bigram.obeys < 0.2


def test_the_weights_that_did_best_on_the_way_are_judged(monkeypatch):
    """Looks find 10, 60, 60 % and nothing any more: the weights are those of a training that ended at the third."""
    found = [0.1, 0.6, 0.6, *[0.0] * 18]

    def look(strings, characters, bodies):
        return Score([], found.pop(0) if found else 0.0, 0.0, {})

    settings = LessonSettings(steps=20, size="tiny", count=200, samples=10, batch=16)
    monkeypatch.setattr("patternboost.studies.lecture.learning.score", look)
    learned = learn(STRINGS["one-two"], settings, torch.device("cpu"))
    assert [rate for _, rate in learned.rates] == [0.1, 0.6, 0.6, *[0.0] * 17]
    steps = iter(range(20))
    ended = learn(STRINGS["one-two"], settings, torch.device("cpu"), over=lambda: next(steps) >= 3)
    assert ended.log.steps == 3
    weights = ended.model.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in learned.model.state_dict().items())
