"""A user's own problem: the template, `check`, and one line for whatever is wrong with a file."""

import subprocess
import sys
from pathlib import Path

import pytest
from commands import invoke, refused

from patternboost.problem import contract
from patternboost.problem.registry import find_problem, problem
from patternboost.search.contract_apart import check_apart
from patternboost.store.new_problem import new_problem


@pytest.fixture
def template(tmp_path: Path) -> Path:
    return new_problem("right-angles", tmp_path)


def test_the_template_keeps_the_contract_and_is_searched(template, tmp_path):
    assert template.name == "right_angles.py"
    assert len(template.read_text().splitlines()) < 100
    found = find_problem(str(template))
    assert found.name == "right-angles"
    contract.check(found)
    answer = invoke(
        "search", template, 6, "--generations", 1, "--model", "none", "--jobs", 1, "--run-dir", tmp_path / "r"
    )
    assert answer.status == 0, answer.err
    assert answer.last.startswith("best 10 right-angles n=6 verified ")


@pytest.mark.long
def test_the_commands(tmp_path):
    answer = invoke("new-problem", "right-angles", "--folder", tmp_path)
    assert (answer.status, answer.last) == (0, str(tmp_path / "right_angles.py"))
    refused(invoke("new-problem", "right-angles", "--folder", tmp_path), "right_angles.py is there already")
    refused(invoke("new-problem", "../evil", "--folder", tmp_path), "../evil", "lower case letters")
    refused(invoke("new-problem", "fine", "--folder", tmp_path / "nowhere"), "nowhere")
    answer = invoke("check", tmp_path / "right_angles.py")
    assert answer.status == 0
    assert answer.last.startswith("ok right-angles: rule, definition and symmetries agree at n = 1, 2, 3")
    assert "25 elements" in answer.err
    assert invoke("check", "no-square").status == 0
    refused(invoke("check", "no-such-problem"), "no-such-problem")


WRONG = {
    "too few arguments": ("def complete(n, chosen, out)", "def complete(n, out)", "must take 3 arguments"),
    "an unknown name": ("br * n + ac", "br * n + ax", "name 'ax' is not defined"),
    "no number": ("    return count\n", "    return chosen\n", "complete cannot be compiled"),
    "a type that does not fit": ("    return count\n", "    return count + 'a'\n", "add(int64, Literal[str](a))"),
    "a fraction": ("    return count\n", "    return count / 1\n", "no whole number"),
    "fractions written": ("= ar * n + bc,", "= (ar * n + bc) / 2,", "no whole number"),
    "past the end": ("count = 2\n", "count = 2; out[10**6] = 1\n", "out of bounds"),
    "a chosen one": ("i != ac", "i >= 0", "among the chosen"),
    "one twice": ("= i * n + ac, i * n + bc", "= i * n + ac, i * n + ac", "twice"),
    "no element": ("out[count], out[count + 1] = i * n + ac", "out[count], out[count + 1] = -1", "no element"),
    "an exception in the rule": ("    count = 0\n", "    count = 0\n    assert n != 3\n", "raised AssertionError"),
    "an exception in the definition": (
        "    for corner in points:",
        "    for corner in points[:1 // 0]:",
        "ZeroDivisionError",
    ),
    "a definition that misses some": ("in points:\n        beside", "in points[1:]:\n        beside", "disagree"),
    "a rule that misses some": ("        count = 2\n", "        count = 1\n", "depends on the order"),
    "a wrong k": ("k=3", "k=4", "complete(["),
    "moves off the grid": (
        "k=3,",
        "k=3, ground=__import__('patternboost.problem.ground', fromlist=['CUBE']).CUBE,",
        "for the n x n grid only",
    ),
    "an impossible k": ("k=3", "k=7", "k = 7 is not supported"),
    "no decorator": ("@rule", "#", "put @rule above complete"),
    "a wrong definition": ("violation=violation", "violation=complete", "violation(points)"),
    "a witness too small": ("[beside[0], corner, above[0]]", "[beside[0], corner]", "it must be 3 of the given"),
    "places matter": ("i != ar:", "i != ar and i != n // 2:", "disagree"),
    "a syntax error": ("count = 0", "count = = 0", "SyntaxError"),
    "no problem": ("PROBLEM =", "OTHER =", "defines no problem"),
}


@pytest.mark.long
@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("command", ["check", "search"])
def test_what_is_wrong_gets_one_line(what, command, template, tmp_path):
    before, after, words = WRONG[what]
    text = template.read_text()
    assert before in text
    path = tmp_path / f"wrong_{list(WRONG).index(what)}_{command}.py"  # a file is loaded once in a process
    path.write_text(text.replace(before, after, 1))
    arguments = ["check", path] if command == "check" else ["search", path, 5, "--quiet", "--run-dir", tmp_path / "run"]
    answer = invoke(*arguments)
    progress = [line for line in answer.err.splitlines() if not line.startswith("n = ")]
    assert answer.status == 2
    assert len(progress) == 1
    assert words in progress[0]
    assert not (tmp_path / "run").exists()


