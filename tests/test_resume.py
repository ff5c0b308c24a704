"""A run that is killed, at whatever moment, goes on and ends exactly as one that was not."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from commands import archived, checkpoints, finish, invoke, read_log, refused, spawn, start, untimed, wait_until

GPT = ["isosceles", 8, "--generations", 6, "--model", "gpt", "--jobs", 2, "--device", "cpu", "--seed", 5]
SMALL = ["--set", "starts=20", "--set", "train_steps=10"]


@dataclass(frozen=True)
class Whole:
    """A run that nothing interrupted."""

    run: Path
    home: Path
    #: seconds it took from the moment its folder was there
    seconds: float


def begun(run: Path) -> bool:
    """Whether a run's folder is a run."""
    return (run / "settings.toml").exists()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """The uninterrupted run with a transformer."""
    folder = tmp_path_factory.mktemp("whole")
    process = start("search", *GPT, *SMALL, "--run-dir", folder / "run", "--quiet", home=folder / "home")
    wait_until(lambda: begun(folder / "run"))
    began = time.monotonic()
    answer = finish(process)
    assert answer.status == 0, answer
    assert any(entry["train"] for entry in read_log(folder / "run"))
    return Whole(folder / "run", folder / "home", time.monotonic() - began)


def kill(process: "subprocess.Popen[str]") -> None:
    """kill -9, and everything the process started with it."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def same(run: Path, home: Path, whole: Whole) -> None:
    """Assert that a run ended as the whole one: archive, checkpoints, log, best constructions, nothing left over."""
    assert archived(home) == archived(whole.home)
    assert checkpoints(run) == checkpoints(whole.run)
    assert untimed(read_log(run)) == untimed(read_log(whole.run))
    assert sorted(p.name for p in (run / "best").glob("*.json")) == sorted(
        p.name for p in (whole.run / "best").glob("*.json")
    )
    assert (run / "report.html").exists()


def killed_and_resumed(whole: Whole, folder: Path, moments: list[float]) -> None:
    """Kill the run, then each resumption of it, after these shares of the whole run's time; then let it end."""
    run, home = folder / "run", folder / "home"
    process = start("search", *GPT, *SMALL, "--run-dir", run, "--quiet", home=home)
    wait_until(lambda: begun(run))
    for index, moment in enumerate(moments):
        if index:
            process = start("resume", run, "--quiet", home=home)
        time.sleep(moment * whole.seconds)
        kill(process)
    answer = spawn("resume", run, "--quiet", home=home)
    assert answer.status == 0, answer
    assert answer.err == ""
    same(run, home, whole)


@pytest.mark.long
def test_killed_at_three_moments(whole: Whole, tmp_path: Path) -> None:
    # One run, killed early, then twice more while it is being resumed.
    rng = random.Random(3)
    killed_and_resumed(whole, tmp_path, [rng.uniform(0.1, 0.4), rng.uniform(0.2, 0.7), rng.uniform(0.2, 0.7)])


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(20))
def test_killed_at_a_random_moment(moment: int, whole: Whole, tmp_path: Path) -> None:
    killed_and_resumed(whole, tmp_path, [random.Random(moment).uniform(moment / 20, (moment + 1) / 20)])


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(5))
def test_killed_again_and_again(moment: int, whole: Whole, tmp_path: Path) -> None:
    rng = random.Random(100 + moment)
    killed_and_resumed(whole, tmp_path, [rng.uniform(0, 0.6) for _ in range(4)])


