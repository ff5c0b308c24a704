"""What README and reference promise, promise by promise."""

import configparser
import dataclasses
import importlib
import os
import pkgutil
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from commands import invoke, read_log
from made_runs import made_run

import patternboost
import patternboost as pb
from patternboost.cli import cli
from patternboost.cli.options import CLASSES
from patternboost.loop.origins import Origin
from patternboost.model.training import TrainSettings
from patternboost.problem import GRID, ProblemError, kernel_cache
from patternboost.problem.registry import find_problem, problem
from patternboost.report.data import origin_label, report_data
from patternboost.report.html import _OPTIONS
from patternboost.report.page import asset
from patternboost.search.memory import Building, SharedMemory, shared
from patternboost.search.region_cache import region_rows
from patternboost.search.streams import Stream, stream_seed
from patternboost.search.tasks import prepare
from patternboost.store.settings import Settings, SettingsError, default_jobs

ISOSCELES = find_problem("isosceles")
CONSTRUCTIONS = Path(__file__).parent.parent / "problems" / "constructions"
QUICK = {"generations": 1, "model": "none", "jobs": 1, "seed": 1, "quiet": True}


# -- names -------------------------------------------------------------------------------------------------------------


def test_every_public_name_is_no_module_whatever_is_imported():
    for module in pkgutil.walk_packages(patternboost.__path__, "patternboost."):
        if not module.name.endswith((".__main__", ".problem.template")):
            importlib.import_module(module.name)
    for name in pb.__all__:
        value = getattr(pb, name)
        assert not isinstance(value, ModuleType), name
        assert callable(value) or name == "__version__", name
    assert dir(pb) == sorted(pb.__all__)
    assert {"search", "export", "import_file", "report", "runs", "lesson", "rule", "problem"} <= set(dir(pb))


def test_what_a_model_needs_is_imported_before_the_clock_starts(tmp_path):
    code = """if 1:
        import sys
        from patternboost.loop import session
        def begun(*_):
            sys.exit(3 if "torch" in sys.modules else 4)
        session.Clock = begun
        import patternboost as pb
        pb.search("isosceles", 6, minutes=0.1, jobs=1, quiet=True, run_dir=sys.argv[1])
    """
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path / "run")], check=False).returncode == 3


@pytest.mark.long
def test_names_are_what_they_are_in_a_fresh_process():
    code = "import patternboost.search.tasks, patternboost as pb; from patternboost.problem.rules import rule; "
    code += "print(pb.rule is rule, callable(pb.search), callable(pb.problem), callable(pb.report))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"] * 4


def test_verbs_take_a_problem(tmp_path):
    result = pb.search(ISOSCELES, 5, run_dir=tmp_path / "r", **QUICK)
    assert result.best.score == 7
    assert next(row for row in pb.records(ISOSCELES) if row["n"] == 16)["best_known"] == 28
    compared = pb.compare(ISOSCELES, 5, minutes=0.01, seeds=1, arms=("none", "greedy"), jobs=1, quiet=True,
                          run_dir=tmp_path / "c")  # fmt: skip
    assert len(compared.outcomes) == 2
    assert pb.export(ISOSCELES, 5, format="python").startswith(b"[(")
    assert pb.new_problem("zig", str(tmp_path)) == tmp_path / "zig.py"
    assert pb.export(result) == pb.export(result.best)
    run = pb.Run.read(str(result.folder))
    assert run.best().score == 7
    assert pb.report(str(result.folder)).read_text().startswith("<!doctype html>")
    assert [row["best"] for row in pb.runs(str(tmp_path))] == [7]
    points = tmp_path / "points.csv"
    points.write_text("row,column\n0,0\n0,1\n")
    (one,) = pb.import_file(points, problem="isosceles", n=5)
    assert (one.verdict, one.construction.score) == ("took", 2)


