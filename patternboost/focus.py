"""Areas to search in: the cells that the model expects, as guidance for walks that start from nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from patternboost.ground import IntArray
from patternboost.symmetry import Orbits

if TYPE_CHECKING:
    from patternboost.model.generator import Generator
    from patternboost.model.tokens import Example

#: areas per class and generation, each from its part of the samples: one area has only so many good sets in it
AREAS = 4
#: samples that areas are made from, at least, where the model can give them
SAMPLES = 50 * AREAS
#: most orbits of an area: their bitmaps take a quarter of a GiB and are made in a second or two
_MOST = 1500


def areas(generator: Generator, orbits: Orbits, samples: Sequence[Example], mass: float) -> list[IntArray]:
    """Areas from parts of the model's samples of one class; fewer than AREAS where samples are few.

    What good sets hold often is what better ones are made of: with the most frequent third or half of all orbits alone,
    a walk reaches the rare scores two to four times as often in the same time (docs/LOG.md). A sample says little, so
    its tokens are not counted: what counts is how likely the model finds every token after every beginning of it.
    """
    parts = [samples[i::AREAS] for i in range(AREAS) if len(samples) > i]
    if not parts:
        return []
    vocabulary, first = generator.vocabulary, samples[0]
    if vocabulary.name == "bits":  # a token alone stands for no cell
        return [_area(_held(orbits, part), mass) for part in parts]
    tokens = vocabulary.columns(first.n, first.symmetry)[:-1]
    cells = vocabulary.places(first.n, first.symmetry, tokens)
    of = orbits.orbit_of[np.concatenate(cells)]
    found = []
    for part in parts:
        chances = np.repeat(generator.expected(part)[tokens], [len(c) for c in cells])
        popularity = np.bincount(of, chances / orbits.weights[of], orbits.count).astype(np.float64)
        found.append(_area(popularity, mass))
    return found


def _held(orbits: Orbits, samples: Sequence[Example]) -> NDArray[np.float64]:
    """How many samples hold each orbit, float64 [orbits]."""
    held = [np.unique(orbits.orbit_of[sample.elements]) for sample in samples]
    return np.bincount(np.concatenate(held), minlength=orbits.count).astype(float)


def _area(count: NDArray[np.float64], mass: float) -> IntArray:
    """The fewest orbits (int64, ascending) that hold a share `mass` of all."""
    order = np.argsort(-count, kind="stable")
    enough = int(np.searchsorted(np.cumsum(count[order]), mass * count.sum())) + 1
    return np.sort(order[: min(enough, _MOST)]).astype(np.int64)