# A run in a child of a process that has everything loaded, killed at its k-th lasting write.
CRASHES = """
import os, signal, sys
from pathlib import Path

from patternboost import cli  # noqa: F401
from patternboost.store import run_folder as run  # noqa: F401
import patternboost.api, patternboost.report.html  # noqa: F401

base, arguments = Path(sys.argv[1]), sys.argv[2:]

def child(name, arguments, fatal):
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.environ["PATTERNBOOST_HOME"] = str(base / name / "home")
    sys.argv = ["patternboost", *arguments]
    calls = 0

    def deadly(real):
        def call(*args, **kwargs):
            nonlocal calls
            calls += 1
            if calls == fatal:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)
        return call

    for name in ("mkdir", "open", "rename", "replace", "fsync", "unlink", "rmdir"):
        setattr(os, name, deadly(getattr(os, name)))

    try:
        cli.main()
    except SystemExit as exit_:
        sys.stdout.flush()
        os._exit(exit_.code)
    except BaseException:
        import traceback
        traceback.print_exc()
        os._exit(99)

def search(name, fatal):
    return child(name, ["search", *arguments, "--run-dir", str(base / name / "run")], fatal)

assert search("whole", 0) == 0
fatal = 0
while True:
    fatal += STEP
    name = f"crash-{fatal}"
    status = search(name, fatal)
    if status == 0:
        break
    assert status == -9, status
    if (base / name / "run" / "settings.toml").exists():
        again = child(name, ["resume", str(base / name / "run"), "--quiet"], fatal // 2)
        assert again in (-9, 0), again
        last = child(name, ["resume", str(base / name / "run"), "--quiet"], 0)
    else:
        last = search(name, 0)
    assert last == 0, (fatal, last)
"""


@pytest.mark.parametrize("step", [17, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_at_its_writes(step: int, tmp_path: Path) -> None:
    arguments = [
        "isosceles",
        "7",
        "--generations",
        "3",
        "--model",
        "none",
        "--set",
        "starts=5",
        "--jobs",
        "1",
        "--quiet",
    ]
    script = CRASHES.replace("STEP", str(step))
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), *arguments], capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    crashes = sorted(tmp_path.glob("crash-*"))
    assert len(crashes) > 60 / step
    whole = Whole(tmp_path / "whole" / "run", tmp_path / "whole" / "home", 0.0)
    for crash in crashes:
        same(crash / "run", crash / "home", whole)
        leftovers = [p.name for p in (crash / "run" / "checkpoint").iterdir() if not p.name.isdigit()]
        assert leftovers == []


def test_a_run_killed_before_it_began_can_be_started_again(tmp_path: Path) -> None:
    (tmp_path / "run" / "checkpoint").mkdir(parents=True)
    refused(invoke("resume", tmp_path / "run"), "is no run")
    arguments = ["isosceles", 6, "--generations", 1, "--model", "none", "--set", "starts=3", "--jobs", 1, "--quiet"]
    assert invoke("search", *arguments, "--run-dir", tmp_path / "run").status == 0


def test_resuming_what_is_done_changes_nothing(whole: Whole, tmp_path: Path) -> None:
    shutil.copytree(whole.run, tmp_path / "run")
    shutil.copytree(whole.home, tmp_path / "home")
    answer = invoke("resume", tmp_path / "run", "--quiet")
    assert answer.status == 0
    assert answer.last.endswith(".json")
    same(tmp_path / "run", tmp_path / "home", whole)


def test_a_larger_budget_ends_as_if_it_had_been_given_at_once(tmp_path: Path) -> None:
    settings = ["--model", "bigram", "--jobs", 1, "--device", "cpu", "--quiet", *SMALL]
    first = invoke("search", "isosceles", 7, "--generations", 2, "--run-dir", tmp_path / "a", *settings)
    assert first.status == 0, first
    assert invoke("resume", tmp_path / "a", "--generations", 4, "--quiet").status == 0
    assert invoke("search", "isosceles", 7, "--generations", 4, "--run-dir", tmp_path / "b", *settings).status == 0
    assert checkpoints(tmp_path / "a") == checkpoints(tmp_path / "b")
    assert untimed(read_log(tmp_path / "a")) == untimed(read_log(tmp_path / "b"))


# -- damage ------------------------------------------------------------------------------------------------------------