def test_an_import_keeps_the_date_of_its_certificate(tmp_path):
    pb.Construction.of(pb.problem("isosceles", 5), [(0, 0), (0, 1)], {"date": "2020-02-02"}).save(tmp_path / "c.json")
    (one,) = pb.import_file(tmp_path / "c.json")
    assert one.verdict == "took"
    assert next(row for row in pb.records("isosceles") if row["n"] == 5)["found"] == "2020-02-02"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pb.search("isosceles", 10.0), "n = 10.0 must be a whole number, or text such as '6x9'"),
        (lambda: pb.search("isosceles", "ten"), "size 'ten': it is a whole number"),
        (lambda: pb.search("isosceles"), "n is missing"),
        (lambda: pb.search(7, 8), "a problem is a name"),
        (lambda: pb.search("isosceles", 8, minuts=1), "did you mean minutes"),
        (lambda: pb.search("isosceles", 8, minutes="1"), "minutes = '1': a budget must be a number"),
        (lambda: pb.export("isosceles"), "export isosceles N"),
        (lambda: pb.search("isosceles", 8, jobs="2"), "jobs = '2' must be of type int"),
        (lambda: pb.search("isosceles", 8, run_dir=""), "--run-dir"),
        (lambda: pb.Run.read("nowhere"), "nowhere is no run"),
        (lambda: pb.problem("isosceles", 2.5), "n = 2.5 must be a whole number"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(call, words):
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert isinstance(caught.value, ProblemError | SettingsError | ValueError)
    assert len(str(caught.value).splitlines()) == 1


def test_values_print_as_one_short_line(tmp_path):
    result = pb.search("isosceles", 5, run_dir=tmp_path / "r", **QUICK)
    shown = [result, result.best, pb.Run.read(result.folder), pb.runs(tmp_path), pb.records("isosceles")]
    for value in shown:
        for text in (repr(value), str(value)):
            assert len(text.splitlines()) == 1
            assert len(text) < 200
    assert repr(result.best) == "<isosceles n=5, 7 points>"


# -- seeds, streams, memory, machines ----------------------------------------------------------------------------------


def test_no_two_streams_coincide():
    paths = [(), (0,), (0, 0), (1,), (1, 0), (0, 1), (0, 0, 0), (10, 1), (1, 1), (1, 11), (11, 1)]
    seeds = [stream_seed(seed, stream, *path) for seed in (0, 1, 2**32, 2**40) for stream in Stream for path in paths]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert len({int(stream) for stream in Stream}) == len(Stream)


@dataclasses.dataclass
class Piece:
    nbytes: int


def test_shared_memory_stays_within_its_budget():
    memory = SharedMemory()
    rng = np.random.default_rng(1)
    for _ in range(300):
        size = int(rng.integers(1, 60))
        made = memory.get(("piece", int(rng.integers(40)), size), 100, size, lambda size=size: Piece(size))
        assert made.nbytes == size
        assert memory.nbytes <= 100
    first = memory.get("kept", 100, 10, lambda: Piece(10))
    assert memory.get("kept", 100, 10, lambda: Piece(10)) is first
    with pytest.raises(ZeroDivisionError):
        memory.get("fails", 100, 10, lambda: 1 // 0)
    assert memory.get("fails", 100, 10, lambda: Piece(3)).nbytes == 3


def test_tables_and_regions_share_one_budget():
    """All classes and many regions of one size: what is kept never exceeds the budget by what is not yet there."""
    budget = 8 << 20
    instance = problem("isosceles", 24)
    rng = np.random.default_rng(0)
    for symmetry in ("both-mirrors", "mirror", "half-turn", "diagonal", "quarter-turn"):
        table, _ = prepare(instance, symmetry, Building(budget))
        for _ in range(4):
            region = np.sort(rng.permutation(table.orbits.count)[: table.orbits.count // 2])
            rows = region_rows(instance, symmetry, region, budget)
            assert rows is None or rows.nbytes <= budget // 4
            assert shared.nbytes <= budget


def test_jobs_default_to_what_the_process_may_use(monkeypatch):
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    cores = default_jobs()
    assert 1 <= cores <= (os.cpu_count() or 1)
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    assert default_jobs() == 1
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1000")
    assert default_jobs() == cores
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "many")
    assert default_jobs() == cores
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert default_jobs() >= 1  # macOS


def test_only_joblib_asks_for_the_cores():
    package = Path(patternboost.__file__).parent
    assert not [f for f in package.rglob("*.py") if "sched_getaffinity" in f.read_text()]


# -- kernels are never stale -------------------------------------------------------------------------------------------


def test_the_kernel_cache_is_named_after_every_source(tmp_path, monkeypatch):
    names = {str(f) for f in kernel_cache.kernel_sources()}
    for part in ("problem/rules.py", "search/tabu.py", "exact/constraints.py", "model/simd_f32.py"):
        assert any(name.endswith(f"patternboost/{part}") for name in names)
    assert any(name.endswith("isosceles.py") for name in names)
    assert kernel_cache.is_kept("patternboost_problems.isosceles")
    assert not kernel_cache.is_kept("_patternboost_file_mine")
    assert not kernel_cache.is_kept("somebody_elses.problem")

    source, folders = tmp_path / "kernel.py", []
    monkeypatch.setattr(kernel_cache, "kernel_sources", lambda: [source])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for text in ("a = 1\n", "a = 2\n", "a = 1\n"):
        source.write_text(text)
        monkeypatch.setattr(kernel_cache.config, "CACHE_DIR", "")
        kernel_cache.use_own_cache()
        folders.append(kernel_cache.config.CACHE_DIR)
    assert folders[0] == folders[2] != folders[1]


RULE = """
from numba import njit

@njit
def partner(n, e):
    return {partner}
"""
OWN = """
import sys
sys.path.insert(0, {folder!r})
from helper import partner
from patternboost.problem import Problem, rule

@rule
def complete(n, chosen, out):
    out[0] = partner(n, chosen[0])
    return 1 if out[0] != chosen[0] else 0

PROBLEM = Problem("partners", "t", "d", 2, complete, lambda points: None, ())
"""


@pytest.mark.long
def test_a_changed_file_that_a_problem_imports_is_compiled_anew(tmp_path):
    (tmp_path / "own.py").write_text(OWN.format(folder=str(tmp_path)))
    said = []
    code = "import numpy as np, patternboost as pb; o = np.zeros(16, np.int64); "
    code += f"i = pb.problem({str(tmp_path / 'own.py')!r}, 4); i.problem.complete(4, np.array([5]), o); print(o[0])"
    for partner in ("n * n - 1 - e", "(e + 1) % (n * n)"):
        (tmp_path / "helper.py").write_text(RULE.format(partner=partner))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        said.append(int(done.stdout))
    assert said == [10, 6]


def test_compiling_is_no_part_of_the_budget(tmp_path, monkeypatch):
    def slow(problem):
        time.sleep(1.5)

    monkeypatch.setattr("patternboost.loop.session.warm_up", slow)
    result = pb.search("isosceles", 7, minutes=0.02, model="none", jobs=1, quiet=True, run_dir=tmp_path / "r")
    assert result.log[-1]["steps"] > 0
    assert result.log[0]["bests"][0][0] < 1.4


# -- what a search says ------------------------------------------------------------------------------------------------


def test_a_search_stops_at_a_proved_optimum_and_says_so(tmp_path):
    found = ("search", "isosceles", 6, "--minutes", 5, "--model", "none", "--jobs", 1)
    answer = invoke(*found, "--run-dir", tmp_path / "r")
    assert answer.status == 0
    assert "stopped at 9: the proved optimum (exhaustive; Wagner 2023) is reached" in answer.err
    assert read_log(tmp_path / "r")[-1]["seconds"] < 60
    on = invoke(
        "search", "isosceles", 6, "--generations", 3, "--model", "none", "--jobs", 1, "--run-dir", tmp_path / "s"
    )
    assert "stopped at" not in on.err  # --set stop_at_optimum=false
    assert len(read_log(tmp_path / "s")) == 3


def test_of_minutes_and_hours_the_first_reached_ends_it(tmp_path):
    result = pb.search("isosceles", 5, minutes=1, hours=1, run_dir=tmp_path / "a", target=1, quiet=True, model="none")
    assert pb.Run.read(result.folder).settings.minutes == 1
    result = pb.search("isosceles", 5, minutes=90, hours=1, run_dir=tmp_path / "b", target=1, quiet=True, model="none")
    assert pb.Run.read(result.folder).settings.minutes == 60


def test_seeds_are_counted_and_a_best_that_was_one_is_called_so(tmp_path):
    shipped = [
        CONSTRUCTIONS / name for name in ("isosceles-n15-25.json", "isosceles-n16-28.json", "isosceles-n17-30.json")
    ]
    assert invoke("import", *shipped).status == 0
    common = ("--generations", 1, "--model", "none", "--jobs", 1, "--set", "starts=1", "--set", "max_steps=1")
    seeded = invoke("search", "isosceles", 17, "--seed-from", "best", *common, "--run-dir", tmp_path / "a")
    assert seeded.err.splitlines()[0] == "3 seeds of 3 sizes, n = 15 to 17"
    assert "best 30 for isosceles n=17" in seeded.err
    assert "verified, from a seed" in seeded.err
    assert "the best, 30, came from a seed: the search found nothing better" in seeded.err
    assert "origin seeds" in (tmp_path / "a" / "report.html").read_text()
    smaller = invoke("search", "isosceles", 17, "--seed-from", "archive", *common, "--run-dir", tmp_path / "b")
    assert smaller.err.splitlines()[0] == "2 seeds of 2 sizes, n = 15 to 16"
    assert "below ours: 30" in smaller.err


def test_every_origin_shows_in_the_report():
    words = report_data([], None, None, None)["origins"]
    assert set(words) == {"all", *Origin}
    assert all(len(text) > 3 for text in words.values())
    assert "DATA.origins" in asset("page.js")
    assert not any(f'"{origin}"' in asset("page.js") for origin in Origin)
    assert origin_label("repaired") == "solver repairs"
    assert origin_label("of another version") == "of another version"


def test_the_control_is_described_by_what_differs(tmp_path):
    run, other = made_run(tmp_path / "a"), made_run(tmp_path / "b", model="bigram")
    assert invoke("report", run.folder, "--control", other.folder).status == 0
    text = (run.folder / "report.html").read_text()
    assert "which differs in: model bigram (here gpt)." in text
    assert "without its model" not in text


def test_defaults_stand_in_one_place():
    settings, training = Settings("isosceles", 5), TrainSettings()
    assert (training.steps, training.batch) == (settings.train_steps, settings.batch)
    assert (training.learning_rate, training.weight_decay) == (settings.learning_rate, settings.weight_decay)


def test_lists_that_are_kept_by_hand_agree_with_their_source():
    assert set(CLASSES[1:]) == set(GRID.classes(6))
    options = {word.removeprefix("--") for p in cli.commands["search"].params for word in p.opts}
    assert set(_OPTIONS) <= options


def test_every_package_is_installed():
    """A wheel holds what setup.cfg lists: a room that is not there is missing for whoever has no checkout."""
    root = Path(patternboost.__file__).parent
    cfg = configparser.ConfigParser()
    cfg.read(root.parent / "setup.cfg")
    listed = cfg["options"]["packages"].split()
    there = [".".join(("patternboost", *p.parent.relative_to(root).parts)) for p in root.rglob("__init__.py")]
    assert sorted(listed) == sorted([*there, "patternboost_problems"])
