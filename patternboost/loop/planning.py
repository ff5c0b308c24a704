"""What a generation learns from, and where its local searches start: samples of the model, areas, elites, seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from patternboost.loop import regions as focus
from patternboost.loop import seeding, starts
from patternboost.loop.starts import child_seed
from patternboost.loop.statistics import Tally
from patternboost.model.request import DrawRequest
from patternboost.problem.symmetry import align, class_orbits
from patternboost.search.tasks import table_bytes
from patternboost.store.archive import canonical_key

if TYPE_CHECKING:
    from patternboost.loop.session import Search
    from patternboost.model.tokens import Example

#: a class, its share of the effort, and its starts
Planned: TypeAlias = tuple[str, float, list[starts.Start]]


def examples(search: Search) -> list[Example]:
    """What the pool has that was found without guidance, and the seeds of smaller sizes."""
    from patternboost.model.tokens import Example

    found = [Example(search.instance.n, e.symmetry, e.elements) for e in search.pool.unguided]
    for seed in (c for c in search.seeds if c.n < search.instance.n):
        elements = align(seed.instance, seed.instance.to_elements(seed.points), seed.symmetry)
        if elements is not None and len(elements):
            found.append(Example(seed.n, seed.symmetry, elements))
    return found


def plan(search: Search, tally: Tally, over: Callable[[], bool]) -> list[Planned]:
    """The classes of this generation with their starts; no more samples are drawn once `over()`."""
    settings, instance = search.settings, search.instance
    shares = _shares(search)
    planned: list[Planned] = []
    widest = 0.0
    seeds = [e for c in search.seeds for e in seeding.embeddings(instance, c)] if search.generation == 0 else []
    # Small classes first: they are quick to prepare, and where time is short they give the best for it.
    cheapest = sorted(shares.items(), key=lambda item: class_orbits(instance, item[0]).count)
    for index, (name, share) in enumerate(cheapest):
        work = share * search.work
        focused = settings.focus > 0 and instance.problem.k <= 3
        count = starts.whole_board(settings, instance, name, work * (1 - settings.focus if focused else 1.0))
        wanted = max(round(count * settings.model_share), focus.SAMPLES if focused else 0)
        samples: list[Example] = []
        if search.generator is not None and tally.train is not None and wanted and not over():
            drawn = _samples(search, tally, name, index, wanted, over)
            if drawn is None:
                break
            samples = drawn
            if samples and share > widest:
                widest, search.drawn = share, max(samples, key=lambda sample: len(sample.elements))
        areas = _areas(search, name, samples) if focused and samples else []
        rng = np.random.default_rng(child_seed(settings.seed, search.generation, 3, index))
        sets = [sample.elements for sample in samples]
        mixed = starts.mix(settings, instance, name, work, sets, seeds, search.pool, rng, areas)
        planned.append((name, share, mixed))
    search.thermostat.note(tally.novel, tally.sampled - tally.malformed - tally.empty)
    return planned


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


def _shares(search: Search) -> dict[str, float]:
    """The classes of this generation and their shares of the effort."""
    memory = search.settings.memory_bytes
    shares = search.bandit.shares(search.generation, search.work)
    sizes = {name: table_bytes(search.instance, name, memory) for name in shares}
    new = [name for name in shares if not search.bandit.history[name]]
    rng = np.random.default_rng(child_seed(search.settings.seed, search.generation, 5))
    return that_fit(shares, sizes, memory, new, rng)


def _areas(search: Search, name: str, samples: Sequence[Example]) -> list[focus.Area]:
    """The areas of a class: the model's, and beside a transformer's one that is counted in the pool."""
    assert search.generator is not None
    settings, orbits = search.settings, class_orbits(search.instance, name)
    found = focus.areas(search.generator, orbits, samples, settings.focus_mass)
    members = [e.elements for e in search.pool.unguided if e.symmetry == name]
    if settings.model == "gpt" and settings.counting and len(members) >= focus.LEAST_COUNTED:
        found.append(focus.counted(search.instance, orbits, members, settings.focus_mass))
    shares = search.guides.shares(list(dict.fromkeys(area.origin for area in found)), settings.focus)
    return [replace(area, share=shares[area.origin] * area.share) for area in found]


def _samples(
    search: Search, tally: Tally, name: str, index: int, wanted: int, over: Callable[[], bool]
) -> list[Example] | None:
    """Samples of one class, or None where it was time to stop before its table was built."""
    from patternboost.model.tokens import Example

    assert search.generator is not None
    instance = search.instance
    search.progress.phase(f"sample {name}", 1.0)
    seed = child_seed(search.settings.seed, search.generation, 2, index)
    table = search.prepare(name, tally) if search.settings.mask else None
    if search.settings.mask and table is None:
        return None
    warmth = search.thermostat.temperature
    drawn = search.generator.sample(DrawRequest(instance.n, name, wanted, seed, table, over, warmth))
    tally.note_samples(len(drawn.sets), drawn.malformed, drawn.empty, warmth)
    tally.novel += len({canonical_key(instance, s) for s in drawn.sets} - search.pool.keys)
    return [Example(instance.n, name, elements) for elements in drawn.sets]
