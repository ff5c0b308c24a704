"""Which symmetry classes a generation works on, and with which share of the effort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from patternboost.loop.allocator import by_top_scores
from patternboost.loop.context import Context
from patternboost.loop.state import State
from patternboost.problem.symmetry import class_orbits
from patternboost.search.streams import Stream
from patternboost.search.tasks import table_bytes, table_steps


def class_shares(context: Context, state: State) -> dict[str, float]:
    """The classes of this generation and their shares, small ones first.

    Small classes are quick to prepare, and where time is short they give the best for it.
    """
    instance, memory = context.instance, context.settings.memory_bytes
    costs = {name: table_steps(instance, name) for name in context.classes}
    shares = by_top_scores(state.classes, costs, state.generation, state.work)
    sizes = {name: table_bytes(instance, name, memory) for name in shares}
    new = [name for name in shares if not state.classes[name].scores]
    rng = np.random.default_rng(context.seed(Stream.CLASSES, state.generation))
    fitting = that_fit(shares, sizes, memory, new, rng)
    return dict(sorted(fitting.items(), key=lambda item: class_orbits(instance, item[0]).count))


def that_fit(
    shares: Mapping[str, float], sizes: Mapping[str, float], memory: float, new: Sequence[str], rng: np.random.Generator
) -> dict[str, float]:
    """Classes drawn by their shares, the new ones first: as many as memory (bytes, as sizes) holds the tables of.

    With more of them every generation would build all tables again. The shares of those drawn add up to 1, but new
    classes alone keep theirs: a short generation is enough to tell what they are worth.
    """
    old = [name for name in shares if name not in new]
    weights = np.array([shares[name] for name in old])
    order: Sequence[int] = list(rng.choice(len(old), len(old), replace=False, p=weights / weights.sum())) if old else []
    room: dict[str, float] = {}
    for name in (*new, *(old[i] for i in order)):
        if sizes[name] <= memory or not room:
            memory -= sizes[name]
            room[name] = shares[name]
    total = sum(room.values()) if set(room) - set(new) else 1.0
    return {name: share / total for name, share in room.items()}
