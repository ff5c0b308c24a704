"""Regions: which orbits a model expects, and walks that stay among them."""

from dataclasses import replace

import numpy as np
import patternboost_problems.isosceles as isosceles
import patternboost_problems.no_three_in_line as no_three_in_line
import pytest

from patternboost.loop import regions as focus
from patternboost.loop.pool import Pool
from patternboost.loop.starts import expected_steps, mix, tasks
from patternboost.model.bigram import BigramGenerator
from patternboost.model.request import FitRequest
from patternboost.model.sampling import SampleSettings
from patternboost.model.tokens import TOKENISATIONS, Example, classes_at
from patternboost.problem import Instance
from patternboost.problem.symmetry import class_core, class_orbits
from patternboost.search import bitsliced
from patternboost.search import regions as search_regions
from patternboost.search.bitmaps import build_bitrows
from patternboost.search.regions import RegionWalker, masked, region_walker, restricted
from patternboost.search.tables import build_table
from patternboost.search.tasks import Effort, Task, prepare, run_task
from patternboost.search.walker import Walker
from patternboost.store.settings import Settings
from tests.test_bitsliced import assert_consistent, counts, members

NOTHING = np.empty(0, np.int64)


def made(problem, n, symmetry, seed):
    """A table, a region of half its orbits, and the region's bitmaps."""
    table = build_table(Instance(problem, n), symmetry)
    chosen = np.random.default_rng(seed).permutation(table.orbits.count)[: max(1, table.orbits.count // 2)]
    region = np.sort(chosen).astype(np.int64)
    rows = restricted(table, region, 1 << 30)
    assert rows is not None
    return table, region, rows


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("symmetry", ["none", "both-mirrors", "diagonal", "near-quarter-turn"])
@pytest.mark.parametrize(
    ("problem", "n"), [(isosceles.PROBLEM, 7), (isosceles.PROBLEM, 10), (no_three_in_line.PROBLEM, 9)]
)
def test_counts_in_a_region_are_those_of_the_whole_board(problem, n, symmetry, compiled):
    table, region, inner = made(problem, n, symmetry, n)
    if not compiled:
        bare = table.rows._replace(compiled=False, row=np.zeros(0, np.uint16), row_start=np.zeros(0, np.uint32))
        inner = restricted(replace(table, rows=bare), region, 1 << 30)
    whole = build_bitrows(table)
    inside, outside = bitsliced.new_bitstate(inner, 3), bitsliced.new_bitstate(whole, 3)
    usable = [i for i, orbit in enumerate(region) if not table.rows.bad[orbit]]
    assert np.flatnonzero(np.unpackbits(inner.usable.view(np.uint8), bitorder="little")).tolist() == usable
    for i in np.random.default_rng(1).permutation(usable)[:6]:
        bitsliced.add(0, inner, inside, np.int64(i))
        bitsliced.add(0, whole, outside, np.int64(region[i]))
        assert_consistent(inner, inside)
        assert counts(inner, inside)[usable].tolist() == counts(whole, outside)[region[usable]].tolist()
    assert region[members(inside)].tolist() == members(outside)


def test_a_region_that_does_not_fit_has_no_bitmaps():
    table = build_table(Instance(isosceles.PROBLEM, 8), "none")
    assert restricted(table, np.arange(40), 1000) is None


def test_masked_bitmaps_leave_out_what_is_not_in_the_region():
    table, region, _ = made(isosceles.PROBLEM, 12, "half-turn", 4)
    whole = build_bitrows(table)
    rows = masked(whole, region)
    assert rows.bits is whole.bits
    usable = np.flatnonzero(np.unpackbits(rows.usable.view(np.uint8), bitorder="little"))
    assert usable.tolist() == [o for o in region if not table.rows.bad[o]]


@pytest.mark.parametrize(
    ("n", "symmetry", "kind"), [(12, "both-mirrors+half", RegionWalker), (8, "mirror+half", Walker)]
)
def test_walks_in_a_core_use_own_bitmaps_where_these_are_shorter(n, symmetry, kind, monkeypatch):
    instance = isosceles.PROBLEM.at(n)
    table, bits = prepare(instance, symmetry)
    core = class_core(instance, symmetry)
    monkeypatch.setattr(search_regions, "_SMALLER", 0.5 if kind is Walker else 1.0)
    walker = region_walker(table, bits, core, 1 << 30, (1, 2), 7)
    assert type(walker) is kind
    walker.start(np.arange(table.orbits.count))
    walker.run(2000, 10**6, 10**6)
    orbits, points = walker.best
    assert set(orbits) <= set(core)
    assert points == table.orbits.weights[orbits].sum() > 0


@pytest.mark.parametrize("symmetry", ["none", "both-mirrors"])
def test_walks_stay_in_their_region_and_end_in_maximal_sets(symmetry):
    table, region, rows = made(isosceles.PROBLEM, 12, symmetry, 5)
    walker = RegionWalker(region, rows, (1, 2), 7)
    assert walker.start(np.setdiff1d(np.arange(table.orbits.count), region)) == 0
    walker.run(2000, 10**6, 10**6)
    orbits, points = walker.best
    assert set(orbits) <= set(region)
    assert table.instance.violation(table.instance.to_points(table.orbits.expand(np.sort(orbits)))) is None
    assert points == table.rows.weight[orbits].sum()

    task = Task(table.instance, symmetry, (NOTHING,) * 3, Effort(500, 5000), 3, 10**6, region=region)
    for outcome in run_task(task):
        assert outcome.before == 0
        found = table.instance.to_points(outcome.elements)
        assert table.instance.violation(found) is None
        for orbit in range(table.orbits.count):
            more = np.union1d(outcome.elements, table.orbits.expand(np.array([orbit])))
            assert len(more) == len(found) or table.instance.violation(table.instance.to_points(more)) is not None
    again = [o.elements.tolist() for o in run_task(task)]
    assert again == [o.elements.tolist() for o in run_task(task)]


def unigram(tokens, n, symmetry, sets):
    problem = isosceles.PROBLEM
    vocabulary = TOKENISATIONS[tokens](problem, (n,), classes_at(problem, [n]))
    generator = BigramGenerator(vocabulary, SampleSettings(), unigram=True)
    examples = [Example(n, symmetry, s) for s in sets]
    generator.fit(FitRequest(examples, 0))
    return generator, examples


@pytest.mark.parametrize("tokens", ["orbits", "bits", "merged"])
def test_regions_hold_what_samples_hold_often(tokens):
    n, symmetry = 8, "both-mirrors"
    orbits = class_orbits(isosceles.PROBLEM.at(n), symmetry)
    often, seldom = [0, 1, 4], [2, 8]  # orbits and, since augmentation turns the board, their images
    sets = [orbits.expand(np.array(often))] * 30 + [orbits.expand(np.array(seldom))]
    generator, examples = unigram(tokens, n, symmetry, sets)
    found = focus.areas(generator, orbits, examples, 0.9)
    assert len(found) == focus.AREAS
    assert sum(region.share for region in found) == pytest.approx(1)
    for region in found:
        assert region.origin == "focus"
        assert set(often) <= set(region.orbits.tolist())
        assert region.orbits.tolist() == sorted(region.orbits.tolist())
        assert len(region.orbits) < orbits.count / 2
    assert len(focus.areas(generator, orbits, examples[:2], 0.9)) == 2
    assert focus.areas(generator, orbits, [], 0.9) == []


def test_a_counted_region_holds_what_sets_hold_often_however_turned():
    instance = isosceles.PROBLEM.at(8)
    orbits = class_orbits(instance, "mirror")
    often, seldom = orbits.expand(np.array([0, 9])), orbits.expand(np.array([14, 21]))
    region = focus.counted(instance, orbits, [often] * 9 + [seldom], 0.8)
    assert (region.share, region.origin) == (1.0, "counted")
    turned = {
        int(orbits.orbit_of[p[orbits.members[orbits.start[o]]]])
        for o in (0, 9)
        for p in instance.symmetries[[0, 2, 4, 5]]
    }
    assert set(region.orbits.tolist()) == turned


def test_guides_share_the_effort_by_what_they_bring():
    guides = focus.Guides()
    assert guides.shares([], 0.8) == {"free": 1.0}
    even = {"free": 0.2, "focus": 0.4, "counted": 0.4}
    assert guides.shares(["focus", "counted"], 0.8) == pytest.approx(even)
    guides.note("focus", 100, 10_000)
    guides.note("free", 50, 10_000)
    assert guides.shares(["focus", "counted"], 0.8) == pytest.approx(even)  # nothing to compare with yet
    guides.note("counted", 199, 10_000)
    shares = guides.shares(["focus", "counted"], 0.8)
    common = 350 / 30_000
    ours, theirs, free = (((gains + 5) / (10_000 + 5 / common)) ** 2 for gains in (100, 199, 50))
    assert ours + theirs > 0.8 * (ours + theirs + free)
    assert shares == pytest.approx(
        {"free": 0.2}
        | {"focus": 0.08 + 0.64 * ours / (ours + theirs), "counted": 0.08 + 0.64 * theirs / (ours + theirs)}
    )
    assert focus.Guides(guides.state).shares(["focus", "counted"], 0.8) == shares


def test_guides_that_bring_nothing_leave_the_board_free():
    guides = focus.Guides()
    for _ in range(20):
        guides.note("free", 19, 1000)
        guides.note("focus", 0, 1000)
    assert 0.08 <= guides.shares(["focus"], 0.8)["focus"] < 0.1
    assert guides.shares(["focus"], 0.0) == {"free": 1.0, "focus": 0.0}
    nothing = focus.Guides({"free": [0, 100], "focus": [0, 10_000]}).shares(["focus"], 0.8)
    assert 0.4 < nothing["focus"] < 0.6  # no gains, no preference
    with pytest.raises(ValueError, match="unpack"):
        focus.Guides({"focus": [1.0]})


def test_a_unigram_model_forgets_what_came_before():
    n, symmetry = 8, "both-mirrors"
    orbits = class_orbits(isosceles.PROBLEM.at(n), symmetry)
    generator, examples = unigram("orbits", n, symmetry, [orbits.expand(np.array([i, i + 1])) for i in (0, 5, 10)])
    expected = [generator.expected([e]) for e in examples]
    assert np.allclose(expected[0], expected[1])
    assert expected[0].sum() == pytest.approx(3, abs=1e-3)  # two orbits and END


def test_most_walks_of_a_class_with_a_core_stay_there():
    instance = isosceles.PROBLEM.at(8)
    settings = Settings("isosceles", 8, patience=1000)
    work = 400 * expected_steps(settings, instance, "mirror+half")
    mixed = mix(settings, instance, "mirror+half", work, [], [], Pool(10, 10, 1.0), np.random.default_rng(1))
    inside = [s for s in mixed if s.region is not None]
    assert 0.65 < len(inside) / len(mixed) < 0.85
    assert {s.origin for s in mixed} == {"random"}
    assert all(s.region is class_core(instance, "mirror+half") for s in inside)


def test_focused_starts_get_their_share_and_tasks_one_region_each():
    instance = isosceles.PROBLEM.at(8)
    settings = Settings("isosceles", 8, model_share=0.4, patience=1000)
    areas = [focus.Area(np.arange(16), 0.25), focus.Area(np.arange(5, 37), 0.25, "counted")]
    samples = [np.array([0, 63])] * 10
    work = 20 * expected_steps(settings, instance, "none")
    assert expected_steps(settings, instance, "none", areas[0].orbits) == work / 80
    mixed = mix(settings, instance, "none", work, samples, [], Pool(10, 10, 1.0), np.random.default_rng(1), areas)
    focused = [s for s in mixed if s.origin in ("focus", "counted")]
    assert all((len(s.region) == 16) == (s.origin == "focus") for s in focused)
    assert sum(len(s.elements) for s in focused) == 0
    assert sorted(len(s.region) for s in focused) == [16] * 20 + [32] * 10  # each region a quarter of the effort
    assert len(mixed) - len(focused) == 10
    assert sum(s.origin == "model" for s in mixed) == 4
    seen = []
    for task, origins in tasks(settings, instance, "none", mixed, 5, 99, None):
        assert len(set(origins)) == 1 or task.region is None
        assert set(origins) <= ({"focus", "counted"} if task.region is not None else {"model", "random"})
        seen += [b"" if task.region is None else task.region.tobytes()] * len(origins)
    assert sorted(seen.count(key) for key in set(seen)) == [10, 10, 20]
