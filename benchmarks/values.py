"""What the search reaches for problems of other kinds, and how soon: a run each, to the best known value.

    python benchmarks/values.py               every size of the table below, a minute each at most
    python benchmarks/values.py no-k4 12 20   one problem, some sizes

Prints a Markdown table. Defaults of `patternboost search`, in a home of its own.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

SIZES = {
    "no-rectangle": (8, 10, 12),
    "no-repeated-distance": (8, 10, 12),
    "smallest-maximal-no-three-in-line": (8, 9, 10),
    "permanent-avoiding-312": (4, 5, 6, 7, 8, 9, 10, 11, 12, 13),
    "ones-avoiding-312": (8, 12),
    "hypercube-full-diameter": (2, 3, 4, 5),
    "no-k4": (12, 20),
    "wagner-eigenvalue-matching": (19,),
}


def main() -> None:
    """Run, and print a line for each as it ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problem", nargs="?", choices=SIZES)
    parser.add_argument("sizes", nargs="*", type=int)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default="gpt")
    given = parser.parse_args()
    asked = {given.problem: tuple(given.sizes) or SIZES[given.problem]} if given.problem else SIZES
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PATTERNBOOST_HOME"] = folder
        import patternboost as pb
        from patternboost.report.data import best_curve
        from patternboost.store.records import known_record

        print("| problem | n | best known | reached | after | of |\n|---|---|---|---|---|---|")
        for name, sizes in asked.items():
            for n in sizes:
                known = known_record(name, n)
                target = {"target": known.value} if known else {}
                result = pb.search(
                    name, n, minutes=given.minutes, seed=given.seed, model=given.model, quiet=True,
                    run_dir=Path(folder) / f"{name}-{n}", stop_at_optimum=False, **target,
                )  # fmt: skip
                curve = best_curve(result.log)
                best = result.best.score if result.best else None
                after = next((seconds for seconds, score in curve if score == best), 0.0)
                spent = result.log[-1]["seconds"] if result.log else 0.0
                value = known.value if known else ""
                print(f"| {name} | {n} | {value} | {best} | {after:.1f} s | {spent:.0f} s |", flush=True)


if __name__ == "__main__":
    main()
