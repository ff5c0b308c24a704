"""What ships with the package: every certificate is valid, is what its name says, and is there on a new machine."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from commands import invoke

from patternboost.loop import seeding
from patternboost.loop.seeding import collect
from patternboost.problem.registry import find_problem, problem
from patternboost.report.record_table import record_rows
from patternboost.store import library
from patternboost.store.archive import Archive
from patternboost.store.construction import Construction

CONSTRUCTIONS = Path(__file__).parent.parent / "problems" / "constructions"


@pytest.mark.parametrize("key", library._listed(), ids=lambda key: f"{key[0]}-{key[1]}")
def test_every_certificate_that_ships_is_valid(key):
    name, n = key
    shipped = library.shipped(problem(name, n))
    assert shipped.check() == []
    assert (shipped.problem, shipped.n) == key
    assert library._listed()[key] == f"{shipped.name}.json"
    assert shipped.claimed_sha256 == shipped.sha256
    assert str(shipped.found["program"]).startswith("patternboost ")


def test_the_better_one_of_archive_and_package_counts(monkeypatch, home):
    instance = problem("isosceles", 5)
    three = Construction.of(instance, [(0, 0), (0, 1), (0, 3)])
    assert three.check() == []
    four = Construction.of(instance, [(0, 0), (0, 1), (0, 3), (0, 4)])
    assert four.check() == []
    monkeypatch.setattr(library, "_listed", lambda: {("isosceles", 5): "x"})
    with Archive() as archive:
        archive.add([three])
        for shipped, expected in ((four, [4, 3]), (three, [3]), (None, [3])):
            monkeypatch.setattr(library, "shipped", lambda i, s=shipped: s)
            assert [c.score for c in library.best(archive, instance, 9)] == expected
            assert library.sizes(archive, "isosceles") == [5]
            assert library.summary(archive, "isosceles")["isosceles", 5]["score"] == expected[0]
            assert library.summary(archive, "no-square") == {}
            row = next(row for row in record_rows("isosceles") if row["n"] == 5)
            assert row["ours"] == expected[0]
        monkeypatch.setattr(library, "shipped", lambda i: four)
        seeds = collect(problem("isosceles", 6), ["archive"], archive)
        assert [c.score for c in seeds] == [4, 3]
    answer = invoke("export", "isosceles", 5, "--format", "python")
    assert answer.out.count("(") == 4


def test_far_sizes_give_a_few_seeds_and_near_ones_more(home, monkeypatch):
    monkeypatch.setattr(seeding, "PER_SIZE", 3)
    monkeypatch.setattr(seeding, "PER_FAR_SIZE", 1)
    monkeypatch.setattr(seeding, "LEARNED", 2)
    with Archive() as archive:
        archive.add(Construction.of(problem("isosceles", n), [(0, k)]) for n in (4, 6, 7) for k in range(n // 2))
        seeds = collect(problem("isosceles", 8), ["archive"], archive)
    counts = Counter(c.n for c in seeds if c.n in (4, 6, 7))
    assert counts[6] == counts[7] == 3
    assert counts[4] == 1


@pytest.mark.long
def test_an_empty_archive_has_what_ships(home):
    names = {name for name, _ in library._listed()}
    assert names >= {"isosceles", "no-three-in-line"}
    for name in names:
        with Archive() as archive:
            sizes = library.sizes(archive, name)
            assert sizes == sorted(n for listed, n in library._listed() if listed == name)
            larger = find_problem(name).at(max(sizes) + 1)
            assert len(collect(larger, ["archive"], archive)) == len(sizes)


def _apart(points):
    """Whether no point has two others at the same distance, by plain whole numbers alone."""
    for r, c in points:
        squares = [(r - y) ** 2 + (c - x) ** 2 for y, x in points if (y, x) != (r, c)]
        if len(set(squares)) < len(squares):
            return False
    return True


@pytest.mark.parametrize("path", sorted(CONSTRUCTIONS.glob("isosceles-n*.json")), ids=lambda path: path.stem)
def test_our_isosceles_table_is_checked_apart_from_the_program(path):
    """Read by the json module, judged by brute force: nothing of the program takes part."""
    certificate = json.loads(path.read_text())
    points = [tuple(point) for point in certificate["points"]]
    assert len(set(points)) == certificate["score"]
    assert all(0 <= r < certificate["n"] and 0 <= c < certificate["n"] for r, c in points)
    assert _apart(points)


def test_the_results_have_the_table_that_ships():
    """Rows of docs/results.md: `| 1 to 10 | 1 2 4 ... |`, and further sizes with their scores in the same order."""
    text = (Path(__file__).parent.parent / "docs" / "results.md").read_text()
    table = text[text.index("## Our own table") :]
    written = {}
    for sizes, scores in re.findall(r"^\| ([\d, to]+) \| ([\d ]+) \|$", table, re.MULTILINE):
        ends = [int(n) for n in re.findall(r"\d+", sizes)]
        of = range(ends[0], ends[1] + 1) if "to" in sizes else ends
        written |= dict(zip(of, map(int, scores.split()), strict=True))
    shipped = {n: library.shipped(problem(name, n)).score for name, n in library._listed() if name == "isosceles"}
    assert written == shipped
    said = re.search(r"2 n points, the optimum, for n = 2 to (\d+), ([\d, and]+),", table)
    of = {*range(2, int(said[1]) + 1), *map(int, re.findall(r"\d+", said[2]))}
    three = {n: library.shipped(problem(name, n)).score for name, n in library._listed() if name == "no-three-in-line"}
    assert {n for n, score in three.items() if score == 2 * n} == of
