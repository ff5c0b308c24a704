"""Parts of a report: curves, weights, commands, plots, the records page."""

from pathlib import Path

import numpy as np
import pytest
from commands import checkpoints, invoke, refused
from made_runs import made_log, made_run
from pages import Page

import patternboost as pb
from patternboost.report.data import (
    LEVELS,
    best_curve,
    learned,
    loss_curve,
    opening,
    pack_weights,
    thinned,
)
from patternboost.report.findings import gather
from patternboost.report.html import command_line, report_html
from patternboost.store.run_folder import RunFolder
from patternboost.store.settings import Settings


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return made_run(tmp_path / "runs" / "run")


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
