"""The command line as its users meet it: what it prints, what it refuses, and what it does when the disk is full."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import LAST_LINE, PROGRAM, archived, checkpoints, invoke, read_log, refused, spawn, untimed
from samples import broken, greedy, isosceles

from patternboost.problem.registry import problem
from patternboost.store.archive import Archive, warn
from patternboost.store.exporting import FORMATS
from patternboost.store.run_folder import RunFolder

#: a search of well under a second
TINY = ["--generations", 1, "--model", "none", "--set", "starts=3", "--jobs", 1]
QUICK = [*TINY, "--quiet"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run of isosceles n=7."""
    folder = tmp_path / "made" / "run"
    assert invoke("search", "isosceles", 7, *QUICK, "--run-dir", folder).status == 0
    return folder


# -- what a search prints ----------------------------------------------------------------------------------------------


def test_the_last_line_names_a_certificate_that_verifies(tmp_path: Path) -> None:
    answer = invoke("search", "isosceles", 7, *TINY, "--run-dir", tmp_path / "run")
    assert answer.status == 0
    assert len(answer.out.splitlines()) == 1
    found = re.fullmatch(LAST_LINE, answer.last)
    assert found, answer
    assert found.groups()[1:3] == ("isosceles", "7")
    verified = invoke("verify", found[4])
    assert verified.status == 0
    assert f"valid isosceles n=7 {found[1]} points" in verified.out
    assert "generation 0" in answer.err
    assert f"best {found[1]} for isosceles n=7" in answer.err


def test_quiet_prints_the_last_line_alone(tmp_path: Path) -> None:
    answer = spawn("search", "isosceles", 7, *QUICK, "--run-dir", tmp_path / "run")
    assert answer.status == 0
    assert answer.err == ""
    assert re.fullmatch(LAST_LINE + "\n", answer.out)


def test_a_missed_target_is_exit_status_1(tmp_path: Path) -> None:
    answer = invoke("search", "isosceles", 7, *QUICK, "--target", 49, "--run-dir", tmp_path / "run")
    assert answer.status == 1
    assert answer.err == "the target was missed\n"
    assert re.fullmatch(LAST_LINE, answer.last)


def test_the_run_folder_holds_what_is_promised(run: Path) -> None:
    names = {p.name for p in run.iterdir() if not p.name.startswith(".")}
    assert names == {"settings.toml", "log.jsonl", "checkpoint", "best", "report.html"}
    certificate = json.loads(next((run / "best").glob("*.json")).read_text())
    assert certificate["format"] == "patternboost-certificate/1"
    assert certificate["points"] == sorted(certificate["points"])
    assert [entry["generation"] for entry in read_log(run)] == [0]


@pytest.mark.parametrize("model", ["bigram", "none"])
def test_models(model: str, tmp_path: Path) -> None:
    settings = ["--generations", 3, "--model", model, "--set", "starts=150", "--jobs", 1, "--device", "cpu", "--quiet"]
    answer = invoke("search", "isosceles", 8, *settings, "--run-dir", tmp_path / "run")
    assert answer.status == 0
    log = read_log(tmp_path / "run")
    assert len(log) == 3
    assert any("model" in entry["origins"] for entry in log) == (model == "bigram")


@pytest.mark.parametrize("model", ["none", "gpt"])
def test_same_seed_same_result_whatever_the_jobs(model: str, tmp_path: Path) -> None:
    settings = ["--generations", 3, "--model", model, "--set", "starts=40", "--set", "train_steps=10", "--quiet"]
    for name, seed, jobs in (("a", 1, 1), ("b", 1, 4), ("c", 2, 1)):
        options = ["--seed", seed, "--jobs", jobs, "--run-dir", tmp_path / name]
        assert invoke("search", "isosceles", 8, *settings, *options).status == 0
    assert checkpoints(tmp_path / "a") == checkpoints(tmp_path / "b")
    assert untimed(read_log(tmp_path / "a")) == untimed(read_log(tmp_path / "b"))
    assert checkpoints(tmp_path / "a") != checkpoints(tmp_path / "c")


