"""Several searches at once, and searches that are told to stop."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from commands import (
    LAST_LINE,
    Answer,
    archived,
    checkpoints,
    finish,
    invoke,
    read_log,
    refused,
    spawn,
    start,
    wait_until,
)

QUICK = ["--model", "none", "--jobs", 1, "--quiet"]


def keys(home: Path) -> set[tuple[object, ...]]:
    """What an archive holds: problem, size, canonical form, score."""
    return {row[:4] for row in archived(home)}


def test_two_searches_at_once_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each ends as it would alone, and the archive holds what both found."""
    searches = {
        "a": ["isosceles", 8, "--generations", 6, "--seed", 1, "--set", "starts=10", *QUICK],
        "b": ["isosceles", 8, "--generations", 6, "--seed", 2, "--set", "starts=10", *QUICK],
        "c": ["no-three-in-line", 7, "--generations", 6, "--symmetry", "none", "--set", "starts=10", *QUICK],
    }
    together = tmp_path / "together"
    running = [start("search", *s, "--run-dir", tmp_path / f"{n}-together", home=together) for n, s in searches.items()]
    for process in running:
        answer = finish(process)
        assert answer.status == 0, answer
        assert answer.err == ""
    expected: set[tuple[object, ...]] = set()
    for name, search in searches.items():
        monkeypatch.setenv("PATTERNBOOST_HOME", str(tmp_path / f"home-{name}"))
        assert invoke("search", *search, "--run-dir", tmp_path / name).status == 0
        expected |= keys(tmp_path / f"home-{name}")
        assert checkpoints(tmp_path / f"{name}-together") == checkpoints(tmp_path / name)
    assert keys(together) == expected


@pytest.mark.long
def test_two_processes_cannot_work_on_one_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    first = start("search", "isosceles", 20, "--minutes", 5, *QUICK, "--run-dir", run)
    wait_until(lambda: (run / "settings.toml").exists())
    try:
        refused(invoke("resume", run, "--quiet"), "another process works on this run")
        refused(invoke("search", "isosceles", 20, "--run-dir", run), "already holds a run")
        assert invoke("export", run, "--format", "txt").status in (0, 2)  # reading is free to all
    finally:
        os.killpg(first.pid, signal.SIGKILL)
        first.communicate()
    assert invoke("resume", run, "--generations", 1, "--quiet").status == 0


def test_searches_in_one_second_get_folders_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    certificates = set()
    for seed in range(3):
        answer = invoke("search", "isosceles", 5, "--generations", 1, *QUICK, "--set", "starts=2", "--seed", seed)
        assert answer.status == 0
        certificates.add(answer.last.split(" ")[-1])
    assert len(certificates) == 3
    assert all(Path(c).parts[0] == "runs" for c in certificates)


# -- being told to stop ------------------------------------------------------------------------------------------------

#: settings that make one phase of a generation long, and how many lines the log has when it has come
PHASES = {
    "train": (["isosceles", 10, "--set", "starts=40", "--set", "train_steps=1000000"], 1),
    "sample": (["isosceles", 16, "--set", "starts=30", "--set", "train_steps=1", "--set", "batch=2"], 1),
    "search": (["isosceles", 24, "--model", "none", "--set", "starts=20000"], 0),
    **{
        f"search_by_{backend}": (
            ["isosceles", 24, "--model", "none", "--set", "starts=20000", "--backend", backend, "--jobs", 2],
            0,
        )
        for backend in ("loky", "dask", "ray")
    },
    "tables": (["isosceles", 90, "--model", "none", "--symmetry", "none"], 0),
}


def stopped(process: "subprocess.Popen[str]", number: int, group: bool) -> Answer:
    """Send a signal, as Ctrl-C in a terminal does (to the group) or as kill does, and see that it is obeyed."""
    began = time.monotonic()
    if group:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    answer = finish(process, 60)
    seconds = time.monotonic() - began
    assert answer.status == 130, answer
    assert seconds < 10, seconds
    assert "Traceback" not in answer.err, answer
    assert "patternboost resume" in answer.err, answer
    return answer


