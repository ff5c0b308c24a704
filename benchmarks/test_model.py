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

from patternboost.model.decoding import FastDecoder, TorchDecoder
from patternboost.model.gpt import GPT, GPTSettings
from patternboost.model.precision import DTYPES, pick_precision
from patternboost.model.replicas import replicas
from patternboost.model.request import DrawRequest
from patternboost.model.sampling import SampleSettings, sample
from patternboost.model.tokens import END, OrbitVocabulary
from patternboost.model.training import SHARDS, TrainSettings, make_optimizer, token_loss
from patternboost.problem.registry import find_problem, problem
from patternboost.search.tables import build_table

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
    torch.manual_seed(0)
    torch.set_num_threads(THREADS)
    return GPT(GPTSettings(vocabulary.count, LENGTH + 2, **SHAPE)).to(DEVICE).eval()


class Endless(OrbitVocabulary):
    """END is never drawn, so that every sequence has its full length."""

    def mask(self, n, symmetry, table, batch):
        mask = super().mask(n, symmetry, table, batch)
        mask.blocked[:, -1] = 1
        return mask


class NoMask:
    """Nothing but END is blocked."""

    def __init__(self, batch, columns):
        self.blocked = np.zeros((batch, columns), np.uint8)
        self.blocked[:, -1] = 1

    def extend(self, tokens):
        pass

    def keep(self, rows):
        self.blocked = self.blocked[rows]


class Unmasked(OrbitVocabulary):
    """No legality: cells may even come twice."""

    def mask(self, n, symmetry, table, batch):
        return NoMask(batch, len(self.columns(n, symmetry)))


def report(benchmark, tokens):
    rate = tokens / benchmark.stats.stats.median
    benchmark.extra_info["tokens_per_second"] = round(rate)
    print(f"\n{benchmark.group}, {benchmark.name}: {rate:,.0f} tokens/s")


@pytest.mark.parametrize("way", ["plain", "cached, fp32", "fast, fp32", "fast, bf16", "fast, auto"])
def test_sampling(benchmark, way, model, vocabulary):
    benchmark.group = "sampling 1,000 x 100 tokens"
    if way == "plain":
        plain = PlainGPT(1029, LENGTH + 2).to(DEVICE).eval()
        benchmark.pedantic(plain_sample, (plain, SEQUENCES, LENGTH), rounds=3, warmup_rounds=1)
    else:
        if way.startswith("fast") and DEVICE.type != "cpu":
            pytest.skip("the fast decoder is for CPUs")
        form = way.split(", ")[1]
        form = pick_precision(form, DEVICE, SHAPE["width"])
        decoder = (FastDecoder if way.startswith("fast") else TorchDecoder)(model, DTYPES[form])
        endless = Unmasked(vocabulary.problem, vocabulary.sizes, vocabulary.classes)
        table = build_table(problem("isosceles", 4), "none")  # any: it only says that columns are restricted
        settings = SampleSettings(length=LENGTH)
        request = DrawRequest(N, SYMMETRY, SEQUENCES, 1, table)
        run = lambda: sample(decoder, endless, request, settings, THREADS)  # noqa: E731
        bodies = benchmark.pedantic(run, rounds=3, warmup_rounds=1)
        assert sum(map(len, bodies)) == SEQUENCES * LENGTH
    report(benchmark, SEQUENCES * LENGTH)


@pytest.mark.parametrize("mask", ["without", "with"])
def test_the_masks_cost(benchmark, mask, model, vocabulary):
    """12 tokens each: maximal sets of this class have 16 orbits or more, so there is always one to draw."""
    benchmark.group = "sampling 1,000 x 12 tokens, legality mask"
    kind = Endless if mask == "with" else Unmasked
    endless = kind(vocabulary.problem, vocabulary.sizes, vocabulary.classes)
    table = build_table(problem("isosceles", N), SYMMETRY)
    form = pick_precision("auto", DEVICE, SHAPE["width"])
    decoder = FastDecoder(model, DTYPES[form]) if DEVICE.type == "cpu" else TorchDecoder(model, DTYPES[form])
    settings = SampleSettings(length=12)
    request = DrawRequest(N, SYMMETRY, SEQUENCES, 1, table)
    run = lambda: sample(decoder, endless, request, settings, THREADS)  # noqa: E731
    bodies = benchmark.pedantic(run, rounds=5, warmup_rounds=1)
    report(benchmark, sum(map(len, bodies)))


@pytest.mark.parametrize("way", ["plain", "fp32", "bf16"])
def test_training_step(benchmark, way, vocabulary):
    benchmark.group = "training step, 32 x 100 tokens"
    rng = np.random.default_rng(0)
    torch.set_num_threads(THREADS)
    batch = [np.append(rng.integers(5, 1029, LENGTH), END) for _ in range(32)]
    if way == "plain":
        step = plain_training(PlainGPT(1029, LENGTH + 2).to(DEVICE).train())
        tokens = torch.from_numpy(np.stack(batch)).to(DEVICE)
        run = lambda: step(tokens)  # noqa: E731
    else:
        model = GPT(GPTSettings(1029, LENGTH + 2, **SHAPE)).to(DEVICE).train()
        optimizer = make_optimizer(model, TrainSettings())

        def run():
            together.backward(lambda twin, sequences: token_loss(twin, sequences, 1, way), batch)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()

    def waited():
        run()
        if DEVICE.type == "cuda":
            torch.cuda.synchronize()

    threads = 1 if way == "plain" or DEVICE.type == "cuda" else THREADS
    with replicas(model if way != "plain" else torch.nn.Identity(), min(threads, SHARDS), threads) as together:
        benchmark.pedantic(waited, rounds=10, warmup_rounds=3)
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
