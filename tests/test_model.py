"""The learned half: tokens, transformer, sampling with and without the legality mask, training, checkpoints."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from patternboost.files import FileError
from patternboost.model.generator import BigramGenerator, GPTGenerator, pick_device
from patternboost.model.gpt import GPT, Cache, GPTSettings
from patternboost.model.sampling import SampleSettings, draw, sample
from patternboost.model.tokens import END, Example, Vocabulary
from patternboost.model.training import TrainSettings, collate, make_optimizer, train
from patternboost.registry import find_problem, problem, problem_names
from patternboost.search import kernels
from patternboost.search.tables import build_table

CPU = torch.device("cpu")


def never():
    return False


def some_set(table, seed):
    """A random maximal valid set of a table's class."""
    state = kernels.new_state(table.rows, seed)
    kernels.fill(table.instance.problem.complete, table.rows, state)
    return table.orbits.expand(np.sort(state.member[: state.total[0]]).astype(np.int64))


def vocabulary_for(name, *sizes):
    family = find_problem(name)
    return Vocabulary(family, sizes, tuple(family.at(max(sizes)).classes))


@pytest.mark.parametrize("name", problem_names())
@pytest.mark.parametrize("n", [3, 6, 7])
def test_tokens_round_trip_at_every_size_and_class(name, n):
    instance = problem(name, n)
    vocabulary = vocabulary_for(name, n, n + 4)
    for symmetry in instance.classes:
        table = build_table(instance, symmetry)
        for seed in range(3):
            elements = some_set(table, seed)
            example = Example(n, symmetry, elements)
            sequence = vocabulary.encode(example)
            assert sequence[-1] == END
            assert tuple(sequence[:2]) == vocabulary.prefix(n, symmetry)
            assert vocabulary.decode(n, symmetry, sequence[2:]).tolist() == elements.tolist()
            for move in range(8):
                moved = vocabulary.decode(n, symmetry, vocabulary.encode(example, move)[2:])
                assert len(moved) == len(elements)
                assert instance.violation(instance.to_points(moved)) is None


def test_a_token_means_the_same_place_at_every_size():
    vocabulary = vocabulary_for("isosceles", 5, 8)
    for corner_of in (5, 8):
        corner = np.array([corner_of * corner_of - 1])
        assert vocabulary.encode(Example(corner_of, "none", corner))[2] == vocabulary.count - 1
    second = [vocabulary.encode(Example(n, "none", np.array([n + 1])))[2] for n in (5, 8)]
    assert second[0] == second[1]


def test_malformed_samples_are_told():
    vocabulary = vocabulary_for("isosceles", 4, 6)
    cell, other = vocabulary.encode(Example(4, "none", np.array([0, 5])))[2:4]
    assert vocabulary.decode(4, "none", [cell, other, END]).tolist() == [0, 5]
    assert vocabulary.decode(4, "none", [cell, other]) is None
    assert vocabulary.decode(4, "none", [cell, cell, END]) is None
    assert vocabulary.decode(4, "none", [cell, 1, END]) is None
    inner = vocabulary.encode(Example(6, "none", np.array([14])))[2]  # a cell that a 4 x 4 board does not have
    assert vocabulary.decode(4, "none", [inner, END]) is None
    assert vocabulary.decode(4, "none", [END]).tolist() == []


def test_cache_gives_the_same_logits_as_no_cache():
    torch.manual_seed(0)
    model = GPT(GPTSettings(vocabulary=50, context=20, layers=2, heads=2, width=16)).eval()
    tokens = torch.randint(0, 50, (3, 20))
    with torch.no_grad():
        whole = model(tokens)
        cache = Cache(model.settings, 3, CPU, torch.float32)
        pieces = [model(tokens[:, :4], cache)] + [model(tokens[:, i : i + 1], cache) for i in range(4, 20)]
        assert torch.allclose(torch.cat(pieces, dim=1), whole, atol=1e-5)
        cache = Cache(model.settings, 3, CPU, torch.float32)
        model(tokens[:, :6], cache)
        cache.keep(torch.tensor([2, 0]))
        assert torch.allclose(model(tokens[[2, 0], 6:7], cache), whole[[2, 0], 6:7], atol=1e-5)


