"""Imports: the ways a construction can be written down, and the ways a file can be broken or hostile."""

import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import isosceles, read, read_all

from patternboost.problem import ProblemError
from patternboost.store.construction import Construction
from patternboost.store.exporting import export_bytes, export_file
from patternboost.store.files import FileError
from patternboost.store.reading import boards

POINTS = ((0, 1), (2, 0))


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
