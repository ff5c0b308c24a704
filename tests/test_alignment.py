"""Alignment: what is blocked, what the objectives do to probabilities, and that samples come to be worth more."""

import numpy as np
import pytest
import torch
from commands import invoke, read_log, untimed
from models import examples_at, small_generator, vocabulary_for

from patternboost.model.alignment import (
    AlignRequest,
    AlignSettings,
    Group,
    _policy,
    _preference,
    align,
    blocked_along,
    draw_group,
)
from patternboost.model.request import FitRequest
from patternboost.model.tokens import END
from patternboost.problem.registry import problem
from patternboost.search.tables import build_table
from patternboost.store.settings import Settings, SettingsError, check

N = 6


def sizes(sets):
    return np.array([len(s) for s in sets], float)


def fitted(tokens="orbits"):
    vocabulary = vocabulary_for("isosceles", N, tokens=tokens)
    generator = small_generator(vocabulary, steps=40, batch=16)
    generator.fit(FitRequest(examples_at(N, "none", 60), 1))
    return generator, AlignRequest(N, "none", build_table(problem("isosceles", N), "none"), sizes, 5)


def test_what_is_blocked_is_what_would_be_invalid():
    generator, request = fitted()
    vocabulary, instance = generator.vocabulary, problem("isosceles", N)
    group = draw_group(generator.model, vocabulary, request, 8, 1)
    columns = np.unique(vocabulary.columns(N, "none"))
    blocked = blocked_along(vocabulary, request, group.tokens.numpy(), 2)
    assert torch.equal(torch.from_numpy(blocked), group.blocked)
    for row, tokens in enumerate(group.tokens.numpy()):
        end = int(np.argmax(tokens[2:] == END)) + 2
        assert group.said[row].tolist() == [2 <= at + 1 <= end for at in range(len(tokens) - 1)]
        for at in range(2, end + 1):
            for column, token in enumerate(columns):
                if token == END:
                    assert not blocked[row, at - 1, column]
                    continue
                elements = vocabulary.decode(N, "none", [*tokens[2:at], token, END])
                valid = elements is not None and instance.violation(instance.to_points(elements)) is None
                assert bool(blocked[row, at - 1, column]) == (not valid)
    assert group.rewards.tolist() == [len(vocabulary.decode(N, "none", t[2:])) for t in group.tokens.numpy()]


@pytest.mark.parametrize("objective", [_policy, _preference])
def test_better_samples_come_to_be_likelier(objective):
    rewards, said = torch.tensor([3.0, 1.0, 2.0, 2.0]), torch.ones(4, 2, dtype=torch.bool)
    group = Group(torch.zeros(4, 3, dtype=torch.int64), said, torch.zeros(4, 2, 5, dtype=torch.bool), rewards)
    now = torch.zeros(4, 2, requires_grad=True)
    before = torch.zeros(4, 2)
    objective(now, before, before, group, AlignSettings()).backward()
    change = -now.grad.sum(dim=1)
    assert change[0] > 0 > change[1]
    assert abs(change[2]) < 1e-6
    assert abs(change[3]) < 1e-6


def test_the_leash_pulls_back_and_the_clip_ends_a_step():
    rewards, said = torch.tensor([1.0, 0.0]), torch.ones(2, 1, dtype=torch.bool)
    group = Group(torch.zeros(2, 2, dtype=torch.int64), said, torch.zeros(2, 1, 3, dtype=torch.bool), rewards)
    far = torch.tensor([[0.5], [-0.5]], requires_grad=True)  # beyond 1.2 and 0.8 of before
    _policy(far, torch.zeros(2, 1), far.detach(), group, AlignSettings(leash=0.0)).backward()
    assert far.grad.abs().max() == 0
    far.grad = None
    _policy(far, torch.zeros(2, 1), torch.zeros(2, 1), group, AlignSettings(leash=1.0)).backward()
    assert far.grad[0] > 0 > far.grad[1]


@pytest.mark.parametrize("method", ["policy", "preference"])
def test_samples_come_to_be_worth_more(method):
    generator, request = fitted()
    torch.manual_seed(0)
    log = align(generator.model, generator.vocabulary, request, AlignSettings(method, 25, 64, learning_rate=1e-3))
    assert len(log.means) == 25
    assert np.mean(log.means[-5:]) > np.mean(log.means[:5]) + 0.3


def test_weights_that_diverge_are_those_from_before():
    generator, request = fitted()
    before = [p.clone() for p in generator.model.parameters()]
    align(generator.model, generator.vocabulary, request, AlignSettings(steps=3, group=16, learning_rate=float("inf")))
    assert all(torch.equal(a, b) for a, b in zip(before, generator.model.parameters()))


def test_tokens_that_are_no_orbits_are_refused():
    generator, request = fitted("bits")
    with pytest.raises(ValueError, match="tokens = orbits"):
        align(generator.model, generator.vocabulary, request, AlignSettings())
    for wrong in ({"tokens": "bits"}, {"mask": False}):
        with pytest.raises(SettingsError, match="needs tokens = orbits and mask = true"):
            check(Settings("isosceles", 8, align="policy", **wrong))


@pytest.mark.long
@pytest.mark.parametrize("reward", ["samples", "search"])
def test_a_search_aligns_and_repeats(reward, tmp_path):
    logs = []
    for jobs in (1, 2):
        run = tmp_path / str(jobs)
        answer = invoke(
            "search", "isosceles", 8, "--generations", 4, "--jobs", jobs, "--device", "cpu", "--run-dir", run,
            "--quiet",
            "--set", "align=policy", "--set", "align_steps=2", "--set", f"align_reward={reward}",
            "--set", "starts=20", "--set", "train_steps=10", "--set", "stop_at_optimum=false",
        )  # fmt: skip
        assert answer.status == 0, answer
        logs.append(untimed(read_log(run)))
    assert logs[0] == logs[1]
    aligned = [entry["align"] for entry in logs[0] if entry["align"]]
    assert aligned
    assert all(a["steps"] == 2 and a["best"] >= a["first"] for a in aligned)
