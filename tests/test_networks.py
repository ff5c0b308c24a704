"""The other architectures: the same interface as `gpt`, and what each of them knows."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from models import CPU, examples_at, vocabulary_for

from patternboost.model.attention import attention_map
from patternboost.model.corpus import Kind, PoolCorpus
from patternboost.model.decoding import TorchDecoder, decoder_of
from patternboost.model.device_sampling import DeviceSampling, split
from patternboost.model.gpt import Shape
from patternboost.model.network_generator import NetworkGenerator
from patternboost.model.networks import KNOWING, make_network
from patternboost.model.networks.places import features
from patternboost.model.networks.relations import RELATIONS, displacements, relations, shared_sets
from patternboost.model.next_token import SampleSettings
from patternboost.model.request import DrawRequest, FitRequest
from patternboost.model.tokens import Example
from patternboost.model.training import TrainSettings, loss_at
from patternboost.problem import ProblemError
from patternboost.problem.registry import problem
from patternboost.problem.symmetry import class_orbits
from patternboost.search.tables import build_table
from patternboost.store.files import FileError

ALL = ("gpt", *KNOWING)
SMALL = {"layers": 2, "heads": 2, "width": 32}


def made(name, vocabulary, context=32):
    torch.manual_seed(1)
    return make_network(name, Shape(vocabulary.count, context, **SMALL), vocabulary)


def generator_for(name, vocabulary, seed=0, **training):
    return NetworkGenerator(
        vocabulary, SMALL, TrainSettings(**training), SampleSettings(), CPU, seed, "fp32", network=name
    )


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(("which", "n"), [("isosceles", 6), ("no-square", 5), ("no-four-cycle", 7)])
def test_growing_rows_give_the_logits_of_the_whole(name, which, n):
    vocabulary, kind = vocabulary_for(which, n), Kind(n, "none")
    model = made(name, vocabulary).eval()
    corpus = PoolCorpus(vocabulary, examples_at(n, "none", 3, which), CPU)
    batch = corpus.batch(np.arange(3), np.zeros(3, np.int64))
    columns = batch.columns
    with torch.no_grad():
        whole = model(batch.tokens[:, :-1], columns, kind)
        at = torch.tensor([1, 3])
        assert torch.allclose(model(batch.tokens[:, :-1], columns, kind, at), whole[:, at], atol=1e-5)
        for decoder in (TorchDecoder(model), decoder_of(model, CPU, torch.float32)):
            stepper = decoder.open(columns.numpy(), kind)
            logits = stepper.start(vocabulary.prefix(*kind), 3)
            for t in range(1, whole.shape[1]):
                assert torch.allclose(logits, whole[:, t], atol=1e-4)
                if t + 1 < whole.shape[1]:
                    logits = stepper.step(batch.tokens[:, t + 1])
        rows = model.rows(columns, kind, vocabulary.prefix(*kind), 3, 32)
        rows.step(batch.tokens[:, 2], 3)
        rows.restart()
        assert torch.allclose(rows.step(batch.tokens[:, 2], 32), whole[:, 2], atol=1e-4)


@pytest.fixture(params=[False, True])
def padded_columns(request, monkeypatch):
    """As on a GPU, where columns without a meaning follow."""
    if request.param:
        monkeypatch.setattr("patternboost.model.gpt.columns_beyond", lambda count, device: -count % 8)


@pytest.mark.long
@pytest.mark.usefixtures("padded_columns")
@pytest.mark.parametrize("name", ALL)
def test_it_learns_samples_and_goes_on_from_a_checkpoint(name, tmp_path):
    vocabulary = vocabulary_for("isosceles", 5, 6)
    examples = examples_at(6, "mirror", 60) + examples_at(5, "none", 30)
    first, second = (
        generator_for(name, vocabulary, seed, steps=60, batch=16, eval_every=20, learning_rate=3e-3) for seed in (0, 9)
    )
    log = first.fit(FitRequest(examples, 1))
    assert log.held_out_loss < 0.8 * np.log(len(vocabulary.columns(6, "none")))
    first.save(tmp_path)
    second.load(tmp_path)
    for generator in (first, second):
        generator.fit(FitRequest(examples, 2))
    table = build_table(problem("isosceles", 6), "mirror")
    request = DrawRequest(6, "mirror", 20, 5, table)
    drawn = [[s.tolist() for s in g.sample(request).sets] for g in (first, second)]
    assert drawn[0] == drawn[1]
    instance = problem("isosceles", 6)
    assert all(instance.violation(instance.to_points(np.array(s))) is None for s in drawn[0])
    some = [e for e in examples if e.n == 6][:5]
    ended = sum(len(np.unique(vocabulary.view(6, "mirror").held(e.elements))) + 1 for e in some)
    assert np.isclose(first.expected(some)[vocabulary.columns(6, "mirror")].sum(), ended, rtol=1e-4)
    shown = first.attention(examples[0])
    assert shown.weights.shape[:2] == (2, 2)
    assert float(shown.weights.sum(axis=-1).max()) < 1 + 1e-5
    with pytest.raises(FileError, match=f"model = {name}, not "):
        generator_for("gpt" if name != "gpt" else "vit", vocabulary).load(tmp_path)
    sampling = DeviceSampling(first.model, torch.float32, capture=False)
    body, tokens, count = split(sampling.sample(vocabulary, request, SampleSettings(length=20)))
    assert count == 20
    for elements in vocabulary.decode_flat(6, "mirror", body, tokens, count):
        assert instance.violation(instance.to_points(elements)) is None


@pytest.mark.parametrize("name", ALL)
def test_attention_adds_up_and_does_not_look_ahead(name):
    vocabulary = vocabulary_for("isosceles", 6)
    model = made(name, vocabulary).eval()
    example = examples_at(6, "none", 1)[0]
    shown = attention_map(model, vocabulary, example)
    steps = shown.weights.shape[2]
    assert shown.weights.shape == (2, 2, steps, steps + 1)
    assert np.allclose(np.triu(shown.weights[0, 0], 2), 0)
    total = shown.weights.sum(axis=-1)
    assert (total < 1 + 1e-5).all()
    assert name == "vit" or np.allclose(total, 1, atol=1e-5)


def test_every_size_writes_for_a_size_that_it_never_saw():
    vocabulary = vocabulary_for("isosceles", 6, 7, 8)
    generator = generator_for("every-size", vocabulary, steps=150, batch=16, learning_rate=3e-3)
    generator.fit(FitRequest(examples_at(6, "mirror", 80) + examples_at(7, "mirror", 80), 1))
    unseen = PoolCorpus(vocabulary, examples_at(8, "mirror", 40), CPU)
    batch = unseen.batch(np.arange(40), np.zeros(40, np.int64))
    with torch.no_grad():
        total, count = loss_at("fp32")(generator.model.eval(), batch, None)
    uniform = np.log(len(batch.columns))
    assert float(total / count) < 0.85 * uniform


def test_places_of_alike_orbits_of_other_sizes_are_alike():
    small, large = (features(problem("isosceles", n), "none").reshape(n, n, -1) for n in (20, 30))
    near = np.abs(small[0, 1] - large[0, 1]).mean()
    assert near < 0.25 * np.abs(small[0, 1] - small[10, 9]).mean()


@pytest.mark.parametrize("symmetry", ["none", "mirror", "both-mirrors+half"])
@pytest.mark.parametrize(("which", "n"), [("isosceles", 7), ("no-three-in-line-cube", 3), ("no-four-cycle", 6)])
def test_displacements_from_the_definition(which, n, symmetry):
    instance = problem(which, n)
    if symmetry not in instance.classes:
        symmetry = "none"
    orbits, found = class_orbits(instance, symmetry), displacements(instance, symmetry)
    assert (found == found.T).all()
    rng = np.random.default_rng(1)
    codes = {}
    for _ in range(60):
        a, b = rng.integers(orbits.count, size=2)
        sets = [[tuple(p) for p in instance.points[orbits.expand(np.array([o]))].tolist()] for o in (a, b)]
        if which == "no-four-cycle":
            true = max(len(set(p) & set(q)) for p in sets[0] for q in sets[1])
            assert found[a, b] == true
            continue
        apart = [sorted(abs(x - y) for x, y in zip(p, q)) for p in sets[0] for q in sets[1]]
        least = min(sum(x * x for x in d) for d in apart)
        level = min(
            (int(np.searchsorted([1, 2, 3, 4, 5, 7, 10, 15, 23], d[-1], "right")),
             int(np.searchsorted([1, 2, 3, 4, 5, 7, 10, 15, 23], d[-2], "right")))
            for d in apart if sum(x * x for x in d) == least
        )  # fmt: skip
        assert codes.setdefault(int(found[a, b]), level) == level
    assert (relations(instance, symmetry) > 0).all()
    assert relations(instance, symmetry).max() < RELATIONS


@pytest.mark.parametrize(("which", "n"), [("isosceles", 5), ("no-square", 4), ("distance-1-2", 4)])
def test_shared_sets_from_the_definition(which, n):
    instance = problem(which, n)
    table = build_table(instance, "none")
    level = shared_sets(table)
    points = instance.points.tolist()
    for a in range(instance.size):
        for b in range(a):
            pair = instance.violation([tuple(points[a]), tuple(points[b])]) is not None
            assert (level[a, b] == 3) == pair
            third = any(
                instance.violation([tuple(points[a]), tuple(points[b]), tuple(points[c])]) is not None
                for c in range(instance.size)
                if c not in (a, b)
            )
            if instance.problem.k == 3:
                assert (level[a, b] > 0) == third
    assert (level == level.T).all()


def test_a_model_that_knows_orbits_needs_them():
    with pytest.raises(ValueError, match="tokens = orbits"):
        made("graph", vocabulary_for("isosceles", 6, tokens="bits"))


def test_a_board_beyond_the_patches_is_refused():
    vocabulary = vocabulary_for("isosceles", 130)
    with pytest.raises(ProblemError, match="too large for 36 patches"):
        made("vit", vocabulary).slots(Kind(130, "none"), CPU)
    assert made("vit", vocabulary).slots(Kind(130, "both-mirrors"), CPU).max() <= 36 * 400


def test_vision_sees_the_same_board_whatever_the_order():
    vocabulary, kind = vocabulary_for("isosceles", 6), Kind(6, "none")
    model = made("vit", vocabulary).eval()
    corpus = PoolCorpus(vocabulary, [Example(6, "none", np.array([3, 8, 20]))], CPU)
    batch = corpus.batch(np.arange(1), np.zeros(1, np.int64))
    swapped = replace(batch, tokens=batch.tokens[:, [0, 1, 3, 2, 4, 5]])
    with torch.no_grad():
        one, other = (model(b.tokens[:, :-1], b.columns, kind) for b in (batch, swapped))
    assert torch.allclose(one[:, 4], other[:, 4], atol=1e-5)
    assert not torch.allclose(one[:, 3], other[:, 3], atol=1e-5)  # what came last is told
