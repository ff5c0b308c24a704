"""Reading constructions from the files that people have: certificates, points, boards, strings of bits, arrays.

Nothing here runs what a file says, and every read is bounded. What a file holds is told from its content; the ending of
its name only settles what the content leaves open. Points are not judged: `Construction.check` does that.
"""

from __future__ import annotations

import ast
import csv
import io
import math
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from patternboost.problem import Instance
from patternboost.problem.registry import find_problem
from patternboost.store.construction import MAX_POINTS, Construction, load
from patternboost.store.drawing.board import is_grid
from patternboost.store.exporting import AXES, GRID_AXES
from patternboost.store.files import MAX_BYTES, FileError, read_text, reason

#: Most characters of a list of points; a list of the most points that are read is far shorter.
MAX_LIST = 2 << 20
#: Most constructions, and most points in all of them, that are read from one file of boards or bits.
MAX_CONSTRUCTIONS = 100_000
MAX_ALL_POINTS = 4_000_000
#: Most coordinates of a point, and their bound.
MAX_DIMENSION = 16
LIMIT = 2**31

FULL, EMPTY = "#1*oOxX", ".0"
_BOARD = frozenset(FULL + EMPTY + " \t\r\n")
_KNOWN = "a certificate, CSV, a board of . and #, a string of 0 and 1, a list of points, or npz"

_Points: TypeAlias = list[tuple[int, ...]]


def read_file(
    path: str | Path, problem_name: str | None = None, n: int | None = None
) -> tuple[str, list[Construction]]:
    """What a file was taken for, and the constructions in it.

    It may be a certificate, CSV, a board, strings of 0 and 1, a list of points, or npz. `problem_name` and `n` say
    what the file does not: CSV and lists need both, boards and strings of bits only the problem. What the file does
    say must agree with them. Points are not judged here.

    Raises FileError (unreadable, malformed, too large, or something is left unsaid) or ProblemError (unknown problem,
    size out of range), in one line.
    """
    source = _Source(Path(path), problem_name, n)
    if _is_zip(source.path):
        return "npz", [_read_npz(source)]
    text = read_text(source.path).removeprefix("\ufeff").rstrip()
    start = text.lstrip()[:1]
    if not start:
        raise FileError(f"{source.path}: is empty; it should be {_KNOWN}")
    if start == "{":
        return "certificate", [_read_certificate(source)]
    if start in ("[", "("):
        return "list of points", [Construction.of(source.instance(), _parse_list(source, text.lstrip()))]
    if _is_board(text, source.path.suffix.lower()):
        found = _read_boards(source, text)
        lines = sum(1 for line in text.splitlines() if line.strip())
        return ("0/1 strings" if lines == len(found) else "boards"), found
    return "csv", [_read_csv(source, text)]


@dataclass
class _Source:
    """The file that is read, and what the caller says of it."""

    path: Path
    problem_name: str | None
    n: int | None

    def fault(self, what: str) -> FileError:
        return FileError(f"{self.path}: {what}")

    def instance(self, name: str | None = None, n: int | None = None) -> Instance:
        """The instance that the file (`name`, `n`) and the caller name together."""
        if name is not None and self.problem_name is not None and find_problem(self.problem_name).name != name:
            raise self.fault(f"is for the problem {name[:64]!r}, not {self.problem_name}")
        if n is not None and self.n is not None and n != self.n:
            raise self.fault(f"is for n = {n}, not {self.n}")
        reference = self.problem_name if self.problem_name is not None else name
        size = self.n if self.n is not None else n
        if reference is None or size is None:
            lacks = [(reference, "problem", "--problem NAME"), (size, "size", "--n N")]
            what = " or ".join(what for value, what, _ in lacks if value is None)
            option = " and ".join(option for value, _, option in lacks if value is None)
            raise self.fault(f"does not say its {what}: pass {option}")
        return find_problem(reference).at(size)


def _is_zip(path: Path) -> bool:
    if path.exists() and not path.is_file():  # opening a pipe would wait for its other end
        raise FileError(f"{path}: not a regular file")
    try:
        with path.open("rb") as file:
            return file.read(4) in (b"PK\3\4", b"PK\5\6")
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {reason(error)}") from error


