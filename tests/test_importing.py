"""Imports: the ways people write constructions down, and the ways a file can be broken or hostile."""

import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import isosceles, read_all

from patternboost.problem import ProblemError
from patternboost.store.construction import Construction
from patternboost.store.exporting import export_bytes, export_file
from patternboost.store.files import FileError
from patternboost.store.reading import boards

POINTS = ((0, 1), (2, 0))


def read(
    folder: Path,
    content: str | bytes,
    name: str = "file",
    problem: str | None = "isosceles",
    n: int | None = 3,
) -> list[Construction]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_all(path, problem, n)


@pytest.mark.parametrize(
    "content",
    [
        "row,column\n0,1\n2,0\n",
        "0,1\n2,0",
        "\ufeffRow, Column\r\n0, 1\r\n\r\n2, 0\r\n",
        "column,row\n1,0\n0,2\n",
        "id,row,column\n7,0,1\n8,2,0\n",
        "x,y\n1,0\n0,2\n",
        "row,column\n0.0,1.0\n2,0\n",
        "0;1\n2;0\n",
        "0\t1\n2\t0\n",
        "0 1\n2 0\n",
        '"0","1"\n"2","0"\n',
        ".#.\n...\n#..\n",
        "\n. # .\n. . .\n# . .",
        ".#.\r...\r#..\r",
        "010\n000\n100\n",
        "0 1 0\n0 0 0\n1 0 0\n",
        ".*.\n...\n*..\n",
        ".o.\n...\no..\n",
        ".X.\n...\nX..\n",
        "010000100",
        "[[0, 1], [2, 0]]",
        "[(0, 1), (2, 0)]\n",
        "((0, 1), (2, 0))",
        " [\n  (2, 0),\n  (0, 1,),\n]",
    ],
)
def test_ways_to_write_two_points(tmp_path: Path, content: str) -> None:
    (construction,) = read(tmp_path, content)
    assert construction.points == POINTS
    assert (construction.problem, construction.n) == ("isosceles", 3)


def test_several_strings_of_bits(tmp_path: Path) -> None:
    found = read(tmp_path, "010000100\n0110\n\n1\n", n=None)
    assert [(c.n, c.points) for c in found] == [(3, POINTS), (2, ((0, 1), (1, 0))), (1, ((0, 0),))]


def test_several_boards(tmp_path: Path) -> None:
    found = read(tmp_path, ".#\n..\n\n\n#..\n...\n...\n", n=None)
    assert [(c.n, c.points) for c in found] == [(2, ((0, 1),)), (3, ((0, 0),))]


def test_four_rows_of_four_are_a_board_unless_n_says_otherwise(tmp_path: Path) -> None:
    rows = "1000\n0000\n0000\n0001\n"
    assert [c.n for c in read(tmp_path, rows, n=None)] == [4]
    assert [c.n for c in read(tmp_path, rows, n=4)] == [4]
    assert [c.points for c in read(tmp_path, rows, n=2)] == [((0, 0),), (), ((1, 1),)]  # each set once


def test_the_ending_decides_only_what_the_content_leaves_open(tmp_path: Path) -> None:
    assert read(tmp_path, "0 1\n1 0\n", "a.csv", n=2)[0].points == ((0, 1), (1, 0))
    assert read(tmp_path, "0 1\n0 0\n", "a.txt", n=2)[0].points == ((0, 1),)
    assert read(tmp_path, ".#.\n...\n#..\n", "a.json")[0].points == POINTS


def test_points_are_not_judged(tmp_path: Path) -> None:
    (construction,) = read(tmp_path, "0,0\n0,1\n1,0\n9,9\n9,9\n")
    assert len(construction.points) == 5
    assert construction.check()


def test_what_is_left_unsaid(tmp_path: Path) -> None:
    for content in ("0,1\n", "[[0, 1]]"):
        with pytest.raises(FileError, match=r"file: does not say its problem or size: pass --problem NAME and --n N$"):
            read(tmp_path, content, problem=None, n=None)
        with pytest.raises(FileError, match=r"does not say its size: pass --n N$"):
            read(tmp_path, content, n=None)
        with pytest.raises(FileError, match=r"does not say its problem: pass --problem NAME$"):
            read(tmp_path, content, problem=None)
    with pytest.raises(FileError, match=r"does not say its problem: pass --problem NAME$"):
        read(tmp_path, ".#\n..\n", problem=None, n=None)


