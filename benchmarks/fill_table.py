"""Our own table: the best construction of every n, found by this program from scratch.

    python benchmarks/fill_table.py isosceles --sizes 1-40 --minutes 0.5
    python benchmarks/fill_table.py no-three-in-line --sizes 1-46 --minutes 1
    python benchmarks/fill_table.py isosceles --sizes 33-99 --from-archive "patternboost ladder isosceles 33-100"

Every size is searched from an empty archive, without seeds; a search ends early at the problem's upper bound or, with
--stop-at-known, at the best known value. With --from-archive nothing is searched: what the archive (PATTERNBOOST_HOME)
has that is better, made by the command that is named, goes into the table. What is better than the certificate in
problems/constructions/ replaces it: the table grows with every call, with other --seed, --minutes or --model.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import patternboost as pb
from patternboost.store.archive import Archive
from patternboost.store.construction import Construction
from patternboost.store.library import shipped
from patternboost.store.records import known_record

FOLDER = Path(__file__).resolve().parent.parent / "problems" / "constructions"


def sizes(text: str) -> list[int]:
    """1-5,9 -> 1 2 3 4 5 9"""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def put(best: Construction, before: Construction | None) -> bool:
    """Put a construction into the table where it is valid and better than the one that is there; whether it was."""
    if best.check() or (before is not None and best.merit <= before.merit):
        return False
    for old in FOLDER.glob(f"{best.problem}-n{best.n}-*.json"):
        old.unlink()
    best.save(FOLDER / f"{best.name}.json")
    return True


def take_from_archive(problem: str, sizes: list[int], command: str) -> None:
    """Put what the archive has that is better into the table, with the command that made it."""
    with Archive() as archive:
        for n in sizes:
            instance = pb.problem(problem, n)
            before = shipped(instance)
            for found in archive.best(instance):
                best = replace(found, found=dict(found.found) | {"command": command})
                if put(best, before):
                    print(f"{instance}: {before.score if before else 'none'} -> {best.score}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problem")
    parser.add_argument("--sizes", type=sizes, required=True)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--model", default="none")
    parser.add_argument("--symmetry", default="auto")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--stop-at-known", action="store_true")
    parser.add_argument("--from-archive", metavar="COMMAND")
    given = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    if given.from_archive:
        take_from_archive(given.problem, given.sizes, given.from_archive)
        return
    for n in given.sizes:
        instance, known = pb.problem(given.problem, n), known_record(given.problem, n)
        before = shipped(instance)
        target = known.value if known and given.stop_at_known else None
        with tempfile.TemporaryDirectory() as home:
            os.environ["PATTERNBOOST_HOME"] = home
            began = time.monotonic()
            budget = {"minutes": given.minutes, "target": target, "seed": given.seed, "jobs": given.jobs}
            budget |= {"symmetry": given.symmetry, "model": given.model}
            result = pb.search(given.problem, n, quiet=True, run_dir=Path(home) / "run", **budget)
            seconds = time.monotonic() - began
        best = result.best
        if best is not None:
            put(best, before)
        told = f"{known.value} ({known.status})" if known else "none listed"
        print(f"{instance}: {best.score if best else 0} in {seconds:.0f} s, best known {told}", flush=True)


if __name__ == "__main__":
    main()
