"""Decoding and sampling: the cache, the fast decoder beside the plain one, masks, and how tokens are drawn."""

import numpy as np
import pytest
import reference
import torch
from models import CPU, examples_at, vocabulary_for
from shapes import SHAPES, classes

from patternboost.model.decode_attention import attend_cached, padded
from patternboost.model.decoding import FastDecoder, TorchDecoder, fast_decoding
from patternboost.model.gpt import GPT, Block, Shape
from patternboost.model.next_token import SampleSettings, draw
from patternboost.model.precision import pick_precision
from patternboost.model.request import DrawRequest
from patternboost.model.rows import Cached, layer_by_matrices, layer_by_products
from patternboost.model.sampling import _batches, sample
from patternboost.model.tokens import END, TOKENISATIONS
from patternboost.problem.registry import problem
from patternboost.search.memory import Building
from patternboost.search.tables import build_table


@pytest.mark.parametrize(("form", "tolerance"), [("fp32", 2e-6), ("bf16", 0.02)])
@pytest.mark.parametrize(("heads", "wide"), [(1, 16), (3, 32)])
def test_attention_kernel_against_the_reference(form, tolerance, heads, wide):
    rng = np.random.default_rng(0)
    batch, context, width = 3, 35, heads * wide
    room = padded(context)
    kept = np.float32 if form == "fp32" else np.int8
    caches = [np.zeros(5 * room * width, kept) for _ in range(2)]
    caches += [np.zeros(5 * room * heads, np.float32) for _ in range(2)]
    scores, out = np.empty(room, np.float32), np.empty(batch * width, np.float32)
    slots = np.array([4, 0, 2])
    history = []
    for length in range(1, context + 1):
        given = rng.standard_normal((batch, 3 * width)).astype(np.float32)
        if form == "bf16":
            halves = (given.view(np.uint32) >> 16).astype(np.uint16)
            given = (halves.astype(np.uint32) << 16).view(np.float32)
        history.append(given)
        attend_cached(given if form == "fp32" else halves, *caches, slots, length, heads, scores, out)
        if length in (1, 15, 16, 17, context):
            expected = reference.attention(np.stack(history, axis=1), heads)
            assert np.abs(out.reshape(batch, width) - expected).max() < tolerance


def test_rows_give_the_logits_of_the_whole_and_begin_anew():
    torch.manual_seed(0)
    model = GPT(Shape(vocabulary=50, context=20, layers=2, heads=2, width=16)).eval()
    tokens = torch.randint(0, 50, (3, 20))
    tokens[:, :2] = torch.tensor([7, 9])
    columns = torch.tensor([4, 40, 7, 0])
    with torch.no_grad():
        whole = model(tokens)[:, :, columns]
        rows = model.rows(columns, None, (7, 9), 3, 20)
        assert torch.allclose(rows.first.expand(3, -1), whole[:, 1], atol=1e-5)
        for at in range(2, 8):
            assert torch.allclose(rows.step(tokens[:, at], at + 1), whole[:, at], atol=1e-5)
        rows.keep(torch.tensor([2, 1]))
        assert torch.allclose(rows.step(tokens[[2, 1], 8], 20), whole[[2, 1], 8], atol=1e-5)
        rows.restart()
        assert torch.allclose(rows.step(tokens[:2, 2], 3), whole[:2, 2], atol=1e-5)
        model.blocks[0].project.weight.mul_(2)
        rows.begin()
        assert torch.allclose(rows.first, model(tokens)[0, 1, columns], atol=1e-5)


@pytest.mark.parametrize("bias", [False, True])
def test_layers_for_a_compiler_are_the_layers(bias):
    torch.manual_seed(0)
    block = Block(Shape(vocabulary=50, context=20, layers=1, heads=2, width=16))
    outputs = []
    added = torch.randn(3, 2, 1, 6) if bias else None
    cache = torch.randn(2, 3, 9, 16)
    for layer in (layer_by_matrices, layer_by_products):
        cached = Cached(*cache.clone(), torch.zeros(3, 2, 16), torch.tensor([4]))
        with torch.no_grad():
            torch.manual_seed(1)
            outputs.append(layer(block, torch.randn(3, 1, 16), cached, torch.arange(6) > 4, added))
        outputs.append(cached.keys)
        assert not torch.equal(cached.keys, cache[0])
    assert torch.allclose(outputs[0], outputs[2], atol=1e-6)
    assert torch.equal(outputs[1], outputs[3])