def test_the_model_does_not_look_ahead():
    torch.manual_seed(0)
    model = GPT(GPTSettings(vocabulary=10, context=8, layers=2, heads=2, width=16)).eval()
    tokens = torch.randint(0, 10, (1, 8))
    changed = tokens.clone()
    changed[0, 5:] = (changed[0, 5:] + 1) % 10
    assert torch.allclose(model(tokens)[:, :5], model(changed)[:, :5], atol=1e-6)


class Uniform:
    """A fake model: all tokens alike."""

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


@pytest.mark.parametrize("name", problem_names())
@pytest.mark.parametrize("symmetry", ["none", "mirror", "both-mirrors", "near-quarter-turn", "mirror+half"])
@pytest.mark.parametrize("memory", [1 << 30, 0])
def test_masked_samples_are_always_valid(name, symmetry, memory):
    n = 7
    instance = problem(name, n)
    vocabulary = vocabulary_for(name, 5, n)
    table = build_table(instance, symmetry, memory)
    settings = SampleSettings(length=n * n + 1, batch=16)
    noise = torch.Generator().manual_seed(1)
    bodies = sample(Uniform(vocabulary.count), vocabulary, n, symmetry, 40, settings, noise, table)
    assert len(bodies) == 40
    sizes = set()
    for body in bodies:
        elements = vocabulary.decode(n, symmetry, body)
        assert elements is not None
        assert instance.violation(instance.to_points(elements)) is None
        sizes.add(len(elements))
    assert len(sizes) > 1


def test_unmasked_uniform_samples_are_mostly_malformed():
    vocabulary = vocabulary_for("isosceles", 6)
    noise = torch.Generator().manual_seed(1)
    settings = SampleSettings(length=30)
    bodies = sample(Uniform(vocabulary.count), vocabulary, 6, "none", 50, settings, noise)
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


def test_collate_predicts_all_but_the_prefix():
    inputs, targets = collate([np.array([7, 8, 1, 2, END]), np.array([7, 8, 3, END])])
    assert inputs.tolist() == [[7, 8, 1, 2], [7, 8, 3, END]]
    assert targets.tolist() == [[-100, 1, 2, END], [-100, 3, END, -100]]


def examples_at(n, symmetry, count):
    table = build_table(problem("isosceles", n), symmetry)
    return [Example(n, symmetry, some_set(table, seed)) for seed in range(count)]


def small_generator(vocabulary, seed=0, **training):
    shape = {"layers": 2, "heads": 2, "width": 32}
    return GPTGenerator(vocabulary, shape, TrainSettings(**training), SampleSettings(), CPU, seed)


def test_training_lowers_the_loss_and_repeats():
    vocabulary = vocabulary_for("isosceles", 6)
    examples = examples_at(6, "both-mirrors", 60)
    losses = []
    for _ in range(2):
        torch.manual_seed(1)
        model = GPT(GPTSettings(vocabulary=vocabulary.count, context=30, layers=2, heads=2, width=32))
        settings = TrainSettings(steps=80, batch=16, look_every=40)
        log = train(model, make_optimizer(model, settings), vocabulary, examples, settings, seed=3)
        losses.append(log.held_out_loss)
        assert log.steps == 80
    assert losses[0] == losses[1]
    assert losses[0] < 0.6 * math.log(vocabulary.count)


def test_training_stops_when_held_out_loss_stops_falling():
    vocabulary = vocabulary_for("isosceles", 6)
    model = GPT(GPTSettings(vocabulary=vocabulary.count, context=30, layers=1, heads=1, width=8))
    settings = TrainSettings(steps=500, batch=8, look_every=5, patience=2, learning_rate=0.0)
    log = train(model, make_optimizer(model, settings), vocabulary, examples_at(6, "none", 30), settings, seed=3)
    assert log.steps == 15
    assert (
        train(
            model,
            make_optimizer(model, settings),
            vocabulary,
            examples_at(6, "none", 30),
            settings,
            3,
            over=lambda: True,
        ).steps
        == 0
    )


def test_the_learning_curve_has_every_look_and_the_end():
    vocabulary = vocabulary_for("isosceles", 6)
    examples = examples_at(6, "none", 30)
    model = GPT(GPTSettings(vocabulary=vocabulary.count, context=30, layers=1, heads=1, width=8))
    settings = TrainSettings(steps=25, batch=8, look_every=10, patience=9)
    log = train(model, make_optimizer(model, settings), vocabulary, examples, settings, seed=3)
    assert [step for step, _, _ in log.curve] == [10, 20, 25]
    assert log.curve[-1][1] == log.loss
    assert log.held_out_loss == min(held for _, _, held in log.curve)
    settings = TrainSettings(steps=25, batch=8, look_every=10**9)
    log = train(model, make_optimizer(model, settings), vocabulary, examples, settings, seed=3, seconds=0.3)
    assert [step for step, _, _ in log.curve] == [log.steps]
    assert math.isfinite(log.loss + log.held_out_loss)


