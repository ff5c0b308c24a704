"""Which arm is likeliest to beat the best score: records come from the tail of the scores, not from their mean.

The rate of scores above the best is too rare to be seen, so it is extrapolated: the rate of a score that is seen often,
times the chances of each next rarer score given the one before. Rates have a Gamma posterior, chances a Beta posterior,
both drawn towards what all arms together show, so that an arm differs from the others only as far as evidence goes.
The share of an arm is how often it comes out best when all are drawn from their posteriors (probability matching;
Thompson, On the likelihood that one unknown probability exceeds another, Biometrika 25, 1933).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

#: hits of all arms together that make a score one that is seen often
_ENOUGH = 100
#: evidence that the prior is worth: hits of the rate, and hits of each chance
_RATE, _CHANCE = 1.0, 20.0
_DRAWS = 500

#: hits by score, and work
Evidence = tuple[Mapping[int, float], float]


def _at_least(hits: Mapping[int, float], scores: NDArray[np.int64]) -> NDArray[np.float64]:
    """Hits of each score or more."""
    counts = np.array([hits.get(int(s), 0.0) for s in scores])
    return counts[::-1].cumsum()[::-1]


def posteriors(arms: Mapping[str, Evidence], rng: np.random.Generator | None = None) -> NDArray[np.float64]:
    """The rate of the rarest score seen, per work, of every arm: means float64 [arms], or with `rng` [draws, arms]."""
    scores = np.array(sorted({s for hits, _ in arms.values() for s, count in hits.items() if count > 0}), np.int64)
    worked = sum(work for _, work in arms.values())
    shape = len(arms) if rng is None else (_DRAWS, len(arms))
    if not len(scores) or not worked:
        return np.ones(shape)
    each = np.array([_at_least(hits, scores) for hits, _ in arms.values()])
    every = each.sum(axis=0)
    base = max(0, int(np.count_nonzero(every >= _ENOUGH)) - 1)
    work = np.array([work for _, work in arms.values()])
    above, below = _RATE + each[:, base], work + _RATE * worked / every[base]
    rate = above / below if rng is None else rng.gamma(above, 1 / below, shape)
    for level in range(base + 1, len(scores)):
        chance = every[level] / every[level - 1]
        yes = each[:, level] + _CHANCE * chance
        no = each[:, level - 1] - each[:, level] + _CHANCE * (1 - chance)
        if chance < 1:
            rate = rate * (yes / (yes + no) if rng is None else rng.beta(yes, no, shape))
    return rate


def chances(
    arms: Mapping[str, Evidence], rng: np.random.Generator, above: Mapping[str, float] | None = None
) -> dict[str, float]:
    """How likely each arm is the one with the highest rate of records; they add up to 1.

    `above`: in proportion to the chance of each arm, from the rarest score seen to those above it. None: all alike.
    """
    drawn = posteriors(arms, rng)
    if above is not None:
        drawn *= [above[name] for name in arms]
    ties = drawn == drawn.max(axis=1, keepdims=True)
    return dict(zip(arms, (ties / ties.sum(axis=1, keepdims=True)).mean(axis=0).tolist(), strict=True))


def expected(arms: Mapping[str, Evidence]) -> dict[str, float]:
    """The expected rate of each arm."""
    return dict(zip(arms, posteriors(arms).tolist(), strict=True))
