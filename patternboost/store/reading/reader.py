"""What a file is: told from its content; the ending of its name only settles what the content leaves open.

Nothing here runs what a file says, and every read is bounded. Points are not judged: `Construction.check` does that.
"""

from __future__ import annotations

import re
from pathlib import Path

from patternboost.store.construction import Construction
from patternboost.store.files import FileError, read_text, reason
from patternboost.store.reading import arrays, boards, graphs, lists, objects, tables, texts
from patternboost.store.reading.source import KNOWN, Source


def read_file(
    path: str | Path,
    problem_name: str | None = None,
    n: int | None = None,
    *,
    from_one: bool = False,
    point: str | None = None,
) -> tuple[str, list[Construction]]:
    """What a file was taken for, and the constructions in it.

    `problem_name` and `n` say what the file does not: CSV and lists need both, boards, graphs and strings of bits only
    the problem. What the file does say must agree with them. `from_one`: its coordinates count from 1. `point`: the
    character of a point on its boards. Points are not judged here.

    Raises FileError (unreadable, malformed, too large, or something is left unsaid) or ProblemError (unknown problem,
    size out of range), in one line.
    """
    source = Source(Path(path), problem_name, n, from_one, point)
    if _is_zip(source.path):
        return "npz", [arrays.read_npz(source)]
    text = read_text(source.path).removeprefix("\ufeff").rstrip()
    if not text.strip():
        raise source.fault(f"is empty; it should be {KNOWN}")
    if re.fullmatch(r"[\s\[\](){},]*", text):
        raise source.fault(f"holds no points; a file should be {KNOWN}")
    kind, found = _read(source, text)
    if not found or (not any(c.points for c in found) and not kind.startswith(("csv", "certificate"))):
        raise source.fault(f"holds no points; a file should be {KNOWN}")
    return kind, found


def _read(source: Source, text: str) -> tuple[str, list[Construction]]:
    if re.match(r'\s*\{\s*["}]', text):
        return objects.read_object(source)
    if graphs.is_dimacs(text):
        return "DIMACS", [graphs.read_dimacs(source, text)]
    if boards.is_rle(text):
        return "RLE", list(boards.bounded(source, boards.read_rle(source, text)))
    if not _is_bits(text) and graphs.is_coded(source, text):
        return "graph6", list(boards.bounded(source, graphs.read_coded(source, text)))
    if texts.holds_sets(text) and not _is_table(source, text):
        if lists.begins_list(text) is not None:
            lists.too_long(source, text)
        return texts.read_text_of(source, text)
    kind, construction = tables.read_table(source, text)
    return kind, [construction]


def _is_bits(text: str) -> bool:
    return set(text) <= set("01 \t\r\n")


_ROW = re.compile(r"\s*[+-]?\d+(\s+[+-]?\d+)+\s*")


def _is_table(source: Source, text: str) -> bool:
    """Whether all lines are numbers with blanks between.

    Rows such as "0 1" could be cells as well: only here the name of the file decides.
    """
    if source.path.suffix.lower() in (".csv", ".tsv") and re.search(r"\d[ \t]+\d", text) is not None:
        return True
    return not _is_bits(text) and all(_ROW.fullmatch(line) for line in text.splitlines() if line.strip())


def _is_zip(path: Path) -> bool:
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for its other end
            raise FileError(f"{path}: not a regular file")
        with path.open("rb") as file:
            return file.read(4) in (b"PK\3\4", b"PK\5\6")
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {reason(error)}") from error