def test_processes_find_what_threads_find(tmp_path: Path) -> None:
    settings = ["--generations", 2, "--model", "none", "--set", "starts=20", "--jobs", 2, "--quiet"]
    for backend in ("threading", "loky"):
        options = ["--backend", backend, "--run-dir", tmp_path / backend]
        answer = spawn("search", "isosceles", 7, *settings, *options, home=tmp_path / f"home-{backend}")
        assert answer.status == 0, answer
        assert answer.err == ""
    assert checkpoints(tmp_path / "threading") == checkpoints(tmp_path / "loky")
    assert archived(tmp_path / "home-threading") == archived(tmp_path / "home-loky")


@pytest.mark.parametrize("backend", ["dask", "ray"])
def test_a_backend_that_is_not_installed(backend: str, tmp_path: Path) -> None:
    try:
        __import__({"dask": "distributed", "ray": "ray"}[backend])
    except ImportError:
        answer = invoke("search", "isosceles", 7, *QUICK, "--backend", backend, "--run-dir", tmp_path / "run")
        refused(answer, f"pip install 'patternboost[{backend}]'")
    else:
        pytest.skip(f"{backend} is installed")


# -- problems of one's own ---------------------------------------------------------------------------------------------


def test_a_problem_file_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Search, resume from another folder, export, verify, seed: all of it works without installing anything."""
    source = Path(__file__).parent.parent / "problems" / "no_three_in_line.py"
    (tmp_path / "mine.py").write_text(source.read_text().replace('name="no-three-in-line"', 'name="mine"'))
    monkeypatch.chdir(tmp_path)
    answer = invoke("search", "mine.py", 6, *QUICK, "--run-dir", "run")
    assert answer.status == 0, answer
    certificate = re.fullmatch(LAST_LINE, answer.last)[4]  # type: ignore[index]
    certificate = str(Path(certificate).resolve())
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert invoke("resume", "../run", "--generations", 2, "--quiet").status == 0
    assert invoke("report", "../run").status == 0
    assert invoke("export", "../run", "--format", "txt").status == 0
    assert invoke("export", "../mine.py", 6, "--format", "txt").status == 0
    refused(invoke("verify", certificate), "unknown problem 'mine'")
    assert invoke("verify", certificate, "--problem", "../mine.py").status == 0
    seeded = ["--seed-from", certificate, "--run-dir", "larger"]
    assert invoke("search", "../mine.py", 7, *TINY, *seeded).status == 0
    assert "seed" in read_log(Path("larger"))[0]["origins"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "defines no problem"),
        ("PROBLEM = 3", "defines no problem"),
        ("1 / 0", "ZeroDivisionError"),
        ("def (", "SyntaxError"),
        ("raise SystemExit(3)", ""),
        ("import nothing_of_that_name", "nothing_of_that_name"),
    ],
)
def test_problem_files_that_are_none(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(text)
    refused(invoke("search", tmp_path / "mine.py", 6, *QUICK, "--run-dir", tmp_path / "run"), "mine.py", words)


# -- bad usage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nope", 8], "unknown problem 'nope': `patternboost problems` lists what there is"),
        (["no/such/file.py", 8], "no problem file at"),
        (["/etc/passwd", 8], "/etc/passwd"),
        (["/tmp", 8], "/tmp"),
        (["", 8], "unknown problem"),
        (["isosceles"], "Missing argument 'N'"),
        ([], "Missing argument"),
        (["isosceles", "eight"], "size 'eight': it is a whole number such as 16, or a board's sides such as 6x9"),
        (["isosceles", "6x"], "size '6x': it is a whole number"),
        (["no-square", "6x9"], "boards of size 6x9 are not meant"),
        (["isosceles", 0], "n must be from 1 to 256"),
        (["isosceles", "--", -3], "n must be from 1 to 256"),
        (["isosceles", 10**9], "n must be from 1 to 256"),
        (["isosceles", 10**30], "n must be from 1 to 256"),
        (["isosceles", 8, "--symmetry", "sideways"], "'sideways' is unknown"),
        (["isosceles", 8, "--model", "lstm"], "'lstm' is not one of"),
        (["isosceles", 8, "--backend", "pigeon"], "'pigeon' is not one of"),
        (["isosceles", 8, "--device", "tpu"], "'tpu' is not one of"),
        (["isosceles", 8, "--no-such-option"], "--no-such-option"),
        (["isosceles", 8, "--set", "starts"], "write NAME=VALUE"),
        (["isosceles", 8, "--set", "=3"], "write NAME=VALUE"),
        (["isosceles", 8, "--set", "begin=3"], "there is no setting 'begin'"),
        (["isosceles", 8, "--set", "n=3"], "write NAME=VALUE"),
        (["isosceles", 8, "--set", "starts=many"], "must be of type int"),
        (["isosceles", 8, "--set", "starts=0"], "at least 1"),
        (["isosceles", 8, "--set", "starts=1e3"], "must be of type int"),
        (["isosceles", 8, "--set", "top=2"], "must be from 0 to 1"),
        (["isosceles", 8, "--set", "top=nan"], "must be from 0 to 1"),
        (["isosceles", 8, "--set", "mask=maybe"], "must be of type bool"),
        (["isosceles", 8, "--set", "memory_gib=inf"], "memory_gib"),
        (["isosceles", 8, "--set", "temperature=nan"], "temperature"),
        (["isosceles", 8, "--set", "model=lstm"], "model 'lstm' is unknown"),
        (["isosceles", 8, "--set", "device=tpu"], "device 'tpu' is unknown"),
        (["isosceles", 8, "--set", "backend=pigeon"], "backend 'pigeon' is unknown"),
        (["isosceles", 8, "--set", "width=100", "--set", "heads=3"], "multiple of heads"),
        (["isosceles", 8, "--set", "tenure_max=0"], "tenure"),
        (["isosceles", 8, "--target", 65], "cannot have more than 64 points"),
        (["isosceles", 8, "--set", "target=65"], "cannot have more than 64 points"),
        (["no-three-in-line", 8, "--target", 17], "cannot have more than 16 points"),
        (["isosceles", 8, "--target", 0], "at least 1"),
        (["isosceles", 8, "--target", -5], "-5"),
        (["isosceles", 8, "--minutes", -1], "minutes"),
        (["isosceles", 8, "--minutes", "nan"], "minutes"),
        (["isosceles", 8, "--hours", "inf"], "minutes"),
        (["isosceles", 8, "--generations", 0], "--generations"),
        (["isosceles", 8, "--generations", 10**30], "generations"),
        (["isosceles", 8, "--seed", -1], "--seed"),
        (["isosceles", 8, "--seed", 10**30], "seed"),
        (["isosceles", 8, "--jobs", 0], "--jobs"),
        (["isosceles", 8, "--jobs", 10**9], "jobs"),
        (["isosceles", 8, "--seed-from", "nonsense"], "no such file or folder"),
        (["isosceles", 8, "--seed-from", "/dev/zero"], "/dev/zero"),
        (["isosceles", 8, "--run-dir", "/proc/nowhere"], "cannot be written"),
        (["isosceles", 8, "--run-dir", "/dev/null/run"], "cannot be written"),
        (["isosceles", 8, "--run-dir", "/dev/null"], "cannot be written"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_bad_usage_is_refused_in_one_line(
    arguments: list[object], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tail = ["--generations", 1] if "--generations" not in arguments and "--" not in arguments else []
    refused(invoke("search", *tail, *arguments), words)
    # Nothing is left behind: the same command with the mistake mended is not in its own way.
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").iterdir())


def test_a_target_that_is_reached_at_once_needs_no_luck(tmp_path: Path) -> None:
    assert invoke("search", "isosceles", 1, *QUICK, "--target", 1, "--run-dir", tmp_path / "run").status == 0


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("model", ["gpt", "bigram", "none"])
def test_the_smallest_sizes(n: int, model: str, tmp_path: Path) -> None:
    settings = ["--generations", 3, "--model", model, "--set", "starts=30", "--set", "train_steps=2", "--jobs", 1]
    answer = invoke("search", "isosceles", n, *settings, "--device", "cpu", "--quiet", "--run-dir", tmp_path / "run")
    assert answer.status == 0, answer
    assert answer.last.startswith(f"best {[1, 2, 4][n - 1]} isosceles n={n} verified ")


def test_a_mistake_leaves_the_run_folders_name_free(tmp_path: Path) -> None:
    refused(invoke("search", "isosceles", 7, *QUICK, "--run-dir", tmp_path / "run", "--seed-from", "nonsense"))
    assert not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    refused(invoke("search", "isosceles", 7, *QUICK, "--run-dir", tmp_path / "run", "--seed-from", "nonsense"))
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["notes.txt"]


def test_a_folder_with_a_run_is_left_alone(run: Path) -> None:
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    refused(invoke("search", "isosceles", 7, *QUICK, "--run-dir", run), "already holds a run", "patternboost resume")
    assert {p: p.read_bytes() for p in run.rglob("*") if p.is_file()} == before


def test_what_is_no_run_is_refused(tmp_path: Path, run: Path) -> None:
    for command in (["resume"], ["report"], ["export"]):
        for folder in (tmp_path, tmp_path / "nowhere", Path("/dev/null"), run / "settings.toml", run / "best"):
            refused(invoke(*command, folder), "is no run")


def test_other_commands_refuse_bad_usage(tmp_path: Path, run: Path) -> None:
    refused(invoke("nonsense"), "nonsense")
    refused(invoke("verify"), "FILES")
    refused(invoke("export"), "RUN|PROBLEM")
    refused(invoke("export", run, "--format", "bmp"), "--format bmp: use one of json")
    refused(invoke("export", "isosceles", 9), "nothing to export")
    refused(invoke("export", "isosceles", 0), "must be from 1 to 256")
    refused(invoke("export", "nope", 9), "unknown problem")
    refused(invoke("export", run, "-o", "/proc/nowhere/x.json"), "/proc/nowhere")
    refused(invoke("records", "nope"), "unknown problem")
    refused(invoke("records", "--format", "xml"), "'xml' is not one of")
    refused(invoke("resume", run, "--generations", 0), "--generations")
    refused(invoke("resume", run, "--minutes", -1), "minutes")
    refused(invoke("import", tmp_path / "nowhere"), "nowhere")


def test_no_command_shows_the_help() -> None:
    answer = spawn()
    assert answer.status == 2
    assert "Usage: patternboost" in answer.out + answer.err
    assert len((answer.out + answer.err).splitlines()) > 10


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["serch", "isosceles", 8], "search"),
        (["search", "isoceles", 8], "isosceles"),
        (["search", "isosceles", 8, "--symmetry", "both-mirors"], "both-mirrors"),
        (["search", "isosceles", 8, "--set", "widht=3"], "width"),
        (["search", "isosceles", 8, "--set", "without=elit"], "elite"),
        (["lesson", "distance-4-or5"], "distance-4-or-5"),
        (["compare", "isosceles", 8, "--arms", "unigrm,none"], "unigram"),
        (["export", "isosceles", 8, "--format", "sgv"], "svg"),
    ],
)
def test_what_is_mistyped_gets_a_suggestion(words: list[object], meant: str) -> None:
    answer = invoke(*words)
    refused(answer, meant)
    assert "did you mean" in answer.err.lower()
    assert len(answer.err) < 200


@pytest.mark.parametrize(
    "command", ["search", "resume", "report", "export", "verify", "import", "records", "problems", "prove"]
)
def test_every_command_has_help(command: str) -> None:
    answer = invoke(command, "--help")
    assert answer.status == 0
    assert answer.err == ""
    assert answer.out.startswith(f"Usage: patternboost {command}")
    assert max(len(line) for line in answer.out.splitlines()) <= 110


# -- seeds -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def seeds(tmp_path: Path) -> dict[str, object]:
    """Constructions of smaller sizes, in every form that --seed-from takes."""
    small = [greedy(problem("isosceles", n), seed) for n in (5, 6) for seed in range(3)]
    folder = tmp_path / "folder"
    for index, construction in enumerate(small):
        construction.save(folder / "deep" / f"{index}-{construction.name}.json")
    with Archive() as archive:
        archive.add(small)
    assert invoke("search", "isosceles", 6, *QUICK, "--run-dir", tmp_path / "seed run").status == 0
    return {
        "certificate": folder / "deep" / f"0-{small[0].name}.json",
        "folder": folder,
        "run": tmp_path / "seed run",
        "archive": "archive",
    }


@pytest.mark.parametrize("kind", ["certificate", "folder", "run", "archive"])
def test_seeds_reach_the_first_generation(kind: str, seeds: dict[str, object], tmp_path: Path) -> None:
    settings = ["--generations", 2, "--model", "none", "--set", "starts=20", "--jobs", 1, "--quiet"]
    options = ["--seed-from", seeds[kind], "--run-dir", tmp_path / "run"]
    assert invoke("search", "isosceles", 8, *settings, *options).status == 0
    first, second = read_log(tmp_path / "run")
    assert first["origins"]["seed"]["walks"] >= 1
    assert "seed" not in second["origins"]


def test_several_sources_of_seeds(seeds: dict[str, object], tmp_path: Path) -> None:
    sources = [part for source in seeds.values() for part in ("--seed-from", source)]
    settings = [
        "--generations",
        3,
        "--model",
        "bigram",
        "--set",
        "starts=20",
        "--jobs",
        1,
        "--device",
        "cpu",
        "--quiet",
    ]
    assert invoke("search", "isosceles", 8, *settings, *sources, "--run-dir", tmp_path / "run").status == 0
    state = json.loads((tmp_path / "run" / "checkpoint" / "000003" / "state.json").read_text())
    assert {seed["n"] for seed in state["seeds"]} == {5, 6}
    points = [json.dumps([seed["n"], seed["points"]]) for seed in state["seeds"]]
    assert len(set(points)) == len(points)


def test_a_seed_of_the_same_size_is_in_the_pool_from_the_start(tmp_path: Path) -> None:
    made = isosceles(8, 3)
    made.save(tmp_path / "c.json")
    options = ["--seed-from", tmp_path / "c.json", "--run-dir", tmp_path / "run"]
    assert invoke("search", "isosceles", 8, *QUICK, *options).status == 0
    assert read_log(tmp_path / "run")[0]["best"] >= made.score


def test_bad_seeds_are_refused(tmp_path: Path) -> None:
    def searched(source: Path) -> object:
        options = ["--seed-from", source, "--run-dir", tmp_path / "run"]
        return invoke("search", "isosceles", 8, *QUICK, *options)

    (tmp_path / "empty").mkdir()
    refused(searched(tmp_path / "empty"), "holds no certificates")  # type: ignore[arg-type]
    (tmp_path / "text.json").write_text("hello")
    refused(searched(tmp_path / "text.json"), "text.json", "not valid JSON")  # type: ignore[arg-type]
    bad = broken(6)
    data = {"format": "patternboost-certificate/1", "problem": "isosceles", "n": 6, "score": 4, "sha256": bad.sha256}
    (tmp_path / "bad.json").write_text(json.dumps(data | {"points": [list(p) for p in bad.points]}))
    refused(searched(tmp_path / "bad.json"), "bad.json", "forbidden set")  # type: ignore[arg-type]


# -- commands that must be quick to start ------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["--help"], ["search", "--help"], ["lesson", "--help"]])
def test_help_waits_for_no_library(command: list[str]) -> None:
    program = "import sys; from patternboost.cli import main; sys.argv = ['patternboost', *sys.argv[1:]]\n"
    program += "try:\n    main()\nfinally:\n    heavy = {'numpy', 'numba', 'torch', 'joblib'}\n"
    program += "    print(*heavy & set(sys.modules), file=sys.stderr)"
    ran = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, text=True, check=False)
    assert ran.returncode == 0
    assert not ran.stderr.strip()


WITHOUT_TORCH = """
import json, sys, time
from patternboost.cli import main
for command in json.loads(sys.argv[1]):
    sys.argv = ["patternboost", *command]
    began = time.monotonic()
    try:
        main()
    except SystemExit as exit_:
        assert exit_.code == 0, command
    print(f"{time.monotonic() - began:5.2f} s {command[0]}", file=sys.stderr)
    assert "torch" not in sys.modules, command
