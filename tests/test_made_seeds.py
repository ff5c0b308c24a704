"""Seeds that a search makes for itself: when it does, that they are valid, cost little, and are kept."""

import json
import time

import pytest
from commands import invoke

from patternboost.loop import made_seeds
from patternboost.loop.clock import Clock
from patternboost.loop.context import make_context
from patternboost.loop.made_seeds import make_seeds, wanted
from patternboost.loop.smaller_sizes import seed_density
from patternboost.problem.registry import instance_of
from patternboost.search.progress import Progress
from patternboost.search.stop import Stop
from patternboost.store.archive import Archive
from patternboost.store.settings import Settings


def context_of(tmp_path, name, n, **settings):
    instance = instance_of(name, n)
    given = {"minutes": 2.0, "jobs": 1} | settings
    return make_context(Settings(name, instance.n, **given), instance, Archive(tmp_path / "archive.sqlite"))


@pytest.fixture
def unhurried(monkeypatch):
    """However busy the machine is, there is time for all sizes."""
    monkeypatch.setattr(made_seeds, "MOST_SHARE", 10.0)


def made(context):
    clock = Clock(context.settings, Stop())
    clock.begin(0, 0.0)
    return make_seeds(context, clock, Progress())


def test_when_a_search_makes_seeds(tmp_path):
    assert wanted(context_of(tmp_path, "isosceles", 64))
    assert wanted(context_of(tmp_path, "isosceles", 64, model="none", symmetry="none"))
    assert wanted(context_of(tmp_path, "no-three-in-line-cube", 13))
    for settings in (
        {"generations": 3, "minutes": 0.0},
        {"seed_from": ("archive",)},
        {"make_seeds": False},
        {"seed_regions": False},
        {"regions": 0.0},
        {"improve": "solver"},
    ):
        assert not wanted(context_of(tmp_path, "isosceles", 64, **settings)), settings
    for name, n in (("isosceles", 32), ("isosceles", "50x60"), ("no-four-cycle", 80), ("no-square", 60)):
        assert not wanted(context_of(tmp_path, name, n)), (name, n)


@pytest.mark.parametrize("n", [46, 64, 100, 256])
def test_the_sizes_are_smaller_and_no_more_than_time_allows(n):
    instance = instance_of("isosceles", n)
    few, many = (made_seeds._sizes(instance, seconds) for seconds in (0.3, 30.0))
    assert len(few) == len(many) == 8
    assert few == sorted(set(few), reverse=True)
    assert few[0] <= many[0] < n
    assert many[0] >= min(0.75 * n, 50)


@pytest.mark.usefixtures("unhurried")
def test_seeds_are_valid_and_point_out_regions(tmp_path):
    context = context_of(tmp_path, "isosceles", 48, minutes=4.0)
    seeds = made(context)
    assert len({c.n for c in seeds}) == 8
    assert all(c.n < 48 and c.check() == [] for c in seeds)
    for n in {c.n for c in seeds}:
        own = [c for c in seeds if c.n == n]
        assert len({c.score for c in own}) == 1
        assert len({c.sha256 for c in own}) == len(own) <= made_seeds._PER_SIZE
    assert seed_density(context.instance, "both-mirrors", seeds).any()


@pytest.mark.usefixtures("unhurried")
def test_where_good_sets_use_the_whole_board_no_seeds_are_made(tmp_path):
    assert made(context_of(tmp_path, "no-three-in-line", 46, minutes=1.0)) == []


def test_once_it_is_time_to_stop_no_more_are_made(tmp_path):
    context = context_of(tmp_path, "isosceles", 64, minutes=600.0)
    stop = Stop()
    clock = Clock(context.settings, stop)
    clock.begin(0, 0.0)
    stop.deadline = time.monotonic()
    began = time.monotonic()
    assert make_seeds(context, clock, Progress()) == []
    assert time.monotonic() - began < 20


@pytest.mark.long
@pytest.mark.usefixtures("unhurried")
def test_a_search_says_what_it_made_and_keeps_it(tmp_path):
    folder = tmp_path / "run"
    asked = ["isosceles", 46, "--minutes", 0.15, "--jobs", 1, "--model", "none", "--seed", 2, "--run-dir", folder]
    answer = invoke("search", *asked)
    assert answer.status == 0, answer.err
    assert "made " in answer.err
    assert "regions from " in answer.err
    states = [json.loads(p.read_text()) for p in sorted((folder / "checkpoint").glob("*/state.json"))]
    sizes = [sorted({s["n"] for s in state["seeds"]}) for state in states]
    assert sizes[0]
    assert all(of == sizes[0] for of in sizes)
    plain = invoke("search", *asked[:-1], tmp_path / "plain", "--set", "make_seeds=false")
    assert "made " not in plain.err
