"""The report while its run goes on: written after generations, at little cost, and what can go wrong meanwhile."""

import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from commands import checkpoints, invoke, read_log
from pages import Page

import patternboost as pb
from patternboost.store.run_folder import RunFolder

GPT = ["isosceles", 8, "--generations", 3, "--jobs", 1, "--device", "cpu", "--seed", 5, "--quiet"]
SMALL = ["--set", "starts=40", "--set", "train_steps=5", "--set", "width=16", "--set", "layers=2", "--set", "heads=2"]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run with a transformer."""
    folder = tmp_path_factory.mktemp("searched") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATTERNBOOST_HOME", str(folder.parent / "home"))
        assert invoke("search", *GPT, *SMALL, "--run-dir", folder).status == 0
    return folder


def test_a_search_leaves_a_full_report(searched: Path) -> None:
    page = Page((searched / "report.html").read_text())
    assert len(page.data["generations"]) == 3
    assert page.data["attention"]["generation"] == 2
    assert "finished" in page.text
    assert "verified" in page.text
    last = page.data["generations"][-1]
    assert set(last["phases"]) == {"train", "sample", "tables", "search", "verify", "other"}
    assert 0 <= last["valid"] <= 1
    assert last["origins"]["model"]["before"]
    assert page.data["loss"]


def test_the_log_adds_up(searched: Path) -> None:
    for entry in read_log(searched):
        for kind in ("before", "after"):
            total: dict[str, int] = {}
            for of in entry["origins"].values():
                for score, count in of[kind].items():
                    total[score] = total.get(score, 0) + count
            assert total == entry[kind]
        assert all(sum(of["after"].values()) == of["walks"] for of in entry["origins"].values())
        walked = sum(of["walks"] for name, of in entry["origins"].items() if name != "random")
        assert 0 <= entry["improved"] <= walked
        assert entry["valid"] <= entry["origins"].get("model", {"walks": 0})["walks"]
        # the legality mask is on: whatever is well formed is valid
        assert entry["valid"] == entry["origins"].get("model", {"walks": 0})["walks"]
    bests = [score for entry in read_log(searched) for _, score in entry["bests"]]
    assert bests == sorted(set(bests))
    assert bests[-1] == read_log(searched)[-1]["best"]


def test_the_report_is_written_after_every_generation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    written = RunFolder.log

    def log(self: RunFolder, entry: dict[str, Any]) -> None:
        page = self.folder / "report.html"
        seen.append(len(Page(page.read_text()).data["generations"]) if page.exists() else 0)
        written(self, entry)

    monkeypatch.setattr(RunFolder, "log", log)
    monkeypatch.setattr(import_module("patternboost.report.live"), "_PAUSE", 0)
    run_search(tmp_path / "a", generations=4)
    assert seen == [0, 1, 2, 3]


def run_search(folder: Path, generations: int) -> None:
    pb.search(
        "isosceles", 7, generations=generations, model="none", jobs=1, run_dir=folder, quiet=True, starts=10,
        stop_at_optimum=False,
    )  # fmt: skip


def test_short_generations_do_not_pay_for_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report is written again only after a hundred times what it took; and at the end."""
    times: list[str] = []
    from patternboost.report import live

    real = live.write_report
    monkeypatch.setattr(live, "write_report", lambda findings: (times.append(findings.state), real(findings)))
    run_search(tmp_path / "a", generations=12)
    assert times[-1] == "finished"
    assert times.count("running") < 12


def test_the_report_changes_nothing_of_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a report after every generation, attention included, a run ends as one without any."""
    monkeypatch.setattr(import_module("patternboost.report.live"), "_PAUSE", 0)
    assert invoke("search", *GPT, *SMALL, "--run-dir", tmp_path / "a").status == 0
    monkeypatch.setattr(import_module("patternboost.report.live").LiveReport, "__call__", lambda self, event: None)
    monkeypatch.setattr(import_module("patternboost.report.live").LiveReport, "finish", lambda self, state: None)
    monkeypatch.setenv("PATTERNBOOST_HOME", str(tmp_path / "other"))
    assert invoke("search", *GPT, *SMALL, "--run-dir", tmp_path / "b").status == 0
    assert checkpoints(tmp_path / "a") == checkpoints(tmp_path / "b")


def test_a_copied_run_has_a_report(searched: Path, tmp_path: Path) -> None:
    shutil.copytree(searched, tmp_path / "copy")
    (tmp_path / "copy" / ".lock").unlink()
    assert invoke("report", tmp_path / "copy").status == 0
