"""How long does the solver alone need for no-three-in-line with 2n points and quarter-turn symmetry? One thread.

python benchmarks/solver_hits.py 20 --cpu-seconds 60 --seed 1
"""

from __future__ import annotations

import argparse
import math
import time

from patternboost.exact.attempt import Attempt
from patternboost.problem.registry import problem


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n", type=int)
    parser.add_argument("--cpu-seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    instance = problem("no-three-in-line", given.n)
    began = time.process_time()

    def over() -> bool:
        return time.process_time() - began >= given.cpu_seconds

    attempt = Attempt(instance, "quarter-turn", 2 * given.n, over, lambda attempt: None, 1, given.seed)
    attempt.exact(math.inf, [])
    found = f"{attempt.lower} points" if attempt.lower else "nothing"
    print(f"{instance} quarter-turn, solver alone: {found} in {time.process_time() - began:.1f} CPU-seconds")


if __name__ == "__main__":
    main()
