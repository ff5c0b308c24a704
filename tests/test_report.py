"""The report's page: what it holds, how large it is, and that nothing in a run's files can get out of hand in it."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import checkpoints, invoke, read_log, refused
from made_runs import made_log, made_run
from pages import Page

import patternboost as pb
from patternboost.loop.origins import Origin
from patternboost.report.data import (
    LEVELS,
    MAX_GENERATIONS,
    best_curve,
    learned,
    loss_curve,
    opening,
    origin_rows,
    pack_weights,
    report_data,
    thinned,
)
from patternboost.report.findings import gather
from patternboost.report.html import command_line, report_html
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


# -- parts -------------------------------------------------------------------------------------------------------------


def test_curves() -> None:
    log = made_log(5, 20, every=10.0)
    curve = best_curve(log)
    assert curve[0] == (4.0, log[0]["best"])
    assert curve[-1] == (50.0, 20)
    assert [score for _, score in curve] == sorted(score for _, score in curve)
    assert best_curve([]) == []
    assert len(loss_curve(log)) == 15
    assert thinned(range(10), 3) == [0, 4, 9]
    assert thinned(range(3), 3) == [0, 1, 2]


def test_weights_are_packed_so_that_small_ones_show() -> None:
    (row,) = pack_weights([[0.0, 1.0, 0.01, 2.0, -1.0]])
    levels = [LEVELS.index(c) for c in row]
    assert levels == [0, 61, 6, 61, 0]


def test_the_command_repeats_the_run(tmp_path: Path) -> None:
    settings = Settings("my problem.py", 9, seed=4, jobs=2, minutes=1.5, mask=False, seed_from=("archive", "a b"))
    command = command_line(settings)
    assert command.startswith("patternboost search 'my problem.py' 9 ")
    assert "--set learning_rate=0.0012345678" in command_line(Settings("isosceles", 9, learning_rate=0.0012345678))
    assert "--minutes 1.5" in command
    assert "--set mask=false" in command
    assert "--seed-from archive --seed-from 'a b'" in command
    import shlex

    folder = tmp_path / "a"
    assert invoke("search", "isosceles", 7, "--generations", 2, "--model", "none", "--jobs", 1, "--set", "starts=7",
                  "--seed", 3, "--set", "shake=0.25", "--quiet", "--run-dir", folder).status == 0  # fmt: skip
    words = shlex.split(command_line(RunFolder.read(folder).settings))[1:]
    assert invoke(*words, "--quiet", "--run-dir", tmp_path / "b").status == 0
    assert (folder / "settings.toml").read_text() == (tmp_path / "b" / "settings.toml").read_text()
    assert checkpoints(folder) == checkpoints(tmp_path / "b")


@pytest.mark.parametrize("kind", ["pdf", "png", "svg"])
def test_plots(kind: str, run: RunFolder, tmp_path: Path) -> None:
    made_run(tmp_path / "runs" / "alone", model="none", generations=5)
    path = tmp_path / f"plot.{kind}"
    assert invoke("report", run.folder, "--plot", path).status == 0
    assert path.read_bytes().startswith({"pdf": b"%PDF", "png": b"\x89PNG", "svg": b"<?xml"}[kind])
    refused(invoke("report", run.folder, "--plot", tmp_path / "plot.gif"), "must end in .pdf, .png, .svg")


def test_a_notebook_shows_a_run_and_a_result(run: RunFolder, tmp_path: Path) -> None:
    shown = pb.Run.read(run.folder)._repr_html_()
    assert "<svg" in shown
    assert "verified" in shown
    assert "finished" in shown
    assert "<script" not in shown
    empty = RunFolder.create(tmp_path / "empty", Settings("isosceles", 8))
    assert "running" in pb.Run.read(empty.folder)._repr_html_()
    empty.close()
    result = pb.search("isosceles", 5, generations=1, model="none", jobs=1, quiet=True, run_dir=tmp_path / "r")
    assert result._repr_html_() == pb.Run.read(result.folder)._repr_html_()
    assert "<td>isosceles</td>" in pb.records("isosceles")._repr_html_()


def test_a_report_opens_at_the_last_generation_that_is_whole(tmp_path: Path) -> None:
    log = made_log(9, 16)
    assert opening(log) == 8
    log[-1]["after"] = {"16": 1}
    assert opening(log) == 7
    assert opening(log[:1]) == 0
    run = made_run(tmp_path / "run", generations=9)
    page = Page(report_html(gather(run)))
    assert page.data["opening"] == 8


def test_whether_the_model_learned_anything_is_said(tmp_path: Path) -> None:
    log = made_log(9, 16)
    assert learned(log).endswith("the model knows more than that.")
    log[-1]["train"]["held_out_loss"] = 3.6
    assert learned(log).endswith(
        "at 3.60 a token, counting tokens alone at 3.60: the model has learned no more than that."
    )
    assert learned([entry | {"train": None} for entry in log]) == ""
    run = made_run(tmp_path / "run", generations=4)
    text = report_html(gather(run))
    assert "the model knows more than that" in text
    assert Page(text).data["counted"] == [[g, 3.6] for g in range(4)]
    assert "none in the best; " in text
    control = made_run(tmp_path / "control", generations=4, model="none")
    assert "the model's part" in text.replace("&#39;", "'")
    assert "the model's part" not in report_html(gather(control)).replace("&#39;", "'")


def test_the_records_page(tmp_path: Path) -> None:
    pb.search("isosceles", 5, generations=1, model="none", jobs=1, quiet=True, run_dir=tmp_path / "r")
    answer = invoke("records", "isosceles", "--html", tmp_path / "records.html")
    assert (answer.status, answer.out) == (0, f"{tmp_path / 'records.html'}\n")
    text = (tmp_path / "records.html").read_text()
    assert "n = 5: 7" in text
    assert text.count("<svg") == 1
    assert ">optimal<" in text
    assert "Wagner 2023" in text
    targets = {attrs.get("id") for _, attrs in Page(text).tags}
    loaded = [attrs[name] or "" for _, attrs in Page(text).tags for name in ("src", "href") if name in attrs]
    assert all(what.startswith(("data:image/png;", "#")) for what in loaded)
    assert {what[1:] for what in loaded if what.startswith("#")} == {"isosceles-5"} <= targets
    assert 'class="gained"' in text  # nothing of that size ships, here
    assert "data:image/png;base64," in text  # the curve


def test_attention_weights_are_those_of_the_model() -> None:
    """Put in the place of the fused attention they give the same result; they add up to 1 and look at no future."""
    import torch
    from torch.nn import functional

    from patternboost.model.attention import attention
    from patternboost.model.gpt import GPT, Shape

    torch.manual_seed(1)
    model = GPT(Shape(vocabulary=40, context=20, layers=3, heads=2, width=16)).eval()
    for parameter in model.parameters():  # away from the tame start, where all weights are about the same
        torch.nn.init.normal_(parameter, std=0.5)
    tokens = np.random.default_rng(1).integers(0, 40, 12)
    weights = attention(model, tokens)
    assert weights.shape == (3, 2, 12, 12)
    assert torch.allclose(weights.sum(-1), torch.ones(3, 2, 12), atol=1e-5)
    assert torch.equal(weights, weights.tril())
    with torch.no_grad():
        x = model.embedding(torch.from_numpy(tokens)[None]) + model.position.weight[:12]
        for i, block in enumerate(model.blocks):
            value = block.attention(block.norm_attention(x)).unflatten(-1, (3, 2, 8))[:, :, 2].transpose(1, 2)
            mixed = (weights[i][None] @ value).transpose(1, 2).reshape(1, 12, 16)
            y = x + block.project(mixed)
            y = y + block.narrow(functional.relu(block.widen(block.norm_feed(y))).square())
            x = block(x)
            assert torch.allclose(x, y, rtol=1e-4, atol=1e-3)
