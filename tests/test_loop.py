"""The loop's parts: bandit, starts, seeding, archive, records, progress; and the loop itself, small."""

import dataclasses
import json
import time
from collections import Counter

import numpy as np
import pytest

import patternboost as pb
from patternboost.loop import proposing, starts, training
from patternboost.loop.classes import that_fit
from patternboost.loop.context import Context
from patternboost.loop.origins import COUNTED_REGIONS, Origin
from patternboost.loop.pool import Entry
from patternboost.loop.seeding import collect, embeddings
from patternboost.loop.session import seeds_line
from patternboost.loop.state import new_state
from patternboost.loop.statistics import Statistics
from patternboost.model.tokens import Example
from patternboost.problem import ProblemError
from patternboost.problem.base import NOTHING
from patternboost.problem.registry import problem
from patternboost.problem.symmetry import canonical_key
from patternboost.report.progress import LEGEND, WIDTH, best_line, left_text, spark, summary_lines
from patternboost.report.record_table import COLUMNS, record_rows
from patternboost.report.tables import render
from patternboost.search.memory import Building
from patternboost.search.tables import build_table
from patternboost.store.archive import Archive
from patternboost.store.construction import Construction
from patternboost.store.files import FileError
from patternboost.store.records import compare, known_record, known_records
from patternboost.store.settings import Settings

TINY = {
    "starts": 20, "train_steps": 5, "layers": 1, "heads": 1, "width": 16, "pool_floor": 30, "stop_at_optimum": False,
}  # fmt: skip


def test_a_table_in_the_making_is_told():
    told = []
    build_table(problem("isosceles", 8), "none", Building(report=told.append))
    assert told == sorted(told)
    assert told[0] > 0
    assert told[-1] == 1


def test_a_generation_takes_the_classes_whose_tables_memory_holds():
    wanted, sizes = {"a": 0.6, "b": 0.3, "c": 0.1}, {"a": 5.0, "b": 4.0, "c": 3.0}

    def drawn(memory, new=()):
        return [that_fit(wanted, sizes, memory, new, np.random.default_rng(seed)) for seed in range(300)]

    assert all(room == pytest.approx(wanted) for room in drawn(12))
    pairs = drawn(8)
    assert all(sum(room.values()) == pytest.approx(1) for room in pairs)
    assert {frozenset(room) for room in pairs} == {frozenset("ac"), frozenset("bc")}
    alone = [next(iter(room)) for room in drawn(2)]
    assert all(room == {name: 1} for room, name in zip(drawn(2), alone, strict=True))
    assert 150 < alone.count("a") < 210 < 300 - alone.count("c") < 300
    assert all("c" in room for room in drawn(8, ["c"]))
    assert all(room == {"b": 0.3} for room in drawn(1, ["b"]))


def test_phases_leave_out_what_happened_within_them(monkeypatch):
    moments = iter([0, 1, 4, 10, 20, 22])
    monkeypatch.setattr(time, "monotonic", lambda: next(moments))
    statistics = Statistics()
    with statistics.phase("outer"), statistics.phase("inner"):
        pass
    with statistics.phase("inner"):
        pass
    assert statistics.seconds == {"inner": 5, "outer": 7}


def context_of(instance, **settings):
    chosen = Settings(instance.name, instance.n, **settings)
    return Context(chosen, instance, tuple(instance.classes), instance.upper_bound, "a proved bound")


