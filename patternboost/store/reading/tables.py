"""Points one a line: CSV, with or without a header, and other columns of numbers."""

from __future__ import annotations

import csv
import io
import itertools
import re

from patternboost.store.construction import MAX_POINTS, Construction
from patternboost.store.exporting import AXES, GRID_AXES
from patternboost.store.reading.source import KNOWN, Source

_NUMBER = re.compile(r"[+-]?[0-9]{1,10}(\.0*)?")
#: on a grid x counts columns and y rows
_X_AND_Y = ("y", "x")
#: lines from which on two columns may be a sequence of values
_LEAST_VALUES = 4


def read_table(source: Source, text: str) -> tuple[str, Construction]:
    """What the table was taken for, and its points.

    A header is skipped, but one that names `row` and `column` (or `x` and `y`) says which columns they are. Raises
    FileError.
    """
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
            if delimiter == " ":
                fields = [field for field in fields if field]
            if not any(fields):
                continue
            if not width and _is_header(fields):
                width = len(fields)
                header = tuple(field.lower() for field in fields)
                order = next((o for names in (GRID_AXES, _X_AND_Y) if len(o := _columns(header, names)) == 2), [])
                continue
            if not all(_NUMBER.fullmatch(field) for field in fields):
                raise source.fault(f"line {rows.line_num}: not a point such as 3,5; a file should be {KNOWN}")
            width = width or len(fields)
            if len(fields) != width:
                raise source.fault(f"line {rows.line_num}: {len(fields)} numbers instead of {width}")
            if len(points) == MAX_POINTS:
                raise source.fault(f"more than {MAX_POINTS} points, refused")
            numbers = [int(field.split(".")[0]) for field in fields]
            points.append([numbers[i] for i in order] if order else numbers)
    except csv.Error as error:
        raise source.fault(f"line {rows.line_num}: not CSV: {error}") from error
    if not points and header not in (GRID_AXES, *AXES.values()):
        raise source.fault(f"holds no points; a file should be {KNOWN}")
    if not header and _is_sequence(points):
        raise source.fault("is a sequence of values, n a(n), not a set of points")
    by_name = order and header[order[0]] == "y"
    return "csv, x the column and y the row" if by_name else "csv", source.construction(points)


def _columns(header: tuple[str, ...], names: tuple[str, ...]) -> list[int]:
    return [header.index(name) for name in names if name in header and "z" not in header]


def _is_header(fields: list[str]) -> bool:
    return all(re.fullmatch(r"[A-Za-z_]\w{0,30}", field) for field in fields)


def _is_sequence(points: list[list[int]]) -> bool:
    """Whether two columns are a sequence: n counts up by one, and its values never fall.

    As points these would lie on rising steps, one in each row, which no set worth keeping does.
    """
    if len(points) < _LEAST_VALUES or len(points[0]) != 2:
        return False
    counts = all(b[0] == a[0] + 1 for a, b in itertools.pairwise(points))
    return counts and all(b[1] >= a[1] for a, b in itertools.pairwise(points))
