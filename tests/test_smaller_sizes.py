"""What constructions of other sizes say about a size: the density of its places, the class that pays, what is valid."""

from collections import Counter

import numpy as np
import pytest

import patternboost as pb
from patternboost.loop.classes import known_shares
from patternboost.loop.context import Context
from patternboost.loop.origins import ELITES_IN_REGIONS, SEED_REGIONS, Origin
from patternboost.loop.places import places, places_of
from patternboost.loop.pool import Entry, Pool
from patternboost.loop.proposing import starts_of
from patternboost.loop.seeding import embeddings, valid_placements
from patternboost.loop.session import seeds_came_to
from patternboost.loop.smaller_sizes import (
    best_of_sizes,
    classes_of_seeds,
    learned_sizes,
    nearest_sizes,
    seed_density,
    sizes_agree,
    sizes_compare,
)
from patternboost.loop.starts import expected_steps
from patternboost.loop.state import new_state, own_seeds
from patternboost.problem.registry import problem
from patternboost.problem.symmetry import alike, class_orbits, holds, inner_board, orbits_of
from patternboost.store.archive import Archive
from patternboost.store.construction import Construction
from patternboost.store.settings import Settings


def of(name, n, points):
    return Construction.of(problem(name, n), points)


def square(name, n):
    """The four corners and the middles of the sides (n odd)."""
    m, last = n // 2, n - 1
    return of(name, n, [(0, 0), (0, last), (last, 0), (last, last), (0, m), (m, 0), (m, last), (last, m)])


def context_of(name, n, classes=None, **settings):
    instance = problem(name, n)
    classes = classes or tuple(instance.classes)
    return Context(Settings(name, n, **settings), instance, classes, instance.size, "a proved bound")


def test_sizes_are_nearest_by_their_ratio():
    assert nearest_sizes(10, [5, 9, 10, 11, 20, 30, 9]) == [11, 9, 5, 20, 30]
    seeds = [of("isosceles", n, [(0, 0), (1, 2)]) for n in (5, 9, 11, 20, 30)] + [of("isosceles", 9, [(0, 0)])]
    assert list(best_of_sizes(10, seeds)) == [11, 9, 5, 20, 30]
    assert [c.score for c in best_of_sizes(10, seeds)[9]] == [2]
    assert learned_sizes(10, seeds, "gpt") == [11, 9, 5, 20]
    assert learned_sizes(10, seeds, "every-size") == [11, 9, 5, 20, 30]


def test_places_are_the_same_for_what_mirrors_and_turns_exchange():
    instance = problem("isosceles", 9)
    low, high = np.zeros(2, np.int64), np.full(2, 8)
    found = places(instance.points, low, high)
    for image in instance.symmetries:
        assert np.allclose(found[image], found)
    assert found[0].tolist() == [0, 0]  # a corner: no cell from the border, at the end of the side
    assert found[4].tolist() == [0, 1]  # the middle of a side
    assert found[40].tolist() == [4, 1]  # the middle
    cube = problem("no-four-coplanar", 5)
    assert places(cube.points, np.zeros(3, np.int64), np.full(3, 4)).shape == (125, 3)


