"""The table of records as a page: the curve of score against n, the table, and a picture for every n that we have."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from patternboost.problem import Problem, ProblemError
from patternboost.problem.registry import find_problem
from patternboost.report.html import drawn
from patternboost.report.page import render
from patternboost.report.score_curve import score_curve
from patternboost.report.standing import badge, verdict
from patternboost.report.tables import cells
from patternboost.store import library
from patternboost.store.archive import open_archive
from patternboost.store.construction import Construction
from patternboost.store.files import write_text
from patternboost.store.records import is_gain

#: a picture is at most this wide for each column of its board: small boards stay small
_CELL = 2.2
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
        "anchor": f"{construction.problem}-{construction.n}",
        "width": _CELL * (1 + int(construction.instance.points.max())),
        "score": construction.score,
        "drawing": drawn(construction),
        "standing": [verdict(construction), badge(construction)],
        "facts": facts,
    }


def records_html(rows: Sequence[dict[str, Any]], own: Problem | None = None) -> str:
    """The page: for every problem a curve, the whole table and the pictures of ours; `own` is one not installed.

    What counts as gained is better than what ships with the program.
    """
    problems = []
    shipped = library.shipped_scores()
    with open_archive() as archive:
        for name, group in groupby(rows, key=lambda row: str(row["problem"])):
            of_problem = list(group)
            cards: list[dict[str, Any]] = []
            minimises, gains = False, []
            try:
                problem = own if own is not None and own.name == name else find_problem(name)
                note, minimises = problem.definition, problem.minimises
                for row in (r for r in of_problem if r["ours"] is not None):
                    cards += [_card(c, row) for c in library.best(archive, problem.at(row["n"]))]
            except ProblemError:
                note = "This problem is not installed here: the scores without pictures."
            now = {row["n"]: row["ours"] or 0 for row in of_problem}
            before = {n: shipped.get((name, n), 0) for n in now}
            gains = [n for n in now if is_gain(before[n], now[n], minimises)]
            curve = score_curve(name, before, now, minimises) if len(now) > 1 else None
            head, *body = cells(of_problem, _TABLE)
            for card in cards:
                card["gained"] = card["n"] in gains
            problems.append(
                {"name": name, "note": note, "cards": cards, "head": head, "rows": body, "curve": curve,
                 "gains": len(gains)}
            )  # fmt: skip
    return render("records", title="Records", problems=problems)


def write_records_page(path: Path, rows: Sequence[dict[str, Any]], own: Problem | None = None) -> None:
    """Write the page to `path`."""
    write_text(path, records_html(rows, own))
