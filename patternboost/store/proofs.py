"""What has been proved about an optimum: bounds with the solver that gave them, and how they read in a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Status = Literal["optimal", "bounds", "feasible", "infeasible"]

#: kept in the archive's file beside the constructions; a row per proof, so that no process overwrites another's
SCHEMA = """
create table if not exists proofs (
    problem text not null,
    n integer not null,
    symmetry text not null,
    status text not null,
    lower integer not null,
    upper integer not null,
    target integer not null,
    solver text not null,
    seconds real not null,
    date text not null
);
create index if not exists proofs_by_size on proofs (problem, n);
create table if not exists counts (
    problem text not null,
    n integer not null,
    symmetry text not null,
    score integer not null,
    up_to_symmetry integer not null,
    in_all integer,
    date text not null,
    primary key (problem, n, symmetry)
) without rowid;
"""


@dataclass(frozen=True)
class Proof:
    """What one attempt at a proof came to: the optimum of a problem within a symmetry class lies in lower .. upper.

    `status` says how it ended: 'optimal' (lower = upper), 'bounds' (it ran out of time or was interrupted), or, where a
    target was asked for, 'feasible' (it was reached, more may be possible) or 'infeasible' (upper is below it).
    """

    problem: str
    n: int
    #: the symmetry class the optimum is taken in; 'none': all constructions
    symmetry: str
    status: Status
    #: points of a verified construction of the class, and what no construction of the class exceeds
    lower: int
    upper: int
    #: the score that was asked for; 0: the optimum was
    target: int
    #: name and version of what proved `upper`, or "the problem's own bound"
    solver: str
    #: wall time of this attempt
    seconds: float
    #: ISO date
    date: str


@dataclass(frozen=True)
class Count:
    """How many constructions of a class have the optimum's score: all of them were found."""

    problem: str
    n: int
    symmetry: str
    score: int
    up_to_symmetry: int
    #: images of one another counted each; None where the symmetries are too many to be listed
    in_all: int | None
    #: ISO date
    date: str


def bounds(proofs: Iterable[Proof]) -> dict[tuple[str, int, str], tuple[int, int]]:
    """The best lower and upper bound of every (problem, n, class) that the proofs give together."""
    found: dict[tuple[str, int, str], tuple[int, int]] = {}
    for p in proofs:
        key = (p.problem, p.n, p.symmetry)
        lower, upper = found.get(key, (p.lower, p.upper))
        found[key] = max(lower, p.lower), min(upper, p.upper)
    return found


def class_words(symmetry: str) -> str:
    """A symmetry class in words: `both mirrors`, `mirror + half`."""
    return symmetry.replace("+", " + ").replace("-", " ")


def standing(by_class: dict[str, tuple[int, int]], score: int | None, count: int | None = None) -> str | None:
    """What proofs say of one (problem, n): `by_class` holds lower and upper bounds, `score` is our best.

    `optimal, proved here` (and `count`, how many there are up to symmetry), or the bound on everything and the classes
    whose optimum is known.
    """
    lower, upper = by_class.get("none", (0, 0))
    if "none" in by_class and max(lower, score or 0) == upper:
        return "optimal, proved here" + ("" if count is None else f"; {count} up to symmetry")
    words = [f"at most {upper}, proved here"] if "none" in by_class else []
    solved: dict[int, list[str]] = {}
    for name, (low, high) in sorted(by_class.items()):
        if name != "none" and low == high:
            solved.setdefault(low, []).append(class_words(name))
    words += [
        f"optimal within {', '.join(names)}" + ("" if optimum == score else f": {optimum}")
        for optimum, names in sorted(solved.items(), reverse=True)
    ]
    return "; ".join(words) or None
