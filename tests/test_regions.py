"""Regions: which orbits a model expects, and walks that stay among them."""

import numpy as np
import patternboost_problems.isosceles as isosceles
import patternboost_problems.no_square as no_square
import patternboost_problems.no_three_in_line as no_three_in_line
import pytest

from patternboost.loop import proposers as proposers_room
from patternboost.loop import proposing
from patternboost.loop import tables as tables_room
from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.proposers import Proposer
from patternboost.loop.proposers.samples import Samples
from patternboost.loop.proposers.whole_board import WholeBoard
from patternboost.loop.regions import expected_density, marginal_frequencies, region
from patternboost.loop.starts import NOTHING, Start, expected_steps, task_steps, tasks
from patternboost.loop.state import new_state
from patternboost.loop.statistics import Statistics
from patternboost.model.bigram import BigramGenerator
from patternboost.model.request import FitRequest
from patternboost.model.sampling import SampleSettings
from patternboost.model.tokens import TOKENISATIONS, Example, classes_at
from patternboost.problem import Instance
from patternboost.problem.registry import find_problem
from patternboost.problem.symmetry import class_orbits, inner_board
from patternboost.search import bitsliced
from patternboost.search import regions as search_regions
from patternboost.search import tasks as search_tasks
from patternboost.search.bitmaps import build_bitrows
from patternboost.search.bitstate import new_bitstate
from patternboost.search.completing import fill_up
from patternboost.search.memory import Building
from patternboost.search.regions import RegionWalker, masked, region_bitmaps
from patternboost.search.tables import build_table
from patternboost.search.tasks import Effort, Outcome, Task, run_task
from patternboost.search.walker import Walker, bit_walker
from patternboost.store.settings import Settings
from tests.test_bitsliced import assert_consistent, counts, members


