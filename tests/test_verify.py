"""The verifier: accepts what is valid, names what is forbidden, and survives every file."""

import itertools
import json
import os
import random
import re
import socket
from pathlib import Path
from typing import Any

import pytest
from commands import Answer, invoke, refused, spawn
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import is_isosceles, is_straight
from samples import broken, greedy, isosceles

from patternboost.problem import Instance
from patternboost.problem.registry import find_problem, problem, problem_names
from patternboost.store.construction import FORMAT, MAX_POINTS, Construction
from patternboost.store.files import MAX_BYTES

Data = dict[str, Any]


def on_board(construction: Construction) -> bool:
    """Whether every point is on the ground set, once."""
    points = construction.points
    return len(set(points)) == len(points) and set(points) <= construction.instance.point_set


def body(construction: Construction) -> Data:
    """A certificate's fields with the right score, symmetry and hash, whether the set is valid or not."""
    return {
        "format": FORMAT,
        "problem": construction.problem,
        "n": construction.n,
        "score": construction.score,
        "points": [list(p) for p in construction.points],
        "definition": "",
        "symmetry": construction.symmetry if on_board(construction) else "none",
        "sha256": construction.sha256,
        "found": {},
    }


def verify(tmp_path: Path, data: object) -> Answer:
    """The command's answer to a file of this content: text, bytes, or a JSON value."""
    file = tmp_path / "certificate.json"
    if isinstance(data, bytes):
        file.write_bytes(data)
    else:
        file.write_text(data if isinstance(data, str) else json.dumps(data))
    return invoke("verify", file)


def named_points(answer: Answer) -> list[tuple[int, ...]]:
    """The points of the forbidden set that an answer names."""
    found = re.search(r"forbidden set:((?: \[[-\d, ]+\])+)", answer.out)
    assert found, answer
    return [tuple(json.loads(p)) for p in re.findall(r"\[[^]]*\]", found[1])]


def small(name: str) -> Instance:
    """A problem at a size where plain Python is quick."""
    return problem(name, 5 if problem(name, 5).size <= 125 else 3)


