"""The table of records as a page: a picture and the standing for every n that we have a construction of."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from patternboost.problem import ProblemError
from patternboost.problem.registry import find_problem
from patternboost.report.html import badge, page, verdict
from patternboost.report.tables import html_table
from patternboost.store import library
from patternboost.store.archive import Archive
from patternboost.store.construction import Construction
from patternboost.store.drawing.picture import svg_if_any
from patternboost.store.files import write_text

_TABLE = ("n", "ours", "best_known", "status", "standing", "symmetry", "found", "by", "source")


def _card(construction: Construction, row: dict[str, Any]) -> str:
    drawing = svg_if_any(construction) or ""
    known = "-" if row["best_known"] is None else f"{row['best_known']} ({row['status']}, {row['source']})"
    facts = {
        "best known": known,
        "symmetry": row["symmetry"],
        "found": f"{row['found']} by {row['by']}",
        "sha256": construction.sha256[:16],
    }
    rows = "".join(f"<dt>{name}</dt><dd>{escape(str(text))}</dd>" for name, text in facts.items())
    return (
        f'<section><h2>n = {construction.n}: {construction.score}</h2><div class="board">{drawing}</div>'
        f'<ul class="badges">{verdict(construction)}{badge(construction)}</ul><dl>{rows}</dl></section>'
    )


def records_html(rows: Sequence[dict[str, Any]]) -> str:
    """The page: for every problem the pictures of ours, then the whole table."""
    parts = []
    with Archive() as archive:
        for name, group in groupby(rows, key=lambda row: str(row["problem"])):
            of_problem = list(group)
            cards, note = [], ""
            try:
                problem = find_problem(name)
                note = f'<p class="soft definition">{escape(problem.definition)}</p>'
                for row in (r for r in of_problem if r["ours"] is not None):
                    cards += [_card(c, row) for c in library.best(archive, problem.at(row["n"]))]
            except ProblemError:
                note = '<p class="soft">This problem is not installed here: the scores without pictures.</p>'
            opened = "" if cards else " open"
            table = (
                f'<section class="long"><details{opened}><summary>All known values</summary>'
                f'<div class="scroll">{html_table(of_problem, _TABLE)}</div></details></section>'
            )
            parts.append(f'<h1>{escape(name)}</h1>{note}<div class="cards">{"".join(cards)}</div>{table}')
    return page("Records", "\n".join(parts) or "<h1>Records</h1><p>None yet.</p>")


def write_records_page(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write the page to `path`."""
    write_text(path, records_html(rows))
