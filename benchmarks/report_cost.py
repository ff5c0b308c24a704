"""What a report costs: seconds to write and megabytes, against the generations in the log.

    python benchmarks/report_cost.py

Logs are made up, with histograms as wide as those of n = 64; the boards are real.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from made_runs import made_run

from patternboost.report.findings import gather
from patternboost.report.html import write_report

REPEATS = 5


def main() -> None:
    """Print one row per length of the log."""
    print("| generations | n | gather s | write s | MB |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for generations, n in ((10, 16), (100, 40), (500, 40), (500, 64), (5000, 64)):
            run = made_run(Path(folder) / f"{generations}-{n}", generations, n)
            write_report(gather(run))  # everything loaded, once
            times = []
            for _ in range(REPEATS):
                began = time.perf_counter()
                findings = gather(run)
                gathered = time.perf_counter()
                write_report(findings)
                times.append((gathered - began, time.perf_counter() - gathered))
            size = (run.folder / "report.html").stat().st_size / 1e6
            read, write = (sorted(part)[REPEATS // 2] for part in zip(*times))
            print(f"| {generations} | {n} | {read:.3f} | {write:.3f} | {size:.2f} |")


if __name__ == "__main__":
    main()