# -- what is valid, and what is not ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in problem_names() if not find_problem(name).by_value])
def test_valid_sets_are_accepted(name: str, tmp_path: Path) -> None:
    for seed in range(3):
        whole = greedy(small(name), seed)
        for size in {0, 1, len(whole.points) // 2, len(whole.points)}:
            part = Construction.of(whole.instance, random.Random(seed).sample(whole.points, size))
            answer = verify(tmp_path, body(part))
            assert (answer.status, answer.err) == (0, "")
            assert f"valid {part.instance} {size} point{'' if size == 1 else 's'}\n" in answer.out


@pytest.mark.parametrize("claimed", ["full", "mirror", "sideways", "", "\x1b[2J", "x" * 10_000])
def test_a_symmetry_that_is_not_there_is_a_fault(claimed: str, tmp_path: Path) -> None:
    crooked = Construction.of(problem("isosceles", 5), [(0, 0), (0, 1), (1, 3)])
    assert crooked.symmetry == "none"
    answer = verify(tmp_path, body(crooked) | {"symmetry": claimed})
    assert (answer.status, answer.err) == (1, "")
    assert f"symmetry is none, not {claimed[:64]!r}" in answer.out
    assert len(answer.out) < 500
    assert verify(tmp_path, {k: v for k, v in body(crooked).items() if k != "symmetry"}).status == 0


@pytest.mark.parametrize("name", problem_names())
def test_one_point_too_many_is_refused_with_a_witness(name: str, tmp_path: Path) -> None:
    whole = greedy(small(name), 1)
    everything = [tuple(int(x) for x in p) for p in whole.instance.points]
    for extra in [p for p in everything if p not in whole.points][:20]:
        answer = verify(tmp_path, body(Construction.of(whole.instance, [*whole.points, extra])))
        assert answer.status == 1
        witness = named_points(answer)
        assert len(set(witness)) in {part.k for part in whole.instance.problem.rules}
        assert extra in witness
        assert set(witness) <= {*whole.points, extra}
        assert whole.instance.violation(witness) is not None


@pytest.mark.parametrize(("name", "forbidden"), [("isosceles", is_isosceles), ("no-three-in-line", is_straight)])
def test_every_triple_is_judged_as_the_definition_says(name: str, forbidden: Any) -> None:
    instance = problem(name, 4)
    for triple in itertools.combinations(itertools.product(range(4), repeat=2), 3):
        faults = Construction.of(instance, triple).check()
        assert bool(faults) == forbidden(triple)
        if faults:
            assert faults == ["forbidden set: " + " ".join(str(list(p)) for p in triple)]


def test_the_only_forbidden_triple_is_found_wherever_it_is(tmp_path: Path) -> None:
    instance = problem("isosceles", 12)
    tried = 0
    for seed in range(60):
        valid = greedy(instance, seed).points
        rng = random.Random(seed)
        part = rng.sample(valid, 6)
        extra = rng.choice([p for p in itertools.product(range(12), repeat=2) if p not in part])
        points = [*part, extra]
        bad = [t for t in itertools.combinations(sorted(points), 3) if is_isosceles(t)]
        if len(bad) == 1:
            tried += 1
            answer = verify(tmp_path, body(Construction.of(instance, points)))
            assert answer.status == 1
            assert named_points(answer) == list(bad[0])
    assert tried > 10


def test_faults_are_named(tmp_path: Path) -> None:
    good = isosceles(8)
    twice = Construction.of(good.instance, [*good.points, good.points[2]])
    for data, words in (
        (body(twice), f"point {list(good.points[2])} is there twice"),
        (body(Construction.of(good.instance, [(0, 8)])), "point [0, 8] is off the board ([0, 0] to [7, 7])"),
        (body(Construction.of(good.instance, [(-1, 0)])), "point [-1, 0] is off the board"),
        (body(Construction.of(good.instance, [(0,)])), "point [0] is off the board"),
        (body(Construction.of(good.instance, [(0, 0, 0)])), "point [0, 0, 0] is off the board"),
        (body(Construction.of(good.instance, [(2**31 - 1, -(2**31))])), "off the board"),
        (body(good) | {"score": good.score + 1}, f"score {good.score + 1} is wrong: there are {good.score} points"),
        (body(good) | {"sha256": "0" * 64}, f"sha256 is wrong: it should be {good.sha256}"),
        (body(good) | {"sha256": ""}, "sha256 is wrong"),
        (body(good) | {"n": 9}, "sha256 is wrong"),
        (body(broken()), "forbidden set: [0, 0] [0, 1] [1, 0]"),
    ):
        answer = verify(tmp_path, data)
        assert answer.status == 1, data
        assert words in answer.out
        assert answer.err == ""
        assert len(answer.out.splitlines()) == 1


def test_the_worst_file_counts(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(json.dumps(body(isosceles())))
    (tmp_path / "bad.json").write_text(json.dumps(body(broken())))
    (tmp_path / "none.json").write_text("{}")
    good, bad, none = (tmp_path / f"{name}.json" for name in ("good", "bad", "none"))
    assert invoke("verify", good, good).status == 0
    assert invoke("verify", bad, good).status == 1
    answer = invoke("verify", none, bad, good)
    assert answer.status == 2
    assert [line.split(" ")[1] for line in answer.out.splitlines()] == ["INVALID", "valid"]
    assert len(answer.err.splitlines()) == 1


def test_the_picture_shows_the_forbidden_set(tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_text(json.dumps(body(broken())))
    assert invoke("verify", file, "--picture", tmp_path / "c.svg").status == 1
    assert "<svg" in (tmp_path / "c.svg").read_text()


def test_a_picture_of_what_is_off_the_board(tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_text(json.dumps(body(Construction.of(problem("isosceles", 8), [(0, 99)]))))
    answer = invoke("verify", file, "--picture", tmp_path / "c.svg")
    assert answer.status in (1, 2)
    assert "off the board" in answer.out


# -- what cannot be read -----------------------------------------------------------------------------------------------

GOOD = json.dumps(body(isosceles()))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        "1e999",
        GOOD[:-1],
        GOOD[: len(GOOD) // 2],
        GOOD + GOOD,
        GOOD.replace('"n": 8', '"n": NaN'),
        GOOD.replace('"n": 8', '"n": Infinity'),
        GOOD.replace('"n": 8', '"n": 8.0'),
        GOOD.replace('"n": 8', '"n": 1e1'),
        GOOD.replace('"n": 8', '"n": ' + "9" * 5000),
        GOOD.replace('"n": 8', '"n": ' + "9" * 4000),
        GOOD.replace('"points": [[', '"points": [[1e999, 0], ['),
        GOOD.replace(FORMAT, FORMAT + "0"),
        GOOD.replace('"problem"', '"\\ud800"'),
        '{"format": ' * 100_000,
        "[" * 10_000_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        b"\x00" * 1000,
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        b"PK\x03\x04" + bytes(range(256)),
        b"\xff\xfe" + GOOD.encode("utf-16-le"),
        b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00}\x94.",
        GOOD.encode("utf-16"),
    ],
    ids=lambda content: repr(content[:30]),
)
def test_what_is_no_certificate_is_refused_in_one_line(content: str | bytes, tmp_path: Path) -> None:
    answer = verify(tmp_path, content)
    refused(answer, "certificate.json")
    assert len(answer.err) < 1000


_VALUES = [None, True, False, 0, -3, 1.5, 10**9, 10**40, "", "x", [], [1], {}, {"a": 1}, [[0.0, 1.0]], [[True, False]]]
_RIGHT = {"format": str, "problem": str, "n": int, "score": int, "points": list, "definition": str, "symmetry": str}
_TYPES = _RIGHT | {"sha256": str, "found": dict}


@pytest.mark.parametrize("field", _TYPES)
def test_wrong_types_are_refused(field: str, tmp_path: Path) -> None:
    for value in _VALUES:
        if type(value) is not _TYPES[field]:
            refused(verify(tmp_path, body(isosceles()) | {field: value}), "certificate.json")


@pytest.mark.parametrize("field", ["format", "problem", "n", "score", "points", "sha256"])
def test_missing_fields_are_refused(field: str, tmp_path: Path) -> None:
    data = body(isosceles())
    del data[field]
    refused(verify(tmp_path, data), field)


@pytest.mark.parametrize(
    "point",
    [
        *(
            [0.0, 1.0],
            [1.5, 2],
            [True, False],
            ["0", "1"],
            [None, 1],
            [[0], [1]],
            {"0": 1},
            "01",
            7,
            None,
            [],
            [0] * 17,
        ),
        *([2**31, 0], [0, -(2**31) - 1], [10**300, 0]),
    ],
)
def test_points_that_are_not_lists_of_integers_are_refused(point: object, tmp_path: Path) -> None:
    refused(verify(tmp_path, body(isosceles()) | {"points": [[0, 0], point]}), "certificate.json")


@pytest.mark.parametrize("n", [0, -3, 10**9, 257, 2**62])
def test_sizes_out_of_range_are_refused(n: int, tmp_path: Path) -> None:
    refused(verify(tmp_path, body(isosceles()) | {"n": n}), "must be from 1 to 256")


def test_too_many_points_are_refused(tmp_path: Path) -> None:
    refused(verify(tmp_path, body(isosceles()) | {"points": [[0, 0]] * (MAX_POINTS + 1)}), f"more than {MAX_POINTS}")


@pytest.mark.parametrize(
    "name",
    [
        *("nope", "", "ISOSCELES", "iso sceles", "a\nb", "x" * 5000, "\ud800", "\u0000"),
        *("../isosceles", "/etc/passwd", "./evil.py", "evil.py", "evil", "os", "problems.isosceles", "{EVIL}"),
    ],
)
def test_problems_that_are_unknown_or_a_path_are_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text("open('executed', 'w')\n")
    name = name.replace("{EVIL}", str(tmp_path / "evil.py"))
    answer = verify(tmp_path, body(isosceles()) | {"problem": name})
    refused(answer)
    assert len(answer.err) < 1000
    assert not (tmp_path / "executed").exists()


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "huge.json"
    with file.open("wb") as handle:
        handle.truncate(1 << 40)
    refused(invoke("verify", file), "larger than 32 MiB")
    with file.open("wb") as handle:
        handle.truncate(MAX_BYTES + 1)
    refused(invoke("verify", file), "larger than 32 MiB")


def test_a_file_at_the_limit_is_read(tmp_path: Path) -> None:
    assert verify(tmp_path, GOOD + " " * (MAX_BYTES - len(GOOD))).status == 0


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "socket"))
    listener.close()
    paths = [tmp_path / name for name in ("fifo", "loop", "nowhere", "socket", "gone", "x" * 300, ".")]
    paths += [Path("/dev/zero"), Path("/dev/null"), Path("/proc/self/mem")]
    # In a process of its own, so that waiting for ever is a failure.
    answer = spawn("verify", *paths, timeout=30)
    assert answer.status == 2
    assert answer.out == ""
    lines = answer.err.splitlines()
    assert len(lines) == len(paths)
    for path, line in zip(paths, lines, strict=True):
        assert line.startswith(f"{path}: "), line


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret.json"
    file.write_text(GOOD)
    file.chmod(0)
    if os.access(file, os.R_OK):
        pytest.skip("this user (root) reads every file")
    refused(invoke("verify", file), "permission denied")


