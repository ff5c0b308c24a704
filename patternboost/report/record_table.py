"""The table of records: our best constructions beside the best known scores."""

from __future__ import annotations

from datetime import date
from typing import Any

from patternboost.problem import Problem
from patternboost.problem.registry import find_problem
from patternboost.report.tables import html_table
from patternboost.store import library, proofs
from patternboost.store.archive import open_archive
from patternboost.store.records import compare, known_records

COLUMNS = ("problem", "n", "ours", "best_known", "status", "standing", "proved", "symmetry", "found", "by", "source")


class RecordTable(list[dict[str, Any]]):
    """Rows of the table of records, a list of dicts that shows itself as a table in a notebook."""

    def __repr__(self) -> str:
        return f"<records: {len(self)} row{'' if len(self) == 1 else 's'}>"

    def _repr_html_(self) -> str:
        return html_table(self, COLUMNS)


def record_rows(problem: str | Problem | None = None) -> RecordTable:
    """One dict per (problem, n) that we or others have a value for, sorted; keys are `COLUMNS`.

    `found` and `by` say when ours was found (or else archived) and by what, `source` who found the best known. Raises
    ProblemError for a problem that neither the registry nor the table knows.

    >>> row = next(row for row in record_rows("isosceles") if row["n"] == 16)
    >>> row["best_known"], row["status"], row["source"]
    (28, 'lower bound', 'Wagner 2023')
    """
    if isinstance(problem, Problem):
        problem = problem.name
    elif problem is not None and problem not in {name for name, _ in known_records()}:
        problem = find_problem(problem).name
    with open_archive() as archive:
        ours = library.summary(archive, problem)
        proved: dict[tuple[str, int], dict[str, tuple[int, int]]] = {}
        for (name, n, symmetry), bounds in proofs.bounds(archive.proofs(problem)).items():
            proved.setdefault((name, n), {})[symmetry] = bounds
        counts = {(c.problem, c.n): c for c in archive.counts(problem) if c.symmetry == "none"}
    known = {key: r for key, r in known_records().items() if problem is None or r.problem == problem}
    rows = RecordTable()
    for name, n in sorted({*ours, *known, *proved}):
        our, best, count = ours.get((name, n)), known.get((name, n)), counts.get((name, n))
        values = (
            name,
            n,
            our["score"] if our else None,
            best.value if best else None,
            best.status if best else None,
            compare(name, n, our["score"]) if our else None,
            proofs.standing(
                proved.get((name, n), {}), our["score"] if our else None, count.up_to_symmetry if count else None
            ),
            our["symmetry"] if our else None,
            _found_on(our) if our else None,
            _finder(our["found"]) if our else None,
            best.source if best else None,
        )
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def _found_on(our: dict[str, Any]) -> str:
    """The date in a construction's certificate; where that has none, when it was archived."""
    try:
        return date.fromisoformat(str(our["found"].get("date", ""))).isoformat()
    except ValueError:
        return str(our["added"])[:10]


def _finder(found: dict[str, Any]) -> str:
    """Who or what found a construction, as its certificate says; 'import' where that says nothing."""
    said = str(found.get("by") or found.get("program") or "import")[:80]
    return "".join(c for c in said if c.isprintable())
