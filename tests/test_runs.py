"""Looking at runs while others work on them: `runs`, `watch`, and what `resume` says where nothing is left."""

import csv
import io
import json
import os
import signal
from importlib import import_module
from pathlib import Path

import pytest
from commands import finish, invoke, read_log, refused, start, wait_until
from made_runs import made_entry, made_log, made_run

from patternboost.report.run_table import COLUMNS, run_rows, state_of
from patternboost.report.watching import follow, new_entries
from patternboost.store.files import FileError
from patternboost.store.run_folder import RunFolder
from patternboost.store.settings import Settings

#: a search that goes on until it is stopped, in generations of a fraction of a second
ENDLESS = ["--generations", 100_000, "--model", "none", "--set", "starts=40", "--jobs", 1, "--quiet"]
QUICK = ["--model", "none", "--set", "starts=3", "--jobs", 1]


def test_states(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    assert invoke("search", "isosceles", 7, "--generations", 2, *QUICK, "--run-dir", runs / "budget").status == 0
    assert (
        invoke("search", "isosceles", 5, "--minutes", 5, "--target", 3, *QUICK, "--run-dir", runs / "goal").status == 0
    )
    bound = ["no-three-in-line", 4, "--minutes", 5, *QUICK]
    assert invoke("search", *bound, "--run-dir", runs / "bound").status == 0
    made_run(runs / "stopped", generations=4).cut_log(2)
    held = RunFolder.create(runs / "running", Settings("isosceles", 9, generations=3))
    try:
        assert {Path(row["run"]).name: row["state"] for row in run_rows(runs)} == {
            "budget": "finished",
            "goal": "finished",
            "bound": "finished",
            "stopped": "stopped",
            "running": "running",
        }
    finally:
        held.close()
    assert state_of(RunFolder.read(runs / "running")) == "stopped"


def test_the_list_in_every_format(tmp_path: Path) -> None:
    made_run(tmp_path / "runs" / "a")
    made_run(tmp_path / "runs" / "b", n=13, model="none")
    rows = json.loads(invoke("runs", tmp_path / "runs", "--format", "json").out)
    assert [row["n"] for row in rows] == [12, 13]
    assert set(rows[0]) == set(COLUMNS)
    assert [
        row["n"] for row in csv.DictReader(io.StringIO(invoke("runs", tmp_path / "runs", "--format", "csv").out))
    ] == [
        "12",
        "13",
    ]
    assert invoke("runs", tmp_path / "runs", "--format", "markdown").out.startswith("| run | state |")
    text = invoke("runs", tmp_path / "runs").out.splitlines()
    assert len(text) == 3
    assert "19:12 min" in text[1]


def test_what_is_in_the_way_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = tmp_path / "runs"
    made_run(runs / "a")
    (runs / "broken").mkdir()
    (runs / "broken" / "settings.toml").write_text("n = ")
    (runs / "file").write_text("")
    assert len(run_rows(runs)) == 1
    refused(invoke("runs", tmp_path / "nowhere"), "no folder")
    (tmp_path / "empty").mkdir()
    assert invoke("runs", tmp_path / "empty").out == f"no runs in {tmp_path / 'empty'}\n"
    monkeypatch.chdir(tmp_path)
    assert len(invoke("runs").out.splitlines()) == 2


def test_looking_does_not_get_in_the_way_of_working(tmp_path: Path) -> None:
    """One who looks holds the lock for an instant; one who wants to work tries again."""
    run = made_run(tmp_path / "run")
    assert not run.running()
    again = RunFolder.open(tmp_path / "run")
    assert RunFolder.read(tmp_path / "run").running()
    with pytest.raises(FileError, match="another process works on this run"):
        RunFolder.open(tmp_path / "run")
    again.close()
    assert not RunFolder.read(tmp_path / "run").running()


# -- watch -------------------------------------------------------------------------------------------------------------


def test_watching_a_run_that_has_ended(tmp_path: Path) -> None:
    made_run(tmp_path / "run", generations=20)
    answer = invoke("watch", tmp_path / "run")
    assert answer.status == 0
    lines = answer.out.splitlines()
    assert lines[0] == "isosceles n=12: finished"
    assert [line.split(":")[0] for line in lines if line.startswith("generation")] == [
        f"generation {g}" for g in range(15, 20)
    ]
    assert lines[-1].startswith("finished: best ")
    refused(invoke("watch", tmp_path), "is no run")


def test_watching_a_run_that_goes_on(tmp_path: Path) -> None:
    """Every generation is told, until the run ends; the run takes no notice."""
    run = tmp_path / "run"
    search = start("search", "isosceles", 12, *ENDLESS, "--run-dir", run)
    wait_until(lambda: len(read_log(run)) >= 1)
    watcher = start("watch", run)
    seen = len(read_log(run))
    wait_until(lambda: len(read_log(run)) >= seen + 2)
    os.kill(search.pid, signal.SIGINT)
    assert finish(search).status == 130
    answer = finish(watcher)
    assert answer.status == 0, answer
    told = [int(line.split()[1].rstrip(":")) for line in answer.out.splitlines() if line.startswith("generation")]
    assert told == list(range(told[0], told[0] + len(told)))
    assert told[-1] == read_log(run)[-1]["generation"]
    assert answer.out.splitlines()[-1].startswith("stopped: best ")


def test_ctrl_c_ends_the_watching_only(tmp_path: Path) -> None:
    run = tmp_path / "run"
    search = start("search", "isosceles", 12, *ENDLESS, "--run-dir", run)
    try:
        wait_until(lambda: len(read_log(run)) >= 1)
        watcher = start("watch", run)
        assert watcher.stdout
        assert watcher.stdout.readline() == "isosceles n=12: running\n"
        os.kill(watcher.pid, signal.SIGINT)
        answer = finish(watcher)
        assert answer.status == 130
        assert answer.err.strip() == ""  # a line break after ^C, so that the prompt stands alone
        assert search.poll() is None
        assert RunFolder.read(run).running()
    finally:
        os.kill(search.pid, signal.SIGINT)
        assert finish(search).status == 130


def test_a_log_that_is_cut_back_is_followed_on(tmp_path: Path) -> None:
    """A resumed run cuts its log: nothing is told twice, nothing is missed."""
    import random

    run = made_run(tmp_path / "run", generations=8)
    entries, offset = new_entries(run, -1, 0)
    assert [e["generation"] for e in entries] == list(range(8))
    run.cut_log(5)
    assert new_entries(run, 7, offset) == ([], (run.folder / "log.jsonl").stat().st_size)
    for g in range(5, 10):
        run.log(made_entry(g, 60.0 * g, 14, random.Random(1)))
    assert [e["generation"] for e in new_entries(run, 7, 0)[0]] == [8, 9]
    with (run.folder / "log.jsonl").open("ab") as file:
        file.write(b'{"generation": 10')  # a line that is being written
    entries, offset = new_entries(run, 7, 0)
    assert [e["generation"] for e in entries] == [8, 9]
    assert new_entries(run, 9, offset) == ([], offset)


def test_following_ends_with_the_run(tmp_path: Path) -> None:
    made_run(tmp_path / "run", generations=3)
    run = RunFolder.open(tmp_path / "run")
    looker = RunFolder.read(tmp_path / "run")
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            import random

            run.log(made_entry(3, 300.0, 14, random.Random(1)))
            run.close()

    assert [e["generation"] for e in follow(looker, pause)] == [0, 1, 2, 3]
    assert len(pauses) == 2


def test_a_run_that_ends_at_an_optimum_is_finished(tmp_path: Path) -> None:
    run = tmp_path / "run"
    stops = ["--set", "stop_at_optimum=true"]
    search = ["search", "isosceles", 5, "--generations", 9, *QUICK, *stops, "--quiet"]
    assert invoke(*search, "--run-dir", run).status == 0
    assert len(read_log(run)) < 9
    assert state_of(RunFolder.read(run)) == "finished"


# -- resume and records ------------------------------------------------------------------------------------------------


def test_resume_says_where_nothing_is_left(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert invoke("search", "isosceles", 7, "--generations", 2, *QUICK, "--quiet", "--run-dir", run).status == 0
    before = read_log(run)
    answer = invoke("resume", run)
    assert answer.status == 0
    assert "nothing was left to do: its budget is spent" in answer.err
    assert read_log(run) == before
    assert invoke("resume", run, "--quiet").err == ""
    assert "nothing was left" not in invoke("resume", run, "--generations", 3).err
    settings = (run / "settings.toml").read_bytes()
    refused(invoke("resume", run, "--generations", 2), "3 are done already")
    refused(invoke("resume", run, "--minutes", 1e-5), "are spent already")
    assert (run / "settings.toml").read_bytes() == settings  # a slip costs no budget
    goal = tmp_path / "goal"
    search = ["search", "isosceles", 5, "--generations", 9, "--target", 3, *QUICK, "--quiet"]
    assert invoke(*search, "--run-dir", goal).status == 0
    assert "5 points reached: its target" in invoke("resume", goal).err


def test_a_record_is_announced_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("patternboost.report.progress"), "compare", lambda *_: "NEW RECORD")
    options = ["--generations", 2, "--symmetry", "none", *QUICK, "--run-dir", tmp_path / "run"]
    answer = invoke("search", "isosceles", 7, *options)
    told = [line for line in answer.err.splitlines() if "NEW RECORD" in line]
    bests = [score for entry in read_log(tmp_path / "run") for _, score in entry["bests"]]
    assert len(told) == len(bests) >= 1
    assert all(f"best {score} for" in line for line, score in zip(told, bests))


def test_runs_are_locked_and_named(tmp_path):
    settings = Settings("isosceles", 5)
    run = RunFolder.create(tmp_path / "run", settings)
    with pytest.raises(FileError, match="another process"):
        RunFolder.open(tmp_path / "run")
    run.close()
    RunFolder.open(tmp_path / "run").close()
    with pytest.raises(FileError, match="already holds a run"):
        RunFolder.create(tmp_path / "run", settings)
    with pytest.raises(FileError, match="is no run"):
        RunFolder.open(tmp_path)
    (entry,) = made_log(1, 9)
    run.log(entry)
    with (tmp_path / "run" / "log.jsonl").open("a") as file:
        file.write('{"generation": 1, "cut sho')
    assert run.read_log() == [entry]
    run.cut_log(0)
    assert run.read_log() == []
