"""The learned half on a GPU (or, to try it, on a CPU): training and masked sampling beside the plain way. One a line.

    python benchmarks/gpu.py                 on a GPU: under five minutes
    python benchmarks/gpu.py --small         the same code in a minute on a CPU

Isosceles, n = 64, both mirrors: a pool of sets from short walks. `fit` is the whole of a generation's training, with
examples encoded, batches drawn and losses looked at; `sample` is the whole of a request, sets of cells at the end.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from baseline_model import PlainGPT, plain_sample, plain_training

from patternboost.model.corpus import Batch
from patternboost.model.gpt import GPT, Shape
from patternboost.model.network_generator import NetworkGenerator
from patternboost.model.next_token import SampleSettings
from patternboost.model.precision import pick_device
from patternboost.model.request import DrawRequest, FitRequest
from patternboost.model.steps import steps_for
from patternboost.model.tokens import Example, OrbitVocabulary
from patternboost.model.training import TrainSettings, captured_steps, loss_at, make_optimizer
from patternboost.problem.registry import problem
from patternboost.search.tasks import Prepared, prepare
from patternboost.search.walker import make_walker

SYMMETRY = "both-mirrors"
DEVICE = pick_device("auto")
THREADS = len(os.sched_getaffinity(0))


def waited(run: Callable[[], object]) -> float:
    """Seconds that a call takes, the device's work included."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()
    began = time.perf_counter()
    run()
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def best(run: Callable[[], object], rounds: int = 5, warm: int = 3) -> float:
    """The least time of a few calls."""
    for _ in range(warm):
        run()
    return min(waited(run) for _ in range(rounds))


def pool(n: int, prepared: Prepared, count: int) -> list[Example]:
    """Sets that short walks find, from all cores."""

    def some(seed: int) -> list[Example]:
        walker, found = make_walker(prepared.table, prepared.bits, (1, 2), seed), []
        for _ in range(-(-count // THREADS)):
            walker.start(np.empty(0, np.int64))
            walker.run(20_000, 20 * n * n // 8, 10**6)
            found.append(Example(n, SYMMETRY, prepared.table.orbits.expand(np.sort(walker.best[0]))))
        return found

    with ThreadPoolExecutor(THREADS) as threads:
        return [e for part in threads.map(some, range(1, THREADS + 1)) for e in part]


def training_steps() -> None:
    """A step of 32 x 100 tokens: 4 layers, 8 heads, 256 wide, 1,029 tokens."""
    rng = np.random.default_rng(0)
    tokens = torch.from_numpy(rng.integers(5, 1029, (32, 101))).to(DEVICE)
    step = plain_training(PlainGPT(1029, 104).to(DEVICE).train())
    plain = 3200 / best(lambda: step(tokens))
    print(f"training step of 32 x 100 tokens, plain: {plain:,.0f} tokens/s", flush=True)
    for form in ("fp32", "bf16"):
        model = GPT(Shape(1029, 104, 4, 8, 256)).to(DEVICE).train()
        optimizer = make_optimizer(model, TrainSettings())
        captured = captured_steps(model, optimizer, form, 1.0)
        with steps_for(model, optimizer, loss_at(form), 1.0, 32, THREADS, captured=captured) as steps:
            ours = 3200 / best(lambda s=steps: s.step(Batch(tokens, 1), 1.0, None), warm=6)
        print(f"training step of 32 x 100 tokens, ours, {form}: {ours:,.0f} tokens/s, {ours / plain:.2f} of plain")


def fit_and_sample(n: int, count: int, batch: int, steps: int, rows: int) -> None:
    """`fit` and `sample` of a model of 6 layers, 8 heads, 256 wide: 5.8 M parameters with the tokens."""
    instance = problem("isosceles", n)
    prepared = prepare(instance, SYMMETRY)
    examples = pool(n, prepared, count)
    length = np.mean([len(prepared.table.orbits.project(e.elements)) + 1 for e in examples])
    vocabulary = OrbitVocabulary(instance.problem, (n,), (SYMMETRY,))
    generator = NetworkGenerator(
        vocabulary,
        {"layers": 6, "heads": 8, "width": 256},
        TrainSettings(steps=steps, batch=batch, eval_every=steps, patience=steps),
        SampleSettings(),
        DEVICE,
        0,
        threads=THREADS,
    )
    log = generator.fit(FitRequest(examples, 1))  # captures
    took = waited(lambda: generator.fit(FitRequest(examples, 2)))
    print(
        f"fit, {generator.model.parameter_count() / 1e6:.1f} M parameters, {generator.precision}, batch {batch}: "
        f"{steps * batch * length / took:,.0f} tokens/s; held-out loss {log.held_out_loss:.3f}",
        flush=True,
    )
    request = DrawRequest(n, SYMMETRY, rows, 3, prepared.table)
    for _ in range(3):
        drawn = generator.sample(request)
    took = min(waited(lambda: generator.sample(request)) for _ in range(3))
    tokens = sum(len(s) for s in drawn.sets) / 4 + len(drawn.sets)
    ours = tokens / took
    each = round(tokens / rows)
    print(f"sample, masked, {rows} sets of {each} tokens: {ours:,.0f} tokens/s", flush=True)
    plain = PlainGPT(vocabulary.count, each + 4, layers=6).to(DEVICE).eval()
    theirs = rows * each / best(lambda: plain_sample(plain, rows, each), rounds=3, warm=1)
    print(f"sample, plain, without a mask: {theirs:,.0f} tokens/s; ours {ours / theirs:.2f} of it")
    eight = DrawRequest(n, SYMMETRY, 8 * rows, 3, prepared.table)
    took = min(waited(lambda: generator.sample(eight)) for _ in range(2))
    print(f"sample, masked, {8 * rows} sets in rounds: {8 * tokens / took:,.0f} tokens/s", flush=True)
    if DEVICE.type == "cuda":
        print(f"most memory of the device: {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="few steps at n = 16")
    small = parser.parse_args().small
    print(torch.cuda.get_device_name() if DEVICE.type == "cuda" else f"{THREADS} cores of a CPU", torch.__version__)
    training_steps()
    if small:
        fit_and_sample(16, 200, 32, 20, 64)
    else:
        fit_and_sample(64, 20_000, 1024, 400, 8192)


if __name__ == "__main__":
    main()
