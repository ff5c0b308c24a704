"""What the documentation says is tried: examples in docstrings and docs, commands, the notebook, shell completion."""

import configparser
import contextlib
import doctest
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import nbformat
import numpy as np
import pytest
from commands import PROGRAM, wait_until
from nbclient import NotebookClient

from patternboost.cli import cli
from patternboost.loop import proposers as proposers_room
from patternboost.loop import proposing
from patternboost.loop import state as state_module
from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.pool import Entry
from patternboost.loop.proposers.whole_board import WholeBoard
from patternboost.loop.starts import expected_steps
from patternboost.problem import contract
from patternboost.problem.registry import problem
from patternboost.problem.symmetry import canonical_key
from patternboost.search.tasks import Effort, Task, run_task
from patternboost.store.settings import Settings

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MODULES = [
    "patternboost",
    "patternboost.api",
    "patternboost.problem.contract",
    "patternboost.problem.registry",
    "patternboost.report.record_table",
    "patternboost.report.tables",
    "patternboost.store.construction",
    "patternboost.store.log_line",
    "patternboost.store.records",
]


def blocks(page: Path, *kinds: str) -> list[str]:
    """The fenced blocks of a page that are of these kinds."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(), re.M | re.S)
    return [text for kind, text in found if kind in kinds]


def run(example: doctest.DocTest) -> int:
    """Run an example; returns how many of its lines were tried."""
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    failures: list[str] = []
    runner.run(example, out=failures.append)
    assert not failures, "".join(failures)
    return len(example.examples)


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    loaded = import_module(module)
    assert sum(run(example) for example in doctest.DocTestFinder().find(loaded)) > 0


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_examples_in_pages(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for number, block in enumerate(blocks(page, "pycon")):
        example = doctest.DocTestParser().get_doctest(block, names, f"{page.name} {number}", None, None)
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
        failures: list[str] = []
        runner.run(example, out=failures.append, clear_globs=False)
        assert not failures, "".join(failures)
        names.update(example.globs)


def commands_in(page: Path) -> list[list[str]]:
    """Every `patternboost ...` in the shell blocks of a page, as words."""
    found = []
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|;|\||\bdo\b", line.split("  #")[0].split(" # ")[0]):
                words = shlex.split(part.replace("...", "x"))
                while words and "=" in words[0]:
                    words = words[1:]
                for end in (">", "&"):
                    words = words[: words.index(end)] if end in words else words
                if len(words) > 1 and words[0].endswith("patternboost"):
                    found.append([w.replace("$n", "8") for w in words[1:]])
    return found


def test_pages_have_commands() -> None:
    assert sum(len(commands_in(page)) for page in PAGES) > 30


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_in_pages_are_understood(page: Path) -> None:
    for words in commands_in(page):
        if words and words[0].startswith("-"):
            continue
        name, command, rest = cli.resolve_command(click.Context(cli), words)
        assert command is not None, words
        command.make_context(name, rest)


def help_texts() -> list[tuple[str, str]]:
    return [(name, command.get_help(click.Context(command))) for name, command in cli.commands.items()]


def test_every_help_has_an_example() -> None:
    for name, text in help_texts():
        assert f"patternboost {name}" in text.split("\n", 1)[1], name


def test_every_command_and_setting_is_in_the_reference() -> None:
    from dataclasses import fields

    from patternboost.store.settings import Settings

    text = (ROOT / "docs" / "reference.md").read_text()
    for name in cli.commands:
        assert f"patternboost {name}" in text
    for field in fields(Settings):
        assert f"`{field.name}`" in text, field.name


def headings(page: Path) -> set[str]:
    """The names that a link can give after `#`, made from headings as GitHub makes them."""
    found = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_links_in_pages_lead_somewhere() -> None:
    for page in PAGES:
        for name, heading in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text()):
            target = page.parent / name if name else page
            assert target.exists(), f"{page.name}: {name}"
            assert not heading or heading in headings(target), f"{page.name}: {name}#{heading}"


def test_the_proposer_of_the_how_to_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example is a whole proposer: entered in the list, its starts are walked from."""
    (block,) = [b for b in blocks(ROOT / "docs" / "howto.md", "python") if "(Proposer)" in b]
    names: dict[str, Any] = {}
    exec(compile(block, "howto.md", "exec"), names)
    instance = problem("isosceles", 8)
    context = Context(Settings("isosceles", 8, model="none"), instance, ("none",), 64, "a proved bound")
    proposers = (names["CommonParts"](), WholeBoard())
    for module in (proposers_room, state_module):
        monkeypatch.setattr(module, "PROPOSERS", proposers)
    state = state_module.new_state(context, [])
    sets = [np.array(s, np.int64) for s in ([0, 7, 56, 63], [0, 7, 20], [7, 33, 41])]
    state.pool.merge(Entry(canonical_key(instance, s), s, "none", 0, Origin.RANDOM, len(s)) for s in sets)
    starts = proposing.starts_of(context, state, "none", 0, 50 * expected_steps(context, "none"), [])
    assert {tuple(s.elements.tolist()) for s in starts if s.origin is Origin.ELITE} == {(0, 7), (7,)}
    assert 20 < sum(s.origin is Origin.ELITE for s in starts) < 30  # nothing is known yet: half of the effort


