"""Alignment: after imitation the model learns from what its own samples are worth.

`policy`: the policy gradient with advantages relative to the group (Shao et al. 2024, GRPO), clipped as in Schulman et
al. 2017; `preference`: direct preference optimisation (Rafailov et al. 2023) of the better half of the samples against
the worse. Both hold the model on a leash to the one that imitation left. All samples of a step share one prefix, so
they compare; they are drawn under the legality mask, and so are their probabilities.
"""

from __future__ import annotations

import copy
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from patternboost.model.corpus import Kind, columns_of
from patternboost.model.decoding import decoder_of
from patternboost.model.gpt import GPT
from patternboost.model.next_token import SampleSettings
from patternboost.model.precision import one_torch_thread
from patternboost.model.request import DrawRequest
from patternboost.model.sampling import sample
from patternboost.model.tokens import END, Vocabulary
from patternboost.model.tokens.encoded import padded
from patternboost.model.training import TrainSettings, is_finite, make_optimizer, set_rate
from patternboost.problem.ground import IntArray
from patternboost.search.tables import Table

#: what samples are worth, float64, from sets of elements
Reward = Callable[[Sequence[IntArray]], NDArray[np.float64]]
#: the ways to align
METHODS = ("preference", "policy")


@dataclass(frozen=True)
class AlignSettings:
    """How a model is aligned."""

    method: str = "policy"
    steps: int = 50
    #: samples of a step, and passes over them
    group: int = 128
    passes: int = 2
    learning_rate: float = 3e-4
    #: how far a probability may move within a step: its ratio to before, less 1
    clip: float = 0.2
    #: weight of the divergence from the model that imitation left (policy), and the scale of preferences
    leash: float = 0.01
    beta: float = 0.1


@dataclass(frozen=True)
class AlignRequest:
    """Align for a size and class, under a legality mask."""

    n: int
    symmetry: str
    table: Table
    reward: Reward
    seed: int
    over: Callable[[], bool] = lambda: False
    report: Callable[[float], None] = lambda share: None
    #: seconds instead of steps
    seconds: float | None = None
    #: told of every step: the rewards of its samples
    tell: Callable[[NDArray[np.float64]], None] = lambda rewards: None


@dataclass(frozen=True)
class AlignLog:
    """What alignment reports: steps done, and the mean and the best reward of every step's samples."""

    means: tuple[float, ...]
    bests: tuple[float, ...]
    seconds: float


@dataclass(frozen=True)
class Group:
    """The samples of a step."""

    #: int64 [B, T], prefix and END included
    tokens: Tensor
    #: bool [B, T - 1], whether a token is predicted there; bool [B, T - 1, C], what must not come
    said: Tensor
    blocked: Tensor
    #: float32 [B]
    rewards: Tensor


@one_torch_thread()  # sums must not depend on how many cores there are
def align(model: GPT, vocabulary: Vocabulary, request: AlignRequest, settings: AlignSettings) -> AlignLog:
    """Change a model's weights so that its samples are worth more. Raises ValueError for tokens that are no orbits.

    Where weights come out as no numbers it ends, with the weights from before.
    """
    if not vocabulary.one_orbit_each:
        raise ValueError("alignment needs tokens = orbits")
    started, means, bests = time.monotonic(), [], []
    device, kind = next(model.parameters()).device, Kind(request.n, request.symmetry)
    columns, column_of = columns_of(vocabulary, kind, device)
    imitation = copy.deepcopy(model).eval()
    optimizer = make_optimizer(model, TrainSettings(learning_rate=settings.learning_rate, weight_decay=0.0))
    objective = _policy if settings.method == "policy" else _preference
    for step in itertools.count():
        spent = time.monotonic() - started
        progress = step / settings.steps if request.seconds is None else spent / request.seconds
        if progress >= 1 or request.over():
            break
        request.report(progress)
        group = draw_group(model, vocabulary, request, settings.group, request.seed + step)
        if group is None:
            break
        means.append(float(group.rewards.mean()))
        bests.append(float(group.rewards.max()))
        request.tell(group.rewards.double().cpu().numpy())

        def chances(of: GPT, group: Group = group) -> Tensor:
            logits = of(group.tokens[:, :-1], columns, kind).float()[..., : len(columns)]
            all_chances = logits.masked_fill(group.blocked, -torch.inf).log_softmax(dim=-1)
            said: Tensor = all_chances.gather(2, column_of[group.tokens[:, 1:]][..., None])[..., 0]
            return said.masked_fill(~group.said, 0.0)

        with torch.no_grad():
            before, anchor = chances(model), chances(imitation)
        model.train()
        set_rate(optimizer, settings.learning_rate * min(1.0, (step + 1) / 5))
        for _ in range(settings.passes):
            optimizer.zero_grad(set_to_none=True)
            objective(chances(model), before, anchor, group, settings).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        model.eval()
        if not is_finite(model):
            model.load_state_dict(imitation.state_dict())
            break
    return AlignLog(tuple(means), tuple(bests), time.monotonic() - started)