def test_starts_are_repeatable_and_of_the_right_kinds():
    instance = problem("isosceles", 8)
    context = context_of(instance, elites=1.0, shake=0.5, model_share=0.5, model="none", regions=0.0)
    seed = Construction.of(problem("isosceles", 3), [(1, 1)])
    state = new_state(context, [seed])
    member = np.array([0, 7, 56, 63], np.int64)
    state.pool.merge([Entry(canonical_key(instance, member), member, "none", 0, Origin.RANDOM, len(member))])
    sample = Example(8, "none", np.array([1, 2], np.int64))

    def mixed(symmetry, index=0):
        steps = 10 * starts.expected_steps(context, symmetry)
        return proposing.starts_of(context, state, symmetry, index, steps, [sample] * 5)

    def origins(found):
        return sorted(s.origin for s in found)

    found = mixed("none")
    assert set(origins(found)) == {Origin.ELITE, Origin.MODEL, Origin.SEED, Origin.RANDOM}
    assert 1 <= origins(found).count(Origin.MODEL) <= 5  # nothing is known yet: all alike
    assert all(len(s.elements) == 2 for s in found if s.origin is Origin.ELITE)
    relaxed = [s for s in mixed("half-turn") if s.origin is Origin.RELAXED]
    assert relaxed
    assert all(s.elements.tolist() == member.tolist() for s in relaxed)
    assert {s.member for s in found if s.origin is Origin.ELITE} == {s.member for s in relaxed} == {len(member)}
    assert {s.member for s in found if s.origin is not Origin.ELITE} == {NOTHING}
    assert not {Origin.ELITE, Origin.RELAXED} & {s.origin for s in mixed("mirror+half")}
    again = zip(mixed("none", 3), mixed("none", 3), strict=True)
    assert all(a.elements.tolist() == b.elements.tolist() for a, b in again)
    cut = list(starts.tasks(context, "none", found, (0, 0), None))
    assert sum(len(task.starts) for task, _ in cut) == len(found)
    assert origins([start for _, of in cut for start in of]) == origins(found)
    assert len({task.seed for task, _ in cut}) == len(cut)


def test_embeddings_hold_the_smaller_set():
    large = problem("isosceles", 9)
    small = Construction.of(problem("isosceles", 4), [(0, 0), (0, 1), (1, 2), (3, 2)])
    kept, shifted, padded = embeddings(large, small)
    assert large.to_points(kept) == [(0, 0), (0, 1), (1, 7), (8, 7)]
    assert large.to_points(shifted) == list(small.points)
    assert large.to_points(padded) == [(2, 2), (2, 3), (3, 4), (5, 4)]
    same = embeddings(small.instance, small)
    assert [small.instance.to_points(e) for e in same] == [list(small.points)]


def test_seeds_of_no_use_are_refused(tmp_path):
    path = good_set(5).save(tmp_path / "five.json")
    with Archive(tmp_path / "a.sqlite") as archive:
        assert len(collect(problem("isosceles", 5), [str(path)], archive)) == 1
        for instance in (problem("isosceles", 4), problem("no-three-in-line", 9)):
            with pytest.raises(FileError, match="holds nothing for"):
                collect(instance, [str(path)], archive)


def test_archive_means_smaller_sizes_and_best_this_one_too(tmp_path):
    with Archive(tmp_path / "a.sqlite") as archive:
        archive.add([good_set(5), good_set(6)])
        found = {word: [c.n for c in collect(problem("isosceles", 6), [word], archive)] for word in ("archive", "best")}
    assert max(found["archive"]) == 5
    assert max(found["best"]) == 6
    assert set(found["best"]) - set(found["archive"]) == {6}
    assert seeds_line(Counter([4, 5, 5])) == "3 seeds of 2 sizes, n = 4 to 5"
    assert seeds_line(Counter([7])) == "1 seed of n = 7"


def test_the_line_of_a_new_best_says_how_it_stands():
    best = dataclasses.replace(good_set(5), found={"origin": "seed"})
    assert "verified, from a seed (best known is 7; below ours: 4)" in best_line(best, 4)
    assert "above ours before: 2" in best_line(good_set(5), 2)
    assert "ours" not in best_line(good_set(5), 0)


def good_set(n=5, points=((0, 0), (0, 1), (1, 3))):
    return Construction.of(problem("isosceles", n), points, {"origin": "test"})