def below(parent: int) -> list[psutil.Process]:
    """The processes that a process started, and those that they did."""
    return psutil.Process(parent).children(recursive=True)


def ended(workers: list[psutil.Process]) -> None:
    """Assert that no worker is left."""
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not [w.cmdline() for w in alive if w.status() != psutil.STATUS_ZOMBIE]


def goes_on(run: Path) -> None:
    """Assert that a stopped run can be resumed to an end."""
    log = read_log(run)
    done, spent = len(log), log[-1]["seconds"] / 60 if log else 0.0
    answer = spawn("resume", run, "--minutes", spent + 0.1, "--quiet")
    if "nothing found in time" in answer.err:  # large tables on a slow machine
        assert answer.status == 1
        return
    assert answer.status == 0, answer
    assert len(read_log(run)) >= done
    found = re.fullmatch(LAST_LINE, answer.last)
    assert found, answer
    assert invoke("verify", found[4]).status == 0


def stop_in(phase: str, number: int, run: Path, budget: list[object]) -> None:
    """Start a search, stop it in a phase, and take it up again."""
    arguments, lines = PHASES[phase]
    if phase == "sample":
        arguments = [*arguments, "--set", "model_share=1.0", "--set", "pool=20000"]
    for backend, module in (("dask", "distributed"), ("ray", "ray")):
        if backend in arguments:
            pytest.importorskip(module, reason=f"needs the extra: pip install 'patternboost[{backend}]'")
    process = start("search", "--jobs", 1, *arguments, "--device", "cpu", *budget, "--run-dir", run)
    wait_until(lambda: (run / "settings.toml").exists() and len(read_log(run)) >= lines)
    if "--backend" in arguments:  # until its workers work
        wait_until(lambda: bool(list((run / "best").glob("*.json"))))
    time.sleep(1)
    assert process.poll() is None
    workers = below(process.pid)
    answer = stopped(process, number, group=number == signal.SIGINT)
    ended(workers)
    if list((run / "best").glob("*.json")):
        assert re.fullmatch(LAST_LINE, answer.last)
    goes_on(run)


@pytest.mark.parametrize(
    "phase", ["search", *(pytest.param(p, marks=pytest.mark.slow) for p in PHASES if p != "search")]
)
def test_ctrl_c(phase: str, tmp_path: Path) -> None:
    stop_in(phase, signal.SIGINT, tmp_path / "run", ["--generations", 1000])


@pytest.mark.slow
@pytest.mark.parametrize("phase", PHASES)
def test_sigterm(phase: str, tmp_path: Path) -> None:
    stop_in(phase, signal.SIGTERM, tmp_path / "run", ["--generations", 1000])


@pytest.mark.slow
@pytest.mark.parametrize("phase", PHASES)
def test_ctrl_c_under_a_time_budget(phase: str, tmp_path: Path) -> None:
    stop_in(phase, signal.SIGINT, tmp_path / "run", ["--minutes", 30])


@pytest.mark.long
def test_sigterm_under_a_time_budget(tmp_path: Path) -> None:
    stop_in("search", signal.SIGTERM, tmp_path / "run", ["--minutes", 30])


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1])
def test_a_closed_terminal_and_a_clusters_notice_end_it_like_sigterm(number: int, tmp_path: Path) -> None:
    stop_in("search", number, tmp_path / "run", ["--minutes", 30])


