"""Which symmetry classes a generation works on, and with which share of the effort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from patternboost.loop.allocator import class_policy
from patternboost.loop.context import Context
from patternboost.loop.proposers import proposers_of
from patternboost.loop.seeding import WORDS
from patternboost.loop.smaller_sizes import classes_of_seeds, nearest_sizes, sizes_compare
from patternboost.loop.state import State
from patternboost.loop.tables import affords_table
from patternboost.problem.ground import size_from_code
from patternboost.problem.symmetry import alike, class_orbits
from patternboost.search.streams import Stream
from patternboost.search.tasks import region_steps, table_bytes, table_steps
from patternboost.store.archive import Archive
from patternboost.store.construction import Construction

#: the share of a class's orbits that a region has, about
_REGION = 0.3
#: searches at other sizes whose classes are remembered
_SEARCHES = 3


def class_shares(context: Context, state: State) -> dict[str, float]:
    """The classes of this generation and their shares, small ones first.

    Small classes are quick to prepare, and where time is short they give the best for it.
    """
    instance, memory = context.instance, context.settings.memory_bytes
    light = {name: _is_light(context, state, name) for name in context.classes}
    costs = {name: _cost(context, state, name, light[name]) for name in context.classes}
    rng = np.random.default_rng(context.seed(Stream.CLASSES, state.generation))
    shares = class_policy(state.ledger, costs, state.known, state.generation, state.work, rng)

    def needs_table(name: str) -> bool:
        return not light[name] or affords_table(context, state, name, shares[name] * state.work)

    sizes = {name: table_bytes(instance, name, memory) if needs_table(name) else 0.0 for name in shares}
    new = [name for name in shares if not state.ledger.total(name).tried]
    fitting = that_fit(shares, sizes, memory, new, rng)
    return dict(sorted(fitting.items(), key=lambda item: class_orbits(instance, item[0]).count))


def _is_light(context: Context, state: State, symmetry: str) -> bool:
    """Whether a class has walks that need no table of it."""
    return any(not p.needs_table and p.ready(context, state, symmetry, ()) for p in proposers_of(context))


def _cost(context: Context, state: State, symmetry: str, light: bool) -> float:
    """About how many steps the first walks of a class wait for: for its table, or the bitmaps of a region."""
    if not light:
        return table_steps(context.instance, symmetry)
    seeded = sizes_compare(context.instance, state.seeds)
    return region_steps(context.instance, symmetry, _REGION if seeded else 1.0)


def known_shares(context: Context, archive: Archive, seeds: Sequence[Construction]) -> dict[str, float]:
    """The share of every class at the sizes next to this one: in searches before, and among the seeds.

    Empty where nothing is known, or there is but one class. With a budget in generations the archive is not asked, but
    for runs that are seeded from it: the same command has the same end.
    """
    if len(context.classes) == 1:
        return {}
    s = context.settings
    ask = s.known_classes and (s.timed or any(source in WORDS for source in s.seed_from))
    paid = archive.paid(context.instance.name) if ask else {}
    own = [context.instance.n] if context.instance.n in paid else []
    near = [*own, *nearest_sizes(context.instance.n, paid)][:_SEARCHES]
    sources = [_carried(context, n, paid[n]) for n in near]
    sources.append(classes_of_seeds(context.instance, context.classes, seeds))
    known = [source for source in sources if any(source.get(name) for name in context.classes)]
    return {name: sum(source.get(name, 0.0) for source in known) / len(known) for name in context.classes if known}


def _carried(context: Context, n: int, paid: Mapping[str, float]) -> dict[str, float]:
    """The shares that classes had in a search of size n, by the classes of this size that are alike."""
    there = alike(context.instance, context.classes, context.instance.problem.at(size_from_code(n)))
    found = {name: 0.0 if called is None else paid.get(called, 0.0) for name, called in there.items()}
    total = sum(found.values())
    return {name: share / total for name, share in found.items()} if total else {}


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
