"""Starts of walks: how long a walk from one may be, and many of them cut into tasks for workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.problem import IntArray
from patternboost.problem.symmetry import class_orbits
from patternboost.search.streams import Stream
from patternboost.search.tasks import Effort, Task

#: steps one task should take, about: long enough to hide its overhead, short enough for progress and Ctrl-C
_TASK_STEPS = 400_000
#: a walk's expected length, in patiences
_WALK = 2.0
#: what a walk from nothing starts from, int64[0]
NOTHING: IntArray = np.empty(0, np.int64)


@dataclass(frozen=True)
class Start:
    """A set to start a walk from (sorted elements, int64) and where it came from."""

    elements: IntArray
    origin: Origin
    #: the orbits that the walk may use, int64, ascending; None: all
    region: IntArray | None = None


def effort(context: Context, symmetry: str, region: IntArray | None = None) -> Effort:
    """How long one walk of a class, or in a region of it, may be."""
    s = context.settings
    orbits = class_orbits(context.instance, symmetry).count if region is None else len(region)
    patience = max(1000, s.patience * orbits)
    most = max(10 * patience, s.max_steps * orbits)
    return Effort(patience, most, (s.tenure_min, s.tenure_max))


def expected_steps(context: Context, symmetry: str, region: IntArray | None = None) -> float:
    """Steps one walk of a class, or in a region of it, is expected to take."""
    return _WALK * effort(context, symmetry, region).patience


def tasks(
    context: Context, symmetry: str, starts: Sequence[Start], path: tuple[int, ...], seconds: float | None
) -> Iterator[tuple[Task, list[Origin]]]:
    """Starts of a class cut into tasks, each with the origins of its starts.

    `path` (generation, number of the class) names the tasks' randomness; `seconds` limits each task.
    """

    def size(region: IntArray | None) -> int:
        return max(1, round(_TASK_STEPS / expected_steps(context, symmetry, region)))

    for index, batch in enumerate(_batches(starts, size)):
        task = Task(
            context.instance,
            symmetry,
            tuple(s.elements for s in batch),
            effort(context, symmetry, batch[0].region),
            context.seed(Stream.WALK, *path, index),
            context.goal,
            context.settings.memory_bytes,
            seconds,
            batch[0].region,
        )
        yield task, [s.origin for s in batch]


def _batches(starts: Sequence[Start], size: Callable[[IntArray | None], int]) -> list[list[Start]]:
    """Batches of one region, or of none, each; those of a region follow each other, and all regions together keep
    pace with the rest."""
    regions: dict[bytes, list[Start]] = {}
    for start in starts:
        regions.setdefault(b"" if start.region is None else start.region.tobytes(), []).append(start)
    whole = regions.pop(b"", [])

    def cut(part: list[Start], region: IntArray | None) -> list[list[Start]]:
        each = size(region)
        return [part[i : i + each] for i in range(0, len(part), each)]

    kinds = cut(whole, None), [batch for part in regions.values() for batch in cut(part, part[0].region)]
    paced = [((at + 1) / len(batches), batch) for batches in kinds for at, batch in enumerate(batches)]
    return [batch for _, batch in sorted(paced, key=lambda pace: pace[0])]