HANGS = """
import sys
from patternboost.problem import Problem, rule

SEARCHED = sys.argv[0] != "-c"  # it is checked in a process that is started so

@rule
def complete(n, chosen, out):
    i = 0
    while SEARCHED and i >= 0:
        i = (i + 1) % 7
    return 0

def violation(points):
    return None

PROBLEM = Problem("hangs", "hangs", "Nothing is forbidden.", 3, complete, violation, ())
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_search_that_hangs_in_compiled_code_can_be_interrupted(number: int, tmp_path: Path) -> None:
    (tmp_path / "hangs.py").write_text(HANGS)
    run = tmp_path / "run"
    process = start("search", tmp_path / "hangs.py", 12, "--model", "none", "--minutes", 30, "--run-dir", run)
    wait_until(lambda: (run / "settings.toml").exists())
    time.sleep(3)
    for _ in range(2):
        process.send_signal(number)
        time.sleep(0.5)
    answer = finish(process, 40)
    assert answer.status == 130
    assert "ended at once, since it did not answer" in answer.err


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["loky", "dask", "ray"])
def test_a_search_that_is_killed_leaves_no_workers(backend: str, tmp_path: Path) -> None:
    arguments, _ = PHASES[f"search_by_{backend}"]
    if backend != "loky":
        pytest.importorskip({"dask": "distributed"}.get(backend, backend))
    process = start("search", *arguments, "--minutes", 30, "--run-dir", tmp_path / "run")
    wait_until(lambda: bool(list((tmp_path / "run" / "best").glob("*.json"))))
    workers = below(process.pid)
    assert workers
    # Ray's two agents, which do no work, look five times at whether ray is still there before they end.
    workers = [worker for worker in workers if "Agent" not in " ".join(worker.cmdline())]
    process.kill()
    process.communicate()
    ended(workers)


def test_ctrl_c_and_resume_end_as_if_nothing_had_happened(tmp_path: Path) -> None:
    """With a budget in generations; the archive may hold more, found in the generation that was cut short."""
    arguments = ["isosceles", 12, "--generations", 3, "--set", "starts=60", *QUICK]
    whole, run = tmp_path / "whole", tmp_path / "run"
    assert invoke("search", *arguments, "--run-dir", whole).status == 0
    expected = keys(tmp_path / "home")
    process = start("search", *arguments, "--run-dir", run, home=tmp_path / "other")
    wait_until(lambda: len(read_log(run)) >= 1 or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    assert finish(process).status in (0, 130)
    assert spawn("resume", run, "--quiet", home=tmp_path / "other").status == 0
    assert checkpoints(run) == checkpoints(whole)
    assert keys(tmp_path / "other") >= expected


@pytest.mark.slow
def test_ctrl_c_at_any_moment_of_the_start(tmp_path: Path) -> None:
    for index in range(8):
        run = tmp_path / f"run-{index}"
        process = start("search", "isosceles", 8, "--generations", 3, "--jobs", 1, "--run-dir", run)
        time.sleep(0.2 + 0.4 * index)
        process.send_signal(signal.SIGINT)
        answer = finish(process, 30)
        assert answer.status in (0, 130, -signal.SIGINT), answer
        # In its first moments, before any of our code runs, it is Python that answers, in its own way.
        assert "Traceback" not in answer.err or index < 3, answer
        if (run / "settings.toml").exists():
            assert "Traceback" not in answer.err, answer
            assert spawn("resume", run, "--quiet").status == 0


def test_a_target_that_is_reached_ends_the_search(tmp_path: Path) -> None:
    began = time.monotonic()
    answer = invoke("search", "isosceles", 8, "--minutes", 5, "--target", 12, *QUICK, "--run-dir", tmp_path / "run")
    assert answer.status == 0
    found = re.fullmatch(LAST_LINE, answer.last)
    assert found, answer
    assert int(found[1]) >= 12
    assert time.monotonic() - began < 60


def test_the_first_budget_reached_ends_the_search(tmp_path: Path) -> None:
    both = ["--minutes", 0.05, "--generations", 1_000_000]
    began = time.monotonic()
    assert invoke("search", "isosceles", 8, *both, *QUICK, "--run-dir", tmp_path / "a").status == 0
    assert 2 < time.monotonic() - began < 30
    both = ["--minutes", 60, "--generations", 2]
    assert invoke("search", "isosceles", 8, *both, *QUICK, "--set", "starts=5", "--run-dir", tmp_path / "b").status == 0
    assert len(read_log(tmp_path / "b")) == 2