@pytest.mark.parametrize("format", ["json", "npz"])
def test_what_the_file_says_must_agree(tmp_path: Path, format: str) -> None:
    path = export_file(isosceles(5), format, tmp_path / "file")
    assert read_all(path, "isosceles", 5) == read_all(path)
    with pytest.raises(FileError, match="is for n = 5, not 6"):
        read_all(path, n=6)
    with pytest.raises(FileError, match="is for the problem 'isosceles', not no-three-in-line"):
        read_all(path, "no-three-in-line")
    with pytest.raises(FileError, match="is for n = 2, not 3"):
        read(tmp_path, ".#\n..\n")


def npz(**arrays: object) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def zipped(content: bytes, compression: int = zipfile.ZIP_STORED, name: str = "points.npy") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def test_npz_of_points_alone(tmp_path: Path) -> None:
    assert read(tmp_path, npz(points=np.array([[2, 0], [0, 1]], np.uint8)))[0].points == POINTS
    with pytest.raises(FileError, match="pass --problem NAME and --n N"):
        read(tmp_path, npz(points=np.array([[2, 0], [0, 1]])), problem=None, n=None)


def test_npz_that_was_changed_is_found_out(tmp_path: Path) -> None:
    (construction,) = read(tmp_path, npz(points=[[0, 1]], score=2, sha256="0" * 64))
    assert len(construction.check()) == 2


def header(shape: str, descr: str = "'<i8'") -> bytes:
    said = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".encode()
    return b"\x93NUMPY\x01\x00" + len(said).to_bytes(2, "little") + said


class Bomb:
    """Unpickling it would end the test run."""

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (66,)


