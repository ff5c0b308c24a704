"""Comparisons kept in one file each: they come back as they were, and the documentation says what they say."""

import runpy
from pathlib import Path

import pytest

from patternboost.studies.compare.arm_run import ArmRun, read_outcome
from patternboost.studies.compare.page import rows, text
from patternboost.studies.compare.plan import Plan, read_plan

ROOT = Path(__file__).parent.parent
TOOL = runpy.run_path(str(ROOT / "benchmarks" / "kept_comparison.py"))
KEPT = sorted((ROOT / "benchmarks" / "comparisons").glob("*.json"))


@pytest.mark.parametrize("minimised", [False, True])
def test_a_kept_comparison_comes_back_and_goes_on(minimised: bool, tmp_path: Path) -> None:
    plan = Plan("isosceles", 8, 1.0, ("seeded", "unseeded"), 2, 1, seed_from=("elsewhere",))
    runs = [ArmRun("seeded", 1, ((0.5, 12), (2.0, 13)), minimised), ArmRun("unseeded", 1, ((0.7, 12),), minimised)]
    kept, first, again = tmp_path / "kept.json", tmp_path / "first", tmp_path / "again"
    TOOL["write"](kept, plan, runs)
    assert "elsewhere" not in kept.read_text()
    assert text(*TOOL["read"](kept)) == text(plan, runs)
    for folder in (first, again):
        TOOL["unpack"](kept, folder, tmp_path)
        assert read_plan(folder).seed_from == (str(tmp_path),)
        assert [read_outcome(folder, arm, seed) for arm, seed in plan.runs()] == [*runs, None, None]
        TOOL["keep"](folder, kept)


def test_what_is_no_kept_comparison_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(ValueError, match="no kept comparison"):
        TOOL["read"](tmp_path / "x.json")


@pytest.mark.parametrize("path", KEPT, ids=lambda p: p.stem)
def test_the_results_say_what_a_kept_comparison_says(path: Path) -> None:
    """Its best scores are in docs/results.md, a row per arm: `| arm | scores | median time | ...`."""
    plan, runs = TOOL["read"](path)
    written = (ROOT / "docs" / "results.md").read_text().replace("*", "")
    head, *lines = rows(plan, runs)
    for line in lines:
        row = dict(zip(head, line, strict=True))
        assert f"| {row['arm']} | {row['all best scores']} | {line[5]}, {line[6]} |" in written


def test_pairs_of_arms_are_tested_and_corrected(tmp_path: Path) -> None:
    plan = Plan("isosceles", 8, 1.0, ("seeded", "unseeded", "unseeded-none"), 5, 1, target=13)
    runs = [ArmRun("seeded", seed, ((0.1 * seed, 13),)) for seed in range(1, 6)]
    runs += [ArmRun("unseeded", seed, ((1.0 * seed, 13),)) for seed in range(1, 6)]
    runs += [ArmRun("unseeded-none", seed, ((0.1, 12),)) for seed in range(1, 6)]
    TOOL["write"](tmp_path / "kept.json", plan, runs)
    first, seeds, none, _ = TOOL["pairs"](tmp_path / "kept.json").splitlines()
    assert first == "p is corrected for 3 pairs of arms"
    # Of 252 ways to part ten different times in two halves, two are as far apart as these; three pairs were tested.
    assert f"time to 13 p = {3 * 2 / 252:.2g}, the first sooner in 25 of 25" in seeds
    assert "best scores p = 1;" in seeds
    assert "the first sooner in 25 of 25" in none  # a run that never reached it took longer
    assert "time to 14 p = 1, the first sooner in 0 of 25" in TOOL["pairs"](tmp_path / "kept.json", 14)