def _is_board(text: str, ending: str) -> bool:
    if not _BOARD.issuperset(text):
        return False
    # Rows such as "0 1" could be either; only here the name of the file decides.
    return not (ending in (".csv", ".tsv") and re.search(r"\d[ \t]+\d", text))


def _read_certificate(source: _Source) -> Construction:
    expected = find_problem(source.problem_name) if source.problem_name is not None else None
    construction = load(source.path, expected)
    source.instance(construction.problem, construction.n)  # agrees with what the caller says, or raises
    return construction


def _parse_list(source: _Source, text: str) -> _Points:
    """A list of points as Python or JSON writes it: a literal of lists, tuples and whole numbers; nothing is run."""
    fault = source.fault("not a list of points such as [[0, 1], [2, 3]] or [(0, 1), (2, 3)]")
    if len(text) > MAX_LIST:  # before it is parsed: the parser takes memory in proportion
        raise source.fault(f"a list of points longer than {MAX_LIST >> 20} MiB, refused")
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise fault from error
    if not isinstance(value, list | tuple) or not all(isinstance(point, list | tuple) and point for point in value):
        raise fault
    return _checked(source, value)


def _checked(source: _Source, points: Sequence[Sequence[Any]]) -> _Points:
    """Points of a sane number, dimension and size, else FileError."""
    if len(points) > MAX_POINTS:
        raise source.fault(f"{len(points)} points, more than {MAX_POINTS}, refused")
    for point in points:
        if len(point) > MAX_DIMENSION:
            raise source.fault(f"a point with {len(point)} coordinates, more than {MAX_DIMENSION}, refused")
        if any(type(x) is not int or not -LIMIT <= x < LIMIT for x in point):
            raise source.fault("a coordinate must be an integer below 2^31")
    return [tuple(point) for point in points]


def _read_csv(source: _Source, text: str) -> Construction:
    """Points one a line; a header is skipped, but one that names `row` and `column` says which columns they are."""
    delimiter = next((d for d in ",;\t" if d in text), " ")
    lines = (line.strip() for line in io.StringIO(text, newline=None))
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    header: tuple[str, ...] = ()
    order: list[int] = []
    width = 0
    points: list[list[int]] = []
    try:
        for raw in rows:
            fields = [field.strip() for field in raw]
            if not any(fields):
                continue
            if not width and _is_header(fields):
                width = len(fields)
                header = tuple(field.lower() for field in fields)
                order = [header.index(name) for name in GRID_AXES if name in header]
                continue
            if not all(re.fullmatch(r"[+-]?[0-9]{1,10}", field) for field in fields):
                raise source.fault(f"line {rows.line_num}: not a point such as 3,5; a file should be {_KNOWN}")
            width = width or len(fields)
            if len(fields) != width:
                raise source.fault(f"line {rows.line_num}: {len(fields)} numbers instead of {width}")
            if len(points) == MAX_POINTS:
                raise source.fault(f"more than {MAX_POINTS} points, refused")
            numbers = [int(field) for field in fields]
            points.append([numbers[i] for i in order] if len(order) == 2 else numbers)
    except csv.Error as error:
        raise source.fault(f"line {rows.line_num}: not CSV: {error}") from error
    checked = _checked(source, points)
    if not points and header not in (GRID_AXES, *AXES.values()):
        raise source.fault(f"holds no points; a file should be {_KNOWN}")
    return Construction.of(source.instance(), checked)


def _is_header(fields: list[str]) -> bool:
    return all(re.fullmatch(r"[A-Za-z_]\w{0,30}", field) for field in fields)


def _read_boards(source: _Source, text: str) -> list[Construction]:
    """Boards and strings of bits. An empty line parts one board from the next."""
    result: list[Construction] = []
    instances: dict[int, Instance] = {}
    total = 0
    for size, cells in _boards(source, text):
        if size not in instances:  # also refuses a size that is out of range, before the points are listed
            instances[size] = source.instance(n=size)
            if not is_grid(instances[size]):
                raise source.fault(f"is a board, but {instances[size]} has none: give a list of points instead")
        points = [divmod(i, size) for i, x in enumerate(cells) if x in FULL]
        total += len(points)
        if len(result) == MAX_CONSTRUCTIONS or total > MAX_ALL_POINTS:
            raise source.fault(f"more than {MAX_CONSTRUCTIONS} constructions or {MAX_ALL_POINTS} points, refused")
        result.append(Construction.of(instances[size], points))
    return result


