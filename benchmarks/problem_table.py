"""What searches of every problem reach: the table of docs/problems.md.

    python benchmarks/problem_table.py small                    # proven optima at three small sizes, one minute each
    python benchmarks/problem_table.py large --minutes 10       # larger sizes beside the best known
    python benchmarks/problem_table.py large --only cap-set

Each search starts from an empty archive, takes one worker, and ends at the optimum or at the best known value. Small
optima that no publication lists are proved
first, by `patternboost prove` (extra: exact). Prints a row of Markdown as soon as it is known.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import patternboost as pb
from patternboost.store.records import known_records

SMALL = {
    "cap-set": (2, 3, 4), "distance": (5, 6, 8), "isosceles": (6, 7, 8), "isosceles-flat": (4, 5, 6),
    "isosceles-torus": (4, 5, 6), "no-axis-parallel-square": (5, 6, 7), "no-five-on-a-sphere": (2, 3, 4),
    "no-four-coplanar": (2, 3, 4), "no-four-cycle": (8, 12, 16), "no-four-on-a-circle": (3, 4, 5),
    "no-midpoint": (4, 5, 6), "no-parallelogram": (5, 6, 7), "no-right-isosceles": (4, 5, 6),
    "no-right-triangle": (4, 5, 6), "no-square": (5, 6, 7), "no-three-in-line": (6, 8, 10),
    "no-three-in-line-cube": (2, 3, 4), "no-three-in-line-torus": (4, 5, 6), "no-triangle": (6, 8, 10),
}  # fmt: skip
LARGE = {
    "cap-set": (5, 6), "no-axis-parallel-square": (8, 9, 10, 12), "no-square": (8, 9, 10, 12),
    "no-four-cycle": (20, 21, 22, 23, 24, 28, 31, 33), "no-four-coplanar": (5, 6, 7),
    "no-five-on-a-sphere": (5, 6, 7, 8),
    "no-midpoint": (8, 10, 12), "no-right-isosceles": (8, 10, 12), "no-three-in-line-torus": (12,), "distance": (12,),
    "isosceles-flat": (10,), "isosceles-torus": (16,), "no-four-on-a-circle": (10,), "no-right-triangle": (12,),
    "no-three-in-line-cube": (6,),
}  # fmt: skip


def reached(name: str, n: int, minutes: float, target: int, model: str) -> tuple[pb.Result, float]:
    """A search on one worker, and its seconds."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        budget = {"minutes": minutes, "target": target or None, "model": model, "jobs": 1, "seed": 1}
        result = pb.search(name, n, **budget, quiet=True, run_dir=f"{folder}/r")
    return result, time.monotonic() - began


def small(name: str, n: int, model: str) -> str:
    """A row: the proven optimum, who proved it, and how long a search takes to it."""
    instance = pb.problem(name, n)
    known = known_records().get((instance.name, n))
    if known is not None and known.status == "optimal":
        optimum, source = known.value, known.source
    else:
        proof = pb.prove(name, n, minutes=5, jobs=1, quiet=True).proof
        if proof.lower < proof.upper:
            return f"| {name} | {n} | {proof.lower} to {proof.upper} | not proved in 5 minutes | | |"
        optimum, source = proof.lower, "proved here"
    result, seconds = reached(name, n, 1, optimum, model)
    score = result.best.score if result.best else 0
    return f"| {name} | {n} | {optimum} | {source} | {score} | {seconds:.0f} |"


def large(name: str, n: int, minutes: float, model: str) -> str:
    """A row: what a search reaches, beside the best known value."""
    instance = pb.problem(name, n)
    known = known_records().get((instance.name, n))
    result, seconds = reached(name, n, minutes, known.value if known else 0, model)
    best = result.best
    found = f"{best.score} | {best.symmetry}" if best else "- | -"
    told = f"{known.value} ({known.status}, {known.source})" if known else "none listed"
    return f"| {name} | {n} | {found} | {seconds:.0f} | {told} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("which", choices=("small", "large"))
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--model", default="gpt")
    parser.add_argument("--only", action="append", help="only this problem; repeatable")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["PATTERNBOOST_HOME"] = home
        os.chdir(Path(home))
        for name, sizes in (SMALL if given.which == "small" else LARGE).items():
            for n in sizes if not given.only or name in given.only else ():
                small_row = given.which == "small"
                row = small(name, n, given.model) if small_row else large(name, n, given.minutes, given.model)
                print(row, flush=True)


if __name__ == "__main__":
    main()
