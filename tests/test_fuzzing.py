"""Mutated files into every reader: a line that refuses, or something sound; no traceback, nothing invalid accepted.

100,000 mutations in all; the last line of each part prints how many there were: pytest -m slow -s tests/test_fuzzing.py
"""

import contextlib
import json
import os
import random
import re
import resource
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import networkx as nx
import pytest
from made_runs import made_run
from samples import cube, edges, isosceles

from patternboost.loop.pool import Pool
from patternboost.report.findings import gather
from patternboost.store.construction import Construction
from patternboost.store.exporting import export_bytes
from patternboost.store.reading import read_file
from patternboost.store.run_folder import RunFolder
from patternboost.store.settings import from_toml
from patternboost.studies.compare.plan import read_plan as read_comparison
from patternboost.studies.ladder.plan import PLAN, take_up
from patternboost.studies.ladder.plan import Plan as LadderPlan
from patternboost.studies.ladder.plan import read_plan as read_ladder

#: mutations of files of constructions in each of so many parts, and of the other files
EACH, PARTS, OTHERS = 11_000, 8, 12_000
#: bytes of memory that a reader may take beside what the test process has
ROOM = 4 << 30

TEXTS = [
    "#C no three in line\nx = 7, y = 7, rule = B3/S23\n2bobo$3bo2bo$bo3bo$o5bo$bo3bo$o2bo$2bobo!\n",
    "n = 6: 9\n[(0, 0), (0, 1), (1, 3)]\nn = 7: 10\n[[0, 0],\n [3, 1]]\n",
    "BEST = [(0, 1), (2, 0)]\nN = 3\n",
    "X . X\n. . .\nX . .\n",
    "10001\n00000\n01010\n",
    "row,column\n0,1\n2,0\n",
    '{"problem": "isosceles", "n": 5, "solution": [[0, 0], [0, 1], [3, 4]]}',
    '{"points": [{"x": 0, "y": 1}, {"x": 2, "y": 0}], "size": 3}',
    "p edge 5 3\ne 1 2\ne 2 3\ne 4 5\n",
    "0 1\n2 0\n4 3\n",
]


def samples() -> list[bytes]:
    """A file of every kind."""
    made = [text.encode() for text in TEXTS]
    for construction in (isosceles(6), isosceles(9, 1), cube(), edges()):
        for kind in ("json", "csv", "txt", "npz", "bits", "python", "rle", "graph6", "dimacs"):
            with contextlib.suppress(ValueError):  # a format that is for other ground sets
                made.append(export_bytes(construction, kind))
    made.append(nx.to_sparse6_bytes(nx.petersen_graph()))
    return made


def mutated(rng: random.Random, originals: list[bytes]) -> bytes:
    """One of the originals with one to four things wrong with it."""
    data = bytearray(rng.choice(originals))
    for _ in range(rng.randint(1, 4)):
        at, to = sorted((rng.randint(0, len(data)), rng.randint(0, len(data))))
        match rng.randrange(10):
            case 0 if data:
                data[rng.randrange(len(data))] = rng.randrange(256)
            case 1:
                del data[at:to]
            case 2:
                data[at:at] = data[at:to]
            case 3:
                other = rng.choice(originals)
                start = rng.randint(0, len(other))
                data[at:to] = other[start : start + rng.randint(0, 40)]
            case 4:
                data = data[:to]
            case 5:
                data[at:at] = rng.choice(
                    [b"9" * 30, b"-1", b"1e309", b"nan", b"0x10", b"1.5", b"\xff\xfe", b"\0", b"\xe2\x80\xae"]
                )
            case 6:
                data[at:at] = rng.choice(
                    [b"[", b"]", b"{", b"}", b"(", b'"', b",", b"\n", b" ", b":", b"#", b"$", b"!"]
                )
            case 7:
                numbers = list(re.finditer(rb"\d+", bytes(data)))
                if numbers:
                    number = rng.choice(numbers)
                    new = rng.choice([b"0", b"1", b"65536", b"99999999999", b"-3", str(rng.randrange(50)).encode()])
                    data[number.start() : number.end()] = new
            case 8:
                data[at:at] = b"[" * rng.randint(1, 3000)
            case _:
                words = [w for w in (b"isosceles", b"points", b"problem", b"n", b"true", b"row") if w in data]
                if words:
                    word = rng.choice(words)
                    data = data.replace(word, rng.choice([b"no-three-in-line", b"", b"null", b"x", b"score"]), 1)
    return bytes(data)


