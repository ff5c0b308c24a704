"""Telling the model how good each example is, and asking for better than all of them (`ask_above`)."""

import itertools
import json

import numpy as np
import pytest
import torch
from commands import invoke, read_log, untimed
from models import CPU, examples_at, vocabulary_for

from patternboost.loop.context import make_context
from patternboost.loop.origins import Origin
from patternboost.loop.pool import Entry
from patternboost.loop.state import new_state
from patternboost.loop.training import examples
from patternboost.model.corpus import Kind, PoolCorpus
from patternboost.model.decoding import decoder_of
from patternboost.model.device_sampling import DeviceSampling, split
from patternboost.model.gpt import Shape
from patternboost.model.levels import LEVELS as LEVELS_OF_A_SEARCH
from patternboost.model.network_generator import NetworkGenerator
from patternboost.model.networks import make_network
from patternboost.model.next_token import SampleSettings
from patternboost.model.request import DrawRequest, FitRequest
from patternboost.model.tokens import TOKENISATIONS, Example
from patternboost.model.training import TrainSettings
from patternboost.problem.registry import problem
from patternboost.search.tables import build_table
from patternboost.store.archive import Archive
from patternboost.store.settings import Settings, SettingsError, check

SMALL = {"layers": 2, "heads": 2, "width": 32}
LEVELS = 5
TOLD = ("gpt", "every-size", "graph")


def with_levels(which, *sizes, tokens="orbits"):
    return vocabulary_for(which, *sizes, tokens=tokens, levels=LEVELS)


@pytest.mark.parametrize("tokens", sorted(TOKENISATIONS))
def test_levels_are_told_by_the_prefix_alone(tokens):
    vocabulary, plain = with_levels("isosceles", 5, 6, tokens=tokens), None
    examples = examples_at(6, "mirror", 4)
    vocabulary.learn(examples, 1)
    for level in range(LEVELS + 3):
        told = [Example(e.n, e.symmetry, e.elements, level) for e in examples]
        corpus = PoolCorpus(vocabulary, told, CPU)
        rows = np.arange(len(told))
        tokens_of = corpus.batch(rows, np.zeros(len(told), np.int64)).tokens.numpy()
        assert (tokens_of[:, :2] == vocabulary.prefix(6, "mirror", level)).all()
        plain = tokens_of[:, 2:] if plain is None else plain
        assert (tokens_of[:, 2:] == plain).all()
        for row, e in zip(tokens_of, told, strict=True):
            written = vocabulary.encode(e)
            assert (row[: len(written)] == written).all()
            assert (vocabulary.decode(6, "mirror", row[2:]) == e.elements).all()
    prefixes = {vocabulary.prefix(n, c, level) for n in (5, 6) for c in vocabulary.classes for level in range(LEVELS)}
    assert len(prefixes) == 2 * len(vocabulary.classes) * LEVELS
    assert max(second for _, second in prefixes) < vocabulary.first
    assert vocabulary.prefix(6, "mirror", LEVELS + 2) == vocabulary.prefix(6, "mirror", LEVELS - 1)


@pytest.mark.parametrize("name", TOLD)
def test_growing_rows_give_the_logits_of_the_whole_at_every_level(name):
    vocabulary, kind = with_levels("isosceles", 6), Kind(6, "none")
    torch.manual_seed(1)
    model = make_network(name, Shape(vocabulary.count, 32, **SMALL), vocabulary).eval()
    seen = []
    for level in range(LEVELS):
        example = Example(*kind, examples_at(6, "none", 1)[0].elements, level)
        batch = PoolCorpus(vocabulary, [example], CPU).batch(np.zeros(1, np.int64), np.zeros(1, np.int64))
        with torch.no_grad():
            whole = model(batch.tokens[:, :-1], batch.columns, kind)
            stepper = decoder_of(model, CPU, torch.float32).open(batch.columns.numpy(), kind)
            prefix = vocabulary.prefix(*kind, level)
            first = stepper.start(prefix, 1)
            assert torch.allclose(first, whole[:, 1], atol=1e-4)
            assert torch.allclose(stepper.step(batch.tokens[:, 2]), whole[:, 2], atol=1e-4)
            rows = model.rows(batch.columns, kind, prefix, 1, 32)
            assert torch.allclose(rows.step(batch.tokens[:, 2], 3), whole[:, 2], atol=1e-4)
        seen.append(whole[0, 1].numpy())
    assert all(not np.allclose(one, other, atol=1e-4) for one, other in itertools.pairwise(seen))


