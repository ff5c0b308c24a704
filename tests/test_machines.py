"""Machines that lack something: no torch, no home, a locked archive, a file system without locks, a full disk."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import PROGRAM, QUICK, archived, checkpoints, invoke, refused, spawn
from samples import isosceles

from patternboost.problem.registry import problem
from patternboost.store.archive import Archive, warn
from patternboost.store.run_folder import RunFolder


def test_a_damaged_archive_is_refused_in_one_line(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    for content in (b"not a database" * 100, bytes(range(256)) * 16):
        (home / "archive.sqlite").write_bytes(content)
        for command in (["records"], ["export", "isosceles", 8]):
            refused(invoke(*command), "archive.sqlite")
        refused(invoke("search", "isosceles", 7, *QUICK, "--run-dir", tmp_path / "run"), "archive.sqlite")
        assert not (tmp_path / "run").exists()


@pytest.mark.long
def test_a_data_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search goes on, says where the archive could be, and a later resume gives it what it missed."""
    monkeypatch.setenv("PATTERNBOOST_HOME", str(tmp_path / "good"))
    own = invoke("search", "isosceles", 5, *QUICK, "--run-dir", tmp_path / "first")
    (tmp_path / "file").write_text("")
    for number, folder in enumerate(("/proc/nowhere", "/dev/null", str(tmp_path / "file" / "x"))):
        monkeypatch.setenv("PATTERNBOOST_HOME", folder)
        run = tmp_path / f"run-{number}"
        answer = spawn("search", "isosceles", 7, *QUICK, "--run-dir", run, home=Path(folder))
        assert answer.status == 0, answer.err
        assert "PATTERNBOOST_HOME names a folder that can be written" in answer.err
        assert "the archive gets it later" in answer.err
        assert spawn("records", "isosceles", home=Path(folder)).status == 0
        assert spawn("export", "isosceles", 16, home=Path(folder)).status in (0, 2)
        assert "Traceback" not in answer.err
        refused(spawn("import", own.last.split()[-1], home=Path(folder)), "archive")
    monkeypatch.setenv("PATTERNBOOST_HOME", str(tmp_path / "good"))
    assert invoke("resume", tmp_path / "run-0").status == 0
    with Archive() as archive:
        assert archive.best(problem("isosceles", 7))[0].score == pb_best(tmp_path / "run-0")


@pytest.mark.long
def test_without_torch_all_but_learning_works(tmp_path: Path, home: Path) -> None:
    """A machine without torch: searches without a model, and one line for those with one."""
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "sitecustomize.py").write_text(
        "import importlib.util, sys\n"
        "real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *a: None if name == 'torch' else real(name, *a)\n"
        "class Blocked:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'torch':\n"
        "            raise ModuleNotFoundError('No module named torch', name='torch')\n"
        "sys.meta_path.insert(0, Blocked())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(blocked), "PATTERNBOOST_HOME": str(home)}

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "patternboost.cli", *map(str, words)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path)

    done = run("search", "isosceles", 7, "--model", "none", "--generations", 1, "--run-dir", "a")
    assert done.returncode == 0, done.stderr
    for words in (("report", "a"), ("records", "isosceles"), ("export", "a", "--format", "csv"), ("runs", ".")):
        assert run(*words).returncode == 0
    done = run("search", "isosceles", 7, "--generations", 1, "--run-dir", "b")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert "--model gpt needs torch: pip install torch, or use --model none" in done.stderr


