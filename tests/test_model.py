"""Training, generators and their checkpoints."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from models import CPU, examples_at, small_generator, vocabulary_for

from patternboost.model.bigram import BigramGenerator
from patternboost.model.corpus import Batch, PoolCorpus, epoch, loss_targets
from patternboost.model.gpt import GPT, Shape, causal_attention
from patternboost.model.network_generator import NetworkGenerator
from patternboost.model.next_token import SampleSettings
from patternboost.model.precision import pick_device
from patternboost.model.replicas import replicas
from patternboost.model.request import DrawRequest, FitRequest
from patternboost.model.steps import CapturedSteps, steps_for
from patternboost.model.tokens import END, TOKENISATIONS, Example
from patternboost.model.training import TrainSettings, loss_at, make_optimizer, token_loss, train
from patternboost.problem.registry import problem
from patternboost.search.tables import build_table
from patternboost.store.files import FileError
from patternboost.studies.lecture.characters import Characters, StringCorpus


def test_an_epoch_has_everything_once_in_batches_of_similar_but_not_equal_lengths():
    rng = np.random.default_rng(3)
    strings = ["0" * length for length in rng.integers(10, 50, 1_000)]
    corpus = StringCorpus(Characters("01"), strings, CPU)
    batches = epoch(corpus, np.arange(100, 1_000), 20, rng)
    assert sorted(np.concatenate(batches)) == list(range(100, 1_000))
    spans = [np.ptp([len(strings[i]) for i in batch]) for batch in batches]
    assert 0 < np.median(spans) < 20  # of 39: a batch that ends all at one place teaches the place alone
    assert {len(batch) for batch in batches} == {20}
    assert [b.tolist() for b in epoch(corpus, np.arange(100), 20, rng)] != [
        b.tolist() for b in epoch(corpus, np.arange(100), 20, rng)
    ]


def test_all_but_prefix_and_padding_is_predicted():
    batch = Batch(torch.tensor([[7, 8, 1, 2, END, END], [7, 8, 3, END, END, END]]), prefix=2)
    assert loss_targets(batch, -100).tolist() == [[-100, 1, 2, END, -100], [-100, 3, END, -100, -100]]


@pytest.mark.parametrize("tokens", TOKENISATIONS)
@pytest.mark.parametrize("symmetry", ["none", "mirror", "both-mirrors", "both-mirrors+half"])
def test_a_corpus_writes_what_the_vocabulary_writes(tokens, symmetry):
    vocabulary = vocabulary_for("isosceles", 6, 7, tokens=tokens)
    examples = examples_at(7, symmetry, 30) + examples_at(6, "none", 5)
    vocabulary.learn(examples, 1)
    corpus = PoolCorpus(vocabulary, examples, CPU)
    rows, draws = np.array([3, 11, 4, 3, 29]), np.array([0, 1, 2, 12345, 7])
    batch = corpus.batch(rows, draws)
    assert batch.kind == (7, symmetry)
    for tokens_of, row, draw in zip(batch.tokens.numpy(), rows, draws, strict=True):
        written = vocabulary.encode(examples[row], int(draw))
        assert tokens_of[: len(written)].tolist() == written.tolist()
        assert (tokens_of[len(written) :] == END).all()
    counts = np.bincount(np.concatenate([vocabulary.encode(e)[2:] for e in examples]), minlength=vocabulary.count)
    assert corpus.counts(vocabulary.count).tolist() == counts.tolist()


def test_captured_steps_are_the_steps_of_the_replicas():
    vocabulary = vocabulary_for("isosceles", 6)
    examples = examples_at(6, "none", 7)
    corpus = PoolCorpus(vocabulary, examples, CPU)
    batch = corpus.batch(np.arange(7), np.arange(7))
    weights, losses = [], []
    for captured in (None, torch.float32, torch.bfloat16):
        torch.manual_seed(1)
        model = GPT(Shape(vocabulary=vocabulary.count, context=32, layers=2, heads=2, width=32))
        optimizer = make_optimizer(model, TrainSettings())
        if captured:
            steps = CapturedSteps(model, optimizer, loss_at("fp32"), 1.0, captured, capture=False)
            for _ in range(3):
                steps.step(batch, 0.5, None)
        else:
            with steps_for(model, optimizer, loss_at("fp32"), 1.0, 8, 1) as steps:
                for _ in range(3):
                    steps.step(batch, 0.5, None)
        losses.append(steps.loss())
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert math.isclose(losses[0], losses[1], rel_tol=1e-4)
    assert torch.allclose(weights[0], weights[1], atol=2e-4)
    assert math.isclose(losses[0], losses[2], rel_tol=0.02)
    assert torch.allclose(weights[0], weights[2], atol=7e-3)  # three steps of 0.001 each way


def test_attention_for_training_in_bfloat16_is_attention():
    torch.manual_seed(0)
    query, key, value = (torch.randn(2, 3, 20, 16) for _ in range(3))
    exact = causal_attention(query, key, value)
    rounded = causal_attention(query.bfloat16(), key.bfloat16(), value.bfloat16())
    assert rounded.dtype == torch.bfloat16
    assert torch.allclose(rounded.float(), exact, atol=0.03)


def test_shards_make_the_gradient_of_the_whole_and_threads_change_nothing():
    vocabulary = vocabulary_for("isosceles", 6)
    examples = examples_at(6, "none", 7)
    sequences = [vocabulary.encode(e) for e in examples]
    batch = PoolCorpus(vocabulary, examples, CPU).batch(np.arange(7), np.zeros(7, np.int64))
    batch = replace(batch, columns=None, column_of=None)
    gradients = []
    for shards, threads in ((1, 1), (3, 3), (3, 1)):
        torch.manual_seed(1)
        model = GPT(Shape(vocabulary=vocabulary.count, context=30, layers=2, heads=2, width=32))
        with replicas(model, shards, threads) as together:
            loss = together.backward(lambda twin, part: token_loss(twin, part, "fp32"), batch)
        gradients.append((loss, [p.grad.clone() for p in model.parameters()]))
    (one, first), (three, second), again = gradients
    assert again[0] == three
    assert all(torch.equal(a, b) for a, b in zip(again[1], second))
    assert math.isclose(one, three, rel_tol=1e-5)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(first, second))
    expected = -torch.log_softmax(model(torch.from_numpy(sequences[0][None, :-1])), -1)[0, :, :]
    alone = sum(float(expected[t, sequences[0][t + 1]].detach()) for t in range(1, len(sequences[0]) - 1))
    assert math.isclose(token_loss(model, batch.rows(slice(1)), "fp32")[0].item(), alone, rel_tol=1e-5)


def test_tokens_of_other_classes_and_sizes_cost_nothing_and_are_not_learned():
    vocabulary = vocabulary_for("isosceles", 6)
    examples = examples_at(6, "both-mirrors", 5)
    batch = PoolCorpus(vocabulary, examples, CPU).batch(np.arange(5), np.zeros(5, np.int64))
    columns = batch.columns.tolist()
    assert len(columns) == 9 + 1
    torch.manual_seed(1)
    model = GPT(Shape(vocabulary=vocabulary.count, context=30, layers=1, heads=2, width=32))
    sequences = [vocabulary.encode(e) for e in examples]
    total, predicted = token_loss(model, batch, "fp32")
    plain = 0.0
    for sequence in sequences:
        logits = model(torch.from_numpy(sequence[None, :-1])).detach()[0, 1:]
        chances = torch.softmax(logits[:, columns], dim=-1)
        plain -= sum(math.log(row[columns.index(t)]) for row, t in zip(chances, sequence[2:]))
    assert predicted == sum(len(s) - 2 for s in sequences)
    assert math.isclose(float(total.detach()), plain, rel_tol=1e-4)
    total.backward()
    touched = set(np.flatnonzero(model.embedding.weight.grad.abs().sum(dim=1)))
    assert touched == set(columns) | {t for s in sequences for t in s[:2]}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_training_lowers_the_loss_and_repeats(precision):
    vocabulary = vocabulary_for("isosceles", 6)
    examples = examples_at(6, "both-mirrors", 60)
    losses = []
    for _ in range(2):
        torch.manual_seed(1)
        model = GPT(Shape(vocabulary=vocabulary.count, context=30, layers=2, heads=2, width=32))
        settings = TrainSettings(steps=80, batch=16, eval_every=40, precision=precision)
        log = train(model, make_optimizer(model, settings), PoolCorpus(vocabulary, examples, CPU), settings, seed=3)
        losses.append(log.held_out_loss)
        assert log.steps == 80
    assert losses[0] == losses[1]
    assert losses[0] < 0.6 * math.log(10)


def test_training_stops_when_held_out_loss_stops_falling():
    vocabulary = vocabulary_for("isosceles", 6)
    model = GPT(Shape(vocabulary=vocabulary.count, context=30, layers=1, heads=1, width=8))
    settings = TrainSettings(steps=500, batch=8, eval_every=5, patience=2, learning_rate=0.0)
    corpus = PoolCorpus(vocabulary, examples_at(6, "none", 30), CPU)
    assert train(model, make_optimizer(model, settings), corpus, settings, seed=3).steps == 15
    assert train(model, make_optimizer(model, settings), corpus, settings, 3, over=lambda: True).steps == 0


def test_the_learning_curve_has_every_look_and_the_end():
    vocabulary = vocabulary_for("isosceles", 6)
    corpus = PoolCorpus(vocabulary, examples_at(6, "none", 30), CPU)
    model = GPT(Shape(vocabulary=vocabulary.count, context=30, layers=1, heads=1, width=8))
    settings = TrainSettings(steps=25, batch=8, eval_every=10, patience=9)
    log = train(model, make_optimizer(model, settings), corpus, settings, seed=3)
    assert [step for step, _, _ in log.curve] == [10, 20, 25]
    assert log.curve[-1][1] == log.loss
    assert log.held_out_loss == min(held for _, _, held in log.curve)
    settings = TrainSettings(steps=25, batch=8, eval_every=10**9)
    log = train(model, make_optimizer(model, settings), corpus, settings, seed=3, seconds=0.3)
    assert [step for step, _, _ in log.curve] == [log.steps]
    assert math.isfinite(log.loss + log.held_out_loss)


@pytest.mark.parametrize("tokens", TOKENISATIONS)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_checkpoint_goes_on_exactly(tmp_path, tokens, precision):
    vocabulary, fresh = (vocabulary_for("isosceles", 5, 6, tokens=tokens) for _ in range(2))
    examples = examples_at(6, "mirror", 40) + examples_at(5, "none", 20)
    first = small_generator(vocabulary, precision=precision, steps=20, batch=8)
    first.fit(FitRequest(examples, 1))
    first.save(tmp_path)
    second = small_generator(fresh, seed=9, precision="auto", steps=20, batch=8)
    second.load(tmp_path)
    for generator in (first, second):
        generator.fit(FitRequest(examples, 2))
    for a, b in zip(first.model.state_dict().values(), second.model.state_dict().values()):
        assert torch.equal(a, b)
    table = build_table(problem("isosceles", 6), "mirror")
    drawn = [g.sample(DrawRequest(6, "mirror", 20, 5, table)) for g in (first, second)]
    assert [s.tolist() for s in drawn[0].sets] == [s.tolist() for s in drawn[1].sets]
    assert drawn[0].sets


def test_a_checkpoint_of_other_settings_says_which(tmp_path):
    vocabulary = vocabulary_for("isosceles", 6)
    generator = small_generator(vocabulary, steps=1)
    generator.fit(FitRequest(examples_at(6, "mirror", 30), 1))
    generator.save(tmp_path)
    other = NetworkGenerator(
        vocabulary, {"layers": 3, "heads": 2, "width": 32}, TrainSettings(), SampleSettings(), CPU, 0
    )
    with pytest.raises(FileError, match="layers = 2, not 3"):
        other.load(tmp_path)
    with pytest.raises(FileError, match="sizes"):
        small_generator(vocabulary_for("isosceles", 5, 6)).load(tmp_path)


def test_a_checkpoint_of_other_tokens_or_precision_says_so(tmp_path):
    generator = small_generator(vocabulary_for("isosceles", 6), steps=1)
    generator.fit(FitRequest(examples_at(6, "mirror", 30), 1))
    generator.save(tmp_path)
    with pytest.raises(FileError, match="tokens = orbits, not bits"):
        small_generator(vocabulary_for("isosceles", 6, tokens="bits")).load(tmp_path)
    with pytest.raises(FileError, match="precision = fp32"):
        small_generator(vocabulary_for("isosceles", 6), precision="bf16").load(tmp_path)


def test_longer_constructions_than_before_are_learned_too():
    vocabulary = vocabulary_for("isosceles", 8)
    generator = small_generator(vocabulary, steps=2, batch=8)
    generator.fit(FitRequest(examples_at(8, "full", 20) + examples_at(8, "both-mirrors", 20), 1))
    short = generator.model.settings.context
    generator.fit(FitRequest([Example(8, "none", np.arange(2 * short))] * 20, 1))
    assert generator.model.settings.context > 2 * short


def test_bigram_round_trips_and_samples(tmp_path):
    vocabulary = vocabulary_for("isosceles", 6)
    generator = BigramGenerator(vocabulary, SampleSettings())
    generator.fit(FitRequest(examples_at(6, "mirror", 40), 1))
    generator.save(tmp_path)
    other = BigramGenerator(vocabulary, SampleSettings())
    other.load(tmp_path)
    table = build_table(problem("isosceles", 6), "mirror")
    one, two = (g.sample(DrawRequest(6, "mirror", 30, 4, table)) for g in (generator, other))
    assert [s.tolist() for s in one.sets] == [s.tolist() for s in two.sets]
    assert len(one.sets) + one.malformed + one.empty == 30
    wrong = vocabulary_for("isosceles", 5, 6)
    with pytest.raises(FileError, match="sizes"):
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
    generator = NetworkGenerator(
        vocabulary,
        {"layers": 2, "heads": 2, "width": 32},
        TrainSettings(steps=20),
        SampleSettings(),
        torch.device("cuda"),
        0,
    )
    generator.fit(FitRequest(examples_at(6, "mirror", 40), 1))
    table = build_table(problem("isosceles", 6), "mirror")
    for elements in generator.sample(DrawRequest(6, "mirror", 20, 5, table)).sets:
        instance = table.instance
        assert instance.violation(instance.to_points(elements)) is None


def test_weights_that_diverged_are_thrown_away_and_the_model_begins_anew(tmp_path):
    generator = small_generator(vocabulary_for("isosceles", 6), steps=3)
    request = FitRequest(examples_at(6, "mirror", 30), 1)
    assert not generator.fit(request).diverged
    with torch.no_grad():
        next(generator.model.parameters()).fill_(float("nan"))
    assert generator.fit(request).diverged
    assert generator.built is None
    generator.save(tmp_path)
    assert not generator.fit(request).diverged
    assert all(bool(torch.isfinite(p).all()) for p in generator.model.parameters())