@pytest.mark.parametrize("name", TOLD)
def test_it_writes_what_a_level_has_more_of_and_above_all_levels_more_still(name, tmp_path):
    """Sets of level 1, 2, 3 have three, two and one of their four cells on the border."""
    n, rng = 6, np.random.default_rng(5)
    vocabulary = with_levels("isosceles", n)
    row, column = np.divmod(np.arange(n * n), n)
    outer = (np.minimum(row, column) == 0) | (np.maximum(row, column) == n - 1)
    border, inside = np.flatnonzero(outer), np.flatnonzero(~outer)

    def one(top, level):
        chosen = [rng.choice(border, top, replace=False), rng.choice(inside, 4 - top, replace=False)]
        return Example(n, "none", np.sort(np.concatenate(chosen)), level)

    made = [one(top, level) for level, top in ((1, 3), (2, 2), (3, 1)) for _ in range(150)]
    generator = NetworkGenerator(
        vocabulary, SMALL, TrainSettings(steps=250, batch=32, learning_rate=3e-3), SampleSettings(), CPU, 0, "fp32",
        network=name,
    )  # fmt: skip
    generator.fit(FitRequest(made, 1))

    def drawn(level):
        """The mean share of the border in samples that are asked for at a level."""
        found = generator.sample(DrawRequest(n, "none", 300, 3, level=level)).sets
        return np.mean([outer[s].mean() for s in found])

    above, best, middle, worst = (drawn(level) for level in range(4))
    assert best > middle + 0.1
    assert middle > worst + 0.1
    assert above > best - 0.05
    generator.save(tmp_path)
    again = NetworkGenerator(vocabulary, SMALL, TrainSettings(), SampleSettings(), CPU, 9, "fp32", network=name)
    again.load(tmp_path)
    assert [s.tolist() for s in again.sample(DrawRequest(n, "none", 20, 3)).sets] == [
        s.tolist() for s in generator.sample(DrawRequest(n, "none", 20, 3)).sets
    ]


@pytest.mark.parametrize("name", TOLD)
def test_masked_samples_that_are_asked_for_above_all_are_valid(name):
    vocabulary = with_levels("isosceles", 6)
    examples = [Example(6, "mirror", e.elements, 1 + i % 4) for i, e in enumerate(examples_at(6, "mirror", 60))]
    generator = NetworkGenerator(
        vocabulary, SMALL, TrainSettings(steps=40, batch=16), SampleSettings(), CPU, 0, "fp32", network=name
    )
    generator.fit(FitRequest(examples, 1))
    instance, table = problem("isosceles", 6), build_table(problem("isosceles", 6), "mirror")
    sampling = DeviceSampling(generator.model, torch.float32, capture=False)
    for level in (0, 3):
        request = DrawRequest(6, "mirror", 30, 2, table, level=level)
        body, tokens, count = split(sampling.sample(vocabulary, request, SampleSettings(length=20)))
        by_rows = vocabulary.decode_flat(6, "mirror", body, tokens, count)
        drawn = generator.sample(request).sets
        assert len(drawn) > 15
        assert all(instance.violation(instance.to_points(s)) is None for s in (*drawn, *by_rows))
    assert len(sampling._samplers) == 2  # a prefix of its own for each


@pytest.mark.long
def test_a_search_tells_levels_and_repeats(tmp_path):
    asked = ["isosceles", 8, "--seed", 5, "--generations", 4, "--set", "ask_above=true", "--set", "starts=20"]
    asked += ["--set", "train_steps=10", "--set", "stop_at_optimum=false", "--quiet"]
    logs = []
    for jobs in (1, 2):
        answer = invoke("search", *asked, "--jobs", jobs, "--run-dir", tmp_path / str(jobs))
        assert answer.status == 0, answer
        logs.append(untimed(read_log(tmp_path / str(jobs))))
    assert logs[0] == logs[1]
    assert any(entry["train"] for entry in logs[0])
    saved = json.loads(next((tmp_path / "1" / "checkpoint").glob("*/model.json")).read_text())
    assert saved["tokens"]["levels"] == LEVELS_OF_A_SEARCH


def test_the_best_of_the_pool_are_level_one(tmp_path):
    context = make_context(Settings("isosceles", 6, ask_above=True), problem("isosceles", 6), Archive(tmp_path / "a"))
    state = new_state(context, [])
    sets = [np.array(elements) for elements in ([0, 1, 13], [0, 1, 13, 14], [0, 1])]
    state.pool.merge([Entry(s.tobytes(), s, "none", 0, Origin.RANDOM, len(s)) for s in sets])
    assert {len(e.elements): e.level for e in examples(context, state)} == {4: 1, 3: 2, 2: 3}


def test_a_vision_transformer_refuses():
    with pytest.raises(SettingsError, match="ask_above: model = vit"):
        check(Settings("isosceles", 8, model="vit", ask_above=True))
