"""Every optimum up to symmetry: counts against those that are published, and against brute force."""

import sqlite3
import time
from itertools import combinations
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from commands import invoke, refused

from patternboost.exact import graphs as growing
from patternboost.exact.optima import images, optima
from patternboost.problem import Instance
from patternboost.problem.registry import problem
from patternboost.problem.symmetry import canonical_key
from patternboost.store.archive import Archive
from patternboost.store.construction import load

pytest.importorskip("ortools", reason="needs the extra: pip install 'patternboost[exact]'")
pytest.importorskip("pynauty", reason="needs the extra: pip install 'patternboost[graphs]'")


def counted(instance: Instance, points: int, symmetry: str = "none") -> tuple[int, int]:
    """How many sets of so many points there are: up to symmetry, and with all images where they are listed."""
    found, complete = optima(instance, symmetry, points, parts=[], over=lambda: False, tell=lambda _: None)
    assert complete
    for elements in found:
        assert len(elements) == points
        assert instance.violation(instance.to_points(elements)) is None
    assert len({canonical_key(instance, elements) for elements in found}) == len(found)
    return len(found), sum(images(instance, elements) or 0 for elements in found)


@pytest.mark.long
@pytest.mark.parametrize(
    ("n", "up_to_symmetry", "in_all"),  # OEIS A000769 and A000755
    [(2, 1, 1), (3, 1, 2), (4, 4, 11), (5, 5, 32), (6, 11, 50), (7, 22, 132), (8, 57, 380)],
)
def test_no_three_in_line_as_published(n: int, up_to_symmetry: int, in_all: int) -> None:
    assert counted(problem("no-three-in-line", n), 2 * n) == (up_to_symmetry, in_all)


@pytest.mark.parametrize(
    ("n", "edges", "count"),  # OEIS A006855 and A335820
    list(zip(range(2, 13), (1, 3, 4, 6, 7, 9, 11, 13, 16, 18, 21), (1, 1, 1, 1, 4, 5, 5, 10, 2, 11, 3), strict=True)),
)
def test_graphs_without_a_four_cycle_as_published(n: int, edges: int, count: int) -> None:
    instance = problem("no-four-cycle", n)
    assert counted(instance, edges)[0] == count
    assert counted(instance, edges + 1)[0] == 0


@pytest.mark.parametrize("name", ["no-four-cycle", "no-triangle", "no-k4"])
def test_small_graphs_against_the_atlas(name: str) -> None:
    """The atlas holds every graph up to seven vertices once."""
    for n in range(4, 7):
        instance = problem(name, n)
        valid = [
            graph.number_of_edges()
            for graph in nx.graph_atlas_g()
            if graph.number_of_nodes() == n and instance.violation([(min(e), max(e)) for e in graph.edges]) is None
        ]
        for edges in range(max(valid) + 2):
            assert counted(instance, edges)[0] == valid.count(edges)


def test_isosceles_against_brute_force() -> None:
    for n, best in ((2, 2), (3, 4), (4, 6)):
        instance = problem("isosceles", n)
        valid = [
            np.array(chosen, np.int64)
            for chosen in combinations(range(n * n), best)
            if instance.violation(instance.to_points(np.array(chosen, np.int64))) is None
        ]
        assert counted(instance, best) == (len({canonical_key(instance, e) for e in valid}), len(valid))


def test_isosceles_as_docs_results_says() -> None:
    assert [counted(problem("isosceles", n), best)[0] for n, best in ((5, 7), (6, 9), (7, 10))] == [6, 2, 114]


def test_within_a_class_and_of_more_than_the_optimum() -> None:
    instance = problem("no-three-in-line", 6)
    of_all, _ = optima(instance, "none", 12, parts=[], over=lambda: False, tell=lambda _: None)
    turned, _ = optima(instance, "quarter-turn", 12, parts=[], over=lambda: False, tell=lambda _: None)
    assert {e.tobytes() for e in turned} < {e.tobytes() for e in of_all}
    assert counted(instance, 13) == (0, 0)


def test_what_is_stopped_says_so() -> None:
    end = time.monotonic() + 0.3
    for name, n, points in (("isosceles", 10, 16), ("no-triangle", 14, 40)):
        found, complete = optima(
            problem(name, n), "none", points, parts=[], over=lambda: time.monotonic() > end, tell=lambda _: None
        )
        assert not complete, len(found)


def test_the_command_counts_keeps_and_tells(tmp_path: Path) -> None:
    answer = invoke("prove", "no-four-cycle", 8, "--all", "--jobs", 1, "--run-dir", tmp_path / "a", "--quiet")
    assert answer.status == 0
    assert answer.out.splitlines()[0] == "5 optima up to symmetry"
    assert answer.last.startswith("optimum 11 no-four-cycle n=8 proved")
    files = list((tmp_path / "a" / "optima").glob("*.json"))
    assert len(files) == 5
    assert all(load(file).check() == [] for file in files)
    answer = invoke("prove", "no-three-in-line", 5, "--all", "--jobs", 1, "--run-dir", tmp_path / "b", "--quiet")
    assert answer.out.splitlines()[0] == "5 optima up to symmetry, 32 in all"
    assert "optimal, proved here; 5 up to symmetry" in invoke("records", "no-three-in-line").out
    with Archive() as archive:
        assert len(archive.best(problem("no-three-in-line", 5), 100)) == 5
        assert [(c.n, c.up_to_symmetry, c.in_all) for c in archive.counts("no-four-cycle")] == [(8, 5, None)]


def test_what_time_cuts_short_is_not_counted(tmp_path: Path) -> None:
    arguments = ["isosceles", 10, "--symmetry", "mirror", "--all", "--minutes", 0.02, "--run-dir", tmp_path / "a"]
    answer = invoke("prove", *arguments, "--quiet")
    assert answer.status == 0
    assert "up to symmetry" not in answer.out or answer.out.startswith("at least ")
    with Archive() as archive:
        assert archive.counts() == []


def test_what_cannot_be_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(invoke("prove", "isosceles", 5, "--all", "--target", 7, "--run-dir", tmp_path), "leave out --target")
    monkeypatch.setattr(growing, "has_pynauty", lambda: False)
    refused(invoke("prove", "no-triangle", 5, "--all", "--run-dir", tmp_path), "patternboost[graphs]")


def test_an_earlier_archive_that_can_only_be_read_has_no_counts(home: Path) -> None:
    with Archive():
        pass
    database = sqlite3.connect(home / "archive.sqlite")
    database.execute("drop table counts")
    database.close()
    with Archive(instead=True) as archive:
        assert archive.counts() == []