def draw_group(model: GPT, vocabulary: Vocabulary, request: AlignRequest, count: int, seed: int) -> Group | None:
    """Samples of the model as it is, with their rewards; None where it was time to stop."""
    model.eval()
    device, n, symmetry = next(model.parameters()).device, request.n, request.symmetry
    # In float32: the probabilities that count must be those that the samples were drawn with.
    settings = SampleSettings(length=model.settings.context - 2)
    asked = DrawRequest(n, symmetry, count, seed, request.table, request.over)
    bodies = sample(decoder_of(model, device, torch.float32), vocabulary, asked, settings)
    formed = [b for b in bodies if len(b) and b[-1] == END]
    if len(formed) < 2:
        return None
    sets = [s for s in (vocabulary.decode(n, symmetry, body) for body in formed) if s is not None]
    prefix = np.array(vocabulary.prefix(n, symmetry))
    tokens = padded([np.concatenate([prefix, body]) for body in formed], END)
    said = np.arange(tokens.shape[1] - 1) < np.array([len(b) + len(prefix) - 1 for b in formed])[:, None]
    said[:, : len(prefix) - 1] = False
    blocked = blocked_along(vocabulary, request, tokens, len(prefix))
    rewards = request.reward(sets).astype(np.float32)
    held = [torch.from_numpy(a).to(device) for a in (tokens, said, blocked, rewards)]
    return Group(held[0], held[1], held[2], held[3])


def blocked_along(vocabulary: Vocabulary, request: AlignRequest, tokens: IntArray, prefix: int) -> NDArray[np.bool_]:
    """What must not come at every place of sequences [B, T], as columns in ascending order: bool [B, T - 1, C]."""
    n, symmetry = request.n, request.symmetry
    mask = vocabulary.mask(n, symmetry, request.table, len(tokens))
    order = np.argsort(vocabulary.columns(n, symmetry))
    blocked = np.zeros((len(tokens), tokens.shape[1] - 1, len(order)), bool)
    for at in range(prefix, tokens.shape[1]):
        blocked[:, at - 1] = mask.blocked[:, order]
        mask.extend(tokens[:, at])
    return blocked


def _policy(now: Tensor, before: Tensor, anchor: Tensor, group: Group, settings: AlignSettings) -> Tensor:
    """The clipped surrogate, less the leash; log-probabilities are [B, T - 1], 0 where nothing is said."""
    advantage = ((group.rewards - group.rewards.mean()) / (group.rewards.std() + 1e-6))[:, None]
    ratio = (now - before).exp()
    gain = torch.minimum(ratio * advantage, ratio.clamp(1 - settings.clip, 1 + settings.clip) * advantage)
    off = anchor - now
    divergence = off.exp() - off - 1  # an unbiased estimate that is never negative (Schulman 2020)
    return ((settings.leash * divergence - gain) * group.said).sum() / group.said.sum()


def _preference(now: Tensor, before: Tensor, anchor: Tensor, group: Group, settings: AlignSettings) -> Tensor:
    """Each of the better half should be likelier than one of the worse, beside what imitation found."""
    order = group.rewards.argsort(descending=True)
    half = len(order) // 2
    moved = (now - anchor).sum(dim=1)[order]
    better, worse = moved[:half], moved[half : 2 * half].flip(0)
    differ = group.rewards[order][:half] > group.rewards[order][half : 2 * half].flip(0)
    loss = -functional.logsigmoid(settings.beta * (better - worse))
    return (loss * differ).sum() / differ.sum().clamp(min=1)