def truly_valid(c: Construction) -> bool:
    """By brute force, for the problems of the samples."""
    points, n = c.points, c.n
    if len(set(points)) < len(points) or any(not 0 <= x < n for p in points for x in p):
        return False
    if c.problem == "isosceles":

        def apart(p: tuple[int, ...], q: tuple[int, ...]) -> int:
            return (p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2

        return not any(len({apart(p, q), apart(q, r), apart(p, r)}) < 3 for p, q, r in combinations(points, 3))
    if c.problem == "no-triangle":
        chosen = set(points)
        return not any({(u, v), (v, w), (u, w)} <= chosen for u, v, w in combinations(range(n), 3))
    return True


@contextlib.contextmanager
def little_memory() -> Iterator[None]:
    """Whoever asks for much more memory than there is now gets a MemoryError."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (taken + ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def refusal(error: Exception) -> None:
    """Assert that an error is a line for a person."""
    text = str(error)
    assert text.strip(), repr(error)
    assert len(text.splitlines()) == 1, text
    assert len(text) < 1000, text


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_files_of_constructions(part: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng, originals, path = random.Random(part), samples(), tmp_path / "file"
    came = Counter[str]()
    with little_memory():
        for index in range(EACH):
            data = mutated(rng, originals)
            path.write_bytes(data)
            problem, n = rng.choice(
                [(None, None), ("isosceles", None), ("isosceles", 6), ("no-triangle", None), ("no-triangle", 5)]
            )
            try:
                _, found = read_file(path, problem, n, from_one=rng.random() < 0.1)
            except ValueError as error:
                refusal(error)
                came["refused"] += 1
                continue
            except Exception as error:
                raise AssertionError(f"part {part}, mutation {index}: {data!r}") from error
            for construction in found:
                valid = construction.check() == []
                came["valid" if valid else "told invalid"] += 1
                assert not valid or truly_valid(construction), data
            came["read"] += 1
    with capsys.disabled():
        print(f"\n{EACH:,} mutated files of constructions: {dict(came)}")
    assert came["refused"] > EACH // 10
    assert came["valid"] > EACH // 100


def _runs(tmp_path: Path) -> dict[str, tuple[Path, Callable[[], object]]]:
    """The files of runs, comparisons and ladders, and what reads each."""
    run = made_run(tmp_path / "runs" / "run", generations=3)
    folder = run.folder
    plan = {
        "format": "patternboost-comparison/1", "problem": "isosceles", "n": 8, "minutes": 1.0, "arms": ["gpt", "none"],
        "seeds": 3, "jobs": 1, "symmetry": "auto", "target": 0, "seed_from": [], "options": [],
    }  # fmt: skip
    (tmp_path / "compared").mkdir()
    (tmp_path / "compared" / "comparison.json").write_text(json.dumps(plan))
    ladder = LadderPlan("isosceles", 6, 9, 1.0, 1)
    take_up(tmp_path / "compared", ladder, dict.fromkeys(ladder.sizes, 5))
    pool = Pool(10, 1, 1.0)
    pool.save(tmp_path / "pool.npz")

    def load_pool() -> None:
        Pool(10, 1, 1.0).load(tmp_path / "pool.npz")

    return {
        "settings.toml": (folder / "settings.toml", lambda: from_toml(folder / "settings.toml")),
        "log.jsonl": (folder / "log.jsonl", lambda: RunFolder.read(folder).read_log()),
        "page": (folder / "log.jsonl", lambda: gather(RunFolder.read(folder))),
        "comparison.json": (tmp_path / "compared" / "comparison.json", lambda: read_comparison(tmp_path / "compared")),
        "ladder": (tmp_path / "compared" / PLAN, lambda: read_ladder(tmp_path / "compared")),
        "pool.npz": (tmp_path / "pool.npz", load_pool),
    }


@pytest.mark.slow
def test_files_of_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng, came = random.Random(99), Counter[str]()
    readers = _runs(tmp_path)
    with little_memory():
        for name, (path, read) in readers.items():
            original = path.read_bytes()
            for index in range(OTHERS // len(readers)):
                data = mutated(rng, [original])
                path.write_bytes(data)
                try:
                    read()
                except (ValueError, OSError) as error:
                    refusal(error)
                    came["refused"] += 1
                except Exception as error:
                    raise AssertionError(f"{name}, mutation {index}: {data!r:.2000}") from error
                else:
                    came["read"] += 1
            path.write_bytes(original)
    with capsys.disabled():
        print(f"\n{OTHERS:,} mutated files of runs: {dict(came)}")
    assert came["refused"] > OTHERS // 10


def test_there_are_a_hundred_thousand() -> None:
    assert EACH * PARTS + OTHERS == 100_000
