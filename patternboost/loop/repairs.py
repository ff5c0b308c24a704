"""Large-neighbourhood repairs by the exact solver, beside tabu search (`--improve tabu|solver|both`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from patternboost.exact.constraints_of_four import require_points, require_written
from patternboost.exact.solver import cp_sat
from patternboost.loop.allocator import Improvers
from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.proposing import Proposal
from patternboost.loop.starts import NOTHING, Start
from patternboost.loop.state import State
from patternboost.problem.symmetry import class_orbits
from patternboost.search.streams import Stream

if TYPE_CHECKING:
    from patternboost.exact.repair import RepairTask

#: share of the repairs that complete a sample's prefix, where there are samples
_PREFIXES = 0.5


def require_solver(context: Context) -> None:
    """Raise ExactError where the settings want the solver and OR-tools is missing, or the problem is too large."""
    if context.settings.improve in ("solver", "both"):
        require_points(context.instance)
        cp_sat()
        require_written(context.instance, context.settings.memory_bytes)


def share_of_solver(improve: str, improvers: Improvers) -> float:
    """The solver's share of the search: by what pays where both improvers are wanted."""
    return improvers.solver_share() if improve == "both" else float(improve == "solver")


def how_many(context: Context, share: float, seconds: float | None) -> int:
    """Repairs of a generation: as many as fit `seconds`, about; where the clock does not decide (None), by the share.

    The tabu walks stay as many as they are: the solver's part beside them is what varies.
    """
    s = context.settings
    if seconds is not None:
        return round(share * seconds * s.jobs / s.repair_work)
    if share in (0.0, 1.0):
        return round(share) * s.repairs
    return max(1, round(s.repairs * share / (1 - share)))


def repair_tasks(
    context: Context,
    state: State,
    proposals: Sequence[Proposal],
    share: float,
    over: Callable[[], bool],
    seconds: float | None,
) -> Iterator[tuple[RepairTask, list[Start]]]:
    """One repair a task, each with its start, until `over`: `how_many` of them, or with `seconds` what fits."""
    if not share or not proposals:
        return
    from patternboost.exact.repair import RepairTask  # late: OR-tools is optional

    s = context.settings
    rng = np.random.default_rng(context.seed(Stream.REPAIR_STARTS, state.generation))
    shares = np.array([p.share for p in proposals])
    for index in range(how_many(context, share, None) if seconds is None else 2**31):
        if over():
            return
        proposal = proposals[int(rng.choice(len(proposals), p=shares / shares.sum()))]
        start = _start(context, state, proposal, rng)
        seed = context.seed(Stream.REPAIR, state.generation, index)
        prefix = start.origin is Origin.COMPLETED
        yield (
            RepairTask(
                context.instance,
                proposal.symmetry,
                (start.elements,),
                (prefix,),
                s.repair_work,
                seed,
                context.goal,
                s.memory_bytes,
                seconds,
            ),
            [start],
        )


def _start(context: Context, state: State, proposal: Proposal, rng: np.random.Generator) -> Start:
    """A model's sample to complete, a pool member to repair (better ones more often), or nothing to fill."""
    samples = [s.elements for s in proposal.starts if s.origin is Origin.MODEL]
    if samples and rng.random() < _PREFIXES:
        return Start(samples[int(rng.integers(len(samples)))], Origin.COMPLETED)
    elites = state.pool.made_of(class_orbits(context.instance, proposal.symmetry), proposal.symmetry)
    if elites:  # the pool is sorted: the square of a uniform number prefers its top
        entry = elites[int(len(elites) * rng.random() ** 2)]
        return Start(entry.elements, Origin.REPAIRED, member=entry.merit)
    return Start(NOTHING, Origin.REPAIRED)
