"""Figures reach the trackers; one that is not installed is named in one line."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from commands import checkpoints, invoke, read_log, refused, spawn, untimed
from made_runs import made_log

from patternboost.report.tracking import figures_of

QUICK = ["isosceles", 7, "--generations", 2, "--model", "none", "--set", "starts=3", "--jobs", 1, "--quiet"]


def test_figures() -> None:
    entry = made_log(2, 20)[-1]
    figures = figures_of(entry)
    assert figures["best"] == 20
    assert 2 < figures["train/loss"] < figures["train/held_out_loss"]
    assert figures["seconds/search"] == 35.0
    assert all(type(value) is float for value in figures.values())
    assert "train/loss" not in figures_of(entry | {"train": None})
    assert "score/after" not in figures_of(entry | {"after": {}})


def test_tensorboard(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = tmp_path / "run"
    assert invoke("search", *QUICK, "--track", "tensorboard", "--run-dir", run).status == 0
    assert invoke("resume", run, "--generations", 3, "--track", "tensorboard", "--quiet").status == 0
    events = accumulator.EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    log = read_log(run)
    told = [(event.step, event.tensor_proto.float_val[0]) for event in events.Tensors("best")]
    assert told == [(entry["generation"], entry["best"]) for entry in log]


class FakeWandb(SimpleNamespace):
    """As much of the wandb module as is used; keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(asked={}, told=[], finished=0)

    def init(self, **asked: Any) -> "FakeWandb":
        self.asked = asked
        return self

    def log(self, figures: dict[str, float], step: int) -> None:
        self.told.append((step, figures))

    def finish(self) -> None:
        self.finished += 1


def test_wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    assert invoke("search", *QUICK, "--track", "wandb", "--run-dir", tmp_path / "my run").status == 0
    assert fake.asked["id"] == "my-run"
    assert fake.asked["resume"] == "allow"
    json.dumps(fake.asked["config"])
    assert [step for step, _ in fake.told] == [0, 1]
    assert fake.told[-1][1]["best"] == read_log(tmp_path / "my run")[-1]["best"]
    assert fake.finished == 1


def test_a_tracker_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def init(**_: Any) -> None:
        raise RuntimeError("No API key configured.\nUse `wandb login` to log in.")

    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=init))
    answer = invoke("search", *QUICK, "--track", "wandb", "--run-dir", tmp_path / "run")
    refused(answer, "--track wandb: No API key configured. (WANDB_MODE=offline")
    assert not (tmp_path / "run").exists()


def test_the_tracker_is_closed_when_the_search_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    refused(invoke("search", *QUICK, "--seed-from", "nonsense", "--track", "wandb", "--run-dir", tmp_path / "run"))
    assert fake.finished == 1


@pytest.mark.parametrize(("kind", "module"), [("tensorboard", "tensorboard.summary"), ("wandb", "wandb")])
def test_a_tracker_that_is_not_installed(
    kind: str, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    answer = invoke("search", *QUICK, "--track", kind, "--run-dir", tmp_path / "run")
    refused(answer, f"pip install 'patternboost[{kind}]'")
    assert not (tmp_path / "run").exists()
    refused(invoke("search", *QUICK, "--track", "mlflow", "--run-dir", tmp_path / "run"), "'mlflow' is not one of")


def test_tracking_changes_nothing(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    assert spawn("search", *QUICK, "--track", "tensorboard", "--run-dir", tmp_path / "a").status == 0
    assert spawn("search", *QUICK, "--run-dir", tmp_path / "b").status == 0
    assert checkpoints(tmp_path / "a") == checkpoints(tmp_path / "b")
    assert untimed(read_log(tmp_path / "a")) == untimed(read_log(tmp_path / "b"))
