"""Seeds that a search makes for itself, where it is given none: the best of short walks at smaller sizes.

Good sets of smaller sizes say where those of this size have their points, and take no time to find: half a dozen sizes
of a second each point out regions as well as the best known sets of them do (docs/LOG.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from patternboost.loop.clock import Clock
from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.places import places_of
from patternboost.loop.regions import region
from patternboost.loop.smaller_sizes import seed_density
from patternboost.loop.starts import NOTHING
from patternboost.problem import Instance, IntArray
from patternboost.problem.ground import scale
from patternboost.problem.symmetry import board_orbits, canonical_key
from patternboost.search.fanout import run_tasks
from patternboost.search.progress import Progress
from patternboost.search.region_cache import fits
from patternboost.search.streams import Stream
from patternboost.search.tasks import Effort, Task
from patternboost.store.certified import certified
from patternboost.store.construction import Construction

#: share of a time budget for all of them, bitmaps aside, and with bitmaps at most; seconds at most
SHARE, MOST_SHARE, _MOST_SECONDS = 0.025, 0.04, 60.0
#: and seconds for each at least: of short runs the smaller sizes are left out
_LEAST_SECONDS = 0.3
#: smaller ground sets are searched so quickly that nothing has to point the way
_LEAST_ELEMENTS = 2000
#: how many sizes; the largest and the smallest as shares of the search's own
_SIZES, _LARGEST, _SMALLEST = 8, 0.8, 0.4
#: classes with at least so many elements an orbit, of which there are about so many, and at most so many orbits
_SYMMETRIES, _CLASSES, _ORBITS = 3, 8, 800
#: seconds that a pair of orbits takes when bitmaps are made; they may take half of a class's time
_PAIR = 6e-7
#: sets of a size that count, where several are best
_PER_SIZE = 6
#: as many starts as no task comes to the end of
_STARTS = (NOTHING,) * 10_000
#: steps per orbit without a gain that end a walk
_PATIENCE = 10
#: seeds say something if so much of their density is in at most that share of the orbits (no-three-in-line: a half of
#: them; isosceles: 0.15 to 0.4)
_DENSITY, _ORBITS_OF_IT = 0.93, 0.45


def wanted(context: Context) -> bool:
    """Whether a search makes seeds: under a time budget, where it has none and they would point out regions."""
    s, instance = context.settings, context.instance
    walks = s.timed and s.improve in ("tabu", "both")
    able = walks and s.make_seeds and s.seed_regions and s.regions > 0 and not s.seed_from
    large = instance.problem.by_rows and type(instance.n) is int and instance.size >= _LEAST_ELEMENTS
    return able and large and places_of(instance, context.classes[0]) is not None


def make_seeds(context: Context, clock: Clock, progress: Progress) -> list[Construction]:
    """The best sets of some smaller sizes, verified; fewer where it is time to stop. [] where they say nothing.

    The largest ones come first, and tell whether good sets use all of the ground set, as those of no-three-in-line do.
    """
    budget = 60 * context.settings.minutes
    seconds = max(_LEAST_SECONDS, min(SHARE * budget, _MOST_SECONDS) / _SIZES)
    sizes = _sizes(context.instance, seconds * context.settings.jobs)
    over = clock.within(MOST_SHARE * budget)
    progress.phase("smaller sizes", float(len(sizes)))
    first, rest = sizes[:2], sizes[2:]
    seeds = _searched(context, over, progress, first, seconds)
    if not _telling(context, seeds):
        return []
    return seeds + _searched(context, over, progress, rest, seconds)


def _sizes(instance: Instance, seconds: float) -> list[int]:
    """Sizes that are searched for so many CPU-seconds each, the largest first."""
    ground, n = instance.problem.ground, int(scale(instance.n))
    orbits = min(_ORBITS, (seconds / _CLASSES / 2 / _PAIR) ** 0.5)
    fitting = [m for m in range(ground.min_n, int(_LARGEST * n) + 1) if ground.size(m) <= (_SYMMETRIES + 1) * orbits]
    most = max(fitting, default=0)
    least = max(ground.min_n, min(int(_SMALLEST * n), most // 2))
    return sorted({round(m) for m in np.linspace(least, most, _SIZES)}, reverse=True) if most > least + 1 else []


def _searched(
    context: Context, over: Callable[[], bool], progress: Progress, sizes: Sequence[int], seconds: float
) -> list[Construction]:
    """The best of every size, after so many seconds each."""
    problem, s = context.instance.problem, context.settings
    best: dict[int, tuple[int, dict[bytes, Construction]]] = {}

    def tasks() -> Iterator[Task]:
        for n in sizes:
            if over():
                return
            progress.advance(1.0, 0)
            classes = list(_classes(problem.at(n), s.memory_bytes))
            for index, (symmetry, inside) in enumerate(classes):
                patience = max(1000, _PATIENCE * len(inside))
                effort = Effort(patience, 10 * patience, (s.tenure_min, s.tenure_max))
                seed = context.seed(Stream.SEEDS, n, index)
                each = seconds * s.jobs / len(classes)
                goal = problem.merit(problem.at(n).upper_bound)
                yield Task(
                    problem.at(n), symmetry, _STARTS, effort, seed, goal, s.memory_bytes, each, inside, around=False
                )

    for task, outcomes in run_tasks(tasks(), s.jobs, s.backend, over):
        assert isinstance(task, Task)  # those of `tasks`
        instance = task.instance
        merit, found = best.get(instance.n, (1, {}))
        top = max((outcome.after for outcome in outcomes), default=0)
        if top < merit:
            continue
        different = {o.elements.tobytes(): o.elements for o in outcomes if o.after == top}
        found = dict(found) if top == merit else {}
        for elements in list(different.values())[: _PER_SIZE - len(found)]:
            key = canonical_key(instance, elements)
            if key not in found:
                found[key] = certified(instance, elements, s.seed, task.symmetry, str(Origin.INNER_BOARD), 0)
        best[instance.n] = top, found
    return [made for _, found in best.values() for made in found.values()]


def _classes(instance: Instance, memory: int) -> Iterator[tuple[str, IntArray]]:
    """The classes with few orbits, and those of their inner board, or all."""
    for symmetry in instance.classes:
        inside = board_orbits(instance, symmetry)
        if _SYMMETRIES * len(inside) <= instance.size and len(inside) <= _ORBITS and fits(instance, inside, memory):
            yield symmetry, inside


def _telling(context: Context, seeds: Sequence[Construction]) -> bool:
    """Whether good sets leave much of the ground set empty, as a class in the middle has it."""
    densities = (seed_density(context.instance, symmetry, seeds) for symmetry in context.classes)
    shares = [len(region(d, _DENSITY)) / len(d) for d in densities if d is not None]
    return bool(shares) and float(np.median(shares)) <= _ORBITS_OF_IT