def test_odd_file_names(tmp_path: Path) -> None:
    for name in ("two\nlines.json", "t\tab.json", os.fsdecode(b"\xff\xfe.json")):
        try:
            (tmp_path / name).write_text("{}")
        except OSError:
            continue  # a file system that does not take such names
        refused(invoke("verify", tmp_path / name))
        (tmp_path / name).write_text(json.dumps(body(broken())))
        assert invoke("verify", tmp_path / name).status == 1
        good = json.dumps(body(isosceles()))
        (tmp_path / name).write_text(good)
        assert invoke("verify", tmp_path / name).status == 0


# -- whatever the file -------------------------------------------------------------------------------------------------

_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-10, 300)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([*problem_names(), FORMAT]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def _honest(data: Data) -> bool:
    """Whether an isosceles certificate that was accepted deserves it."""
    points = [tuple(p) for p in data["points"]]
    return (
        len(set(points)) == len(points) == data["score"]
        and all(len(p) == 2 and 0 <= x < data["n"] for p in points for x in p)
        and not any(is_isosceles(t) for t in itertools.combinations(points, 3))
    )


def _foreseen(answer: Answer, text: str | None) -> None:
    assert answer.status in (0, 1, 2)
    assert len(answer.err.splitlines()) == (answer.status == 2)
    assert len(answer.out.splitlines()) == (answer.status != 2)
    if answer.status == 0:
        assert text is not None
        data = json.loads(text)
        if data["problem"] == "isosceles":
            assert _honest(data)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_any_changed_certificate_gets_an_answer(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    certificate = body(isosceles(8, data.draw(st.integers(0, 3))))
    for _ in range(data.draw(st.integers(1, 2))):
        field = data.draw(st.sampled_from(sorted(certificate)))
        if field == "points" and certificate["points"] and type(certificate["points"]) is list:
            where = data.draw(st.integers(0, len(certificate["points"]) - 1))
            value = data.draw(_JSON | st.lists(st.integers(-1, 9), min_size=2, max_size=2))
            certificate["points"][where] = value
        else:
            certificate[field] = data.draw(_JSON)
    if data.draw(st.booleans()):  # the right hash and score for what can have one
        try:
            made = Construction.of(problem(certificate["problem"], certificate["n"]), certificate["points"])
        except (AttributeError, TypeError, ValueError, OverflowError):
            pass
        else:
            certificate |= {"sha256": made.sha256, "score": made.score}
    text = json.dumps(certificate)
    _foreseen(verify(tmp_path_factory.getbasetemp(), text), text)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(GOOD) - 1),
            st.integers(0, 20),
            st.binary(max_size=4) | st.sampled_from([b'"', b"9", b"-", b"]", b"NaN", b"[[", b"\xff", b"1e9"]),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_any_changed_bytes_get_an_answer(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int, bytes]]
) -> None:
    content = GOOD.encode()
    for where, length, put in changes:
        content = content[:where] + put + content[where + length :]
    try:
        text: str | None = content.decode()
    except UnicodeDecodeError:
        text = None
    _foreseen(verify(tmp_path_factory.getbasetemp(), content), text)


