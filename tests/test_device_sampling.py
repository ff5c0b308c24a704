"""Sampling where tokens stay on the device: its mask, its steps, and what is read off its log."""

import shutil

import numpy as np
import pytest
import torch
from models import CPU, examples_at, small_generator, vocabulary_for

from patternboost.model.device_sampling import DeviceSampling, bodies_of, split
from patternboost.model.gpt import GPT, Shape
from patternboost.model.masks import DeviceBits, DeviceMask, HostMask
from patternboost.model.next_token import SampleSettings, draw
from patternboost.model.request import DrawRequest, FitRequest
from patternboost.model.sampling import sample
from patternboost.model.tokens import END, TOKENISATIONS
from patternboost.problem.registry import problem
from patternboost.search.bitmaps import build_bitrows
from patternboost.search.tables import build_table


@pytest.mark.parametrize("name", ["isosceles", "no-three-in-line", "distance-1-2"])
@pytest.mark.parametrize("symmetry", ["none", "mirror", "both-mirrors", "near-quarter-turn"])
def test_the_devices_mask_is_the_hosts_mask(name, symmetry):
    n, batch = 7, 12
    vocabulary = vocabulary_for(name, n)
    table = build_table(problem(name, n), symmetry)
    columns = vocabulary.columns(n, symmetry)
    device = DeviceMask(DeviceBits(build_bitrows(table), columns, CPU), batch, n * n)
    noise = torch.Generator().manual_seed(1)
    token_of = torch.from_numpy(columns)
    ended = 0
    for step in [*range(2 * n), *range(2 * n)]:
        if step == 0:
            device.restart()
            hosts = [HostMask(vocabulary.mask(n, symmetry, table, 1)) for _ in range(batch)]
        same = device.apply(torch.zeros(batch, len(columns)))
        blocked = torch.cat([mask.apply(torch.zeros(1, len(columns))) for mask in hosts])
        assert torch.equal(blocked, same)
        drawn = token_of[draw(blocked, SampleSettings(), noise)]
        ended += int((drawn == END).sum())
        device.extend(drawn, step)
        for row in range(batch):
            hosts[row].extend(drawn[row : row + 1])
    assert ended > batch


@pytest.mark.parametrize("count", [5, 64, 300])
@pytest.mark.parametrize("name", ["isosceles", "no-three-in-line", "distance-1-2"])
def test_device_samples_are_valid_and_follow_the_model(name, count):
    n, symmetry = 6, "none"
    vocabulary, table = vocabulary_for(name, n), build_table(problem(name, n), "none")
    generator = small_generator(vocabulary, steps=40, batch=16)
    generator.fit(FitRequest(examples_at(n, symmetry, 60, name), 1))
    device = DeviceSampling(generator.model, torch.float32, capture=False)
    settings = SampleSettings(length=30, device_batch=64)
    request = DrawRequest(n, symmetry, count, 1, table)
    log = device.sample(vocabulary, request, settings)
    body, tokens, found = split(log)
    assert found == count
    for elements in vocabulary.decode_flat(n, symmetry, body, tokens, found):
        instance = problem(name, n)
        assert instance.violation(instance.to_points(elements)) is None
    bodies = bodies_of(body.numpy(), tokens.numpy(), found)
    assert torch.equal(log, device.sample(vocabulary, request, settings))
    if count == 300:
        host = sample(generator.decoder(), vocabulary, DrawRequest(n, symmetry, 600, 2, table), settings)
        ours, theirs = (np.mean([len(b) for b in drawn]) for drawn in (bodies, host))
        assert abs(ours - theirs) < 0.5
        first = [
            np.bincount([b[0] for b in drawn], minlength=vocabulary.count) / len(drawn) for drawn in (bodies, host)
        ]
        assert np.abs(first[0] - first[1]).sum() < 0.6


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles for a CPU with g++")
def test_compiled_sampling_draws_the_same():
    vocabulary, table = vocabulary_for("isosceles", 8), build_table(problem("isosceles", 8), "mirror")
    model = GPT(Shape(vocabulary.count, 30, 2, 2, 32)).eval()
    asked = DrawRequest(8, "mirror", 150, 1, table)
    settings = SampleSettings(length=28, device_batch=64)
    as_it_is, compiled = (DeviceSampling(model, torch.float32, False, compile) for compile in (False, True))
    log = as_it_is.sample(vocabulary, asked, settings)
    assert len(log) > 8
    assert torch.equal(compiled.sample(vocabulary, asked, settings), log)


def test_sampling_that_is_stopped_at_once_gives_nothing():
    vocabulary, table = vocabulary_for("isosceles", 6), build_table(problem("isosceles", 6), "none")
    device = DeviceSampling(GPT(Shape(vocabulary.count, 30, 1, 2, 16)).eval(), torch.float32)
    log = device.sample(vocabulary, DrawRequest(6, "none", 50, 1, table, lambda: True), SampleSettings(length=28))
    assert vocabulary.decode_flat(6, "none", *split(log)) == []


def test_a_log_is_split_where_sequences_end():
    log = torch.tensor([[5, 0, 6, 7, 0, -2], [8, 9, -1, 5, 6, 7], [0, 4, 4, 4, 4, 4]]).T
    body, tokens, count = split(log)
    bodies = [b.tolist() for b in bodies_of(body.numpy(), tokens.numpy(), count)]
    assert bodies == [[5, 0], [6, 7, 0], [8, 9], [0]]
    assert split(torch.full((3, 2), -2))[2] == 0


@pytest.mark.parametrize("tokens", TOKENISATIONS)
def test_decoding_all_is_decoding_each(tokens):
    vocabulary = vocabulary_for("isosceles", 6, tokens=tokens)
    examples = examples_at(6, "mirror", 40)
    vocabulary.learn(examples, 1)
    bodies = [vocabulary.encode(e)[2:-1] for e in examples]
    bodies += [np.append(bodies[0], -1), np.append(bodies[1][:1], bodies[1]), np.array([1]), np.array([], np.int64)]
    flat = torch.from_numpy(np.concatenate(bodies))
    of = torch.from_numpy(np.repeat(np.arange(len(bodies)), [len(b) for b in bodies]))
    together = vocabulary.decode_flat(6, "mirror", of, flat, len(bodies))
    assert [made is None for made in together][-4:-1] == [True] * 3
    for made, one in zip(together, bodies, strict=True):
        alone = vocabulary.decode(6, "mirror", one if -1 in one else np.append(one, END))
        assert (made is None) == (alone is None)
        assert made is None or made.tolist() == alone.tolist()
