"""Exports: every format, only of what the verifier passed, and always the same bytes."""

import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import invoke, refused
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import broken, cube, edges, greedy, isosceles, read_all, undrawn

from patternboost.problem.registry import find_problem, problem, problem_names
from patternboost.search.tasks import Effort, Task, run_task
from patternboost.store.certified import certified
from patternboost.store.construction import Construction
from patternboost.store.exporting import FORMATS, export_bytes, export_file
from patternboost.store.files import FileError
from patternboost.store.reading import read_file

DATA = ("json", "csv", "txt", "npz", "bits", "python", "rle")
GRAPHS = ("graph6", "dimacs")
TWO = Construction.of(problem("isosceles", 3), [(2, 0), (0, 1)])


def test_formats() -> None:
    named = ("json", "csv", "txt", "npz", "svg", "png", "tikz", "bits", "python", "rle", "graph6", "dimacs", "checker")
    assert named == FORMATS


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
    make = edges if format in GRAPHS else lambda: isosceles(6)
    assert export_bytes(make(), format) == export_bytes(make(), format)


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
    for format in ("json", "csv", "npz"):
        (back,) = read_all(export_file(empty, format, tmp_path / format), "isosceles", 4)
        assert back.points == ()
    for format in ("txt", "bits", "python", "rle"):
        with pytest.raises(FileError, match="holds no points"):
            read_all(export_file(empty, format, tmp_path / format), "isosceles", 4)


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


def test_boards_and_graphs_in_the_formats_of_other_programs(tmp_path: Path) -> None:
    networkx = pytest.importorskip("networkx")
    assert export_bytes(TWO, "rle") == b"#C isosceles-n3-2\nx = 3, y = 3, rule = B3/S23\nbo$$o!\n"
    for format, kind in (("rle", "RLE"), ("graph6", "graph6"), ("dimacs", "DIMACS")):
        construction = isosceles(9) if format == "rle" else edges()
        path = export_file(construction, format, tmp_path / f"file.{format}")
        plain = Construction.of(construction.instance, construction.points)
        assert read_file(path, construction.problem) == (kind, [plain])
    graph = networkx.from_graph6_bytes(export_bytes(edges(), "graph6").strip())
    assert sorted(graph.edges()) == list(edges().points)
    for format in ("graph6", "dimacs"):
        with pytest.raises(ValueError, match="no problem of graphs"):
            export_bytes(isosceles(4), format)


def test_the_ending_says_the_format_and_a_file_is_replaced_only_by_force(tmp_path: Path) -> None:
    certificate = isosceles(5).save(tmp_path / "five.json")
    for name, begins in [
        ("a.csv", b"row,column"),
        ("a.svg", b"<svg"),
        ("a.rle", b"#C"),
        ("a.tex", b"\\begin"),
        ("a", b"{"),
    ]:
        answer = invoke("export", certificate, "-o", tmp_path / name)
        assert answer.status == 0, answer
        assert (tmp_path / name).read_bytes().startswith(begins), name
    (tmp_path / "a.csv").write_text("mine")
    refused(invoke("export", certificate, "-o", tmp_path / "a.csv"), "a.csv: is there already; --force replaces it")
    assert (tmp_path / "a.csv").read_text() == "mine"
    assert invoke("export", certificate, "-o", tmp_path / "a.csv", "--force").status == 0
    assert (tmp_path / "a.csv").read_text().startswith("row,column")


def test_links_and_devices_are_written_to_and_stay(tmp_path: Path) -> None:
    target, link = tmp_path / "folder" / "target.json", tmp_path / "link.json"
    target.parent.mkdir()
    target.write_text("old")
    link.symlink_to(target)
    export_file(isosceles(4), "json", link)
    assert link.is_symlink()
    assert target.read_text().startswith("{")
    assert list(target.parent.iterdir()) == [target]
    assert export_file(isosceles(4), "json", "/dev/null") == Path("/dev/null")
    assert Path("/dev/null").is_char_device()
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    export_file(isosceles(4), "csv", tmp_path / "pipe")
    assert os.read(reader, 100).startswith(b"row,column")
    os.close(reader)


# -- a program that checks ---------------------------------------------------------------------------------------------


def small_construction(name):
    """A valid construction of a small size of a shipped problem."""
    found = find_problem(name)
    sizes = (found.at(n) for n in range(found.ground.min_n, 9) if found.ground.size(n) >= 9)
    instance = next(i for i in sizes if not found.rules or i.violation(i.to_points(np.arange(i.size))) is not None)
    for seed in range(20):
        outcome = run_task(Task(instance, "none", (np.empty(0, np.int64),), Effort(200, 200), seed, 1 << 60))[0]
        if len(outcome.elements):
            return certified(instance, outcome.elements, seed, "none", "random")
    raise AssertionError(f"nothing for {instance}")


@pytest.mark.parametrize("name", problem_names())
def test_the_program_that_checks_a_construction_needs_nothing_but_python(name, tmp_path):
    construction = small_construction(name)
    path = tmp_path / "check.py"
    path.write_text(export_bytes(construction, "checker").decode())
    done = subprocess.run([sys.executable, "-I", "-S", path], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("VALID: ")
    text = path.read_text()
    assert not re.search("numpy|numba|patternboost\\b(?!_)", text.replace("PatternBoost", ""))
    path.write_text(re.sub(r"^SCORE = .*$", f"SCORE = {construction.score + 1}", text, flags=re.M))
    done = subprocess.run([sys.executable, "-I", "-S", path], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("the score is ")
    everything = ",\n".join(str(tuple(p)) for p in construction.instance.points.tolist())
    path.write_text(re.sub(r"POINTS = \[.*?\n\]", f"POINTS = [\n{everything}\n]", text, count=1, flags=re.S))
    done = subprocess.run([sys.executable, "-I", "-S", path], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("forbidden: " if construction.instance.problem.rules else "the score is ")
