"""The table of records: our best constructions beside the best known scores."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from patternboost import proofs
from patternboost.archive import Archive
from patternboost.records import compare, known_records
from patternboost.registry import find_problem

COLUMNS = ("problem", "n", "ours", "best_known", "status", "standing", "proved", "symmetry", "found", "source")


def record_rows(problem: str | None = None) -> list[dict[str, Any]]:
    """One dict per (problem, n) that we or others have a value for, sorted; keys are `COLUMNS`.

    Raises ProblemError for a problem that neither the registry nor the table knows.
    """
    if problem is not None and problem not in {name for name, _ in known_records()}:
        problem = find_problem(problem).name
    with Archive() as archive:
        ours = {(row["problem"], row["n"]): row for row in archive.summary(problem)}
        proved: dict[tuple[str, int], dict[str, tuple[int, int]]] = {}
        for (name, n, symmetry), bounds in proofs.bounds(archive.proofs(problem)).items():
            proved.setdefault((name, n), {})[symmetry] = bounds
    known = {key: r for key, r in known_records().items() if problem is None or r.problem == problem}
    rows = []
    for name, n in sorted({*ours, *known, *proved}):
        our, best = ours.get((name, n)), known.get((name, n))
        values = (
            name,
            n,
            our["score"] if our else None,
            best.value if best else None,
            best.status if best else None,
            compare(name, n, our["score"]) if our else None,
            proofs.standing(proved.get((name, n), {}), our["score"] if our else None),
            our["symmetry"] if our else None,
            our["added"][:10] if our else None,
            best.source if best else None,
        )
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def render(rows: list[dict[str, Any]], kind: str) -> str:
    """The table as text, json, csv or markdown."""
    if kind == "json":
        return json.dumps(rows, indent=1) + "\n"
    if kind == "csv":
        out = io.StringIO()
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue()
    cells = [[name.replace("_", " ") for name in COLUMNS]]
    cells += [["-" if row[name] is None else str(row[name]) for name in COLUMNS] for row in rows]
    if kind == "markdown":
        lines = ["| " + " | ".join(row) + " |" for row in cells]
        lines.insert(1, "|" + " --- |" * len(COLUMNS))
        return "\n".join(lines) + "\n"
    widths = [max(len(row[i]) for row in cells) for i in range(len(COLUMNS))]
    return "".join("  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() + "\n" for row in cells)
