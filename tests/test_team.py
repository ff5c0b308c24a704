"""Several processes, one model: two gloo processes on the CPU."""

import json
import os
import subprocess
import sys

import pytest
import torch
from models import examples_at, small_generator, vocabulary_for

from patternboost.model.request import FitRequest
from patternboost.model.team import ALONE, Team

TINY = [
    "--set", "starts=80", "--set", "layers=2", "--set", "heads=2", "--set", "width=32", "--set", "train_steps=10",
    "--set", "batch=16", "--set", "pool_floor=60", "--set", "stop_at_optimum=false",
]  # fmt: skip


def torchrun(tmp_path, *arguments, processes=2):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    environment = os.environ | {"PATTERNBOOST_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*command, *arguments], env=environment, capture_output=True, text=True, timeout=280, cwd=tmp_path, check=False
    )


def test_a_team_of_one_needs_nobody():
    assert ALONE.agree(0.5) == 0.5
    assert ALONE.gather([torch.tensor([1, 2]).numpy()])[0].tolist() == [1, 2]


@pytest.mark.parametrize("count", [1, 2, 7])
def test_shares_are_everything_once_or_one_at_least(count):
    shares = [Team(rank, 3).share(count).tolist() for rank in range(3)]
    assert all(shares)
    assert sorted({i for s in shares for i in s}) == list(range(count))


@pytest.mark.slow
def test_two_processes_search_train_and_sample_together(tmp_path):
    done = torchrun(
        tmp_path, "-m", "patternboost.cli", "search", "isosceles", "8", "--generations", "3", "--seed", "1",
        "--symmetry", "mirror", "--run-dir", str(tmp_path / "run"), *TINY,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("best ") == 1
    assert "verified" in done.stdout
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [e["train"]["steps"] for e in log[1:]] == [10, 10]
    assert all(e["sampled"] > 0 and not e["malformed"] for e in log[1:])
    longer = torchrun(tmp_path, "-m", "patternboost.cli", "resume", str(tmp_path / "run"), "--generations", "4")
    assert longer.returncode == 0, longer.stderr


WORKER = """
import glob, json, sys, torch
sys.path.insert(0, sys.argv[2])
from models import CPU, examples_at, vocabulary_for
from patternboost.model.distributed import TeamGenerator, serve
from patternboost.model.request import DrawRequest, FitRequest
from patternboost.model.sampling import SampleSettings
from patternboost.model.team import join
from patternboost.model.training import TrainSettings
from patternboost.problem.registry import problem
from patternboost.search.tables import build_table
from patternboost.store.settings import Settings

team = join(CPU)
shape = {"layers": 2, "heads": 2, "width": 32}
generator = TeamGenerator(
    team, vocabulary_for("isosceles", 6), shape, TrainSettings(steps=20, batch=15), SampleSettings(), CPU, 0, "fp32"
)
if team.rank:
    serve(generator, Settings("isosceles", 6), problem("isosceles", 6))
else:
    examples = examples_at(6, "mirror", 60)
    for seed in (1, 2):
        log = generator.fit(FitRequest(examples, seed))
    table = build_table(problem("isosceles", 6), "mirror")
    drawn = generator.sample(DrawRequest(6, "mirror", 31, 5, table))
    generator.close()
told = {"norm": sum(float(p.detach().double().norm()) for p in generator.model.parameters())}
names = [open(path).read().strip() for path in glob.glob("/proc/self/task/*/comm")]
told["threads"] = [name for name in names if "gloo" in name]
if team.rank == 0:
    told |= {"loss": log.held_out_loss, "sets": len(drawn.sets) + drawn.empty}
open(f"{sys.argv[1]}/rank{team.rank}.json", "w").write(json.dumps(told))
"""


@pytest.mark.slow
def test_all_processes_end_with_the_same_weights_and_learn_as_one_does(tmp_path):
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    done = torchrun(tmp_path, str(script), str(tmp_path), os.path.dirname(__file__))
    assert done.returncode == 0, done.stderr
    first, second = (json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in range(2))
    assert first["norm"] == second["norm"]
    assert first["threads"] == second["threads"] == []  # a thread that outlives its group aborts the process
    assert first["sets"] == 31
    alone = small_generator(vocabulary_for("isosceles", 6), steps=20, batch=15)
    for seed in (1, 2):
        log = alone.fit(FitRequest(examples_at(6, "mirror", 60), seed))
    assert abs(log.held_out_loss - first["loss"]) < 1e-3  # the same gradients, so the same learning
