"""Exports: every format, only of what the verifier passed, and always the same bytes."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import broken, cube, edges, greedy, isosceles, read_all, undrawn

from patternboost.problem.registry import problem
from patternboost.store.construction import Construction
from patternboost.store.exporting import FORMATS, export_bytes, export_file
from patternboost.store.files import FileError

DATA = ("json", "csv", "txt", "npz", "bits", "python")
TWO = Construction.of(problem("isosceles", 3), [(2, 0), (0, 1)])


def test_formats() -> None:
    assert FORMATS == ("json", "csv", "txt", "npz", "svg", "png", "tikz", "bits", "python")


@given(st.sampled_from(DATA), st.sampled_from(["isosceles", "no-three-in-line"]), st.integers(1, 8), st.integers(0, 99))
@settings(deadline=None, max_examples=200)
def test_import_gives_back_what_was_exported(
    tmp_path_factory: pytest.TempPathFactory, format: str, name: str, n: int, seed: int
) -> None:
    construction = greedy(problem(name, n), seed)
    path = tmp_path_factory.mktemp("round") / "file"
    for ending in (f".{format}", ""):  # the content alone is enough
        export_file(construction, format, path.with_suffix(ending))
        said = {"json": {}, "npz": {}}.get(format, {"problem_name": name, "n": n})
        (back,) = read_all(path.with_suffix(ending), **said)
        assert back == replace(
            construction,
            claimed_score=back.claimed_score,
            claimed_sha256=back.claimed_sha256,
            claimed_symmetry=back.claimed_symmetry,
            found=back.found,
        )
        assert back.points == construction.points
        assert back.score == construction.score
        assert back.check() == []


@pytest.mark.parametrize("format", FORMATS)
def test_an_invalid_construction_is_refused(format: str, tmp_path: Path) -> None:
    path = tmp_path / "out"
    with pytest.raises(ValueError, match=r"^not a valid isosceles n=8 construction: forbidden set[^\n]*$"):
        export_file(broken(8), format, path)
    assert list(tmp_path.iterdir()) == []
    off = Construction.of(problem("isosceles", 3), [(0, 3)])
    with pytest.raises(ValueError, match="off the board"):
        export_bytes(off, format)
    with pytest.raises(ValueError, match="sha256 is wrong"):
        export_bytes(replace(TWO, claimed_sha256="0"), format)


@pytest.mark.parametrize("format", FORMATS)
def test_bytes_are_the_same_every_time(format: str) -> None:
    assert export_bytes(isosceles(6), format) == export_bytes(isosceles(6), format)


def test_unknown_format_names_those_that_would_do() -> None:
    with pytest.raises(ValueError, match=r"unknown format 'pdf': use one of json, csv"):
        export_bytes(TWO, "pdf")


def test_texts() -> None:
    assert export_bytes(TWO, "csv") == b"row,column\n0,1\n2,0\n"
    assert export_bytes(TWO, "txt") == b".#.\n...\n#..\n"
    assert export_bytes(TWO, "bits") == b"010000100\n"
    assert export_bytes(TWO, "python") == b"[(0, 1), (2, 0)]\n"
    assert json.loads(export_bytes(TWO, "json"))["points"] == [[0, 1], [2, 0]]
    assert export_bytes(TWO, "svg").startswith(b"<svg")
    assert export_bytes(TWO, "png").startswith(b"\x89PNG")
    assert export_bytes(TWO, "tikz").startswith(b"\\begin{tikzpicture}")


def test_npz_loads_without_pickle() -> None:
    with np.load(io.BytesIO(export_bytes(TWO, "npz")), allow_pickle=False) as arrays:
        assert arrays["points"].dtype == np.int64
        assert arrays["points"].tolist() == [[0, 1], [2, 0]]
        assert (int(arrays["n"]), int(arrays["score"])) == (3, 2)
        assert str(arrays["problem"]) == "isosceles"
        assert str(arrays["sha256"]) == TWO.sha256


def test_no_points_at_all(tmp_path: Path) -> None:
    empty = Construction.of(problem("isosceles", 4), [])
    for format in DATA:
        (back,) = read_all(export_file(empty, format, tmp_path / format), "isosceles", 4)
        assert back.points == ()


def test_ground_sets_that_are_no_grid() -> None:
    assert export_bytes(edges(), "csv") == b"u,v\n0,1\n1,4\n"
    assert export_bytes(edges(), "python") == b"[(0, 1), (1, 4)]\n"
    assert export_bytes(cube(), "csv") == b"x,y,z\n0,1,2\n2,0,0\n"
    for format in ("txt", "bits"):
        for construction in (edges(), cube()):
            with pytest.raises(ValueError, match="not a grid"):
                export_bytes(construction, format)
    for format in ("svg", "png", "tikz"):
        assert export_bytes(edges(), format)
        with pytest.raises(ValueError, match="has no picture"):
            export_bytes(undrawn(), format)


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match="cannot be written"):
        export_file(TWO, "csv", tmp_path / "file" / "out.csv")
