"""When a model trains: once what it needs is imported, beside the search, and where samples could be drawn at all."""

import subprocess
import sys
import threading

import pytest
from commands import invoke, read_log

from patternboost.loop import tables
from patternboost.model import network_generator
from patternboost.model.late_import import LateImport

SLOW_MODULE = """
import pathlib, time
while not pathlib.Path({gate!r}).exists():
    time.sleep(0.01)
"""


@pytest.fixture
def gate(tmp_path, monkeypatch):
    """A file without which the import of `opens_late` does not end."""
    path = tmp_path / "gate"
    (tmp_path / "opens_late.py").write_text(SLOW_MODULE.format(gate=str(path)))
    monkeypatch.syspath_prepend(tmp_path)
    yield path
    path.touch()
    for thread in threading.enumerate():
        if thread.name == "import opens_late":
            thread.join()
    sys.modules.pop("opens_late", None)


def test_done_once_it_is_imported(gate):
    late = LateImport("opens_late")
    assert not late.done
    late.wait()  # nothing has begun: nothing to wait for
    for _ in range(2):
        late.begin()
        assert not late.done
    gate.touch()
    late.wait()
    assert late.done
    assert "opens_late" in sys.modules
    assert LateImport("opens_late").done


def test_the_end_of_the_program_waits_for_it(tmp_path):
    (tmp_path / "opens_late.py").write_text("import time\ntime.sleep(0.5)\nprint('imported')")
    code = "from patternboost.model.late_import import LateImport\nLateImport('opens_late').begin()"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "imported\n", "")


@pytest.fixture
def late(gate, monkeypatch):
    monkeypatch.setattr(network_generator, "_COMPILER", LateImport("opens_late"))
    return gate


SMALL = ["--set", "stop_at_optimum=false", "--set", "train_steps=5", "--set", "starts=20", "--quiet"]


def search(folder, *budget):
    answer = invoke("search", "isosceles", 8, "--device", "cpu", *SMALL, "--run-dir", folder, *budget)
    assert answer.status == 0, answer
    return read_log(folder)


@pytest.mark.usefixtures("late")
def test_under_a_time_budget_the_cores_search_until_then(tmp_path):
    log = search(tmp_path / "run", "--minutes", 0.15)
    assert len(log) > 2
    assert not any(entry["train"] for entry in log)


def test_a_budget_in_generations_waits_for_it(tmp_path, late):
    threading.Timer(1.0, late.touch).start()
    assert any(entry["train"] for entry in search(tmp_path / "run", "--generations", 3))


@pytest.mark.parametrize("cost", [0.0, 1e15])
def test_where_no_table_can_be_afforded_nothing_is_learned(tmp_path, monkeypatch, cost):
    """Samples need the table of their class; without it there are walks on the inner board."""
    monkeypatch.setattr(tables, "table_steps", lambda instance, symmetry: cost)
    words = ["--symmetry", "both-mirrors+half", "--model", "unigram", "--generations", 3, "--quiet"]
    answer = invoke("search", "isosceles", 16, *words, "--run-dir", tmp_path / "run")
    assert answer.status == 0, answer
    log = read_log(tmp_path / "run")
    assert any(entry["train"] for entry in log) == any(entry["sampled"] for entry in log) == (cost == 0)
