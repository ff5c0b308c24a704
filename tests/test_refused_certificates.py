"""The verifier survives every file: what cannot be read is refused in one line, whatever it holds."""

import itertools
import json
import os
import socket
from pathlib import Path

import pytest
from certificates import GOOD, Data, body, verify
from commands import Answer, invoke, refused, spawn
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import is_isosceles
from samples import broken, isosceles

from patternboost.problem.registry import problem, problem_names
from patternboost.store.construction import FORMAT, MAX_POINTS, Construction
from patternboost.store.files import MAX_BYTES

# -- what cannot be read -----------------------------------------------------------------------------------------------


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
