"""A model that works beside the search: what it hands over, that the order is fixed, and that errors are not lost."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from commands import checkpoints, invoke, read_log, untimed

from patternboost.loop.context import make_context
from patternboost.loop.handed import Handed, handed_from_json
from patternboost.model.device_sampling import DeviceSampling
from patternboost.model.network_generator import NetworkGenerator
from patternboost.model.tokens import Example
from patternboost.problem.registry import problem
from patternboost.store.archive import Archive
from patternboost.store.settings import Settings

BESIDE = ["isosceles", 8, "--model", "gpt", "--device", "cpu", "--seed", 5, "--set", "beside=yes"]
SMALL = ["--set", "starts=20", "--set", "train_steps=10", "--set", "stop_at_optimum=false", "--quiet"]


def searched(folder, jobs, generations):
    answer = invoke("search", *BESIDE, *SMALL, "--generations", generations, "--jobs", jobs, "--run-dir", folder)
    assert answer.status == 0, answer
    return folder


@pytest.fixture(params=["host", "device"])
def sampler(request, monkeypatch):
    """Where samples are drawn: by the host, or as on a GPU, whose code runs on a CPU, too."""
    build = NetworkGenerator.build

    def with_device_sampling(generator, context):
        built = build(generator, context)
        generator.built = replace(built, sampling=DeviceSampling(built.model, torch.float32))
        return generator.built

    if request.param == "device":
        monkeypatch.setattr(NetworkGenerator, "build", with_device_sampling)


@pytest.mark.long
@pytest.mark.usefixtures("sampler")
def test_the_same_end_with_any_jobs_and_after_a_stop(tmp_path):
    whole = searched(tmp_path / "whole", 1, 6)
    log = read_log(whole)
    trained = [entry["generation"] for entry in log if entry["train"]]
    assert trained
    assert min(trained) >= 2  # made beside the generation before, which had a pool to learn from
    assert all(entry["sampled"] for entry in log if entry["train"])
    assert untimed(read_log(searched(tmp_path / "two", 2, 6))) == untimed(log)
    parts = searched(tmp_path / "parts", 2, 3)
    answer = invoke("resume", parts, "--generations", 6, "--quiet")
    assert answer.status == 0, answer
    assert untimed(read_log(parts)) == untimed(log)
    assert list(checkpoints(parts).values())[-1] == list(checkpoints(whole).values())[-1]


@pytest.mark.long
@pytest.mark.usefixtures("sampler")
def test_under_a_time_budget_learning_ends_with_the_search(tmp_path):
    answer = invoke("search", *BESIDE, *SMALL, "--minutes", 0.15, "--jobs", 1, "--run-dir", tmp_path / "run")
    assert answer.status == 0, answer
    log = read_log(tmp_path / "run")
    assert any(entry["train"] for entry in log)
    spent = {name: sum(entry["phases"].get(name, 0.0) for entry in log) for name in ("train", "sample", "search")}
    assert spent["train"] == 0
    assert spent["sample"] < 0.2 * spent["search"]


def test_what_the_model_raises_is_raised(tmp_path, monkeypatch):
    def fails(*_):
        raise RuntimeError("the device is gone")

    monkeypatch.setattr(NetworkGenerator, "fit", fails)
    with pytest.raises(RuntimeError, match="the device is gone"):
        searched(tmp_path / "run", 1, 4)


def test_what_is_handed_over_survives_a_checkpoint(tmp_path):
    context = make_context(Settings("isosceles", 6), problem("isosceles", 6), Archive(tmp_path / "archive.sqlite"))
    handed = Handed({"mirror": [Example(6, "mirror", np.array([1, 4, 30]))]}, {"train": None, "sampled": 1})
    again = handed_from_json(context, handed.to_json())
    assert again.learned == handed.learned
    assert again.samples["mirror"][0].elements.tolist() == [1, 4, 30]
    assert handed_from_json(context, None) is None
    for wrong in ({"mirror": [[1, 99]]}, {"elsewhere": [[1]]}, {"mirror": [[[1]]]}):
        with pytest.raises(ValueError, match="samples of"):
            handed_from_json(context, {"samples": wrong, "learned": {}})
