"""The table of records as a page: a picture and the standing for every n that we have a construction of."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from patternboost.problem import Problem, ProblemError
from patternboost.problem.registry import find_problem
from patternboost.report.html import drawn
from patternboost.report.page import render
from patternboost.report.standing import badge, verdict
from patternboost.report.tables import cells
from patternboost.store import library
from patternboost.store.archive import open_archive
from patternboost.store.construction import Construction
from patternboost.store.files import write_text

_TABLE = ("n", "ours", "best_known", "status", "standing", "symmetry", "found", "by", "source")


def _card(construction: Construction, row: dict[str, Any]) -> dict[str, Any]:
    known = "-" if row["best_known"] is None else f"{row['best_known']} ({row['status']}, {row['source']})"
    facts = {
        "best known": known,
        "symmetry": row["symmetry"],
        "found": f"{row['found']} by {row['by']}",
        "sha256": construction.sha256[:16],
    }
    return {
        "n": construction.n,
        "score": construction.score,
        "drawing": drawn(construction),
        "standing": [verdict(construction), badge(construction)],
        "facts": facts,
    }


def records_html(rows: Sequence[dict[str, Any]], own: Problem | None = None) -> str:
    """The page: for every problem the pictures of ours, then the whole table; `own` is one that is not installed."""
    problems = []
    with open_archive() as archive:
        for name, group in groupby(rows, key=lambda row: str(row["problem"])):
            of_problem = list(group)
            cards: list[dict[str, Any]] = []
            try:
                problem = own if own is not None and own.name == name else find_problem(name)
                note = problem.definition
                for row in (r for r in of_problem if r["ours"] is not None):
                    cards += [_card(c, row) for c in library.best(archive, problem.at(row["n"]))]
            except ProblemError:
                note = "This problem is not installed here: the scores without pictures."
            head, *body = cells(of_problem, _TABLE)
            problems.append({"name": name, "note": note, "cards": cards, "head": head, "rows": body})
    return render("records", title="Records", problems=problems)


def write_records_page(path: Path, rows: Sequence[dict[str, Any]], own: Problem | None = None) -> None:
    """Write the page to `path`."""
    write_text(path, records_html(rows, own))