def test_checkpoint_goes_on_exactly(tmp_path):
    vocabulary = vocabulary_for("isosceles", 5, 6)
    examples = examples_at(6, "mirror", 40) + examples_at(5, "none", 20)
    first = small_generator(vocabulary, steps=20, batch=8)
    first.fit(examples, 1, never, lambda share: None)
    first.save(tmp_path)
    second = small_generator(vocabulary, seed=9, steps=20, batch=8)
    second.load(tmp_path)
    for generator in (first, second):
        generator.fit(examples, 2, never, lambda share: None)
    for a, b in zip(first._model.state_dict().values(), second._model.state_dict().values()):
        assert torch.equal(a, b)
    table = build_table(problem("isosceles", 6), "mirror")
    drawn = [g.sample(6, "mirror", 20, 5, table, never) for g in (first, second)]
    assert [s.tolist() for s in drawn[0].sets] == [s.tolist() for s in drawn[1].sets]
    assert drawn[0].sets


def test_a_checkpoint_of_other_settings_says_which(tmp_path):
    vocabulary = vocabulary_for("isosceles", 6)
    generator = small_generator(vocabulary, steps=1)
    generator.fit(examples_at(6, "mirror", 30), 1, never, lambda share: None)
    generator.save(tmp_path)
    other = GPTGenerator(vocabulary, {"layers": 3, "heads": 2, "width": 32}, TrainSettings(), SampleSettings(), CPU, 0)
    with pytest.raises(FileError, match="layers = 2, not 3"):
        other.load(tmp_path)
    with pytest.raises(FileError, match="tokens"):
        small_generator(vocabulary_for("isosceles", 5, 6)).load(tmp_path)


def test_longer_constructions_than_before_are_learned_too():
    vocabulary = vocabulary_for("isosceles", 8)
    generator = small_generator(vocabulary, steps=2, batch=8)
    generator.fit(examples_at(8, "full", 20) + examples_at(8, "both-mirrors", 20), 1, never, lambda share: None)
    short = generator._model.settings.context
    generator.fit([Example(8, "none", np.arange(2 * short))] * 20, 1, never, lambda share: None)
    assert generator._model.settings.context > 2 * short


def test_bigram_round_trips_and_samples(tmp_path):
    vocabulary = vocabulary_for("isosceles", 6)
    generator = BigramGenerator(vocabulary, SampleSettings())
    generator.fit(examples_at(6, "mirror", 40), 1, never, lambda share: None)
    generator.save(tmp_path)
    other = BigramGenerator(vocabulary, SampleSettings())
    other.load(tmp_path)
    table = build_table(problem("isosceles", 6), "mirror")
    one, two = (g.sample(6, "mirror", 30, 4, table, never) for g in (generator, other))
    assert [s.tolist() for s in one.sets] == [s.tolist() for s in two.sets]
    assert len(one.sets) + one.malformed == 30
    wrong = dataclasses.replace(vocabulary, sizes=(5, 6))
    with pytest.raises(FileError, match="tokens"):
        BigramGenerator(wrong, SampleSettings()).load(tmp_path)


def test_devices():
    assert pick_device("cpu") == CPU
    if not torch.cuda.is_available():
        assert pick_device("auto") == CPU
        with pytest.raises(ValueError, match="no GPU"):
            pick_device("cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_training_and_sampling_on_a_gpu():
    vocabulary = vocabulary_for("isosceles", 6)
    generator = GPTGenerator(
        vocabulary,
        {"layers": 2, "heads": 2, "width": 32},
        TrainSettings(steps=20),
        SampleSettings(),
        torch.device("cuda"),
        0,
    )
    generator.fit(examples_at(6, "mirror", 40), 1, never, lambda share: None)
    table = build_table(problem("isosceles", 6), "mirror")
    for elements in generator.sample(6, "mirror", 20, 5, table, never).sets:
        instance = table.instance
        assert instance.violation(instance.to_points(elements)) is None
