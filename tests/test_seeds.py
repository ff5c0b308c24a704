"""Seeds on the command line: every source reaches the first generation, and bad ones are refused."""

import json
from pathlib import Path

import pytest
from commands import QUICK, invoke, read_log, refused
from samples import broken, greedy, isosceles

from patternboost.problem.registry import problem
from patternboost.store.archive import Archive


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