def test_archive_keeps_one_per_symmetry_and_verifies(tmp_path):
    with Archive(tmp_path / "a.sqlite") as archive:
        one = good_set()
        turned = Construction.of(one.instance, [(4 - r, c) for r, c in one.points])
        assert archive.add([one, turned]) == 1
        assert archive.add([one]) == 0
        assert archive.best(one.instance)[0].points == one.points
        assert archive.best(one.instance)[0].found == {"origin": "test"}
        with pytest.raises(ValueError, match="forbidden set"):
            archive.add([good_set(points=[(0, 0)]), Construction.of(one.instance, [(0, 0), (0, 1), (0, 2)])])
        assert len(archive.best(one.instance, 10)) == 1, "all or none"
        assert archive.sizes("isosceles") == [5]
        assert archive.summary()[0]["merit"] == 3
    (tmp_path / "bad.sqlite").write_bytes(b"x" * 5000)
    with pytest.raises(FileError, match=r"bad\.sqlite"):
        Archive(tmp_path / "bad.sqlite")


def test_records_table_and_standing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATTERNBOOST_HOME", str(tmp_path))
    assert known_record("isosceles", 16).value == 28
    assert all(r.value >= 0 and r.source for r in known_records().values())
    assert compare("isosceles", 16, 29) == "NEW RECORD"
    assert compare("isosceles", 14, 24) == "above 23, which was read off a plot in arXiv 2411.00566"
    assert compare("isosceles", 16, 28) == "equals best known"
    assert compare("isosceles", 10, 18) == "optimal"
    assert compare("isosceles", 16, 27) == "best known is 28"
    assert compare("isosceles", 19, 5) == "no record listed"
    assert "check the table" in compare("isosceles", 10, 19)
    with Archive() as archive:
        archive.add([good_set()])
    rows = record_rows("isosceles")
    mine = next(r for r in rows if r["n"] == 5)
    assert (mine["ours"], mine["best_known"]) == (3, 7)
    assert mine["by"] == "import"
    assert json.loads(render(rows, COLUMNS, "json")) == rows
    assert render(rows, COLUMNS, "csv").count("\n") == len(rows) + 1
    assert render(rows, COLUMNS, "markdown").count("\n") == len(rows) + 2
    assert render(rows, COLUMNS, "text").count("\n") == len(rows) + 1


def test_spark_and_summary():
    assert left_text(None) == "time left unknown"
    assert left_text(time.monotonic() + 65.3) == "1:05 left"
    assert left_text(time.monotonic() + 7325.3) == "2 h 02 min left"
    assert spark({}) == "-"
    assert spark({3: 1, 5: 8}).split()[0] == "3"
    walks, samples = summary_lines(
        {"generation": 1, "best": 5, "before": {"3": 1}, "after": {"5": 2}, "new": 0.5, "leader": "none",
         "sampled": 4, "malformed": 1, "empty": 0, "novel": 2, "seconds": 2.0}
    )  # fmt: skip
    assert walks == "generation 1: best 5, 2 walks to 5 █ 5, 50% new, none, 2.0 s"
    assert samples == "  4 samples of the model (2 new, 1 malformed), starts had 3 █ 3"
    assert max(map(len, LEGEND.splitlines())) <= WIDTH


def test_a_generations_lines_fit_the_screen_whatever_is_in_them():
    scores = {str(10**9 + 7**k): 10**6 for k in range(12)}
    entry = {
        "generation": 99999, "best": 10**9, "before": scores, "after": scores, "new": 1.0, "sampled": 10**6,
        "leader": "both-mirrors+one-half", "malformed": 10**6, "empty": 10**6, "novel": 10**6, "seconds": 3e5,
    }  # fmt: skip
    assert all(len(line) <= WIDTH for line in summary_lines(entry)), summary_lines(entry)


@pytest.fixture
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("PATTERNBOOST_HOME", str(tmp_path / "home"))


