"""Regions: the fewest orbits that hold a share of a density. What good sets hold often is what better ones are made of.

With the most frequent third or half of all orbits alone, a walk reaches the rare scores two to four times as often in
the same time (docs/LOG.md). A density comes from the model's expectation, or from counting in the pool (marginal
frequencies, as in univariate estimation of distribution).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from patternboost.problem import Instance, IntArray
from patternboost.problem.symmetry import Orbits, class_preserving
from patternboost.search.simd_u64 import LANES

if TYPE_CHECKING:
    from patternboost.model.generator import Generator
    from patternboost.model.tokens import Example

#: a region of more than this share of a class's orbits says nothing: good sets use all of it
_MOST_OF = 0.6
#: most orbits of a region: their bitmaps take a quarter of a GiB and are made in a second or two
_MOST = 1500
#: orbits in a cache line of a bitmap: a step costs as much for 513 of them as for 1,024. A region that is up to a fifth
#: larger than a whole number of lines is cut to it
_LINE, _CUT = 64 * LANES, 0.8


def densest(density: NDArray[np.float64], mass: float) -> IntArray:
    """The fewest orbits (int64, the densest first) that hold a share `mass` of a density (float64 [orbits])."""
    order = np.argsort(-density, kind="stable").astype(np.int64)
    return order[: int(np.searchsorted(np.cumsum(density[order]), mass * density.sum())) + 1]


def region(density: NDArray[np.float64], mass: float) -> IntArray:
    """The same, ascending; or somewhat fewer, where their bitmaps take a cache line less."""
    inside = densest(density, mass)[:_MOST]
    enough = len(inside)
    lines = enough // _LINE * _LINE
    return np.sort(inside[: lines if lines >= _CUT * enough else enough])


def telling_region(density: NDArray[np.float64], mass: float) -> IntArray | None:
    """The same; None where it would be most of the orbits."""
    if not density.any():
        return None
    inside = region(density, mass)
    return inside if len(inside) <= _MOST_OF * len(density) else None


def expected_density(model: Generator, orbits: Orbits, samples: Sequence[Example]) -> NDArray[np.float64]:
    """How much the model expects each orbit after every beginning of its samples (of one size and class).

    A sample says little, so its tokens are not counted: what counts is how likely the model finds every token.
    """
    vocabulary, first = model.vocabulary, samples[0]
    if not vocabulary.stands_for_cells:
        return held(orbits, [s.elements for s in samples])
    tokens = vocabulary.columns(first.n, first.symmetry)[:-1]
    cells = vocabulary.places(first.n, first.symmetry, tokens)
    of = orbits.orbit_of[np.concatenate(cells)]
    chances = np.repeat(model.expected(samples)[tokens], [len(c) for c in cells])
    return np.bincount(of, chances / orbits.weights[of], orbits.count).astype(np.float64)


def marginal_frequencies(instance: Instance, orbits: Orbits, members: Sequence[IntArray]) -> NDArray[np.float64]:
    """How many sets hold each orbit, each set counted in every way the symmetries turn it; float64 [orbits]."""
    counts = held(orbits, members)
    turned = orbits.orbit_of[class_preserving(instance, orbits)[:, orbits.representatives]]
    total: NDArray[np.float64] = counts[turned].sum(axis=0)
    return total


def held(orbits: Orbits, sets: Sequence[IntArray]) -> NDArray[np.float64]:
    """How many sets hold each orbit, float64 [orbits]."""
    chosen = [np.unique(orbits.orbit_of[elements]) for elements in sets]
    return np.bincount(np.concatenate(chosen), minlength=orbits.count).astype(float)