"""


def test_looking_does_not_load_torch(run: Path, tmp_path: Path) -> None:
    certificate = str(next((run / "best").glob("*.json")))
    commands = [
        ["--version"],
        ["problems"],
        ["records"],
        ["records", "isosceles", "--format", "csv"],
        ["verify", certificate],
        ["import", certificate],
        *(
            ["export", str(run), "--format", kind, "-o", str(tmp_path / kind)]
            for kind in FORMATS
            if kind not in ("graph6", "dimacs")
        ),
        ["export", "isosceles", "7"],
        ["report", str(run)],
    ]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, json.dumps(commands)], capture_output=True, text=True, timeout=60
    )
    print(done.stderr)
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == len(commands), "nothing else is said"


def test_how_long_looking_takes(run: Path) -> None:
    certificate = next((run / "best").glob("*.json"))
    for command in (["--version"], ["problems"], ["records"], ["verify", certificate]):
        began = time.monotonic()
        assert spawn(*command).status == 0
        print(f"{time.monotonic() - began:5.2f} s  {command[0]}")


def test_the_installed_command_is_this_one() -> None:
    program = Path(sys.executable).with_name("patternboost")
    if not program.exists():
        pytest.skip("the package is not installed")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60)
    same = subprocess.run([*PROGRAM, "--version"], capture_output=True, text=True, timeout=60)
    assert version.stdout == same.stdout
    assert version.stdout.startswith("patternboost, version ")


# -- looking and taking ------------------------------------------------------------------------------------------------


def test_problems_lists_what_can_be_searched() -> None:
    listed = json.loads(invoke("problems", "--format", "json").out)
    assert {"isosceles", "no-three-in-line"} <= {row["name"] for row in listed}
    text = invoke("problems").out.splitlines()
    assert [line.split()[0] for line in text] == [row["name"] for row in listed]


def test_records_show_what_the_archive_holds(run: Path) -> None:
    score = json.loads(next((run / "best").glob("*.json")).read_text())["score"]
    rows = [line.split() for line in invoke("records", "isosceles").out.splitlines()]
    assert ["isosceles", "7", str(score)] in [row[:3] for row in rows]


def test_import_takes_the_valid_and_refuses_the_rest(tmp_path: Path) -> None:
    made = isosceles(8, 1)
    made.save(tmp_path / "good.json")
    bad = broken()
    data = {"format": "patternboost-certificate/1", "problem": "isosceles", "n": 8, "score": 4, "sha256": bad.sha256}
    (tmp_path / "bad.json").write_text(json.dumps(data | {"points": [list(p) for p in bad.points]}))
    (tmp_path / "none.json").write_text("{")
    assert "took" in invoke("import", tmp_path / "good.json").out
    assert "already there" in invoke("import", tmp_path / "good.json").out
    answer = invoke("import", tmp_path / "bad.json", tmp_path / "good.json")
    assert answer.status == 1
    assert "forbidden set" in answer.out
    assert invoke("import", tmp_path / "none.json", tmp_path / "bad.json").status == 2
    with Archive() as archive:
        assert archive.sizes("isosceles") == [8]
        assert [c.points for c in archive.best(problem("isosceles", 8), 9)] == [made.points]


def test_a_deep_certificate_is_imported_or_refused(tmp_path: Path) -> None:
    made = isosceles(6)
    made.save(tmp_path / "c.json")
    text = (tmp_path / "c.json").read_text()
    for depth in (100, 900, 990, 2000, 20_000, 300_000):
        deep = text.replace('"found": {', '"found": {"deep": ' + "[" * depth + "]" * depth + ", ", 1).replace(
            ", }", "}"
        )
        (tmp_path / "deep.json").write_text(deep)
        for command in ("verify", "import"):
            answer = invoke(command, tmp_path / "deep.json")
            assert answer.status in (0, 2), answer
            assert len(answer.err.splitlines()) == (answer.status == 2)


def test_a_damaged_archive_is_refused_in_one_line(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    for content in (b"not a database" * 100, bytes(range(256)) * 16):
        (home / "archive.sqlite").write_bytes(content)
        for command in (["records"], ["export", "isosceles", 8]):
            refused(invoke(*command), "archive.sqlite")
        refused(invoke("search", "isosceles", 7, *QUICK, "--run-dir", tmp_path / "run"), "archive.sqlite")
        assert not (tmp_path / "run").exists()


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