def made(problem, n, symmetry, seed):
    """A table, a region of half its orbits, and the region's bitmaps."""
    table = build_table(Instance(problem, n), symmetry)
    chosen = np.random.default_rng(seed).permutation(table.orbits.count)[: max(1, table.orbits.count // 2)]
    part = np.sort(chosen).astype(np.int64)
    rows = region_bitmaps(table.instance, symmetry, part, 1 << 30)
    assert rows is not None
    return table, part, rows


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("symmetry", ["none", "both-mirrors", "diagonal", "near-quarter-turn", "both-mirrors+half"])
@pytest.mark.parametrize(
    ("problem", "n"),
    [(isosceles.PROBLEM, 7), (isosceles.PROBLEM, 10), (no_three_in_line.PROBLEM, 9), (find_problem("distance"), 8)],
)
def test_counts_in_a_region_are_those_of_the_whole_board(problem, n, symmetry, jobs):
    table, part, inner = made(problem, n, symmetry, n)
    if jobs > 1:  # regions on the inner board take its maps for symmetries
        core = inner_board(table.instance, symmetry)
        part = part if core is None else np.intersect1d(part, core)
        inner = region_bitmaps(table.instance, symmetry, part, 1 << 30, Building(jobs=jobs))
    whole = build_bitrows(table)
    inside, outside = new_bitstate(inner, 3), new_bitstate(whole, 3)
    usable = [i for i, orbit in enumerate(part) if not table.rows.bad[orbit]]
    assert np.flatnonzero(np.unpackbits(inner.usable.view(np.uint8), bitorder="little")).tolist() == usable
    for i in np.random.default_rng(1).permutation(usable)[:6]:
        bitsliced.add(0, inner, inside, np.int64(i))
        bitsliced.add(0, whole, outside, np.int64(part[i]))
        assert_consistent(inner, inside)
        assert counts(inner, inside)[usable].tolist() == counts(whole, outside)[part[usable]].tolist()
    assert part[members(inside)].tolist() == members(outside)


def test_a_region_that_does_not_fit_has_no_bitmaps():
    assert region_bitmaps(Instance(isosceles.PROBLEM, 8), "none", np.arange(40), 1000) is None


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
    core = inner_board(instance, symmetry)
    monkeypatch.setattr(search_regions, "_SMALLER", 0.5 if kind is Walker else 1.0)
    task = Task(instance, symmetry, (NOTHING,), Effort(2000, 10**6), 7, 10**6, region=core)
    walker, whole = search_tasks._walkers(task, Building(1 << 30))
    assert type(walker) is kind
    assert type(whole) is Walker
    walker.start(np.arange(class_orbits(instance, symmetry).count))
    walker.run(2000, 10**6, 10**6)
    orbits, points = walker.best
    assert set(orbits) <= set(core)
    assert points == class_orbits(instance, symmetry).weights[orbits].sum() > 0


def test_a_walk_in_a_region_needs_no_table_of_its_class(monkeypatch):
    """A board whose tables no memory holds: the region's bitmaps come straight from the rule."""
    instance = isosceles.PROBLEM.at(150)
    monkeypatch.setattr(search_tasks, "build_table", None)
    part = np.arange(0, 200, dtype=np.int64)
    task = Task(instance, "both-mirrors", (NOTHING,) * 2, Effort(500, 5000), 3, 10**6, region=part, around=False)
    for outcome in run_task(task):
        found = instance.to_points(outcome.elements)
        assert len(found) == outcome.after > 20
        assert instance.violation(found) is None
        inside = np.isin(class_orbits(instance, "both-mirrors").orbit_of[outcome.elements], part)
        assert inside.sum() > 20  # and what was free around it at the end


@pytest.mark.parametrize("symmetry", ["none", "diagonal"])
def test_sets_of_four_stay_in_their_region_too(symmetry):
    instance = no_square.PROBLEM.at(7)
    orbits = class_orbits(instance, symmetry)
    part = np.arange(0, orbits.count, 2, dtype=np.int64)
    walkers, whole = search_tasks._walkers(
        Task(instance, symmetry, (NOTHING,), Effort(500, 5000), 3, 10**6, region=part), Building()
    )
    assert whole is not None
    walkers.start(NOTHING)
    walkers.run(500, 500, 10**6)
    chosen, points = walkers.best
    assert set(chosen) <= set(part)
    assert points > 0


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


def test_a_region_little_larger_than_whole_cache_lines_is_cut_to_them():
    density = np.arange(2000, 0.0, -1.0)
    for wanted, kept in ((500, 500), (512, 512), (513, 512), (640, 512), (641, 641), (1030, 1024), (1400, 1400)):
        share = (density[: wanted - 1].sum() + 1e-6) / density.sum()
        assert region(density, share).tolist() == list(range(kept))


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


def test_walks_on_the_inner_board_of_a_class_need_no_table_of_it():
    """At first all walks are there; once the table is worth its price the whole board has its share too."""
    context = context_of(64, model="none")
    instance, symmetry = context.instance, "both-mirrors+half"
    inner = inner_board(instance, symmetry)
    few, many = (c * search_tasks.table_steps(instance, symmetry) for c in (1.0, 50.0))
    assert few > 1e6
    mixed = proposing.starts_of(context, new_state(context, []), symmetry, 0, few, [])
    assert {s.origin for s in mixed} == {Origin.INNER_BOARD}
    assert all(s.region is inner and not s.around for s in mixed)
    mixed = proposing.starts_of(context, new_state(context, []), symmetry, 0, many, [])
    assert {s.origin for s in mixed} == {Origin.INNER_BOARD, Origin.RANDOM}
    assert all(s.region is None for s in mixed if s.origin is Origin.RANDOM)
    state = new_state(context, [])
    state.ledger[symmetry][Origin.RANDOM].note({}, 1, 1.0)
    mixed = proposing.starts_of(context, state, symmetry, 0, few, [])
    assert all(s.around for s in mixed if s.origin is Origin.INNER_BOARD)
    assert Origin.RANDOM in {s.origin for s in mixed}  # a budget in generations: it is at hand once it was used
    small = context_of(64, model="none", memory_gib=0.001)
    assert {s.origin for s in proposing.starts_of(small, new_state(small, []), symmetry, 0, few, [])} == {Origin.RANDOM}


def test_a_table_that_is_not_at_hand_is_made_again_once_walks_that_need_it_have_earned_its_price(monkeypatch):
    context, symmetry = context_of(64, model="none", minutes=1.0), "both-mirrors+half"
    cost = search_tasks.table_steps(context.instance, symmetry)
    state = new_state(context, [])
    board, inner = (state.ledger[symmetry][o] for o in (Origin.RANDOM, Origin.INNER_BOARD))
    board.note({100: 100}, 100, 1.0)

    def table_is_used():
        walks = proposing.starts_of(context, state, symmetry, 0, 4 * cost, [])
        of_board = {s.origin for s in walks if s.region is None}
        assert of_board == ({Origin.RANDOM} if any(s.around for s in walks) else set())
        return bool(of_board)

    assert table_is_used()  # alone in what was tried: all is earned
    inner.note({100: 900, 104: 90}, 104, 1.0)
    assert not table_is_used()
    monkeypatch.setattr(tables_room, "table_at_hand", lambda *_: True)
    assert table_is_used()


@pytest.mark.parametrize("symmetry", ["none", "both-mirrors+half", "diagonal"])
@pytest.mark.parametrize("problem", [isosceles.PROBLEM, no_three_in_line.PROBLEM, find_problem("distance")])
def test_sets_are_filled_up_by_every_orbit_that_is_free_the_heaviest_first(problem, symmetry):
    """Beside the definition, asked of every orbit in turn."""
    instance = problem.at(9)
    orbits = class_orbits(instance, symmetry)
    for seed in range(3):
        walker = bit_walker(build_bitrows(build_table(instance, symmetry)), (1, 2), seed)
        start = np.random.default_rng(seed).permutation(orbits.count)[:3].astype(np.int64)
        chosen = walker.valid(start, filled=False)
        expected = chosen
        for orbit in np.argsort(-orbits.weights, kind="stable"):
            more = instance.to_points(orbits.expand(np.append(expected, orbit)))
            if orbit not in expected and instance.violation(more) is None:
                expected = np.append(expected, orbit)
        assert len(expected) > len(chosen)
        chosen.setflags(write=False)  # as it comes from another process
        filled = fill_up(instance, symmetry, chosen)
        assert filled.tolist() == sorted(expected.tolist())
        filled[:] = 0  # what is kept of it stays as it is
        assert fill_up(instance, symmetry, chosen[::-1]).tolist() == sorted(expected.tolist())


def test_regions_get_their_share_and_tasks_one_region_each(monkeypatch):
    class TwoRegions(Proposer):
        origin = Origin.MODEL_REGION

        def most(self, context):
            return context.settings.regions

        def ready(self, context, state, symmetry, samples):
            return True

        def propose(self, context, state, symmetry, budget):
            made = []
            for orbits in (np.arange(16), np.arange(5, 37)):
                walks = budget.steps / 2 / expected_steps(context, symmetry, orbits)
                made += [Start(NOTHING, self.origin, orbits)] * round(walks)
            return made

    context = context_of(8, patience=1000, region_patience=1000, model="none", model_share=0.2, regions=0.5)
    monkeypatch.setattr(proposers_room, "PROPOSERS", (TwoRegions(), Samples(), WholeBoard()))
    samples = [Example(8, "none", np.array([0, 63]))] * 10
    steps = 20 * expected_steps(context, "none")
    state = new_state(context, [])
    state.ledger["none"]["model-region"].note({10: 500}, 10, 1.0)
    state.ledger["none"]["random"].note({10: 100}, 10, 1.0)
    mixed = proposing.starts_of(context, state, "none", 0, steps, samples)
    inside = [s for s in mixed if s.origin is Origin.MODEL_REGION]
    assert sorted(len(s.region) for s in inside) == [16] * 20 + [32] * 10  # each region a quarter of the effort
    assert len(mixed) - len(inside) == 10
    assert 1 <= sum(s.origin is Origin.MODEL for s in mixed) <= 4
    seen = []
    for task, of in tasks(context, "none", mixed, (0, 0), None):
        wanted = {Origin.MODEL_REGION} if task.region is not None else {Origin.MODEL, Origin.RANDOM}
        assert {start.origin for start in of} <= wanted
        assert [start.elements.tolist() for start in of] == [elements.tolist() for elements in task.starts]
        seen += [b"" if task.region is None else task.region.tobytes()] * len(of)
    assert sorted(seen.count(key) for key in set(seen)) == [10, 10, 20]


def test_tasks_take_a_fifth_of_a_second_at_the_speed_so_far_or_of_the_generation_before():
    timed, repeatable = context_of(8, minutes=1.0, jobs=2), context_of(8, generations=2, jobs=2)
    state, statistics = new_state(timed, []), Statistics()
    assert task_steps(repeatable, state, statistics, 4.0) == 400_000
    assert task_steps(timed, state, statistics, 4.0) == 25_000
    state.generation, state.work = 1, 800_000.0
    assert task_steps(timed, state, statistics, 4.0) == pytest.approx(0.2 * 100_000)
    statistics.note(Outcome(np.arange(5), 0, 5, 6_000, 0.5), Origin.RANDOM, "none", 0)
    statistics.note(Outcome(np.arange(5), 0, 5, 4_000, 0.5), Origin.ELITE, "none", 4)
    assert task_steps(timed, state, statistics, 4.0) == pytest.approx(0.2 * 10_000)
    assert task_steps(repeatable, state, statistics, 4.0) == 400_000
    walks = [Start(NOTHING, Origin.RANDOM)] * 40
    each = 5.5 * expected_steps(timed, "none")
    assert [len(of) for _, of in tasks(timed, "none", walks, (0, 0), None, steps=each)] == [6] * 6 + [4]
