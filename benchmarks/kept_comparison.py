"""A comparison in one small file: its plan and the score curve of every run. `benchmarks/comparisons/` has ours.

    python benchmarks/kept_comparison.py keep FOLDER FILE           what `patternboost compare` left in FOLDER
    python benchmarks/kept_comparison.py show FILE                  its table and verdicts again
    python benchmarks/kept_comparison.py pairs FILE [--score S]     tests of every pair of arms: best scores, time to S
    python benchmarks/kept_comparison.py unpack FILE FOLDER SEEDS   a folder in which `patternboost compare` goes on

The file does not say where the seeds were: `unpack` is told where they are now, as `--seed-from SEEDS` is.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
from collections.abc import Sequence
from pathlib import Path

from scipy import stats

from patternboost.store.files import read_json, write_json, write_text
from patternboost.studies.compare.arm_run import ArmRun, read_outcome, run_folder
from patternboost.studies.compare.figures import of_arm, target_of, times_to
from patternboost.studies.compare.page import text
from patternboost.studies.compare.plan import Plan, plan_of, read_plan, take_up

FORMAT = "patternboost-kept-comparison/1"


def keep(folder: Path, path: Path) -> None:
    """Write the plan and the finished runs of a comparison's folder."""
    plan = read_plan(folder)
    found = [read_outcome(folder, arm, seed) for arm, seed in plan.runs()]
    write(path, plan, [run for run in found if run is not None])


def write(path: Path, plan: Plan, runs: Sequence[ArmRun]) -> None:
    """A line for the plan and one for every run, for people and for diffs."""
    saved = dataclasses.replace(plan, seed_from=())
    head = {"format": FORMAT, "plan": saved.to_json(), "minimised": any(run.minimised for run in runs)}
    lines = ",\n".join(json.dumps({"arm": run.arm, "seed": run.seed, "curve": run.curve}) for run in runs)
    write_text(path, f'{json.dumps(head)[:-1]}, "runs": [\n{lines}\n]}}\n')


def read(path: Path, seed_from: tuple[str, ...] = ("FOLDER",)) -> tuple[Plan, list[ArmRun]]:
    """The plan and the finished runs of a kept comparison. Raises FileError, ValueError."""
    saved = read_json(path)
    if not isinstance(saved, dict) or saved.get("format") != FORMAT:
        raise ValueError(f"{path} is no kept comparison ({FORMAT})")
    plan = plan_of(saved["plan"] | {"seed_from": seed_from}, path)
    runs = [
        ArmRun(run["arm"], run["seed"], tuple((float(s), int(score)) for s, score in run["curve"]), saved["minimised"])
        for run in saved["runs"]
    ]
    return plan, runs


def unpack(path: Path, folder: Path, seeds: Path) -> None:
    """Make a comparison's folder of it, in which the finished runs are not made again."""
    plan, runs = read(path, (str(seeds.resolve()),))
    take_up(folder, plan)
    for run in runs:
        where = run_folder(folder, run.arm, run.seed)
        where.mkdir(exist_ok=True)
        write_json(where / "outcome.json", {"curve": run.curve, "minimised": run.minimised})


def pairs(path: Path, score: int = 0) -> str:
    """A line for every pair of arms: two-sided Mann-Whitney tests, p times the number of pairs (Bonferroni).

    A run that did not reach `score` (0: the target) took longer than any that did. Raises FileError, ValueError.
    """
    plan, runs = read(path)
    target = target_of(runs, score or plan.target, plan.control)
    best = {arm: [run.best_merit for run in of_arm(runs, arm)] for arm in plan.arms}
    seconds = {arm: times_to(of_arm(runs, arm), target) for arm in plan.arms}
    found = list(itertools.combinations(plan.arms, 2))
    lines = [f"p is corrected for {len(found)} pairs of arms"]
    for a, b in found:
        by_score, by_time = (_p(of[a], of[b], len(found)) for of in (best, seconds))
        sooner = sum(x < y for x in seconds[a] for y in seconds[b])
        lines.append(
            f"{a} and {b}: best scores {by_score}; time to {target} {by_time}, "
            f"the first sooner in {sooner} of {len(seconds[a]) * len(seconds[b])}"
        )
    return "\n".join(lines)


def _p(ours: Sequence[float], theirs: Sequence[float], tests: int) -> str:
    p = min(1.0, tests * float(stats.mannwhitneyu(ours, theirs).pvalue))
    return f"p = {p:.2g}" if p >= 0.001 else "p < 0.001"


def main() -> None:
    """Keep, show, pairs or unpack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=("keep", "show", "pairs", "unpack"))
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--score", type=int, default=0, help="of pairs: time to this score instead of the target")
    args = parser.parse_args()
    wanted = {"keep": 2, "show": 1, "pairs": 1, "unpack": 3}[args.verb]
    if len(args.paths) != wanted:
        parser.error(f"{args.verb} takes {wanted} paths")
    if args.verb == "show":
        print(text(*read(args.paths[0])))
    elif args.verb == "pairs":
        print(pairs(args.paths[0], args.score))
    else:
        {"keep": keep, "unpack": unpack}[args.verb](*args.paths)


if __name__ == "__main__":
    main()
