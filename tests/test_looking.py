"""Commands that look and take: they start quickly, load no torch, and show what is there."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import PROGRAM, invoke, spawn
from samples import broken, isosceles

from patternboost.problem.registry import problem
from patternboost.store.archive import Archive
from patternboost.store.exporting import FORMATS

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
