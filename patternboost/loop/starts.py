"""Starts of walks: how long a walk from one may be, and many of them cut into tasks for workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.problem import IntArray
from patternboost.problem.base import NOTHING as NO_MERIT
from patternboost.problem.symmetry import class_orbits
from patternboost.search.streams import Stream
from patternboost.search.tasks import Effort, Task

if TYPE_CHECKING:
    from patternboost.loop.state import State
    from patternboost.loop.statistics import Statistics

#: seconds one task should take, about: long enough to hide its overhead, short enough for progress and Ctrl-C; steps of
#: it where no speed is known yet, and where the clock may not decide
_TASK_SECONDS, _FIRST_TASK_STEPS, _TASK_STEPS = 0.2, 25_000, 400_000
#: a walk's expected length, in patiences
_WALK = 2.0
#: steps that repair and fill take the time of, per orbit
_GREEDY = 0.1
#: steps of an annealing, in patiences
_ANNEALING = 20
#: what a walk from nothing starts from, int64[0]
NOTHING: IntArray = np.empty(0, np.int64)


@dataclass(frozen=True)
class Start:
    """A set to start a walk from (sorted elements, int64) and where it came from."""

    elements: IntArray
    origin: Origin
    #: the orbits that the walk may use, int64, ascending; None: all
    region: IntArray | None = None
    #: whether it goes on around the region at the end, which needs the table of the class
    around: bool = False
    #: the merit of the pool member that it is made from; `problem.base.NOTHING`: of none
    member: int = NO_MERIT


def effort(
    context: Context, symmetry: str, region: IntArray | None = None, origin: Origin = Origin.SEED_REGION
) -> Effort:
    """How long one walk of a class may be, or one in a region; a guided one is more patient for the orbits it has."""
    s = context.settings
    if s.improve == "greedy":  # what start() does, repair and fill, is all
        return Effort(0, 0)
    orbits = class_orbits(context.instance, symmetry).count if region is None else len(region)
    if context.instance.problem.by_value:  # the length of an annealing, which has to be long enough to cool
        length = max(2000, _ANNEALING * s.patience * orbits)
        return Effort(length, length)
    patience = max(1000, (s.region_patience if region is not None and origin.guided else s.patience) * orbits)
    most = max(10 * patience, s.max_steps * orbits)
    return Effort(patience, most, (s.tenure_min, s.tenure_max))


def goes_around(context: Context, state: State, symmetry: str) -> bool:
    """Whether walks in regions go on around them, where the table of the class is used: it was before."""
    return state.ledger[symmetry][Origin.RANDOM].tried and context.instance.problem.by_rows


def expected_steps(
    context: Context, symmetry: str, region: IntArray | None = None, origin: Origin = Origin.SEED_REGION
) -> float:
    """Steps one walk of a class, or in a region of it, is expected to take."""
    if context.settings.improve == "greedy":
        return max(1.0, class_orbits(context.instance, symmetry).count * _GREEDY)
    walk = 1.0 if context.instance.problem.by_value else _WALK
    return walk * effort(context, symmetry, region, origin).patience


def starts_in(
    context: Context, symmetry: str, region: IntArray, origin: Origin, steps: float, around: bool
) -> list[Start]:
    """Walks from nothing in a region, as many as about `steps` steps have room for."""
    walks = round(steps / expected_steps(context, symmetry, region))
    return [Start(NOTHING, origin, region, around)] * walks


def task_steps(context: Context, state: State, statistics: Statistics, length: float) -> float:
    """About how many steps the next tasks of a generation of `length` seconds should take.

    By the speed in this generation so far, or in the one before.
    """
    settings, seconds = context.settings, sum(walks.seconds for walks in statistics.origins.values())
    if not settings.timed:
        return _TASK_STEPS
    if seconds > 0:
        return _TASK_SECONDS * statistics.steps / seconds
    return _TASK_SECONDS * state.work / (length * settings.jobs) if state.generation else _FIRST_TASK_STEPS


def tasks(
    context: Context,
    symmetry: str,
    starts: Sequence[Start],
    path: tuple[int, ...],
    seconds: float | None,
    filled_from: int = 0,
    steps: float = _TASK_STEPS,
) -> Iterator[tuple[Task, list[Start]]]:
    """Starts of a class cut into tasks of about so many steps, each task with its starts.

    `path` (generation, number of the class) names the tasks' randomness; `seconds` limits each task.
    """

    def size(start: Start) -> int:
        return max(1, round(steps / expected_steps(context, symmetry, start.region, start.origin)))

    for index, batch in enumerate(_batches(starts, size)):
        task = Task(
            context.instance,
            symmetry,
            tuple(s.elements for s in batch),
            effort(context, symmetry, batch[0].region, batch[0].origin),
            context.seed(Stream.WALK, *path, index),
            context.goal,
            context.settings.memory_bytes,
            seconds,
            batch[0].region,
            batch[0].around,
            filled_from,
        )
        yield task, batch


def _batches(starts: Sequence[Start], size: Callable[[Start], int]) -> list[list[Start]]:
    """Batches of one region, or of none, each; those of a region follow each other, and all regions together keep
    pace with the rest."""
    regions: dict[bytes, list[Start]] = {}
    for start in starts:
        regions.setdefault(b"" if start.region is None else start.region.tobytes(), []).append(start)
    whole = regions.pop(b"", [])

    def cut(part: list[Start]) -> list[list[Start]]:
        each = size(part[0]) if part else 1
        return [part[i : i + each] for i in range(0, len(part), each)]

    kinds = cut(whole), [batch for part in regions.values() for batch in cut(part)]
    paced = [((at + 1) / len(batches), batch) for batches in kinds for at, batch in enumerate(batches)]
    return [batch for _, batch in sorted(paced, key=lambda pace: pace[0])]