@pytest.mark.parametrize("symmetry", ["none", "both-mirrors", "diagonal", "both-mirrors+half"])
def test_a_density_is_high_where_other_sizes_have_points(symmetry):
    """Corners and middles of sides of smaller boards: the same places of a larger one, or of its inner board."""
    instance = problem("isosceles", 22 if symmetry == "both-mirrors+half" else 21)
    orbits, inner = class_orbits(instance, symmetry), inner_board(instance, symmetry)
    density = seed_density(instance, symmetry, [square("isosceles", n) for n in (11, 13, 15)])
    per_cell = density / orbits.weights
    likeliest = set(np.argsort(-per_cell, kind="stable")[: orbits.count // 10].tolist())
    for point in [(0, 0), (0, 10), (10, 0), (20, 20), (20, 10)]:
        assert int(orbits.orbit_of[instance.to_elements([point])[0]]) in likeliest
    middle = int(orbits.orbit_of[instance.to_elements([(10, 10)])[0]])
    assert per_cell[middle] < 0.01 * per_cell.max()
    if inner is not None:
        assert not density[np.setdiff1d(np.arange(orbits.count), inner)].any()


def test_a_density_is_the_sum_over_all_points_of_a_gaussian_kernel():
    """Beside the plain double loop."""
    instance = problem("isosceles", 12)
    sets = [[(0, 0), (0, 5), (7, 7)], [(7, 0), (2, 0), (0, 7)]]  # points of both are at the same places
    seeds = [*(of("isosceles", 8, points) for points in sets), of("isosceles", 16, [(0, 3), (15, 15), (2, 0)])]
    density = seed_density(instance, "none", seeds)

    def place(point, low, high):
        near = [(min(x - a, b - x), (b - a) / 2) for x, a, b in zip(point, low, high, strict=True)]
        (across, _), (along, half) = sorted(near)
        return across, along / half

    for element in (0, 7, 30, 143):
        x, t = place(instance.points[element].tolist(), (0, 0), (11, 11))
        total = 0.0
        for seed in seeds:
            low, high = [[f(p[i] for p in seed.points) for i in (0, 1)] for f in (min, max)]
            ratio = max(12 / seed.n, seed.n / 12)
            for point in seed.points:
                y, u = place(point, low, high)
                apart = ((x - y) / 0.8 / ratio) ** 2 + ((t - u) / 0.035 / ratio) ** 2
                total += np.exp(-apart / 2) / ratio**2 / 3 / (2 if seed.n == 8 else 1)
        assert density[element] == pytest.approx(total, rel=1e-6, abs=1e-7)


def test_places_of_other_ground_sets_compare_or_not():
    for name, n, there in [
        ("isosceles-torus", 9, True),
        ("no-four-coplanar", 5, True),
        ("cap-set", 3, False),
        ("no-triangle", 7, False),
    ]:
        instance = problem(name, n)
        seed = Construction.of(problem(name, n - 1), [problem(name, n - 1).points[i].tolist() for i in (0, 1)])
        assert sizes_compare(instance, [seed]) is there
        assert (seed_density(instance, "none", [seed]) is not None) is there
        assert not sizes_compare(instance, [])


@pytest.mark.parametrize("n", [5, 6])
def test_holds_says_what_orbits_say(n):
    instance = problem("isosceles", n)
    rng = np.random.default_rng(n)
    for maps in instance.classes.values():
        orbits = orbits_of(instance.size, maps)
        for _ in range(20):
            union = orbits.expand(np.flatnonzero(rng.random(orbits.count) < 0.3))
            some = np.flatnonzero(rng.random(instance.size) < 0.2)
            assert holds(instance.size, maps, union)
            assert holds(instance.size, maps, some) is orbits.is_union(some)


@pytest.mark.parametrize(
    ("n", "name", "m", "found"),
    [
        (14, "both-mirrors", 9, "both-mirrors+half"),
        (14, "both-mirrors+half", 9, "both-mirrors"),
        (14, "both-mirrors+one-half", 9, "both-mirrors+one-half"),
        (14, "both-mirrors+half", 10, "both-mirrors+half"),
        (14, "mirror+half", 9, "mirror"),
        (9, "mirror", 14, "mirror+half"),
        (14, "diagonal", 9, "diagonal"),
        (14, "quarter-turn", 9, "quarter-turn"),  # none is alike there
        (14, "none", 9, "none"),
        ("9x14", "both-mirrors", 9, "both-mirrors+one-half"),
        ("9x14", "mirror-rows", 9, None),
    ],
)
def test_classes_are_alike_by_what_their_mirrors_fix(n, name, m, found):
    assert alike(problem("isosceles", n), [name], problem("isosceles", m)) == {name: found}


def test_the_class_that_holds_the_best_of_other_sizes_is_known(tmp_path):
    classes = tuple(problem("isosceles", 14).classes)
    assert classes_of_seeds(problem("isosceles", 14), classes, []) == {}
    both = [square("isosceles", n) for n in (9, 11)]
    assert classes_of_seeds(problem("isosceles", 14), classes, both) == {"full": 1.0}
    lower = tuple(c for c in classes if c not in ("full", "quarter-turn"))
    assert set(classes_of_seeds(problem("isosceles", 14), lower, both)) == {"both-mirrors", "both-diagonals"} & set(
        classes_of_seeds(problem("isosceles", 14), lower, both)
    )
    rectangle = of("isosceles", 9, [(0, 1), (0, 7), (8, 1), (8, 7)])  # its mirrors go through cells
    assert classes_of_seeds(problem("isosceles", 14), classes, [rectangle]) == {"both-mirrors+half": 1.0}
    assert classes_of_seeds(problem("isosceles", 13), classes, [rectangle]) == {"both-mirrors": 1.0}
    corner = of("isosceles", 10, square("isosceles", 9).points)  # on the inner board
    assert classes_of_seeds(problem("isosceles", 14), classes, [corner]) == {"both-mirrors+half": 1.0}
    context = context_of("isosceles", 14, minutes=1.0)
    with Archive(tmp_path / "archive.sqlite") as archive:
        assert known_shares(context, archive, []) == {}
        archive.note_paid(problem("isosceles", 13), {"diagonal": 1.0})
        archive.note_paid(problem("isosceles", 13), {"mirror": 0.5, "diagonal": 0.5})
        assert archive.paid("isosceles") == {13: {"mirror": 0.5, "diagonal": 0.5}}
        known = known_shares(context, archive, [corner])
        assert {name: share for name, share in known.items() if share} == {
            "both-mirrors+half": 0.5, "mirror+half": 0.25, "diagonal": 0.25,
        }  # fmt: skip
        assert known_shares(context_of("isosceles", 14, generations=2), archive, []) == {}  # repeatable
        alone = known_shares(context_of("isosceles", 14, minutes=1.0, known_classes=False), archive, [corner])
        assert {name: share for name, share in alone.items() if share} == {"both-mirrors+half": 1.0}
        assert known_shares(context_of("isosceles", 14, ("mirror",), minutes=1.0), archive, [corner]) == {}
        archive.note_paid(problem("isosceles-flat", "4x6"), {"mirror": 1.0})  # between cells; at 4x7 so is mirror+half
        boards = known_shares(context_of("isosceles-flat", "4x7", minutes=1.0), archive, [])
        assert {name: share for name, share in boards.items() if share} == {"mirror+half": 1.0}


def test_larger_constructions_are_cut_and_smaller_ones_kept_where_they_are_valid():
    large, small = problem("isosceles", 9), problem("isosceles", 4)
    points = [(0, 0), (0, 1), (1, 2), (3, 2)]
    cut = embeddings(small, of("isosceles", 9, [(0, 0), (0, 1), (1, 2), (3, 2), (8, 8), (8, 3)]))
    assert small.to_points(cut[1]) == points  # the corner of low numbers
    assert all(s.dtype == np.int64 for s in cut)
    seeds = [of("isosceles", 4, points)]
    valid = valid_placements(large, seeds)
    assert large.to_elements(points).tolist() in [s.tolist() for s in valid]
    assert all(large.violation(large.to_points(s)) is None for s in valid)
    context = context_of("isosceles", 9)
    found = own_seeds(context, new_state(context, seeds))
    assert {e.merit for e in found} == {4}
    assert {e.origin for e in found} == {Origin.SEED}


def test_where_sizes_do_not_lie_alike_they_point_out_no_region():
    """With seeds of one size alone there is nothing to say."""

    def middles(n, depth):
        m, far, last = n // 2, n - 1 - depth, n - 1
        frame = [(0, 0), (0, last), (last, 0), (last, last)]  # distances count from the border of the set
        return of("isosceles", n, [*frame, (depth, m), (m, depth), (far, m), (m, far)])

    border, inside = [middles(n, 0) for n in (31, 41, 51)], [middles(n, 10) for n in (31, 41, 51)]
    scattered = [middles(n, depth) for n, depth in ((31, 0), (41, 7), (51, 14))]
    context = context_of("isosceles", 60, model="none", minutes=1.0)
    for seeds, agree in (
        (inside, True),
        (border, True),
        (border + inside, True),
        (scattered, False),
        (inside[:1], True),
        ([], True),
    ):
        assert sizes_agree(context.instance, seeds) == agree
        walks = starts_of(context, new_state(context, seeds), "mirror", 0, 300 * expected_steps(context, "mirror"), [])
        assert bool(set(SEED_REGIONS) & {s.origin for s in walks}) == (agree and bool(seeds))


@pytest.mark.parametrize("name", ["isosceles", "no-square"])
def test_seeded_runs_walk_in_regions_of_other_sizes_from_the_first_generation(name):
    context = context_of(name, 60 if name == "isosceles" else 9, model="none", minutes=1.0)
    seeds = [square(name, n) for n in ((41, 51) if name == "isosceles" else (5, 7))]
    state = new_state(context, seeds)
    walks = starts_of(context, state, "mirror", 0, 1000 * expected_steps(context, "mirror"), [])
    counts = Counter(s.origin for s in walks)
    assert set(SEED_REGIONS) < set(counts)
    sizes = {o: {len(s.region) for s in walks if s.origin is o} for o in SEED_REGIONS}
    narrow, middle, wide = (sizes[o].pop() for o in SEED_REGIONS)
    assert narrow <= middle <= wide < class_orbits(context.instance, "mirror").count
    off = context_of(name, context.instance.n, model="none", minutes=1.0, seed_regions=False)
    assert not set(SEED_REGIONS) & {s.origin for s in starts_of(off, new_state(off, seeds), "mirror", 0, 1e5, [])}


def test_pool_members_lose_a_part_and_walk_on_in_the_wide_regions():
    context = context_of("isosceles", 60, model="none", minutes=1.0, elites=1.0)
    state = new_state(context, [square("isosceles", n) for n in (41, 51)])
    orbits = class_orbits(context.instance, "mirror")
    member = orbits.expand(np.arange(0, 40, 4))

    def walks():
        found = starts_of(context, state, "mirror", 0, 1000 * expected_steps(context, "mirror"), [])
        return [s for s in found if s.origin is Origin.ELITE_IN_REGION]

    assert not walks()  # an empty pool
    state.pool.merge([Entry(b"1", member, "mirror", 0, Origin.RANDOM, len(member))])
    found = walks()
    wide = {s.region.tobytes() for s in starts_of(context, state, "mirror", 0, 1e9, [])
            if s.origin is Origin.WIDE_SEED_REGION}  # fmt: skip
    assert {s.region.tobytes() for s in found} == wide
    kept = [orbits.project(s.elements) for s in found]
    assert {len(k) for k in kept} == {7}  # of ten: three in ten are dropped
    assert set(np.concatenate(kept).tolist()) == set(orbits.project(member).tolist())
    assert not any(s.around for s in found)


def test_walks_from_the_best_pool_members_are_from_twenty_of_them_and_their_equals():
    context = context_of("isosceles", 60, model="none", minutes=1.0, elites=1.0)
    state = new_state(context, [square("isosceles", n) for n in (41, 51)])
    orbits = class_orbits(context.instance, "mirror")
    merits = [*range(140, 121, -1), 100, 100, 99, 98]  # the twentieth and its equal have 100
    sets = [np.arange(10 * i, 10 * i + 10) for i in range(len(merits))]
    pool = [
        Entry(b"%02d" % i, orbits.expand(s), "mirror", 0, Origin.RANDOM, merit)
        for i, (s, merit) in enumerate(zip(sets, merits, strict=True))
    ]
    state.pool.merge(pool)
    found = starts_of(context, state, "mirror", 0, 3000 * expected_steps(context, "mirror"), [])
    walked = {o: {int(orbits.project(s.elements)[0]) // 10 for s in found if s.origin is o} for o in ELITES_IN_REGIONS}
    assert walked[Origin.ELITE_IN_REGION] == set(range(23))
    assert walked[Origin.BEST_IN_REGION] == set(range(21))


def test_what_came_of_the_seeds_is_told():
    context = context_of("isosceles", 8)
    state = new_state(context, [square("isosceles", 5), square("isosceles", 7)])
    assert seeds_came_to(state) == ""
    state.ledger["none"][Origin.SEED_REGION].note({}, 3, 1.0)
    state.pool = Pool(100, 100, 1.0)
    members = [np.array([0, 1, i], np.int64) for i in range(2, 40)]
    origins = [Origin.SEED_REGION] * 12 + [Origin.RANDOM] * 26
    state.pool.merge(Entry(m.tobytes(), m, "none", 0, o, len(m)) for m, o in zip(members, origins, strict=True))
    told = "regions from 2 other sizes: 12 of the 38 sets of 3 or more"
    assert seeds_came_to(state) == told
    onward = [Entry(b"%d" % i, np.array([1, i, 60]), "none", 0, Origin.ELITE_IN_REGION, 3) for i in range(2, 7)]
    state.pool.merge(onward)
    assert seeds_came_to(state) == told.replace("38", "43") + "; 5 by walks from pool members in wide regions"


def test_a_seeded_search_repeats_and_says_what_came_of_its_seeds(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATTERNBOOST_HOME", str(tmp_path / "home"))
    folder = tmp_path / "seeds"
    folder.mkdir()
    for n in (10, 11, 12):
        found = pb.search("isosceles", n, generations=2, model="none", jobs=1, seed=n, quiet=True, starts=50,
                          run_dir=tmp_path / f"r{n}")  # fmt: skip
        found.best.save(folder / f"{n}.json")
    runs = [
        pb.search("isosceles", 40, generations=2, model="none", jobs=1, seed=1, starts=50, seed_from=[folder],
                  run_dir=tmp_path / f"s{i}")
        for i in range(2)
    ]  # fmt: skip
    assert runs[0].best.points == runs[1].best.points
    assert "3 seeds of 3 sizes, n = 10 to 12" in capsys.readouterr().err
    assert set(runs[0].log[0]["origins"]) & set(SEED_REGIONS)


@pytest.mark.parametrize(
    ("name", "n", "symmetry"), [("isosceles", 12, "mirror"), ("isosceles", 13, "both-mirrors+half")]
)
def test_counts_are_spread_to_places_nearby_as_a_plain_sum_says(name, n, symmetry):
    instance = problem(name, n)
    orbits, where = class_orbits(instance, symmetry), places_of(instance, symmetry)
    inner = inner_board(instance, symmetry)
    inner = np.arange(orbits.count) if inner is None else inner
    counts = np.random.default_rng(2).integers(0, 4, orbits.count).astype(float)
    box = instance.problem.ground.box(n, orbits.expand(inner))

    def place(o):
        x, y = instance.points[orbits.representatives[o]]
        near = sorted((min(c - low, high - c), (high - low) / 2) for c, low, high in zip((x, y), *box, strict=True))
        return near[0][0] / 0.8, near[1][0] / near[1][1] / 0.035

    expected = np.zeros(orbits.count)
    for o in inner:
        for other in inner:
            (a, b), (c, d) = place(o), place(other)
            near = np.exp(-((a - c) ** 2 + (b - d) ** 2) / 2)
            expected[o] += near * counts[other] * orbits.weights[other] * orbits.weights[o]
    assert np.allclose(where.spread(counts), expected)


def test_ground_sets_without_coordinates_have_no_places():
    assert places_of(problem("no-four-cycle", 8), "none") is None