def test_the_model_does_not_look_ahead():
    torch.manual_seed(0)
    model = GPT(Shape(vocabulary=10, context=8, layers=2, heads=2, width=16)).eval()
    tokens = torch.randint(0, 10, (1, 8))
    changed = tokens.clone()
    changed[0, 5:] = (changed[0, 5:] + 1) % 10
    assert torch.allclose(model(tokens)[:, :5], model(changed)[:, :5], atol=1e-6)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.06)])
def test_fast_decoding_gives_the_models_own_logits(dtype, tolerance):
    torch.manual_seed(0)
    model = GPT(Shape(vocabulary=50, context=40, layers=2, heads=2, width=64)).eval()
    assert fast_decoding(model, CPU)
    columns = np.array([4, 40, 7, 0])
    fast, plain = FastDecoder(model, dtype).open(columns), TorchDecoder(model).open(columns)
    with torch.no_grad():
        ours, theirs = fast.start((1, 2), 5), plain.start((1, 2), 5)
        for step in range(30):
            assert ours.shape == (len(theirs), 4)
            assert torch.allclose(ours, theirs, atol=tolerance * float(theirs.abs().max()))
            if step in (9, 20):
                rows = torch.tensor([3, 1, 2]) if step == 9 else torch.tensor([2])
                for stepper in (fast, plain):
                    stepper.keep(rows)
            tokens = torch.randint(0, 50, ({9: 3, 20: 1}.get(step, len(ours)),))
            ours, theirs = fast.step(tokens), plain.step(tokens)


def test_odd_shapes_are_decoded_by_torch():
    assert not fast_decoding(GPT(Shape(vocabulary=50, context=40, layers=4, heads=2, width=16)), CPU)


class Uniform:
    """A fake model: all tokens alike."""

    device = CPU

    def open(self, columns, kind=None):
        return UniformStepper(len(columns))


class UniformStepper:
    def __init__(self, count):
        self.count = count

    def start(self, prefix, batch):
        self.batch = batch
        return torch.zeros(batch, self.count)

    def step(self, tokens):
        assert len(tokens) == self.batch, "ended rows must be dropped"
        return torch.zeros(self.batch, self.count)

    def keep(self, rows):
        self.batch = len(rows)


#: problem, n, class: one problem of every shape, and the first two in more classes
MASKED = [(name, n, symmetry) for name, n in SHAPES[3:] for symmetry in dict.fromkeys(classes(name, n, 3))] + [
    (name, 7, symmetry)
    for name in ("isosceles", "no-three-in-line", "distance-1-2")
    for symmetry in ("none", "mirror", "both-mirrors", "near-quarter-turn", "mirror+half")
]


@pytest.mark.parametrize("tokens", TOKENISATIONS)
@pytest.mark.parametrize(("name", "n", "symmetry"), MASKED)
@pytest.mark.parametrize("memory", [1 << 30, 0])
def test_masked_samples_are_always_valid(name, n, symmetry, memory, tokens):
    instance = problem(name, n)
    vocabulary = vocabulary_for(name, n, n + 1, tokens=tokens)
    vocabulary.learn(examples_at(n, symmetry, 60, name) + examples_at(n, "none", 20, name), seed=1)
    table = build_table(instance, symmetry, Building(memory))
    settings = SampleSettings(length=instance.size + 1, batch=16)
    bodies = sample(Uniform(), vocabulary, DrawRequest(n, symmetry, 40, 1, table), settings)
    assert len(bodies) == 40
    sizes = set()
    for body in bodies:
        elements = vocabulary.decode(n, symmetry, body)
        assert elements is not None
        assert instance.violation(instance.to_points(elements)) is None
        sizes.add(len(elements))
    assert len(sizes) > 1 or table.orbits.count < 4 or table.rows.bad.all()