GOOD = export_bytes(isosceles(4), "npz")
HOSTILE: dict[str, str | bytes] = {
    "empty": "",
    "blank": " \n\t\n",
    "prose": "hello, world",
    "more prose": "Dear all,\nthese are not points.",
    "binary": bytes(range(256)),
    "not utf-8": "0,1\né".encode("latin-1"),
    "utf-16": "0,1\n".encode("utf-16"),
    "nul": "0,1\0\n",
    "png": b"\x89PNG\r\n\x1a\n",
    "pickle": pickle.dumps(Bomb()),
    "npy of objects": zipped(header("(1,)", "'|O'") + pickle.dumps(Bomb())),
    "numpy objects": npz(points=np.array([{}], object)),
    "truncated zip": GOOD[: len(GOOD) // 2],
    "zip cut at the end": GOOD[:-10],
    "zip of nothing": zipped(b"")[-22:],
    "flipped bits": GOOD[:130] + bytes(255 - x for x in GOOD[130:200]) + GOOD[200:],
    "zip bomb": zipped(bytes(64 << 20), zipfile.ZIP_DEFLATED),
    "no array": zipped(b"hello"),
    "no points": zipped(header("(1, 2)") + bytes(16), name="n.npy"),
    "array cut short": zipped(header("(1000000000000, 2)") + bytes(16)),
    "array of nothings": zipped(header("(1000000000000000000,)", "'<U0'")),
    "no coordinates": zipped(header("(1000000, 0)")),
    "floats": npz(points=np.array([[0.0, np.nan]])),
    "one-dimensional": npz(points=np.arange(4)),
    "many coordinates": npz(points=np.zeros((2, 99), int)),
    "huge coordinates": npz(points=np.array([[2**63, 0]], np.uint64)),
    "too many points": npz(points=np.zeros((70_000, 2), np.int8)),
    "n of text": npz(points=[[0, 1]], n="3"),
    "n of several": npz(points=[[0, 1]], n=[3, 3]),
    "problem path": npz(points=[[0, 1]], problem="/tmp/evil.py"),
    "deep header": zipped(header("(" * 3000 + ")" * 3000)),
    "deep list": "[" * 200_000,
    "deep tuple": "(" * 200_000,
    "closed deep list": "[" * 100_000 + "]" * 100_000,
    "deep object": '{"a":' * 100_000,
    "mixed brackets": "[(0, 1], (2, 0)]",
    "unclosed": "[(0, 1), (2, 0)",
    "empty point": "[[]]",
    "call": "[(__import__('os')._exit(66), 1)]",
    "text in a list": '[["0", 1]]',
    "NaN in a list": "[[NaN, 1]]",
    "Infinity in a list": "[[Infinity, 1]]",
    "truth in a list": "[[true, 1]]",
    "float in a list": "[[1.5, 1]]",
    "huge float": "[[1e999, 1]]",
    "huge int": "[[" + "9" * 5000 + ", 1]]",
    "large int": "[[4294967296, 1]]",
    "point of many": "[[" + "1," * 50 + "1]]",
    "too long list": "[" + "[0,1]," * 70_000 + "[0,1]]",
    "list of MiBs": "[" + " " * (5 << 20) + "]",
    "other object": '{"dots": [[0, 1]]}',
    "points of another dimension": "[[0, 1, 2], [1, 1, 1]]",
    "points of two dimensions": "[[0, 1, 2], [1, 1]]",
    "object of text": '{"points": "evil"}',
    "object of objects": '{"points": [{"x": 1}]}',
    "rle of another shape": "x = 3, y = 9\n3o!",
    "rle bomb": "9999999o!",
    "graph6 of one vertex too many": ">>graph6<<~??~",
    "graph6 cut short": ">>graph6<<J",
    "sparse6 of nothing": ">>sparse6<<:",
    "dimacs of words": "p edge 3 1\ne one two",
    "dimacs of many": "p edge 100000 1\ne 1 2",
    "dimacs loop": "p edge 3 1\ne 2 2",
    "a board without a point": "...\n...\n...\n",
    "a board in doubt": "aba\nbab\naba\n",
    "NaN in a certificate": '{"format": "patternboost-certificate/1", "n": NaN}',
    "huge n": '{"format": "patternboost-certificate/1", "problem": "isosceles", "n": 999999999999, "points": []}',
    "csv of floats": "0.5,1\n",
    "csv of NaN": "row,column\nnan,1\n",
    "csv of huge ints": "9" * 5000 + ",1\n",
    "csv of large ints": "4294967296,1\n",
    "csv of other digits": "\u0663,1\n",
    "csv with underscores": "1_0,1\n",
    "uneven csv": "0,1\n2\n",
    "unclosed quote": '"0,1\n' + "2,0\n" * 50_000,
    "csv of many columns": ",".join("1" * 50) + "\n",
    "too long csv": "0,1\n" * 70_000,
    "header only": "alpha,beta\n",
    "uneven board": ".#.\n..\n#..\n",
    "board that is not square": ".#.\n...\n",
    "bits that are not square": "01010\n",
    "board of another size": "#...\n....\n....\n....\n",
    "too many lines": "1\n" * 150_000,
    "too many boards": "1\n\n" * 150_000,
    "huge board": "1" * 1000**2,
    "unknown characters": ".#?\n...\n...\n",
    "svg": "<svg></svg>",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("said", [(None, None), ("isosceles", 3)], ids=["alone", "said"])
def test_hostile_files_are_refused_in_one_line(
    tmp_path: Path, content: str | bytes, said: tuple[str | None, int | None]
) -> None:
    with pytest.raises((FileError, ProblemError), match=r"^[^\n]+$"):
        read(tmp_path, content, problem=said[0], n=said[1])


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(40 << 20)
    with pytest.raises(FileError, match="larger than 32 MiB"):
        read_all(tmp_path / "large")
    with (tmp_path / "large").open("r+b") as file:
        file.write(GOOD)
    with pytest.raises(FileError, match="larger than 32 MiB"):
        read_all(tmp_path / "large")
    monkeypatch.setattr(boards, "MAX_ALL_POINTS", 10)
    with pytest.raises(FileError, match="10 points, refused"):
        read(tmp_path, "1111\n1111\n1111\n", n=2)


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("missing", "pipe", "."):
        with pytest.raises(FileError, match=r"^[^\n]+$"):
            read_all(tmp_path / name)


def attempt(folder: Path, content: bytes, **said: object) -> list[Construction] | None:
    """What is read, or None where the file is refused in the way that is promised; any other error passes through."""
    try:
        return read(folder, content, **said)  # type: ignore[arg-type]
    except (FileError, ProblemError) as error:
        if "\n" in str(error):
            raise RuntimeError("a message of several lines") from error
        return None


@given(st.binary(max_size=200) | st.text("01.#,[]() \n-", max_size=60).map(str.encode) | st.text().map(str.encode))
@settings(deadline=None, max_examples=400)
def test_any_content_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    for n in (None, 3):
        assert attempt(folder, content, n=n) != []


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
@settings(deadline=None, max_examples=300)
def test_any_changed_byte_of_an_npz_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int
) -> None:
    content = GOOD[:place] + bytes([value]) + GOOD[place + 1 :]
    attempt(tmp_path_factory.getbasetemp(), content, problem=None, n=None)


# -- the files that people have ----------------------------------------------------------------------------------------

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
    assert read(tmp_path, header)[0].points == POINTS