def test_the_objective_of_the_how_to_works() -> None:
    """The example is a whole problem: it keeps the contract, and a walk finds a point in every row."""
    (block,) = [b for b in blocks(ROOT / "docs" / "howto.md", "python") if "Objective(" in b]
    names: dict[str, Any] = {"__name__": "howto"}
    exec(compile(block, "howto.md", "exec"), names)
    contract.check(names["PROBLEM"])
    instance = names["PROBLEM"].at(4)
    outcome = run_task(Task(instance, "none", (np.empty(0, np.int64),), Effort(500, 500), 1, 4))[0]
    assert outcome.after == 4


# -- the notebook ------------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.filterwarnings("default")  # what the kernel's own libraries warn of is not ours
def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(ROOT / "docs" / "example.ipynb", as_version=4)
    nbformat.validate(notebook)
    made = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [set(out["data"]) for cell in made.cells for out in cell.get("outputs", []) if "data" in out]
    assert any("image/svg+xml" in kinds for kinds in shown)
    assert sum("text/html" in kinds for kinds in shown) >= 2


def test_the_notebook_is_kept_without_output() -> None:
    notebook = nbformat.read(ROOT / "docs" / "example.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)


# -- shell completion --------------------------------------------------------------------------------------------------


def completed(shell: str, words: str, index: int) -> str:
    """What a shell is offered for the word with this index."""
    environment = {"_PATTERNBOOST_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": str(index)}
    if shell == "fish":
        environment["COMP_CWORD"] = words.split()[index] if index < len(words.split()) else ""
    done = subprocess.run(PROGRAM, env=os.environ | environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes(shell: str) -> None:
    assert "search" in completed(shell, "patternboost sea", 1)
    assert "no-three-in-line" in completed(shell, "patternboost search no-", 2)


def test_problems_classes_and_files_are_completed() -> None:
    assert completed("bash", "patternboost search isosceles 8 --symmetry both-", 5).split() == [
        "plain,both-mirrors",
        "plain,both-diagonals",
        "plain,both-mirrors+half",
        "plain,both-mirrors+one-half",
    ]
    cyclic = completed("bash", "patternboost search no-four-cycle 9 --symmetry circ", 5)
    assert set(cyclic.split()) == {"plain,circulant+fixed", "plain,circulant"}
    assert completed("bash", "patternboost search mine", 2).startswith("file,")
    assert completed("bash", "patternboost resume runs/", 2).startswith("dir,")
    assert completed("bash", "patternboost search isosceles 8 --seed-from arch", 5) == "plain,archive\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_sound(shell: str, tmp_path: Path) -> None:
    environment = os.environ | {"_PATTERNBOOST_COMPLETE": f"{shell}_source"}
    script = subprocess.run(PROGRAM, env=environment, capture_output=True, text=True, timeout=60).stdout
    assert "_PATTERNBOOST_COMPLETE" in script
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed, so its parser cannot be asked")
    (tmp_path / "script").write_text(script)
    assert subprocess.run([shell, "-n", str(tmp_path / "script")], capture_output=True).returncode == 0


# -- the script for a cluster ------------------------------------------------------------------------------------------


@pytest.mark.long
def test_the_task_array_of_the_page_is_the_script_and_runs(tmp_path: Path) -> None:
    """Both tasks of an array of two, as SLURM would start them; each has its sizes."""
    text = (ROOT / "docs" / "ladder.sbatch").read_text()
    assert text in blocks(ROOT / "docs" / "more-than-one-machine.md", "sh")
    small = text.replace("20-100 --hours 8", "30-33 --minutes 0.1 --jobs 1 --set starts=20")
    assert small != text
    (tmp_path / "ladder.sbatch").write_text(small)
    for task in (1, 2):
        array = {"ID": str(task), "MIN": "1", "COUNT": "2"}
        environment = os.environ | {f"SLURM_ARRAY_TASK_{name}": value for name, value in array.items()}
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        subprocess.run(["bash", "ladder.sbatch"], cwd=tmp_path, env=environment, check=True, capture_output=True)
        visits = (tmp_path / "ladder" / f"part-{task}" / "visits.jsonl").read_text().splitlines()
        assert {json.loads(line)["n"] for line in visits} <= {29 + task, 31 + task}
        assert visits


@pytest.mark.slow
def test_the_dask_job_of_the_page_is_the_script_and_runs(tmp_path: Path) -> None:
    """One node, as SLURM would start it; `srun` is a stand-in that starts what it is given here."""
    pytest.importorskip("distributed", reason="needs the extra: pip install 'patternboost[dask]'")
    text = (ROOT / "docs" / "dask.sbatch").read_text()
    assert text in blocks(ROOT / "docs" / "more-than-one-machine.md", "sh")
    small = text.replace("--minutes 480", "--minutes 30 --model none --set starts=200").replace("128", "2")
    assert small != text
    (tmp_path / "dask.sbatch").write_text(small)
    (tmp_path / "srun").write_text('#!/bin/sh\nexec "$@"\n')
    (tmp_path / "srun").chmod(0o755)
    environment = os.environ | {"SLURM_NTASKS": "1", "SLURM_CPUS_PER_TASK": "2", "SLURM_JOB_ID": "7"}
    environment["PATH"] = f"{tmp_path}:{Path(sys.executable).parent}:{environment['PATH']}"
    with (tmp_path / "told").open("w") as told:
        job = subprocess.Popen(
            ["bash", "dask.sbatch"], cwd=tmp_path, env=environment, stdout=told, stderr=told, start_new_session=True
        )
        try:
            wait_until(lambda: bool(list(tmp_path.glob("runs/*/best/*.json"))))
            job.terminate()  # as `--signal=B:TERM@120` does: to the script alone
            assert job.wait(60) == 130, (tmp_path / "told").read_text()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(job.pid, signal.SIGKILL)
    assert "everything is saved" in (tmp_path / "told").read_text()
    assert not (tmp_path / "scheduler-7.json").exists()


def test_the_container_file_installs_what_the_package_has() -> None:
    """Its extras are extras, and what it copies is there; that it builds is tried by hand (docs/LOG.md)."""
    text = (ROOT / "docs" / "Containerfile").read_text()
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    (extras,) = re.findall(r'"/source\[([a-z,]+)\]"', text)
    assert set(extras.split(",")) <= set(config["options.extras_require"])
    assert (ROOT / "constraints.txt").exists()


def test_what_trouble_is_said_to_come_to_has_its_test() -> None:
    """Every row of docs/trouble.md names tests that are there; a star says that they are slow."""
    rows = [line for line in (ROOT / "docs" / "trouble.md").read_text().splitlines() if line.startswith("| ")]
    told = [row.split(" | ")[2].strip(" |") for row in rows if ".py" in row]
    assert len(told) > 25
    for cell in told:
        for part in cell.split("; "):
            file, _, names = part.partition(": ")
            text = (ROOT / "tests" / file.rstrip("*")).read_text()
            for name, slow in re.findall(r"`([a-z_]+)`(\*?)", names):
                found = re.findall(rf"(?:@pytest[^\n]*\n|\)\n)*def test_\w*{name}\w*\(", text)
                assert found or f'"{name}"' in text, part
                assert not slow or "pytest.mark.slow" in text, part


def test_every_variable_that_is_read_is_in_the_reference() -> None:
    text = (ROOT / "docs" / "reference.md").read_text()
    sources = "".join(file.read_text() for file in (ROOT / "patternboost").rglob("*.py"))
    names = set(re.findall(r"environ(?:\.get|\.setdefault)?[\[(]\"(\w+)\"", sources))
    assert len(names) > 5
    for name in names | {"NUMBA_CACHE_DIR", "DASK_SCHEDULER_FILE"}:
        assert f"`{name}`" in text, name