DAMAGES = {
    "empty": lambda content: b"",
    "cut short": lambda content: content[: len(content) // 2],
    "cut to almost nothing": lambda content: content[:9],
    "other bytes": lambda content: bytes(range(256)) * 8,
    "zeros": lambda content: bytes(len(content)),
    "another's JSON": lambda content: b"[]",
    "null": lambda content: b"null",
    "an empty object": lambda content: b"{}",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    "file", ["settings.toml", "state.json", "pool.npz", "model.json", "model.safetensors", "optimizer.safetensors"]
)
def test_damaged_files_are_refused(file: str, damage: str, whole: Whole, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole.run, run)
    path = run / file if file == "settings.toml" else run / "checkpoint" / "000006" / file
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    if file == "model.json" and damage == "an empty object":
        pytest.skip("says that there is no model yet")
    answer = invoke("resume", run, "--generations", 7, "--quiet")
    refused(answer, str(run))
    assert len(answer.err) < 1000


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("n = 8", "n = -3"),
        ("n = 8", "n = 1000000000"),
        ("n = 8", 'n = "8"'),
        ("n = 8", "n = nan"),
        ('problem = "isosceles"', 'problem = "nope"'),
        ('problem = "isosceles"', 'problem = "/etc/passwd"'),
        ('problem = "isosceles"', "problem = []"),
        ("starts = 20", "starts = 0"),
        ("starts = 20", "starts = true"),
        ("starts = 20", "start = 20"),
        ('model = "gpt"', 'model = "lstm"'),
        ('symmetry = "auto"', 'symmetry = "sideways"'),
        ('backend = "threading"', 'backend = "carrier pigeon"'),
        ("width = 64", "width = 32"),
        ("layers = 4", "layers = 3"),
        ("seed_from = []", "seed_from = [1]"),
        ("seed_from = []", "seed_from = ["),
    ],
)
def test_settings_that_cannot_be_are_refused(old: str, new: str, whole: Whole, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole.run, run)
    text = (run / "settings.toml").read_text()
    assert old in text
    (run / "settings.toml").write_text(text.replace(old, new))
    refused(invoke("resume", run, "--generations", 7, "--quiet"))


def test_without_the_damaged_checkpoint_the_one_before_counts(whole: Whole, tmp_path: Path) -> None:
    run, home = tmp_path / "run", tmp_path / "home"
    shutil.copytree(whole.run, run)
    shutil.copytree(whole.home, home)
    (run / "checkpoint" / "000006" / "pool.npz").write_bytes(b"")
    refused(invoke("resume", run, "--generations", 6, "--quiet"), "the one before")
    shutil.rmtree(run / "checkpoint" / "000006")
    assert invoke("resume", run, "--generations", 6, "--quiet").status == 0
    same(run, home, whole)


def test_a_log_line_cut_short_is_written_again(whole: Whole, tmp_path: Path) -> None:
    run, home = tmp_path / "run", tmp_path / "home"
    shutil.copytree(whole.run, run)
    shutil.copytree(whole.home, home)
    shutil.rmtree(run / "checkpoint" / "000006")
    content = (run / "log.jsonl").read_bytes()
    (run / "log.jsonl").write_bytes(content[:-30])
    assert invoke("resume", run, "--quiet").status == 0
    same(run, home, whole)


def test_without_any_checkpoint_nothing_that_is_there_is_lost(whole: Whole, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole.run, run)
    shutil.rmtree(run / "checkpoint")
    log = (run / "log.jsonl").read_bytes()
    refused(invoke("resume", run, "--generations", 9), "its checkpoints are gone", f"--seed-from {run}")
    assert (run / "log.jsonl").read_bytes() == log
    assert list((run / "best").glob("*.json"))


def test_a_checkpoint_of_another_size_is_not_taken_up(whole: Whole, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole.run, run)
    settings = run / "settings.toml"
    settings.write_text(settings.read_text().replace("n = 8 ", "n = 9 "))
    refused(invoke("resume", run, "--generations", 9), "says isosceles n=9, its checkpoint is of isosceles n=8")