@pytest.mark.parametrize(("name", "n"), [*SHAPES, ("isosceles", 6), ("no-three-in-line", 6)])
def test_the_merged_mask_blocks_exactly_what_would_be_invalid(name, n):
    symmetry = "none"
    instance = problem(name, n)
    vocabulary = vocabulary_for(name, n, tokens="merged")
    vocabulary.learn(examples_at(n, symmetry, 60, name), seed=1)
    table = build_table(instance, symmetry)
    columns = vocabulary.columns(n, symmetry)
    rng = np.random.default_rng(2)
    mask = vocabulary.mask(n, symmetry, table, 1)
    body = []
    while True:
        blocked = mask.blocked[0]
        for column, token in enumerate(columns[:-1]):
            elements = vocabulary.decode(n, symmetry, [*body, token, END])
            valid = elements is not None and instance.violation(instance.to_points(elements)) is None
            assert bool(blocked[column]) == (not valid)
        free = np.flatnonzero(blocked[:-1] == 0)
        if not len(free):
            break
        body.append(int(columns[rng.choice(free)]))
        mask.extend(np.array(body[-1:]))
    assert sum(len(vocabulary.cells_of(token)) for token in body) > 2


@pytest.mark.parametrize("count", [0, 1, 31, 64, 300, 1000, 5000])
def test_batches_are_even_and_complete(count):
    sizes = _batches(count, SampleSettings())
    assert sum(sizes) == count
    assert not sizes or (min(sizes) > 0 and max(sizes) - min(sizes) <= 1 and max(sizes) <= 256)
    assert (len(sizes) >= 4) == (count >= 128)


def test_samples_do_not_depend_on_threads():
    vocabulary = vocabulary_for("isosceles", 6)
    table = build_table(problem("isosceles", 6), "none")
    settings = SampleSettings(length=40, batch=8)
    request = DrawRequest(6, "none", 50, 1, table)
    one, three = (sample(Uniform(), vocabulary, request, settings, threads) for threads in (1, 3))
    assert [b.tolist() for b in one] == [b.tolist() for b in three]
    assert len({tuple(b) for b in one}) > 40


def test_once_over_only_finished_samples_come_back():
    vocabulary = vocabulary_for("isosceles", 6)
    table = build_table(problem("isosceles", 6), "none")
    calls = iter(range(1000))
    request = DrawRequest(6, "none", 50, 1, table, lambda: next(calls) > 5)
    bodies = sample(Uniform(), vocabulary, request, SampleSettings(length=40, batch=50))
    assert 0 < len(bodies) < 50
    assert all(vocabulary.decode(6, "none", b) is not None for b in bodies)


def test_unmasked_uniform_samples_are_mostly_malformed():
    vocabulary = vocabulary_for("isosceles", 6)
    bodies = sample(Uniform(), vocabulary, DrawRequest(6, "none", 50, 1), SampleSettings(length=30))
    assert len(bodies) == 50
    assert sum(vocabulary.decode(6, "none", b) is None for b in bodies) > 25


def test_draw_follows_the_distribution_temperature_and_top_p():
    logits = torch.log(torch.tensor([0.5, 0.3, 0.15, 0.05])).expand(20000, -1)
    noise = torch.Generator().manual_seed(3)

    def shares(**settings):
        return torch.bincount(draw(logits, SampleSettings(**settings), noise), minlength=4) / 20000

    assert torch.allclose(shares(), torch.tensor([0.5, 0.3, 0.15, 0.05]), atol=0.02)
    assert torch.allclose(shares(top_p=0.6), torch.tensor([0.625, 0.375, 0, 0]), atol=0.02)
    squared = torch.tensor([0.25, 0.09, 0.0225, 0.0025])
    assert torch.allclose(shares(temperature=0.5), squared / squared.sum(), atol=0.02)
    assert shares(temperature=1e-9)[0] == 1


def test_what_has_no_probability_is_never_drawn():
    logits = torch.full((5000, 6), -torch.inf)
    logits[:, 2] = logits[:, 4] = 0.0
    drawn = draw(logits, SampleSettings(), torch.Generator().manual_seed(1))
    assert set(drawn.tolist()) == {2, 4}


def test_precision_is_as_named_or_measured():
    assert pick_precision("bf16", CPU, 32) == "bf16"
    assert pick_precision("auto", CPU, 32) == "fp32"
    assert pick_precision("auto", CPU, 128) in ("fp32", "bf16")
