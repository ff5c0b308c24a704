"""Standard streams that are closed, full, or gone: they end no search, and what fails still says so by its status."""

import shlex
import subprocess
from pathlib import Path

import pytest
from commands import PROGRAM, read_log

from patternboost.store.construction import load


def shell(arguments: str, redirected: str) -> "subprocess.CompletedProcess[str]":
    command = f"{shlex.join(PROGRAM)} {arguments} {redirected}"
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=100)


@pytest.mark.long
@pytest.mark.parametrize("redirected", ["2>&-", "2>/dev/full", "2> >(true)", "<&- >&- 2>&-"])
def test_a_lost_standard_error_ends_no_search(redirected: str, tmp_path: Path) -> None:
    options = "--generations 2 --model none --jobs 1 --set starts=20 --set stop_at_optimum=false"
    answer = shell(f"search isosceles 8 {options} --run-dir {tmp_path / 'run'}", redirected)
    assert answer.returncode == 0, answer
    assert len(read_log(tmp_path / "run")) == 2
    (best,) = sorted((tmp_path / "run" / "best").glob("*.json"), key=lambda p: p.stat().st_mtime)[-1:]
    assert load(best).check() == []


@pytest.mark.parametrize("redirected", ["2>&-", "2>/dev/full"])
def test_what_is_wrong_is_still_told_by_the_status(redirected: str) -> None:
    assert shell("verify no/such/file.json", redirected).returncode == 2


def test_a_full_standard_output_is_said() -> None:
    answer = shell("problems", ">/dev/full")
    assert answer.returncode in (2, 120)
    assert "Traceback" not in answer.stderr
