"""Regions: which orbits a model expects, and walks that stay among them."""

from dataclasses import replace

import numpy as np
import patternboost_problems.isosceles as isosceles
import patternboost_problems.no_three_in_line as no_three_in_line
import pytest

from patternboost.loop import proposing
from patternboost.loop.allocator import Allocator, by_gain_rate, proposer_shares
from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.proposers import PROPOSERS, Proposer
from patternboost.loop.regions import expected_density, marginal_frequencies, region
from patternboost.loop.starts import NOTHING, Start, expected_steps, tasks
from patternboost.loop.state import new_state
from patternboost.model.bigram import BigramGenerator
from patternboost.model.request import FitRequest
from patternboost.model.sampling import SampleSettings
from patternboost.model.tokens import TOKENISATIONS, Example, classes_at
from patternboost.problem import Instance
from patternboost.problem.symmetry import class_orbits, inner_board
from patternboost.search import bitsliced
from patternboost.search import regions as search_regions
from patternboost.search.bitmaps import build_bitrows
from patternboost.search.regions import RegionWalker, masked, region_walker, restricted
from patternboost.search.tables import build_table
from patternboost.search.tasks import Effort, Task, prepare, run_task
from patternboost.search.walker import Walker
from patternboost.store.settings import Settings
from tests.test_bitsliced import assert_consistent, counts, members


