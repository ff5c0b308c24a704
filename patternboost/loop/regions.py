"""Areas to search in: cells that the model or the pool holds most of, as guidance for walks that start from nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from patternboost.loop.pool import COUNTED, FOCUS, FREE, GUIDED
from patternboost.problem import Instance
from patternboost.problem.ground import IntArray
from patternboost.problem.symmetry import Orbits, class_preserving

if TYPE_CHECKING:
    from patternboost.model.generator import Generator
    from patternboost.model.tokens import Example

#: areas per class and generation, each from its part of the samples: one area has only so many good sets in it
AREAS = 4
#: samples that areas are made from, at least, where the model can give them
SAMPLES = 50 * AREAS
#: most orbits of an area: their bitmaps take a quarter of a GiB and are made in a second or two
_MOST = 1500
#: pool members of a class that counting asks for
LEAST_COUNTED = 20
#: what the last generations count for when guides are compared; no guide gets less than this part of what it could have
_MEMORY, _LEAST = 0.7, 0.1
#: gains at the common rate that every kind begins with, so that chance decides little
_PRIOR = 5.0


@dataclass(frozen=True)
class Area:
    """Orbits (int64, ascending) that walks keep to, their share of a class's effort, and who says so (an origin)."""

    orbits: IntArray
    share: float
    origin: str = FOCUS


def areas(generator: Generator, orbits: Orbits, samples: Sequence[Example], mass: float) -> list[Area]:
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
        return [Area(_most(_held(orbits, [s.elements for s in part]), mass), 1 / len(parts)) for part in parts]
    tokens = vocabulary.columns(first.n, first.symmetry)[:-1]
    cells = vocabulary.places(first.n, first.symmetry, tokens)
    of = orbits.orbit_of[np.concatenate(cells)]
    found = []
    for part in parts:
        chances = np.repeat(generator.expected(part)[tokens], [len(c) for c in cells])
        popularity = np.bincount(of, chances / orbits.weights[of], orbits.count).astype(np.float64)
        found.append(Area(_most(popularity, mass), 1 / len(parts)))
    return found


def counted(instance: Instance, orbits: Orbits, members: Sequence[IntArray], mass: float) -> Area:
    """The area of the orbits that most sets hold, each set counted in every way the symmetries turn it."""
    held = _held(orbits, members)
    turned = orbits.orbit_of[class_preserving(instance, orbits)[:, orbits.representatives]]
    return Area(_most(held[turned].sum(axis=0), mass), 1.0, COUNTED)


def _held(orbits: Orbits, sets: Sequence[IntArray]) -> NDArray[np.float64]:
    """How many sets hold each orbit, float64 [orbits]."""
    held = [np.unique(orbits.orbit_of[elements]) for elements in sets]
    return np.bincount(np.concatenate(held), minlength=orbits.count).astype(float)


def _most(count: NDArray[np.float64], mass: float) -> IntArray:
    """The fewest orbits (int64, ascending) that hold a share `mass` of all."""
    order = np.argsort(-count, kind="stable")
    enough = int(np.searchsorted(np.cumsum(count[order]), mass * count.sum())) + 1
    return np.sort(order[: min(enough, _MOST)]).astype(np.int64)


class Guides:
    """Where the effort goes: on the whole board, to the model's areas or to the counted one, by what each brought.

    What counts is good sets that were new to the pool, per step; twice as many get four times the effort.
    """

    def __init__(self, state: Mapping[str, Sequence[float]] | None = None) -> None:
        #: kind: gains and steps, earlier generations fading
        self.state: dict[str, list[float]] = {}
        for kind in (FREE, *GUIDED):
            gains, steps = (state or {}).get(kind, (0.0, 0.0))
            self.state[kind] = [float(gains), float(steps)]

    def note(self, kind: str, gained: int, steps: int) -> None:
        """A generation's walks of a kind: good sets that were new to the pool, and steps."""
        before = self.state[kind]
        self.state[kind] = [_MEMORY * before[0] + gained, _MEMORY * before[1] + steps]

    def shares(self, kinds: Sequence[str], most: float) -> dict[str, float]:
        """Shares of the effort for these kinds of areas, at most `most` in all, and for the whole board."""
        if not kinds:
            return {FREE: 1.0}
        even = {FREE: 1 - most} | {kind: most / len(kinds) for kind in kinds}
        if not all(self.state[kind][1] for kind in even):
            return even
        common = (sum(self.state[kind][0] for kind in even) + 1) / sum(self.state[kind][1] for kind in even)
        pays = {
            kind: ((gains + _PRIOR) / (steps + _PRIOR / common)) ** 2
            for kind, (gains, steps) in self.state.items()
            if kind in even
        }
        guided = sum(pays[kind] for kind in kinds)
        room = min(most, max(guided / (guided + pays[FREE]), _LEAST * most))
        found = {kind: room * (_LEAST + (1 - len(kinds) * _LEAST) * pays[kind] / guided) for kind in kinds}
        return {FREE: 1 - room} | found
