"""Imports: the files that people have, each as its author wrote it."""

from pathlib import Path

import pytest
from samples import read, read_all

from patternboost.store.construction import Construction
from patternboost.store.files import FileError

ISOSCELES_12 = [(0, 1), (0, 10), (2, 0), (2, 3), (2, 8), (2, 11), (4, 0), (4, 11), (5, 2), (5, 9), (6, 2), (6, 9),
                (7, 0), (7, 11), (9, 0), (9, 3), (9, 8), (9, 11), (11, 1), (11, 10)]  # fmt: skip
LINES_6 = [(0, 1), (0, 2), (1, 2), (1, 5), (2, 4), (2, 5), (3, 0), (3, 1), (4, 0), (4, 3), (5, 3), (5, 4)]
CUBE_4 = [(1, 1, 3), (1, 3, 1), (1, 3, 4), (2, 4, 3), (3, 1, 1), (3, 2, 4), (3, 4, 1), (4, 1, 3), (4, 3, 2), (4, 4, 4)]


def board(points: list[tuple[int, int]], n: int, full: str, empty: str, between: str = "") -> str:
    rows = [between.join(full if (r, c) in points else empty for c in range(n)) for r in range(n)]
    return "\n".join(rows) + "\n"


def scores(found: list[Construction]) -> list[tuple[int, int, bool]]:
    return [(c.n, c.score, c.check() == []) for c in found]


@pytest.mark.parametrize(
    ("full", "empty"),
    ["X.", "XO", "Xo", "#.", "*-", "x_", "1.", "10", "@.", "O.", "o.", "0.", "0\u00b7", "O\u00b7", "Q0", "\u25a0."],
)
@pytest.mark.parametrize("between", ["", " "])
def test_boards_of_any_two_characters(tmp_path: Path, full: str, empty: str, between: str) -> None:
    (found,) = read(tmp_path, board(ISOSCELES_12, 12, full, empty, between), n=None)
    assert found.points == tuple(ISOSCELES_12)


def test_a_board_in_doubt_asks_and_is_told(tmp_path: Path) -> None:
    text = board(ISOSCELES_12, 12, "b", "a")
    with pytest.raises(FileError, match=r"which of 'a' and 'b' is a point\? pass --point 'a' or --point 'b'$"):
        read(tmp_path, text, n=12)
    assert read_all(tmp_path / "file", "isosceles", 12, point="b")[0].points == tuple(ISOSCELES_12)
    with pytest.raises(FileError, match="a board of 2 x 3: a board must have as many rows as columns"):
        read(tmp_path, "XOO\nOXO\n", n=None)
    with pytest.raises(FileError, match="holds no points"):
        read(tmp_path, "...\n...\n...\n")


@pytest.mark.parametrize(
    "text",
    [
        '{"n": 12, "points": P}',
        '{"size": 12, "solution": P, "by": "somebody"}',
        '{"problem": "noisosceles", "instance": {"n": 12}, "set": P}',
        '{"result": {"points": P}, "n": 12}',
        "best_12 = P  # found on a Monday",
        "# a comment\nbest = {\nP\n}\n",
        "n = 12\n\nP\n",
        "Grid size: 12 (see Wagner, 2023)\nPoints (row, col):\nP",
        "12 x 12, 20 points: P;",
        "L",
    ],
)
def test_lists_and_objects_of_many_kinds(tmp_path: Path, text: str) -> None:
    lines = "\n".join(map(str, ISOSCELES_12))
    body = str([list(p) for p in ISOSCELES_12]) if "{" in text and '"' in text else str(ISOSCELES_12)
    content = text.replace("P", body, 1) if "Points (row" not in text else text.replace(":\nP", ":\n" + lines)
    found = read(tmp_path, content.replace("L", lines) if text == "L" else content, n=12)
    assert [c.points for c in found] == [tuple(ISOSCELES_12)]


