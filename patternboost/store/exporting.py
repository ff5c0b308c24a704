"""Writing a construction in the formats that others read. Nothing leaves here that the verifier did not pass."""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patternboost.problem import Instance
from patternboost.problem.errors import likely
from patternboost.problem.ground import Edges, sides
from patternboost.store import checker
from patternboost.store.construction import Construction
from patternboost.store.drawing import board, picture
from patternboost.store.files import FileError, atomic_write, reason

#: What coordinates are called in the header of a CSV file: on a grid, and else by dimension.
GRID_AXES = ("row", "column")
AXES = {2: ("u", "v"), 3: ("x", "y", "z")}


def coordinate_names(instance: Instance) -> tuple[str, ...]:
    """What a point's coordinates are called in the header of a CSV file."""
    dimension = instance.points.shape[1]
    if board.is_grid(instance):
        return GRID_AXES
    return AXES.get(dimension, tuple(f"x{i + 1}" for i in range(dimension)))


def _csv(construction: Construction) -> str:
    lines = [coordinate_names(construction.instance), *construction.points]
    return "".join(",".join(map(str, line)) + "\n" for line in lines)


def _npz(construction: Construction) -> bytes:
    dimension = construction.instance.points.shape[1]
    arrays: dict[str, NDArray[Any]] = {
        "points": np.array(construction.points, np.int64).reshape(-1, dimension),
        "n": np.array(construction.n, np.int64),
        "score": np.array(construction.score, np.int64),
        "problem": np.array(construction.problem),
        "sha256": np.array(construction.sha256),
    }
    out = BytesIO()
    # Not numpy.savez: here neither the clock nor the operating system nor the version of numpy enters the bytes.
    with zipfile.ZipFile(out, "w") as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")
            member.create_system = 3
            content = BytesIO()
            np.lib.format.write_array(content, array, version=(1, 0), allow_pickle=False)
            archive.writestr(member, content.getvalue())
    return out.getvalue()


def _rle(construction: Construction) -> str:
    """Run length encoded, as programs for cellular automata read it: b an empty cell, o a point."""
    rows = board.text(construction).translate({ord("."): "b", ord("#"): "o"}).splitlines()
    coded = "$".join(
        "".join(f"{n if (n := len(list(run))) > 1 else ''}{cell}" for cell, run in itertools.groupby(row.rstrip("b")))
        for row in rows
    )
    height, width = sides(construction.n)
    return f"#C {construction.name}\nx = {width}, y = {height}, rule = B3/S23\n{coded}!\n"


def _require_graph(construction: Construction) -> None:
    if not isinstance(construction.instance.problem.ground, Edges):
        raise ValueError(f"{construction.instance} is no problem of graphs: use csv, or another format")


def _graph6(construction: Construction) -> bytes:
    import networkx  # late: torch brings it, and only graphs need it

    _require_graph(construction)
    graph = networkx.Graph()
    graph.add_nodes_from(range(construction.n))
    graph.add_edges_from(construction.points)
    coded: bytes = networkx.to_graph6_bytes(graph, header=False)
    return coded


def _dimacs(construction: Construction) -> str:
    _require_graph(construction)
    lines = [f"c {construction.name}", f"p edge {construction.n} {len(construction.points)}"]
    return "\n".join([*lines, *(f"e {u + 1} {v + 1}" for u, v in construction.points)]) + "\n"


def _bits(construction: Construction) -> str:
    rows = board.text(construction).translate({ord("."): "0", ord("#"): "1", ord("\n"): None})
    return rows + "\n"


_WRITERS: dict[str, Callable[[Construction], str | bytes]] = {
    "json": Construction.certificate_text,
    "csv": _csv,
    "txt": board.text,
    "npz": _npz,
    "svg": picture.svg,
    "png": picture.png,
    "tikz": picture.tikz,
    "bits": _bits,
    "python": lambda construction: f"{list(construction.points)}\n",
    "rle": _rle,
    "graph6": _graph6,
    "dimacs": _dimacs,
    "checker": checker.program,
}
#: the format of a file by the ending of its name
BY_ENDING = {f".{name}": name for name in _WRITERS} | {
    ".py": "python",
    ".tex": "tikz",
    ".g6": "graph6",
    ".col": "dimacs",
}

#: The formats of an export: the certificate, 0-based points one a line, a board of `.` and `#`, numpy arrays, three
#: kinds of picture, a line of n * n zeros and ones row by row (PatternBoost's), a Python list of tuples, a run length
#: encoded board, for graphs graph6 and DIMACS, and a Python program of the standard library alone that checks it.
FORMATS: tuple[str, ...] = tuple(_WRITERS)


def export_bytes(construction: Construction, format: str) -> bytes:
    """The construction in one of `FORMATS`, as the bytes of a file; the same construction gives the same bytes.

    Raises ValueError, in one line, for a construction that is not valid, for an unknown format, and for a format that
    needs a board where the ground set is not a grid.
    """
    writer = _WRITERS.get(format)
    if writer is None:
        raise ValueError(f"unknown format {format!r}: {likely(format, FORMATS)}")
    faults = construction.check()
    if faults:
        raise ValueError(f"not a valid {construction.instance} construction: {faults[0]}")
    content = writer(construction)
    return content if isinstance(content, bytes) else content.encode("utf-8")


def export_file(construction: Construction, format: str, path: str | Path) -> Path:
    """Write the construction in one of `FORMATS` to `path`, which appears whole or not at all.

    Raises ValueError as `export_bytes`, and FileError where the file cannot be written.
    """
    path = Path(path)
    content = export_bytes(construction, format)
    try:
        with atomic_write(path) as file:
            file.write(content)
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {reason(error)}") from error
    return path
