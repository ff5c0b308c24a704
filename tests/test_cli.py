"""The command line as its users meet it: what it prints, and what it refuses."""

import json
import re
from pathlib import Path

import pytest
from commands import LAST_LINE, QUICK, TINY, archived, checkpoints, invoke, read_log, refused, spawn, untimed

from patternboost.report import record_table

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


@pytest.mark.long
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


@pytest.mark.long
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


def test_a_fault_of_the_program_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_table, "record_rows", lambda _: list(zip([1], [], strict=True)))
    answer = invoke("records", "isosceles")
    assert answer.status == 2
    assert "shorter than argument 1 (a fault of the program, test_cli.py line " in answer.err


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