def test_several_sets_with_headings_and_a_set_that_is_shown_twice(tmp_path: Path) -> None:
    text = f"Solutions\n\nn=6:\n{LINES_6}\n\nn = 7:\n[(0, 2),\n (0, 4),\n (1, 3)]\n"
    assert scores(read(tmp_path, text, problem="no-three-in-line", n=None)) == [(6, 12, True), (7, 3, True)]
    twice = f"Size: 6\n\n{board(LINES_6, 6, 'O', '.')}\nPoints (row, col):\n" + "\n".join(map(str, LINES_6))
    assert scores(read(tmp_path, twice, problem="no-three-in-line", n=None)) == [(6, 12, True)]
    tuples = f"{tuple(LINES_6)}\n{tuple(LINES_6[:4])}"
    assert [c.score for c in read(tmp_path, tuples, problem="no-three-in-line", n=6)] == [12, 4]


def test_coordinates_that_count_from_one(tmp_path: Path) -> None:
    semicolons = ", ".join(map(str, CUBE_4)) + ";"
    with pytest.raises(FileError, match=r"point \[1, 3, 4\] is off the board .* 1-based\? pass --from-one"):
        read(tmp_path, semicolons, problem="no-four-coplanar", n=4)
    (cube,) = read_all(tmp_path / "file", "no-four-coplanar", 4, from_one=True)
    assert cube.check() == []
    assert cube.points[0] == (0, 0, 2)
    csv = "row,column\n" + "".join(f"{r + 1},{c + 1}\n" for r, c in ISOSCELES_12)
    with pytest.raises(FileError, match="1-based"):
        read(tmp_path, csv, n=12)
    assert read_all(tmp_path / "file", "isosceles", 12, from_one=True)[0].points == tuple(ISOSCELES_12)


def test_run_length_encoded_boards(tmp_path: Path) -> None:
    bodies = "2bobo$3bo2bo$bo3bo$o5bo$bo3bo$o2bo$2bobo!\n3bobo$2bobo$o5bo$bo3bo$o5bo$2bobo$bobo!\n"
    found = read(tmp_path, bodies, problem="no-three-in-line", n=7)
    assert scores(found) == [(7, 14, True), (7, 14, True)]
    header = "#C no three in line\nx = 7, y = 7, rule = B3/S23\n2bobo$3bo2bo$bo3bo$o5bo$bo3bo$o2bo$2bobo!\n"
    assert read(tmp_path, header, problem="no-three-in-line", n=None)[0].points == found[0].points
    assert read(tmp_path, "o2$2bo!", n=None)[0].points == ((0, 0), (2, 2))


def test_graphs(tmp_path: Path) -> None:
    bipartite = [(u, v) for u in range(5) for v in range(5, 10)]
    order = [(u, v) for u in range(10) for v in range(u + 1, 10)]
    triangle = "".join("1" if e in bipartite else "0" for e in order)
    dimacs = "c a graph\np edge 10 25\n" + "".join(f"e {u + 1} {v + 1}\n" for u, v in bipartite)
    networkx = pytest.importorskip("networkx")
    graph = networkx.Graph()
    graph.add_nodes_from(range(10))
    graph.add_edges_from(bipartite)
    for content in (triangle, dimacs, networkx.to_graph6_bytes(graph), networkx.to_sparse6_bytes(graph, header=False)):
        (found,) = read(tmp_path, content, problem="no-triangle", n=None)
        assert (found.n, found.points, found.check()) == (10, tuple(bipartite), [])
    (full,) = read(tmp_path, ">>graph6<<D~{", problem="no-triangle", n=5)
    assert full.score == 10
    assert "forbidden set" in full.check()[0]


def test_what_is_no_set_of_points_is_called_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="a sequence of values"):
        read(tmp_path, "".join(f"{n} {2 * n - 2}\n" for n in range(1, 9)), n=None)
    with pytest.raises(FileError, match="a board of 2 x 5"):
        read(tmp_path, "X O O O X\nO O X O O\n", n=None)
    with pytest.raises(FileError, match=r"point \[0, 1, 2\]: a point of isosceles n=3 has 2 coordinates, not 3"):
        read(tmp_path, "[[0, 1, 2]]")
    header = "column,row\n1,0\n0,2\n"
    assert read(tmp_path, header)[0].points == ((0, 1), (2, 0))
