"""Tables as text, JSON, CSV, Markdown and HTML: what every command that lists something prints."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

FORMATS = ("text", "json", "csv", "markdown")

Row = Mapping[str, Any]


def render(rows: Sequence[Row], columns: Sequence[str], kind: str) -> str:
    """Rows in one of `FORMATS`; in text and Markdown a dash stands for what is not known.

    >>> print(render([{"n": 4, "ours": 6}, {"n": 5, "ours": None}], ["n", "ours"], "text"), end="")
    n  ours
    4  6
    5  -
    """
    if kind == "json":
        return json.dumps([dict(row) for row in rows], indent=1) + "\n"
    if kind == "csv":
        out = io.StringIO()
        writer = csv.DictWriter(out, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue()
    lines_of = cells(rows, columns)
    if kind == "markdown":
        lines = ["| " + " | ".join(text.replace("|", "\\|") for text in row) + " |" for row in lines_of]
        lines.insert(1, "|" + " --- |" * len(columns))
        return "\n".join(lines) + "\n"
    widths = [max(len(row[i]) for row in lines_of) for i in range(len(columns))]
    return "".join("  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() + "\n" for row in lines_of)


def html_table(rows: Sequence[Row], columns: Sequence[str]) -> str:
    """Rows as an HTML table."""
    from patternboost.report import page  # late: most commands print text

    head, *body = cells(rows, columns)
    return page.html_table(head, body)


def cells(rows: Sequence[Row], columns: Sequence[str]) -> list[list[str]]:
    """Every cell in one line, the header first."""
    lines = [[name.replace("_", " ") for name in columns]]
    for row in rows:
        lines.append(["-" if row[name] is None else " ".join(str(row[name]).split()) for name in columns])
    return lines