def _boards(source: _Source, text: str) -> Iterator[tuple[int, str]]:
    """Size and cells, row by row, of every board or string of bits."""
    block: list[tuple[int, str]] = []
    for number, line in enumerate(io.StringIO(text + "\n\n", newline=None), 1):
        row = "".join(line.split())
        if row:
            if len(block) == MAX_CONSTRUCTIONS:
                raise source.fault(f"more than {MAX_CONSTRUCTIONS} lines without an empty line, refused")
            block.append((number, row))
            continue
        if block and _is_square(block, source.n):
            yield len(block), "".join(cells for _, cells in block)
        else:
            yield from (_bits(source, start, cells, len(block)) for start, cells in block)
        block = []


def _is_square(block: list[tuple[int, str]], n: int | None) -> bool:
    width = len(block[0][1])
    if any(len(row) != width for _, row in block) or width != len(block):
        return False
    # n * n strings of n * n bits look like one board of n * n rows, and only n tells them apart.
    return n in (None, width) or width != n * n


def _bits(source: _Source, number: int, cells: str, rows: int) -> tuple[int, str]:
    size = math.isqrt(len(cells))
    if size * size != len(cells) or not {"0", "1"}.issuperset(cells):
        raise source.fault(
            f"line {number}: a board must have as many rows as cells in a row, not {rows} row(s) with {len(cells)} "
            "cells; a string of bits must be n * n zeros and ones"
        )
    return size, cells


def _read_npz(source: _Source) -> Construction:
    """Arrays as an export writes them; of others only `points` must be there."""
    arrays = _arrays(source)
    points = arrays.get("points")
    if points is None or points.ndim != 2 or points.dtype.kind not in "iu" or 0 in points.shape[1:]:
        raise source.fault("holds no array 'points' of integers with a point in each row")
    if len(points) > MAX_POINTS:
        raise source.fault(f"{len(points)} points, more than {MAX_POINTS}, refused")
    name, sha256 = (_scalar(source, arrays, key, "U") for key in ("problem", "sha256"))
    n, score = (_scalar(source, arrays, key, "iu") for key in ("n", "score"))
    if name is not None and not re.fullmatch(r"[a-z0-9-]{1,64}", name):  # never the path of a problem file
        raise source.fault(f"the problem's name {name[:64]!r} is no problem name")
    construction = Construction.of(source.instance(name, n), _checked(source, points.tolist()))
    return replace(construction, claimed_score=score, claimed_sha256=sha256)


def _arrays(source: _Source) -> dict[str, NDArray[Any]]:
    try:
        if source.path.stat().st_size > MAX_BYTES:
            raise source.fault(f"larger than {MAX_BYTES >> 20} MiB, refused")
        with zipfile.ZipFile(source.path) as archive:
            # What a member unpacks to is bounded by the size it states: zipfile reads no further.
            if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
                raise source.fault(f"larger than {MAX_BYTES >> 20} MiB when unpacked, refused")
            names = [
                name for name in ("points", "n", "score", "problem", "sha256") if f"{name}.npy" in archive.namelist()
            ]
            contents = {name: io.BytesIO(archive.read(f"{name}.npy")) for name in names}
        return {name: np.lib.format.read_array(data, allow_pickle=False) for name, data in contents.items()}
    except FileError:
        raise
    except Exception as error:  # zipfile, its decompressors and numpy each have several ways to refuse a broken file
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise source.fault(f"not an npz file of arrays: {said[0][:200]}") from error


def _scalar(source: _Source, arrays: dict[str, NDArray[Any]], name: str, kinds: str) -> Any:
    """The one value of an array, as a Python int or str; None where the file has no such array."""
    array = arrays.get(name)
    if array is None:
        return None
    if array.size != 1 or array.dtype.kind not in kinds:
        raise source.fault(f"the array {name!r} must be a single {'text' if kinds == 'U' else 'integer'}")
    return array.reshape(-1)[0].item()
