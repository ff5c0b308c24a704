"""Where local searches start: the model's samples, shaken pool members, embedded smaller constructions, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from patternboost.loop.pool import Entry, Pool
from patternboost.loop.regions import Area
from patternboost.problem import Instance
from patternboost.problem.ground import IntArray
from patternboost.problem.symmetry import class_core, class_orbits
from patternboost.search.tasks import Effort, Task
from patternboost.store.settings import Settings

#: steps one task should take, about: long enough to hide its overhead, short enough for progress and Ctrl-C
_TASK_STEPS = 400_000
#: a walk's expected length, in patiences
_WALK = 2.0
#: of the walks from nothing or an elite, the share that stay in the class's core where it has one: elements that no map
#: moves come cheaply, one at a time, and then block whole orbits (docs/LOG.md)
_CORE = 0.75


@dataclass(frozen=True)
class Start:
    """A set to start from and where it came from.

    'model', 'elite', 'released', 'seed', 'random' (empty), or 'focus' or 'counted' (empty; the walk stays in an area of
    the model, or in a counted one).
    """

    elements: IntArray
    origin: str
    #: the orbits that the walk may use, ascending; None: all
    area: IntArray | None = None


def effort(settings: Settings, instance: Instance, symmetry: str, area: IntArray | None = None) -> Effort:
    """How long one walk of a class, or in an area of it, may be."""
    orbits = class_orbits(instance, symmetry).count if area is None else len(area)
    patience = max(1000, settings.patience * orbits)
    most = max(10 * patience, settings.max_steps * orbits)
    return Effort(patience, most, (settings.tenure_min, settings.tenure_max))


def expected_steps(settings: Settings, instance: Instance, symmetry: str, area: IntArray | None = None) -> float:
    """Steps one walk of a class, or in an area of it, is expected to take."""
    return _WALK * effort(settings, instance, symmetry, area).patience


def whole_board(settings: Settings, instance: Instance, symmetry: str, work: float) -> int:
    """Walks of a class on the whole board that `work` steps are good for."""
    return max(1, round(work / expected_steps(settings, instance, symmetry)))


def default_work(settings: Settings, instance: Instance, classes: Sequence[str]) -> float:
    """Steps per generation where the clock does not decide: `starts` walks of a middling class."""
    return settings.starts * float(np.median([expected_steps(settings, instance, c) for c in classes]))


def _elites(pool: Pool, instance: Instance, symmetry: str) -> list[Entry]:
    """Pool members that the class can hold: its own, and more symmetric ones whose symmetry it releases."""
    orbits = class_orbits(instance, symmetry)
    return [e for e in pool.entries if e.symmetry == symmetry or orbits.is_union(e.elements)]


def _from_elite(entry: Entry, instance: Instance, symmetry: str, share: float, rng: np.random.Generator) -> Start:
    """A pool member less a random share of its orbits; one of a more symmetric class as it is, symmetry released."""
    if entry.symmetry != symmetry:
        return Start(entry.elements, "released")
    orbits = class_orbits(instance, symmetry)
    chosen = np.unique(orbits.orbit_of[entry.elements])
    kept = rng.choice(chosen, size=len(chosen) - round(share * len(chosen)), replace=False)
    return Start(orbits.expand(np.sort(kept)), "elite")


def mix(
    settings: Settings,
    instance: Instance,
    symmetry: str,
    work: float,
    samples: Sequence[IntArray],
    seeds: Sequence[IntArray],
    pool: Pool,
    rng: np.random.Generator,
    areas: Sequence[Area] = (),
) -> list[Start]:
    """Starts of a class for `work` steps: those of the areas, by their shares, and the others on the whole board.

    Of the others the model's share are samples; of the rest at most half are seeds; then come elites and empty ones,
    most of them in the class's core where it has one.
    """
    nothing = np.empty(0, np.int64)
    focused: list[Start] = []
    for area in areas:
        walks = work * area.share / expected_steps(settings, instance, symmetry, area.orbits)
        focused += [Start(nothing, area.origin, area.orbits)] * round(walks)
    count = whole_board(settings, instance, symmetry, work * (1 - sum(area.share for area in areas)))
    starts = [Start(s, "model") for s in samples[: round(settings.model_share * count)]]
    left = count - len(starts)
    usable = [s for s in seeds if len(class_orbits(instance, symmetry).project(s))]
    if usable:
        picked = rng.permutation(len(usable))[: (left + 1) // 2]
        starts += [Start(usable[i], "seed") for i in picked]
    elites = _elites(pool, instance, symmetry)
    core = class_core(instance, symmetry) if instance.problem.k <= 3 else None
    while len(starts) < count:
        start = Start(nothing, "random")
        if elites and rng.random() < settings.elites:
            entry = elites[int(rng.integers(len(elites)))]
            start = _from_elite(entry, instance, symmetry, settings.shake, rng)
        if core is not None and rng.random() < _CORE:
            start = replace(start, area=core)
        starts.append(start)
    starts += focused
    return [starts[i] for i in rng.permutation(len(starts))]


def tasks(
    settings: Settings,
    instance: Instance,
    symmetry: str,
    starts: Sequence[Start],
    seed: int,
    target: int,
    seconds: float | None,
) -> Iterator[tuple[Task, list[str]]]:
    """Starts of a class cut into tasks, each with the origins of its starts; `seconds` limits each task."""

    def size(area: IntArray | None) -> int:
        return max(1, round(_TASK_STEPS / expected_steps(settings, instance, symmetry, area)))

    for index, batch in enumerate(_batches(starts, size)):
        task = Task(
            instance,
            symmetry,
            tuple(s.elements for s in batch),
            effort(settings, instance, symmetry, batch[0].area),
            child_seed(seed, index),
            target,
            settings.memory_bytes,
            seconds,
            batch[0].area,
        )
        yield task, [s.origin for s in batch]


def _batches(starts: Sequence[Start], size: Callable[[IntArray | None], int]) -> list[list[Start]]:
    """Batches of one area, or of none, each; those of an area follow each other, all areas keep pace with the rest."""
    areas: dict[bytes, list[Start]] = {}
    for start in starts:
        areas.setdefault(b"" if start.area is None else start.area.tobytes(), []).append(start)
    whole = areas.pop(b"", [])

    def cut(part: list[Start], area: IntArray | None) -> list[list[Start]]:
        each = size(area)
        return [part[i : i + each] for i in range(0, len(part), each)]

    kinds = cut(whole, None), [batch for part in areas.values() for batch in cut(part, part[0].area)]
    paced = [((at + 1) / len(batches), batch) for batches in kinds for at, batch in enumerate(batches)]
    return [batch for _, batch in sorted(paced, key=lambda pace: pace[0])]


def child_seed(*path: int) -> int:
    """A seed derived from a path of numbers, so that no randomness depends on what else was drawn."""
    return int(np.random.SeedSequence(path).generate_state(1, np.uint64)[0] >> np.uint64(1))