LARGE = """
import os, signal
from patternboost.problem import Problem, rule

@rule
def complete(n, chosen, out):
    i = 0
    if n > 20:
        {rule}
    return i - i

def violation(points):
    if max((r for r, c in points), default=0) > 20:
        {definition}
    return None

PROBLEM = Problem("only-large", "only large", "Nothing is forbidden.", 3, complete, violation, ())
"""
AT_LARGE_SIZES = {
    "never ends": ("while i >= 0: i = (i + 1) % 7", "pass", "did not end within 3 s"),
    "writes past the end": ("out[n * n + 3] = 1", "pass", "IndexError"),
    "reads past the end": ("i = out[n * n + 3]", "pass", "IndexError"),
    "definition never ends": ("pass", "while True: pass", "violation of 3 points did not end within 3 s"),
    "definition crashes": ("pass", "os.kill(os.getpid(), signal.SIGSEGV)", "crashed (SIGSEGV)"),
    "definition kills": ("pass", "os._exit(3)", "crashed (exit status 3)"),
}


@pytest.mark.long
@pytest.mark.parametrize("what", AT_LARGE_SIZES)
def test_what_goes_wrong_at_large_sizes_only(what, tmp_path):
    """The rule runs in a process of its own, so that what it breaks is that process."""
    rule, definition, words = AT_LARGE_SIZES[what]
    path = tmp_path / "only_large.py"
    path.write_text(LARGE.format(rule=rule, definition=definition))
    with pytest.raises(contract.ContractError) as error:
        check_apart(str(path), [30], seconds=3.0)
    assert words in str(error.value)
    assert "n = 30" in str(error.value) or "n=30" in str(error.value) or "violation of" in str(error.value)


@pytest.mark.long
def test_a_script_without_a_main_guard_searches_a_file(template, tmp_path):
    """The check starts a process, which must not run the script again."""
    script = tmp_path / "script.py"
    script.write_text(
        f"import patternboost as pb\nprint('once')\n"
        f"print(pb.search({str(template)!r}, 5, generations=1, model='none', jobs=1, quiet=True, run_dir='run'))\n"
    )
    answer = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("once") == 1
    assert answer.stdout.splitlines()[-1].startswith("<best 8 for right-angles n=5")


@pytest.mark.long
def test_the_size_that_is_searched_is_checked(tmp_path):
    path = tmp_path / "only_at_60.py"
    path.write_text(LARGE.replace("n > 20", "n == 60").format(rule="out[n * n + 3] = 1", definition="pass"))
    assert invoke("check", path).status == 0
    answer = invoke("check", path, 60)
    assert answer.status == 2
    assert "only-large n=60" in answer.err
    refused(invoke("search", path, 60, "--quiet", "--run-dir", tmp_path / "run"), "only-large n=60", "IndexError")
    assert not (tmp_path / "run").exists()


def test_symmetries_that_do_not_preserve_the_rule_are_named(tmp_path):
    path = tmp_path / "below.py"  # a point forbids the one below it: up and down are told apart
    path.write_text("""
from patternboost.problem import Problem, rule

@rule
def complete(n, chosen, out):
    count = 0
    row, column = chosen[0] // n, chosen[0] % n
    if row == 0 and n > 1:
        out[0], count = n + column, 1
    if row == 1:
        out[0], count = column, 1
    return count

def violation(points):
    for r, c in points:
        if r == 0 and (1, c) in points:
            return [(r, c), (1, c)]
    return None

PROBLEM = Problem("below", "below", "No two points of a column in the first two rows.", 2, complete, violation, ())
""")
    with pytest.raises(contract.ContractError, match="symmetry of the ground set"):
        contract.check(find_problem(str(path)))


def test_options_are_part_of_the_name():
    assert find_problem("distance").name == "distance-4-5"
    assert find_problem("distance-1-2").definition.endswith("distance 1 or 2.")
    assert problem("distance-3", 6).violation([(0, 0), (0, 3)]) is not None
    assert problem("distance-4", 6).violation([(0, 0), (0, 3)]) is None
    refused(invoke("search", "distance-5-4", 8), "ascending")
    refused(invoke("search", "distance-0", 8), "ascending")
    refused(invoke("search", "distance-four", 8), "ascending")
    refused(invoke("search", "isosceles-4", 8), "unknown problem 'isosceles-4'")


@pytest.mark.parametrize("command", [["ladder", "FILE", "59-60"], ["compare", "FILE", 60], ["prove", "FILE", 60]])
def test_every_command_that_searches_looks_at_the_size_first(command, tmp_path):
    path = tmp_path / f"only_at_60_{command[0]}.py"
    path.write_text(LARGE.replace("n > 20", "n == 60").format(rule="out[n * n + 3] = 1", definition="pass"))
    words = [path if word == "FILE" else word for word in command]
    refused(invoke(*words, "--quiet", "--run-dir", tmp_path / "run"), "only-large n=60", "IndexError")
    assert not (tmp_path / "run").exists()
