"""The report's page: what it holds, how large it is, and that nothing in a run's files can get out of hand in it."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from commands import invoke, read_log, refused
from made_runs import made_log, made_run
from pages import Page

import patternboost as pb
from patternboost.loop.origins import Origin
from patternboost.report.data import (
    MAX_GENERATIONS,
    origin_rows,
    report_data,
)
from patternboost.report.findings import gather
from patternboost.report.html import report_html
from patternboost.store.run_folder import RunFolder
from patternboost.store.settings import Settings


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return made_run(tmp_path / "runs" / "run")


def test_the_page_says_what_came_of_every_kind_of_start(run: RunFolder) -> None:
    """A row for each, its figures those of the log added up."""
    log = run.read_log()
    rows = {row[0]: row[1:] for row in origin_rows(log)}
    assert set(rows) == {Origin(name).label for entry in log for name in entry["origins"]}
    walks, _, new, best, often = rows[Origin.MODEL.label]
    of_model = [entry["origins"]["model"] for entry in log]
    assert int(walks.replace(",", "")) == sum(of["walks"] for of in of_model)
    assert int(new.replace(",", "")) == sum(of["new"] for of in of_model)
    assert int(best) == max(of["best"] for of in of_model)
    assert int(often) == sum(of["after"].get(best, 0) for of in of_model)
    page = report_html(gather(run))
    assert page.index("Where walks started, and what came of them") < page.index(f"<td>{walks}</td>")


# -- the page ----------------------------------------------------------------------------------------------------------


def test_the_page_is_self_contained(run: RunFolder) -> None:
    text = report_html(gather(run))
    page = Page(text)
    for tag, attributes in page.tags:
        assert tag not in ("link", "img", "iframe", "object", "base")
        assert not {"src", "srcset", "onclick", "onload"} & set(attributes), (tag, attributes)
        assert not (attributes.get("href") or "").startswith("http")
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_five_hundred_generations_stay_small_and_quick(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", generations=500, n=40)
    began = time.process_time()
    text = report_html(gather(run))
    took = time.process_time() - began
    assert len(text.encode()) < 5_000_000
    assert took < 2, took  # about a quarter of a second on an idle machine
    assert len(Page(text).data["generations"]) == 500


def test_many_more_generations_stay_small() -> None:
    entry = made_log(1, 104)[0]
    log = [entry | {"generation": g, "seconds": 57.6 * (g + 1)} for g in range(3000)]
    data = report_data(log, log, 110, None)
    assert len(data["generations"]) == MAX_GENERATIONS
    assert [data["generations"][i]["generation"] for i in (0, -1)] == [0, 2999]
    assert len(json.dumps(data)) < 5_000_000


def test_what_a_run_says_cannot_leave_its_place(run: RunFolder) -> None:
    """Text of a log, a certificate or the attention file is text, whatever it looks like."""
    evil = "</script><script>alert(1)</script><!-- <b>&amp;"
    log = read_log(run.folder)
    log[-1]["leader"] = evil
    log[-1]["origins"][evil] = log[-1]["origins"]["model"]
    log[-1]["phases"][evil] = 1.0
    (run.folder / "log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in log))
    certificate = next((run.folder / "best").glob("*.json"))
    data = json.loads(certificate.read_text())
    data["found"] = {"generation": evil, "origin": evil, "class": evil, "date": evil}
    certificate.write_text(json.dumps(data))
    attention = json.loads((run.folder / "attention.json").read_text())
    (run.folder / "attention.json").write_text(json.dumps(attention | {"symmetry": evil}))
    text = report_html(gather(run))
    assert "alert(1)</script>" not in text
    assert "<b>&amp;" not in text
    page = Page(text)
    assert [tag for tag, _ in page.tags].count("script") == 2
    assert page.data["generations"][-1]["leader"] == evil


@pytest.mark.parametrize(
    "change",
    [
        {"cells": [[[0, 99]]]},
        {"cells": "x"},
        {"cells": [[[0]]]},
        {"weights": []},
        {"weights": [[["<"]]]},
        {"weights": 3},
        {"generation": "x"},
        {"generation": None},
    ],
    ids=str,
)
def test_a_damaged_attention_file_is_left_out(change: dict[str, Any], run: RunFolder) -> None:
    path = run.folder / "attention.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert gather(run).attention is None


DAMAGES: list[Any] = [
    {"generation": "x"},
    {"generation": -1},
    {"seconds": None},
    {"seconds": float("inf")},
    {"best": 10**30},
    {"after": {"x": 1}},
    {"after": [1]},
    {"before": {"3": "many"}},
    {"origins": {"model": 3}},
    {"origins": {"model": {"walks": 1, "best": 1, "mean": "x"}}},
    {"phases": {"train": "x"}},
    {"train": {"steps": 1}},
    {"train": {"steps": 1, "loss": 1, "held_out_loss": 1, "curve": [[1, 2]]}},
    {"leader": "\x1b[2J"},
    {"leader": "x" * 1000},
    {"pool": []},
    {"bests": [[1]]},
]


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
def test_damaged_lines_of_the_log_are_left_out(damage: dict[str, Any], run: RunFolder) -> None:
    log = read_log(run.folder)
    lines = [json.dumps(entry | (damage if entry["generation"] == 3 else {})) for entry in log]
    (run.folder / "log.jsonl").write_text("".join(f"{line}\n" for line in [*lines[:8], "[]", "{}", "3", *lines[8:]]))
    assert len(run.read_log()) == len(log) - 1
    assert len(Page(report_html(gather(run))).data["generations"]) == len(log) - 1
    for command in (["report", run.folder], ["watch", run.folder], ["runs", run.folder.parent]):
        assert invoke(*command).status == 0


def test_an_empty_run_has_a_report(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run", Settings("isosceles", 8, generations=3))
    text = report_html(gather(run))
    assert "No construction yet. The run is running." in text
    run.close()
    assert "The run is stopped" in report_html(gather(run))


def test_a_log_of_an_older_version_has_a_report(run: RunFolder) -> None:
    """Fields that logs did not have at first are not asked for."""
    log = read_log(run.folder)
    for entry in log:
        for name in ("improved", "valid", "bests"):
            del entry[name]
        entry["train"].pop("curve")
        entry["origins"] = {
            name: {"walks": of["walks"], "best": 1, "mean": 1.0} for name, of in entry["origins"].items()
        }
    (run.folder / "log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in log))
    page = Page(report_html(gather(run)))
    assert page.data["generations"][0]["improved"] is None
    assert page.data["generations"][0]["origins"]["model"] == {}
    assert len(page.data["loss"]) == len(log)


def test_an_invalid_best_is_called_invalid(run: RunFolder) -> None:
    certificate = next((run.folder / "best").glob("*.json"))
    data = json.loads(certificate.read_text())
    data["points"][0] = data["points"][1]
    certificate.write_text(json.dumps(data))
    text = report_html(gather(run))
    assert "INVALID: point" in text
    assert ">verified<" not in text
    for points, fault in (([[99, 1]], "off the board"), ([[1]], "off the board"), ([[0, 0], [0, 1], [0, 2]], "set")):
        certificate.write_text(json.dumps(data | {"points": points}))
        assert invoke("report", run.folder).status == 0
        assert f"{fault}" in (run.folder / "report.html").read_text()
        assert "INVALID" in pb.Run.read(run.folder)._repr_html_()


# -- the control -------------------------------------------------------------------------------------------------------


def test_the_control_beside_the_run_is_found(run: RunFolder, tmp_path: Path) -> None:
    assert gather(run).control is None
    control = made_run(tmp_path / "runs" / "alone", model="none", generations=5)
    made_run(tmp_path / "runs" / "larger", model="none", n=13)
    found = gather(run).control
    assert found is not None
    assert (found[0].name, len(found[1])) == ("alone", 5)
    assert gather(control).control is None
    page = Page(report_html(gather(run)))
    assert [curve["name"] for curve in page.data["curves"]] == ["this run", "control"]


def test_a_control_of_ones_own(run: RunFolder, tmp_path: Path) -> None:
    made_run(tmp_path / "elsewhere" / "control", model="none", generations=4)
    assert invoke("report", run.folder, "--control", tmp_path / "elsewhere" / "control").status == 0
    assert len(Page((run.folder / "report.html").read_text()).data["curves"]) == 2
    made_run(tmp_path / "elsewhere" / "larger", model="none", n=13)
    refused(invoke("report", run.folder, "--control", tmp_path / "elsewhere" / "larger"), "n=13, not isosceles n=12")
    refused(invoke("report", run.folder, "--control", tmp_path), "is no run")