def test_any_readable_file_is_judged_and_nothing_archived(tmp_path, monkeypatch):
    monkeypatch.setenv("PATTERNBOOST_HOME", str(tmp_path / "home"))
    board = tmp_path / "board.txt"
    board.write_text(".#.\n...\n#..\n")
    answer = invoke("verify", board, "--problem", "isosceles")
    assert (answer.status, answer.out) == (0, f"{board}: valid isosceles n=3 2 points\n")
    one = tmp_path / "one.csv"
    one.write_text("row,column\n1,2\n3,1\n")
    refused(invoke("verify", one, "--problem", "isosceles", "--n", 3), "1-based? pass --from-one")
    assert invoke("verify", one, "--problem", "isosceles", "--n", 3, "--from-one").status == 0
    doubtful = tmp_path / "ab.txt"
    doubtful.write_text("aba\naaa\nbaa\n")
    refused(invoke("verify", doubtful, "--problem", "isosceles"), "--point 'a' or --point 'b'")
    assert invoke("verify", doubtful, "--problem", "isosceles", "--point", "b").status == 0
    assert not (tmp_path / "home").exists()


def test_a_set_that_a_sibling_problem_allows_gets_a_hint(tmp_path):
    flat = tmp_path / "flat.json"
    flat.write_text('{"n": 3, "points": [[0, 0], [0, 1], [0, 2]]}')
    answer = invoke("verify", flat, "--problem", "isosceles")
    assert answer.status == 1
    assert "forbidden set: [0, 0] [0, 1] [0, 2]; it is valid for isosceles-flat: " in answer.out
    corner = tmp_path / "corner.json"
    corner.write_text('{"n": 3, "points": [[0, 0], [0, 1], [1, 0]]}')
    assert "isosceles-flat" not in invoke("verify", corner, "--problem", "isosceles").out