def made(problem, n, symmetry, seed):
    """A table, a region of half its orbits, and the region's bitmaps."""
    table = build_table(Instance(problem, n), symmetry)
    chosen = np.random.default_rng(seed).permutation(table.orbits.count)[: max(1, table.orbits.count // 2)]
    part = np.sort(chosen).astype(np.int64)
    rows = restricted(table, part, 1 << 30)
    assert rows is not None
    return table, part, rows


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("symmetry", ["none", "both-mirrors", "diagonal", "near-quarter-turn"])
@pytest.mark.parametrize(
    ("problem", "n"), [(isosceles.PROBLEM, 7), (isosceles.PROBLEM, 10), (no_three_in_line.PROBLEM, 9)]
)
def test_counts_in_a_region_are_those_of_the_whole_board(problem, n, symmetry, compiled):
    table, part, inner = made(problem, n, symmetry, n)
    if not compiled:
        bare = table.rows._replace(compiled=False, row=np.zeros(0, np.uint16), row_start=np.zeros(0, np.uint32))
        inner = restricted(replace(table, rows=bare), part, 1 << 30)
    whole = build_bitrows(table)
    inside, outside = bitsliced.new_bitstate(inner, 3), bitsliced.new_bitstate(whole, 3)
    usable = [i for i, orbit in enumerate(part) if not table.rows.bad[orbit]]
    assert np.flatnonzero(np.unpackbits(inner.usable.view(np.uint8), bitorder="little")).tolist() == usable
    for i in np.random.default_rng(1).permutation(usable)[:6]:
        bitsliced.add(0, inner, inside, np.int64(i))
        bitsliced.add(0, whole, outside, np.int64(part[i]))
        assert_consistent(inner, inside)
        assert counts(inner, inside)[usable].tolist() == counts(whole, outside)[part[usable]].tolist()
    assert part[members(inside)].tolist() == members(outside)


def test_a_region_that_does_not_fit_has_no_bitmaps():
    table = build_table(Instance(isosceles.PROBLEM, 8), "none")
    assert restricted(table, np.arange(40), 1000) is None


def test_masked_bitmaps_leave_out_what_is_not_in_the_region():
    table, part, _ = made(isosceles.PROBLEM, 12, "half-turn", 4)
    whole = build_bitrows(table)
    rows = masked(whole, part)
    assert rows.bits is whole.bits
    usable = np.flatnonzero(np.unpackbits(rows.usable.view(np.uint8), bitorder="little"))
    assert usable.tolist() == [o for o in part if not table.rows.bad[o]]


@pytest.mark.parametrize(
    ("n", "symmetry", "kind"), [(12, "both-mirrors+half", RegionWalker), (8, "mirror+half", Walker)]
)
def test_walks_on_an_inner_board_use_own_bitmaps_where_these_are_shorter(n, symmetry, kind, monkeypatch):
    instance = isosceles.PROBLEM.at(n)
    table, bits = prepare(instance, symmetry)
    core = inner_board(instance, symmetry)
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
    table, part, rows = made(isosceles.PROBLEM, 12, symmetry, 5)
    walker = RegionWalker(part, rows, (1, 2), 7)
    assert walker.start(np.setdiff1d(np.arange(table.orbits.count), part)) == 0
    walker.run(2000, 10**6, 10**6)
    orbits, points = walker.best
    assert set(orbits) <= set(part)
    assert table.instance.violation(table.instance.to_points(table.orbits.expand(np.sort(orbits)))) is None
    assert points == table.rows.weight[orbits].sum()

    task = Task(table.instance, symmetry, (NOTHING,) * 3, Effort(500, 5000), 3, 10**6, region=part)
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
    found = region(expected_density(generator, orbits, examples), 0.9)
    assert set(often) <= set(found.tolist())
    assert found.tolist() == sorted(found.tolist())
    assert len(found) < orbits.count / 2


def test_a_region_is_the_fewest_orbits_that_hold_a_share():
    density = np.array([5.0, 1.0, 3.0, 0.0, 1.0])
    assert region(density, 0.5).tolist() == [0]
    assert region(density, 0.79).tolist() == [0, 2]
    assert region(density, 0.81).tolist() == [0, 1, 2]
    assert set(region(density, 1.0).tolist()) >= {0, 1, 2, 4}


def test_marginal_frequencies_count_sets_however_they_are_turned():
    instance = isosceles.PROBLEM.at(8)
    orbits = class_orbits(instance, "mirror")
    often, seldom = orbits.expand(np.array([0, 9])), orbits.expand(np.array([14, 21]))
    found = region(marginal_frequencies(instance, orbits, [often] * 9 + [seldom]), 0.8)
    turned = {
        int(orbits.orbit_of[p[orbits.members[orbits.start[o]]]])
        for o in (0, 9)
        for p in instance.symmetries[[0, 2, 4, 5]]
    }
    assert set(found.tolist()) == turned


ARMS = ("random", "model-region", "counted-region")


def gains(**noted):
    """An allocator of proposers: gains and steps by arm."""
    proposers = Allocator(ARMS)
    for arm, of in noted.items():
        proposers[arm.replace("_", "-")].note_gains(*of)
    return proposers


def test_proposers_share_the_effort_by_what_they_bring():
    regions = list(ARMS[1:])
    assert by_gain_rate(gains(), "random", [], 0.8) == {"random": 1.0}
    even = {"random": 0.2, "model-region": 0.4, "counted-region": 0.4}
    assert by_gain_rate(gains(), "random", regions, 0.8) == pytest.approx(even)
    some = gains(model_region=(100, 10_000), random=(50, 10_000))
    assert by_gain_rate(some, "random", regions, 0.8) == pytest.approx(even)  # nothing to compare with yet
    some["counted-region"].note_gains(199, 10_000)
    shares = by_gain_rate(some, "random", regions, 0.8)
    common = 350 / 30_000
    ours, theirs, free = (((brought + 5) / (10_000 + 5 / common)) ** 2 for brought in (100, 199, 50))
    assert ours + theirs > 0.8 * (ours + theirs + free)
    of_model, of_counted = (0.08 + 0.64 * paid / (ours + theirs) for paid in (ours, theirs))
    assert shares == pytest.approx({"random": 0.2, "model-region": of_model, "counted-region": of_counted})


def test_regions_that_bring_nothing_leave_the_board_free():
    some = gains()
    for _ in range(20):
        some["random"].note_gains(19, 1000)
        some["model-region"].note_gains(0, 1000)
    assert 0.08 <= by_gain_rate(some, "random", ["model-region"], 0.8)["model-region"] < 0.1
    assert by_gain_rate(some, "random", ["model-region"], 0.0) == {"random": 1.0, "model-region": 0.0}
    nothing = by_gain_rate(gains(random=(0, 100), model_region=(0, 10_000)), "random", ["model-region"], 0.8)
    assert 0.4 < nothing["model-region"] < 0.6  # no gains, no preference


def test_the_whole_board_is_divided_by_the_settings():
    fixed = {"model": 0.2, "seed": 0.5, "elite": 0.3}
    shares = proposer_shares(gains(), "random", ["model", "elite", "random"], fixed, 0.8)
    assert shares == pytest.approx({"model": 0.2, "elite": 0.24, "random": 0.56})
    every = proposer_shares(gains(), "random", [*fixed, *ARMS], fixed, 0.8)
    assert sum(every.values()) == pytest.approx(1)
    assert every["model"] == pytest.approx(0.04)


def test_a_unigram_model_forgets_what_came_before():
    n, symmetry = 8, "both-mirrors"
    orbits = class_orbits(isosceles.PROBLEM.at(n), symmetry)
    generator, examples = unigram("orbits", n, symmetry, [orbits.expand(np.array([i, i + 1])) for i in (0, 5, 10)])
    expected = [generator.expected([e]) for e in examples]
    assert np.allclose(expected[0], expected[1])
    assert expected[0].sum() == pytest.approx(3, abs=1e-3)  # two orbits and END


def context_of(n, **settings):
    instance = isosceles.PROBLEM.at(n)
    return Context(Settings("isosceles", n, **settings), instance, tuple(instance.classes), n * n, "a proved bound")


def test_most_walks_of_a_class_with_an_inner_board_stay_there():
    context = context_of(8, patience=1000, model="none")
    steps = 400 * expected_steps(context, "mirror+half")
    mixed = proposing.starts_of(context, new_state(context, []), "mirror+half", 0, steps, [])
    inside = [s for s in mixed if s.region is not None]
    assert 0.65 < len(inside) / len(mixed) < 0.85
    assert {s.origin for s in mixed} == {Origin.RANDOM}
    assert all(s.region is inner_board(context.instance, "mirror+half") for s in inside)


def test_regions_get_their_share_and_tasks_one_region_each(monkeypatch):
    class TwoRegions(Proposer):
        origin = Origin.MODEL_REGION

        def ready(self, context, state, symmetry, samples):
            return True

        def propose(self, context, state, symmetry, budget):
            made = []
            for orbits in (np.arange(16), np.arange(5, 37)):
                walks = budget.steps / 2 / expected_steps(context, symmetry, orbits)
                made += [Start(NOTHING, self.origin, orbits)] * round(walks)
            return made

    context = context_of(8, patience=1000, model="none", model_share=0.4, regions=0.5)
    monkeypatch.setattr(proposing, "PROPOSERS", (TwoRegions(), *PROPOSERS[2:]))
    samples = [Example(8, "none", np.array([0, 63]))] * 10
    steps = 20 * expected_steps(context, "none")
    mixed = proposing.starts_of(context, new_state(context, []), "none", 0, steps, samples)
    inside = [s for s in mixed if s.origin is Origin.MODEL_REGION]
    assert sorted(len(s.region) for s in inside) == [16] * 20 + [32] * 10  # each region a quarter of the effort
    assert len(mixed) - len(inside) == 10
    assert sum(s.origin is Origin.MODEL for s in mixed) == 4
    seen = []
    for task, origins in tasks(context, "none", mixed, (0, 0), None):
        assert set(origins) <= ({Origin.MODEL_REGION} if task.region is not None else {Origin.MODEL, Origin.RANDOM})
        seen += [b"" if task.region is None else task.region.tobytes()] * len(origins)
    assert sorted(seen.count(key) for key in set(seen)) == [10, 10, 20]
