"""Sampling and training beside the plain way; all threads of the machine for both.

    pytest benchmarks/test_model.py -o addopts= --benchmark-columns=min,median

One round samples 1,000 sequences of 100 tokens, or takes a training step of 32 x 100 tokens; tokens per second are in
"extra info" (`--benchmark-json`) and printed. A model of 4 layers, 8 heads, 256 wide, on 1,029 tokens: isosceles,
n = 64, both mirrors.
"""

from __future__ import annotations

import os
import time

import numpy as np
import pytest
import torch
from baseline_model import PlainGPT, plain_sample, plain_training

from patternboost.model.corpus import Batch
from patternboost.model.decoding import FastDecoder, TorchDecoder
from patternboost.model.device_sampling import DeviceSampling, bodies_of, split
from patternboost.model.gpt import GPT, Shape
from patternboost.model.next_token import SampleSettings
from patternboost.model.precision import DTYPES, pick_precision
from patternboost.model.request import DrawRequest
from patternboost.model.sampling import sample
from patternboost.model.steps import SHARDS, steps_for
from patternboost.model.tokens import END, OrbitVocabulary
from patternboost.model.training import TrainSettings, captured_steps, loss_at, make_optimizer
from patternboost.problem.registry import find_problem, problem
from patternboost.search.tables import build_table

#: torch's compiler has advice for its makers, which is no error here
pytestmark = pytest.mark.filterwarnings("default")
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
THREADS = len(os.sched_getaffinity(0))
LENGTH, SEQUENCES = 100, 1000
SHAPE = {"layers": 4, "heads": 8, "width": 256}
N, SYMMETRY = 64, "both-mirrors"


@pytest.fixture(scope="module")
def vocabulary():
    return OrbitVocabulary(find_problem("isosceles"), (N,), (SYMMETRY,))


@pytest.fixture(scope="module")
def model(vocabulary):
    """END is never drawn, so that every sequence has its full length."""
    torch.manual_seed(0)
    torch.set_num_threads(THREADS)
    made = GPT(Shape(vocabulary.count, LENGTH + 4, **SHAPE)).to(DEVICE).eval()
    made.bias[END] = -1e9
    return made


def drawing(model, vocabulary, form, length, table):
    """A function that samples `SEQUENCES` sequences of `length` tokens on the machine's device."""
    settings, request = SampleSettings(length=length), DrawRequest(N, SYMMETRY, SEQUENCES, 1, table)
    if DEVICE.type == "cpu":
        decoder = FastDecoder(model, DTYPES[form])
        return lambda: sample(decoder, vocabulary, request, settings, THREADS)
    sampling = DeviceSampling(model, DTYPES[form])

    def drawn():
        body, tokens, count = split(sampling.sample(vocabulary, request, settings))
        return bodies_of(body.cpu().numpy(), tokens.cpu().numpy(), count)

    return drawn


def report(benchmark, tokens):
    rate = tokens / benchmark.stats.stats.median
    benchmark.extra_info["tokens_per_second"] = round(rate)
    print(f"\n{benchmark.group}, {benchmark.name}: {rate:,.0f} tokens/s")


@pytest.mark.parametrize("way", ["plain", "cached, fp32", "ours, fp32", "ours, bf16", "ours, auto"])
def test_sampling(benchmark, way, model, vocabulary):
    benchmark.group = "sampling 1,000 x 100 tokens"
    if way == "plain":
        plain = PlainGPT(1029, LENGTH + 2).to(DEVICE).eval()
        benchmark.pedantic(plain_sample, (plain, SEQUENCES, LENGTH), rounds=3, warmup_rounds=1)
    else:
        form = pick_precision(way.split(", ")[1], DEVICE, SHAPE["width"])
        if way.startswith("cached"):
            decoder, settings = TorchDecoder(model, DTYPES[form]), SampleSettings(length=LENGTH)
            request = DrawRequest(N, SYMMETRY, SEQUENCES, 1)
            run = lambda: sample(decoder, vocabulary, request, settings, THREADS)  # noqa: E731
        else:
            run = drawing(model, vocabulary, form, LENGTH, None)
        bodies = benchmark.pedantic(run, rounds=3, warmup_rounds=2)
        assert len(bodies) == SEQUENCES
    report(benchmark, SEQUENCES * LENGTH)


@pytest.mark.parametrize("mask", ["without", "with"])
def test_the_masks_cost(benchmark, mask, model, vocabulary):
    """12 tokens each: maximal sets of this class have 16 orbits or more, so there is always one to draw."""
    benchmark.group = "sampling 1,000 x 12 tokens, legality mask"
    table = build_table(problem("isosceles", N), SYMMETRY) if mask == "with" else None
    run = drawing(model, vocabulary, pick_precision("auto", DEVICE, SHAPE["width"]), 12, table)
    bodies = benchmark.pedantic(run, rounds=5, warmup_rounds=2)
    report(benchmark, sum(map(len, bodies)))


@pytest.mark.parametrize("way", ["plain", "fp32", "bf16"])
def test_training_step(benchmark, way, vocabulary):
    benchmark.group = "training step, 32 x 100 tokens"
    rng = np.random.default_rng(0)
    torch.set_num_threads(THREADS)
    tokens = torch.from_numpy(np.stack([np.append(rng.integers(5, 1029, LENGTH), END) for _ in range(32)])).to(DEVICE)
    model = PlainGPT(1029, LENGTH + 2) if way == "plain" else GPT(Shape(1029, LENGTH + 4, **SHAPE))
    model = model.to(DEVICE).train()

    def waited(run):
        run()
        if DEVICE.type == "cuda":
            torch.cuda.synchronize()

    if way == "plain":
        step = plain_training(model)
        benchmark.pedantic(waited, (lambda: step(tokens),), rounds=10, warmup_rounds=5)
    else:
        batch, threads, optimizer = Batch(tokens, 1), min(THREADS, SHARDS), make_optimizer(model, TrainSettings())
        captured = captured_steps(model, optimizer, way, 1.0)
        with steps_for(model, optimizer, loss_at(way), 1.0, 32, threads, captured=captured) as steps:
            benchmark.pedantic(waited, (lambda: steps.step(batch, 1.0, None),), rounds=10, warmup_rounds=5)
    report(benchmark, 32 * LENGTH)


def test_the_machines_matrix_rate(benchmark):
    """For comparison: one product of 2,000 x 2,000 matrices in float32 and in bfloat16, GFLOP/s."""
    rates = {}
    for name, dtype in DTYPES.items():
        a, b = (torch.ones(2000, 2000, dtype=dtype, device=DEVICE) for _ in range(2))
        times = []
        for _ in range(8):
            began = time.perf_counter()
            (a @ b).sum().item()
            times.append(time.perf_counter() - began)
        rates[name] = round(16 / min(times))
    benchmark.pedantic(lambda: None, rounds=1)
    benchmark.extra_info["gflops"] = rates
    print(f"\nmatrix product: {rates} GFLOP/s")
