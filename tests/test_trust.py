"""A run's folder may come from anywhere: the problem file that it names is run only if the user has named it."""

import shutil

import pytest
from commands import invoke, refused

import patternboost as pb
from patternboost.problem.registry import _from_file
from patternboost.store.new_problem import new_problem

SHORT = ("--generations", 1, "--model", "none", "--jobs", 1)


@pytest.fixture
def run(tmp_path):
    """A run of a problem of one's own, and the file."""
    file = new_problem("own", tmp_path)
    assert invoke("search", file, 4, *SHORT, "--run-dir", tmp_path / "run").status == 0
    return tmp_path / "run", file


def forget(file, executed):
    """Make the file one that says so when it is run, as a stranger's would be."""
    file.write_text(f"open({str(executed)!r}, 'w').close()\n" + file.read_text())
    _from_file.cache_clear()


def test_ones_own_run_goes_on(run):
    folder, _ = run
    assert invoke("resume", folder, "--generations", 2).status == 0
    assert invoke("report", folder).status == 0
    assert invoke("export", folder, "--format", "csv").status == 0


def test_a_file_that_was_not_named_is_not_run(run, tmp_path, monkeypatch):
    folder, file = run
    executed = tmp_path / "executed"
    forget(file, executed)
    commands = (("resume", folder, "--generations", 3), ("report", folder), ("export", folder, "--format", "csv"))
    for command in commands:
        refused(invoke(*command), "names the problem file", f"pass --problem {file} if you trust it")
    assert "names the problem file" in pb.Run.read(folder)._repr_html_()
    assert invoke("runs", tmp_path).status == 0
    assert not executed.exists()
    for command in commands[::-1]:
        answer = invoke(*command, "--problem", file)
        assert answer.status == 0, answer.err
    assert executed.exists()
    _from_file.cache_clear()
    assert all(invoke(*command).status == 0 for command in commands[1:])  # it was named now
    monkeypatch.setenv("PATTERNBOOST_HOME", str(tmp_path / "another machine"))
    _from_file.cache_clear()
    executed.unlink()
    refused(invoke("report", folder), "pass --problem")
    assert not executed.exists()


def test_a_file_that_is_gone_is_asked_for(run, tmp_path):
    folder, file = run
    moved = shutil.move(file, tmp_path / "elsewhere.py")
    refused(invoke("report", folder), "is not there; pass --problem FILE.py")
    assert invoke("report", folder, "--problem", moved).status == 0