@pytest.mark.usefixtures("_home")
@pytest.mark.parametrize("model", ["gpt", "bigram", "none"])
def test_a_small_search_learns_verifies_and_repeats(tmp_path, model):
    results = [
        pb.search("isosceles", 7, generations=3, seed=4, model=model, jobs=2, quiet=True, run_dir=tmp_path / str(i),
                  symmetry="auto", **TINY | {"starts": 100, "model_share": 0.5, "regions": 0.5})
        for i in range(2)
    ]  # fmt: skip
    first, second = results
    assert first.best.points == second.best.points
    assert first.best.check() == []
    assert first.best.score == 10
    for a, b in zip(first.log, second.log, strict=True):
        for name in ("best", "pool", "starts", "before", "after", "origins", "train", "steps", "malformed"):
            assert a[name] == b[name]
    assert pb.load(first.certificate).check() == []
    assert (first.folder / "report.html").stat().st_size > 1000
    if model != "none":
        assert any({"model", "model-region"} <= set(e["origins"]) for e in first.log)
        assert model == "gpt" or not any(set(COUNTED_REGIONS) & set(e["origins"]) for e in first.log)
        assert not any(e["malformed"] for e in first.log), "masked samples are valid and well-formed"


@pytest.mark.usefixtures("_home")
@pytest.mark.parametrize("counting", [True, False])
def test_a_transformer_has_counted_regions_beside_its_own(tmp_path, counting):
    result = pb.search(
        "isosceles", 20, generations=3, seed=1, symmetry="none", quiet=True, run_dir=tmp_path / "run",
        **TINY | {"starts": 60, "count_regions": counting},
    )  # fmt: skip
    counted = [set(COUNTED_REGIONS) & set(entry["origins"]) for entry in result.log]
    assert [bool(origins) for origins in counted] == [False, counting, counting]
    assert not counting or len(counted[1]) > 1  # of more than one width
    assert ["model-region" in entry["origins"] for entry in result.log] == [False, True, True]


@pytest.mark.usefixtures("_home")
def test_search_stops_at_the_upper_bound_and_at_the_target(tmp_path):
    full = pb.search("no-three-in-line", 6, minutes=1, seed=1, quiet=True, run_dir=tmp_path / "a", model="none")
    assert full.best.score == 12
    some = pb.search("isosceles", 8, minutes=1, target=11, seed=1, quiet=True, run_dir=tmp_path / "b", model="none")
    assert some.best.score >= 11
    assert not some.missed


@pytest.mark.usefixtures("_home")
def test_seeds_of_smaller_sizes_enter_training_and_search(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "_LEAST_EXAMPLES", 1)
    small = pb.search("isosceles", 6, generations=1, seed=1, quiet=True, run_dir=tmp_path / "small", **TINY)
    large = pb.search(
        "isosceles", 8, generations=3, seed=1, quiet=True, run_dir=tmp_path / "large",
        seed_from=["archive", str(small.folder), str(small.certificate)], **TINY | {"starts": 60},
    )  # fmt: skip
    assert "seed" in large.log[0]["origins"]
    assert [entry["train"] is not None for entry in large.log] == [False, True, True]  # the first one searches at once
    state = json.loads((sorted((large.folder / "checkpoint").iterdir())[-1] / "state.json").read_text())
    assert {s["n"] for s in state["seeds"]} == {6}
    tokens = json.loads((sorted((large.folder / "checkpoint").iterdir())[-1] / "model.json").read_text())["tokens"]
    assert tokens["sizes"] == [6, 8]


@pytest.mark.usefixtures("_home")
def test_a_rule_that_disagrees_with_the_definition_is_caught(tmp_path):
    good = problem("isosceles", 6)
    weak = dataclasses.replace(good.problem, name="weak", complete=problem("no-three-in-line", 6).problem.complete)
    with pytest.raises(ProblemError, match="disagree"):
        pb.search(weak.at(6), generations=1, quiet=True, run_dir=tmp_path / "run", model="none", **TINY)
