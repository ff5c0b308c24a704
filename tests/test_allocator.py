"""Who gets which share: the tail's statistics, and the policies for classes and proposers."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from patternboost.loop import searching
from patternboost.loop.allocator import (
    Ledger,
    Record,
    class_policy,
    earned_by,
    leader,
    likeliest,
    proposer_policy,
    standings,
)
from patternboost.loop.clock import Clock
from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.pool import Entry
from patternboost.loop.proposing import Proposal, starts_of
from patternboost.loop.starts import Start, expected_steps
from patternboost.loop.state import new_state
from patternboost.loop.statistics import Statistics
from patternboost.loop.tail import chances, expected
from patternboost.problem.base import NOTHING
from patternboost.problem.registry import problem
from patternboost.problem.symmetry import canonical_key
from patternboost.report.progress import WIDTH, classes_lines
from patternboost.search.progress import Progress
from patternboost.search.stop import Stop
from patternboost.search.tasks import Outcome
from patternboost.store.construction import Construction
from patternboost.store.settings import Settings

ARMS = ("random", "elite", "seed-region")


def rng():
    return np.random.default_rng(1)


def ledger(**tried):
    """Classes by name: (hits by score, best, work) of their walks on the whole board, or None: never tried."""
    made = Ledger(tried, ARMS)
    for name, of in tried.items():
        if of is not None:
            made[name]["random"].note(*of)
    return made


def shares(made, turn=0, work=float("inf"), known=None, **costs):
    return class_policy(made, {name: costs.get(name, 0.0) for name in made.records}, known or {}, turn, work, rng())


# -- what counts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("others", "counted"), [(0, {3: 1, 6: 1}), (3, {3: 1, 5: 2, 6: 1})])
def test_sets_beside_the_best_count_until_they_are_most_of_the_best(others, counted, monkeypatch):
    """There may be hundreds, which say nothing of better ones. `others`: so many of the best were found otherwise."""
    instance = problem("isosceles", 8)
    context = Context(Settings("isosceles", 8, generations=1), instance, ("none",), instance.size, "all")
    of = {
        Origin.RANDOM: (NOTHING, [range(4), range(1, 5)]),
        Origin.BEST_IN_REGION: (5, [range(5), range(1, 6), range(6), range(3)]),
        Origin.ELITE: (4, [range(8, 13), range(8, 12)]),
    }
    walks = [(Start(np.arange(2), origin, member=member), ends) for origin, (member, ends) in of.items()]
    starts = [start for start, ends in walks for _ in ends]
    ends = iter([np.array(end) for _, ends in walks for end in ends])

    def run_tasks(tasks, *_):
        for task in tasks:
            found = [next(ends) for _ in task.starts]
            yield task, [Outcome(end, 0, len(end), 10, 0.1) for end in found]

    monkeypatch.setattr(searching, "run_tasks", run_tasks)
    monkeypatch.setattr(searching, "new_best", lambda *_: None)
    statistics = Statistics()
    outputs = SimpleNamespace(progress=Progress())
    proposal = Proposal("none", 1.0, starts)
    state, clock = new_state(context, []), Clock(context.settings, Stop())
    state.best = Construction.of(instance, instance.to_points(np.arange(3, 8)))
    known = [np.array([i, 20, 30, 40, 50]) for i in range(others)]
    state.pool.merge([Entry(canonical_key(instance, e), e, "none", 0, Origin.RANDOM, len(e)) for e in known])
    found = searching.search(context, state, clock, outputs, statistics, [proposal], 1.0)
    assert len(found) == len(starts)
    assert {o: walks.new for o, walks in statistics.origins.items()} == {o: len(e) for o, (_, e) in of.items()}
    assert statistics.hits == {
        ("none", Origin.RANDOM): {4: 2},
        ("none", Origin.BEST_IN_REGION): counted,
        ("none", Origin.ELITE): {4: 1, 5: 1},
    }


# -- the tail ----------------------------------------------------------------------------------------------------------


def test_an_arm_is_judged_by_its_rarest_scores():
    """The one with fewer sets, but rarer ones, is the one that may beat the best."""
    many, rare = ({100: 5000.0, 104: 40.0}, 100.0), ({100: 1000.0, 104: 100.0, 108: 12.0}, 100.0)
    found = chances({"many": many, "rare": rare}, rng())
    assert found["rare"] > 0.95
    assert sum(found.values()) == pytest.approx(1)


def test_work_counts():
    found = chances({"cheap": ({10: 50.0}, 10.0), "dear": ({10: 50.0}, 100.0)}, rng())
    assert found["cheap"] > 0.99


def test_decisions_grow_with_evidence():
    """Twice the rate of rare scores: unclear after a few, clear after many."""
    few = chances({"a": ({50: 100.0, 60: 2.0}, 1.0), "b": ({50: 100.0, 60: 4.0}, 1.0)}, rng())
    more = chances({"a": ({50: 2000.0, 60: 40.0}, 20.0), "b": ({50: 2000.0, 60: 80.0}, 20.0)}, rng())
    assert 0.5 < few["b"] < 0.9 < 0.99 < more["b"]


def test_what_was_never_tried_may_be_the_best_but_not_for_long():
    tried = ({10: 200.0}, 10.0)
    assert 0.2 < chances({"tried": tried, "new": ({}, 0.0)}, rng())["new"] < 0.6
    assert chances({"tried": tried, "new": ({}, 5.0)}, rng())["new"] < 0.01


def test_the_rate_of_one_score_has_the_posterior_that_it_should():
    """One score, two arms: the chance is that of one Gamma variable above another."""
    (a, wa), (b, wb) = (30.0, 10.0), (45.0, 11.0)
    pooled = (a + b) / (wa + wb)
    draws = np.random.default_rng(5)
    x = stats.gamma(a + 1, scale=1 / (wa + 1 / pooled)).rvs(200_000, random_state=draws)
    y = stats.gamma(b + 1, scale=1 / (wb + 1 / pooled)).rvs(200_000, random_state=draws)
    found = np.mean([chances({"a": ({7: a}, wa), "b": ({7: b}, wb)}, np.random.default_rng(s))["a"] for s in range(40)])
    assert found == pytest.approx(np.mean(x > y), abs=0.02)


def test_no_evidence_no_preference():
    assert expected({"a": ({}, 3.0), "b": ({}, 9.0)}) == {"a": 1.0, "b": 1.0}
    assert chances({"a": ({}, 0.0), "b": ({}, 0.0)}, rng()) == {"a": 0.5, "b": 0.5}


# -- classes -----------------------------------------------------------------------------------------------------------


def test_classes_that_give_nothing_are_given_up_and_the_others_ranked():
    made = ledger(a=({12: 3}, 12, 1.0), b=({}, NOTHING, 1.0), c=({12: 9, 20: 300}, 20, 2.0))
    assert all("b" not in shares(made, turn) for turn in range(6))
    assert [(name, best) for name, _, best in standings(made)] == [("c", 20), ("a", 12), ("b", NOTHING)]
    assert sum(share for _, share, _ in standings(made)) == pytest.approx(1)
    lines = classes_lines([(name, share, best if best > 0 else None) for name, share, best in standings(made)] * 9)
    assert len(lines) > 1
    assert all(len(line) <= WIDTH for line in lines)
    line = " ".join(lines)
    assert line.index("c 50% (best 20)") < line.index("a 25%") < line.index("nothing at all: b")


def test_while_no_class_has_given_anything_the_next_is_tried_whatever_its_table_costs():
    made = ledger(a=({}, NOTHING, 1.0), b=None, c=None)
    assert shares(made, 1, 1e3, b=9e6, c=8e6) == {"c": 1}
    assert shares(ledger(a=({}, NOTHING, 1.0), b=({}, NOTHING, 1.0)), 1, 1e3) == {"a": 0.5, "b": 0.5}


def test_all_classes_are_tried_then_what_pays_is_followed():
    assert shares(ledger(a=None, b=None, c=None)) == {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}
    assert shares(ledger(a=({9: 9}, 9, 1.0), b=None, c=None)) == pytest.approx({"a": 0.8, "b": 0.1, "c": 0.1})
    made = ledger(a=({20: 90}, 20, 1.0), b=({20: 200, 28: 50}, 28, 1.0), c=({5: 90}, 5, 1.0))
    for turn in range(6):
        found = shares(made, turn)
        assert sum(found.values()) == pytest.approx(1)
        assert found["b"] > 0.9
    assert {name for turn in range(3) for name in shares(made, turn)} == {"a", "b", "c"}
    assert leader(made) == "b"
    assert likeliest(made)["b"] > 0.9


def test_a_class_waits_until_its_table_costs_no_more_than_its_share():
    costs = {"dear": 90e6, "cheap": 4e6, "middling": 6e6}
    new = ledger(dear=None, cheap=None, middling=None)
    assert shares(new, 0, 1e6, **costs) == {"cheap": 1}
    assert shares(new, 0, 10e6, **costs) == {"cheap": 0.5, "middling": 0.5}
    assert set(shares(new, 0, **costs)) == {"cheap", "middling", "dear"}
    new["cheap"]["random"].note({}, NOTHING, 1.0)
    assert shares(new, 1, 20e6, **costs) == {"middling": 1}
    new["cheap"]["random"].note({10: 5}, 10, 1.0)
    assert shares(new, 1, 10e6, **costs) == {"cheap": 1}  # a fifth for two new ones is less than either costs
    assert shares(new, 1, 32e6, **costs) == pytest.approx({"cheap": 0.8, "middling": 0.2})
    assert set(shares(new, 1, 500e6, **costs)) == {"cheap", "middling", "dear"}


def test_a_class_in_turn_waits_until_its_table_costs_no_more_than_its_turn():
    made = ledger(a=({20: 90}, 20, 1.0), b=({28: 50}, 28, 1.0), c=({5: 90}, 5, 1.0))
    for work, tried in ((100e6, {"a", "b"}), (200e6, {"a", "b", "c"})):
        assert {name for turn in range(6) for name in shares(made, turn, work, c=9e6)} == tried


def test_proposers_that_need_tables_have_earned_what_the_tail_says():
    some = records(random=({20: 500}, 10.0), elite=({20: 100}, 10.0), seed_region=({20: 900, 24: 90}, 10.0))
    assert earned_by(some, ["random", "elite"]) < 0.1
    assert earned_by(some, ["seed-region"]) > 0.9
    assert earned_by(some, ARMS) == pytest.approx(1)
    assert earned_by(records(elite=({20: 1}, 1.0)), ["random"]) == 0  # never tried


def test_what_paid_at_other_sizes_comes_first():
    known = {"a": 0.7, "b": 0.3}
    found = shares(ledger(a=None, b=None, c=None), known=known)
    assert found == pytest.approx({"a": 0.7, "b": 0.3, "c": 0.001}, abs=2e-3)
    one = ledger(a=({9: 99}, 9, 1.0), b=None, c=None)
    assert shares(one, known=known)["b"] == pytest.approx(0.3, abs=2e-3)
    assert shares(one, known={"a": 1.0})["a"] == pytest.approx(0.9)  # the others in a tenth


def test_what_paid_at_other_sizes_tells_classes_apart_that_find_the_same():
    """Until one of them finds more."""
    same = ({20: 2000, 28: 500}, 28, 10.0)
    assert 0.2 < shares(ledger(a=same, b=same))["a"] < 0.8
    assert shares(ledger(a=same, b=same), known={"a": 0.9, "c": 0.1})["a"] > 0.9
    more = ({20: 2000, 28: 500, 30: 60}, 30, 10.0)
    assert shares(ledger(a=same, b=more), known={"a": 0.9, "c": 0.1})["b"] > 0.9


# -- proposers ---------------------------------------------------------------------------------------------------------


def records(**noted):
    made = {arm: Record() for arm in ARMS}
    for arm, (hits, work) in noted.items():
        made[arm.replace("_", "-")].note(hits, max(hits, default=0), work)
    return made


def test_proposers_follow_the_tail_keep_a_floor_and_their_most():
    some = records(random=({20: 500}, 10.0), elite=({20: 100}, 10.0), seed_region=({20: 900, 24: 90}, 10.0))
    every = dict.fromkeys(ARMS, 1.0)
    found = proposer_policy(some, every, {}, ["seed-region"], 1.0, rng())
    assert found["seed-region"] > 0.9
    assert min(found.values()) >= 0.1 / 3
    assert sum(found.values()) == pytest.approx(1)
    found = proposer_policy(some, every, {}, ["seed-region"], 0.6, rng())
    assert found["seed-region"] == pytest.approx(0.6)
    assert sum(found.values()) == pytest.approx(1)
    found = proposer_policy(records(), every | {"elite": 0.1}, {}, [], 1.0, rng())
    assert found == pytest.approx({"random": 0.45, "elite": 0.1, "seed-region": 0.45}, abs=1e-9)
    only = proposer_policy(records(), {"seed-region": 0.9}, {}, ["seed-region"], 0.9, rng())
    assert only == {"seed-region": 0.9}


def test_some_proposers_have_their_least_whatever_they_bring():
    some = records(random=({20: 500}, 10.0), elite=({20: 100}, 10.0), seed_region=({20: 900, 24: 90}, 10.0))
    every = dict.fromkeys(ARMS, 1.0)
    free = proposer_policy(some, every, {}, [], 1.0, rng())
    found = proposer_policy(some, every, {"random": 0.25, "seed-region": 0.25, "unready": 0.25}, [], 1.0, rng())
    assert found["random"] == 0.25
    assert sum(found.values()) == pytest.approx(1)
    assert found["elite"] / found["seed-region"] == pytest.approx(free["elite"] / free["seed-region"])
    assert proposer_policy(some, every, {"seed-region": 0.25}, [], 1.0, rng()) == pytest.approx(free)
    assert proposer_policy(some, {"random": 1.0}, {"random": 0.25}, [], 1.0, rng()) == {"random": 1.0}


@pytest.mark.parametrize(("work", "least"), [(999.0, 0.25), (99.0, 0.25), (49.0, 0.125)])
def test_the_inner_board_has_its_least_once_its_class_was_worked_on(work, least):
    settings = Settings("isosceles", 16, generations=1, model="none")
    context = Context(settings, problem("isosceles", 16), ("mirror+half",), 256, "all")
    state = new_state(context, [])
    state.ledger["mirror+half"]["inner-board"].note({}, 9, 1.0)
    state.ledger["mirror+half"]["random"].note({20: 5000 * work}, 20, work)
    found = starts_of(context, state, "mirror+half", 0, 1e8, [])
    steps = [expected_steps(context, "mirror+half", s.region, s.origin) for s in found]
    inside = [each for each, s in zip(steps, found, strict=True) if s.origin is Origin.INNER_BOARD]
    assert sum(inside) == pytest.approx(least * sum(steps), rel=0.02)


def test_regions_that_bring_nothing_leave_the_board_free():
    some = records(random=({20: 60}, 1.0), seed_region=({}, 1.0))
    found = proposer_policy(some, {"random": 1.0, "seed-region": 0.9}, {}, ["seed-region"], 0.9, rng())
    assert found["seed-region"] <= 0.06


def test_earlier_generations_fade_and_rates_stay():
    record = Record()
    for _ in range(500):
        record.note({10: 4}, 10, 2.0)
    assert record.work < 70
    assert record.hits[10] / record.work == pytest.approx(2)


def test_a_ledger_lasts():
    made = ledger(a=({1: 1, 2: 7}, 2, 3.5), b=None)
    again = Ledger(["a", "b"], ARMS)
    again.take(json.loads(json.dumps(made.to_json())))
    assert again.to_json() == made.to_json()
    assert again["a"]["random"] == made["a"]["random"]
    with pytest.raises(KeyError):
        Ledger(["c"], ARMS).take(made.to_json())
