"""Kernels on disk: damaged files repair themselves, and no place to write them ends nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: compiles and keeps three small kernels of the package
CODE = (
    "from patternboost.problem.rules import gcd, join, square_root; print(gcd(12, 18), join(5, 1, 3), square_root(99))"
)
ANSWER = "6 5 9\n"


def run(home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    environment |= {"XDG_CACHE_HOME": str(home), **more}
    return subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("cache")
    assert run(home).stdout == ANSWER
    return home


@pytest.mark.long
@pytest.mark.parametrize("damage", ["cut", "empty", "zeroed", "garbled"])
def test_damaged_files_are_made_anew(kept: Path, damage: str) -> None:
    files = sorted(kept.rglob("*.nb[ic]"))
    assert len(files) >= 6
    sound = {file: file.read_bytes() for file in files}
    for file, data in sound.items():
        wrong = {
            "cut": data[: len(data) // 2],
            "empty": b"",
            "zeroed": bytes(len(data)),
            "garbled": data[:40] + bytes(b ^ 255 for b in data[40:60]) + data[60:],
        }[damage]
        file.write_bytes(wrong)
    done = run(kept)
    assert (done.returncode, done.stdout, done.stderr) == (0, ANSWER, "")
    for file in files:  # and whole again
        assert len(file.read_bytes()) > 100
        assert file.read_bytes() != bytes(len(file.read_bytes()))
    times = {file: file.stat().st_mtime_ns for file in files}
    assert run(kept).stdout == ANSWER
    assert times == {file: file.stat().st_mtime_ns for file in files}  # nothing is compiled a third time


@pytest.mark.long
def test_without_a_place_for_kernels_they_are_compiled_and_not_kept(tmp_path: Path) -> None:
    for nowhere in ("/proc/nowhere", "/dev/null", str(tmp_path / "file")):
        (tmp_path / "file").write_text("")
        (tmp_path / "tmp").mkdir(exist_ok=True)
        done = run(Path(nowhere), TMPDIR=str(tmp_path / "tmp"))
        assert (done.returncode, done.stdout, done.stderr) == (0, ANSWER, "")
        assert list((tmp_path / "tmp").iterdir()) == []
