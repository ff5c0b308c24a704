"""The table of best known scores, shipped with its sources, and how a score of ours compares."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from patternboost.problem.sizes import size_of


@dataclass(frozen=True)
class Record:
    """The best known score of a problem at size n.

    `status` is 'optimal' (proved), 'lower bound' (the best that was published), or 'lower bound (weak)' (few have
    looked); 'upper bound (fewest points)', 'optimal (least value)' and the like where small values are wanted.
    `retrieved` is the day when the source was read.
    """

    problem: str
    n: int
    value: int
    status: str
    source: str
    retrieved: str = ""

    @property
    def optimal(self) -> bool:
        """Whether the value is proved to be the best possible."""
        return self.status.startswith("optimal")

    @property
    def minimised(self) -> bool:
        """Whether small values are wanted."""
        return "(fewest" in self.status or "(least" in self.status

    @property
    def approximate(self) -> bool:
        """Whether the value was read off a plot, so that it may be one too low."""
        return self.source.startswith("read off a plot")


@cache
def known_records() -> dict[tuple[str, int], Record]:
    """All records that ship with the package, by (problem, n)."""
    text = (files("patternboost_problems") / "records.csv").read_text(encoding="utf-8")
    rows = [
        Record(row["problem"], size_of(row["n"]), int(row["value"]), row["status"], row["source"], row["retrieved"])
        for row in csv.DictReader(text.splitlines())
    ]
    return {(r.problem, r.n): r for r in rows}


def known_record(problem: str, n: int) -> Record | None:
    """The record of (problem, n), or None where none is listed.

    >>> known_record("isosceles", 16).value
    28
    """
    return known_records().get((problem, n))


def known_optimum(problem: str, n: int) -> Record | None:
    """The record of (problem, n) where it is proved to be the best possible, else None."""
    record = known_record(problem, n)
    return record if record is not None and record.optimal else None


def is_gain(before: int, after: int, minimises: bool = False) -> bool:
    """Whether a score is better than another; 0: none."""
    return after > 0 and (before == 0 or (after < before if minimises else after > before))


def compare(problem: str, n: int, score: int) -> str:
    """How a score stands: 'NEW RECORD', 'optimal', 'equals best known', 'best known is V', 'above V, ...' or
    'no record listed'.

    >>> compare("isosceles", 16, 28), compare("isosceles", 16, 27), compare("isosceles", 10, 18)
    ('equals best known', 'best known is 28', 'optimal')
    """
    record = known_record(problem, n)
    if record is None:
        return "no record listed"
    if score < record.value if record.minimised else score > record.value:
        # More than a proven optimum can only be an error of ours or of the table, and a value read off a plot may be
        # one too low: say so instead of celebrating.
        if record.optimal:
            return f"{'below' if record.minimised else 'above'} the listed optimum {record.value}: check the table"
        return f"above {record.value}, which was {record.source}" if record.approximate else "NEW RECORD"
    if score == record.value:
        return "optimal" if record.optimal else "equals best known"
    return f"best known is {record.value}"