def test_a_locked_archive_does_not_end_a_search(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program holds a lock for longer than we wait; when it lets go the archive gets everything."""
    monkeypatch.setattr("patternboost.store.archive._BUSY_SECONDS", 0.2)
    with Archive():
        pass
    lock = sqlite3.connect(home / "archive.sqlite", isolation_level=None)
    lock.execute("begin exclusive")
    answer = invoke("search", "isosceles", 7, *QUICK, "--run-dir", tmp_path / "run")
    assert answer.status == 0, answer.err
    assert "is locked" in answer.err
    lock.execute("rollback")
    assert invoke("resume", tmp_path / "run").status == 0
    with Archive() as archive:
        assert archive.best(problem("isosceles", 7))[0].score == pb_best(tmp_path / "run")


def test_a_file_system_without_locks_does_not_end_a_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite says "locking protocol" there, at the first thing that is asked of it."""
    real = sqlite3.connect

    class Without(sqlite3.Connection):
        def execute(self, *arguments: object) -> sqlite3.Cursor:  # type: ignore[override]
            raise sqlite3.OperationalError("locking protocol")

    def connect(database: object, *arguments: object, **named: object) -> sqlite3.Connection:
        if "archive.sqlite" in str(database):
            named["factory"] = Without
        return real(database, *arguments, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(sqlite3, "connect", connect)
    warn.cache_clear()
    answer = invoke(
        "search", "isosceles", 6, "--generations", 1, "--model", "none", "--jobs", 1, "--run-dir", tmp_path / "run"
    )
    assert answer.status == 0, answer
    assert "locking protocol" in answer.err
    assert "PATTERNBOOST_HOME" in answer.err
    assert list((tmp_path / "run" / "best").glob("*.json"))


def test_an_archive_that_can_only_be_read_is_read(tmp_path: Path) -> None:
    made = isosceles(6)
    path = tmp_path / "archive.sqlite"
    with Archive(path) as archive:
        archive.add([made])
    with Archive(path, instead=True) as archive:
        assert archive.best(made.instance)[0].points == made.points
        assert archive.add([isosceles(5)]) == 1  # it can be written again: the stand-in gives way
        assert not archive.stands_in


def pb_best(run: Path) -> int:
    """The best score of a run."""
    best = RunFolder.read(run).best()
    return 0 if best is None else best.score


@pytest.mark.long
def test_a_reader_that_leaves_early() -> None:
    """`patternboost records | head -1` ends without a traceback."""
    pipe = subprocess.Popen([*PROGRAM, "records"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert pipe.stdout
    assert pipe.stderr
    pipe.stdout.close()
    errors = pipe.stderr.read().decode()
    pipe.stderr.close()
    pipe.wait(60)
    assert "Traceback" not in errors


# -- a full disk -------------------------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder], capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(disk: Path, leave: int = 0) -> Path:
    """Fill a disk up to `leave` bytes; returns the file that does."""
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
        file.truncate(max(0, file.tell() - leave))
    return ballast


LONG = ["--generations", 4, "--model", "none", "--set", "starts=10", "--jobs", 1, "--quiet"]


SLOW = pytest.mark.slow


@pytest.mark.long
@pytest.mark.parametrize("leave", [0, 40960, *(pytest.param(size, marks=SLOW) for size in (4096, 16384, 65536))])
def test_a_full_disk_under_the_run(leave: int, disk: Path, tmp_path: Path) -> None:
    run = disk / "run"
    ballast = fill(disk, leave)
    answer = spawn("search", "isosceles", 8, *LONG, "--run-dir", run)
    if answer.status != 0:
        refused(answer, "no space left on device")
        if (run / "settings.toml").exists():
            refused(spawn("resume", run, "--quiet"), "no space left on device")
    ballast.unlink()
    if (run / "settings.toml").exists():
        assert spawn("resume", run, "--quiet").status == 0
    else:
        assert spawn("search", "isosceles", 8, *LONG, "--run-dir", run).status == 0
    assert invoke("search", "isosceles", 8, *LONG, "--run-dir", tmp_path / "whole").status == 0
    assert checkpoints(run) == checkpoints(tmp_path / "whole")
    assert invoke("verify", *(run / "best").glob("*.json")).status == 0


@pytest.mark.long
@pytest.mark.parametrize("leave", [0, *(pytest.param(size, marks=SLOW) for size in (4096, 40960, 65536))])
def test_a_full_disk_under_the_archive(leave: int, disk: Path, tmp_path: Path) -> None:
    home = disk / "home"
    made = isosceles(6)
    with Archive(home / "archive.sqlite") as archive:
        archive.add([made])
    before = archived(home)
    ballast = fill(disk, leave)
    run = tmp_path / "run"
    answer = spawn("search", "isosceles", 8, *LONG, "--run-dir", run, home=home)
    if answer.status != 0:
        refused(answer, "archive")
    ballast.unlink()
    assert set(before) <= set(archived(home))
    if (run / "settings.toml").exists():
        assert spawn("resume", run, "--quiet", home=home).status == 0
    else:
        assert spawn("search", "isosceles", 8, *LONG, "--run-dir", run, home=home).status == 0
    assert invoke("search", "isosceles", 8, *LONG, "--run-dir", tmp_path / "whole").status == 0
    with Archive(home / "archive.sqlite") as archive:  # it may lack what was worse than the best in the end
        assert archive.best(problem("isosceles", 8))[0].score == pb_best(run)
