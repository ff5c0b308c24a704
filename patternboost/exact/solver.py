"""OR-tools CP-SAT, imported on use: one solve that can be watched and stopped."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

from patternboost.problem.ground import IntArray

if TYPE_CHECKING:
    from patternboost.exact.model import Model

#: seconds between two looks at whether to stop
_POLL = 0.1


class ExactError(ValueError):
    """Something the exact half cannot do; the message is one line that says why and what would do."""


def cp_sat() -> Any:
    """The module `ortools.sat.python.cp_model`. Raises ExactError where OR-tools is missing."""
    try:
        from ortools.sat.python import cp_model
    except ImportError as error:
        raise ExactError("the exact solver needs an extra: pip install 'patternboost[exact]'") from error
    return cp_model


def solver_version() -> str:
    """Name and version of the solver."""
    cp_sat()
    return f"OR-tools CP-SAT {version('ortools')}"


class Answer(NamedTuple):
    """What a solve came to."""

    #: the best set found, as orbits of the model's table, ascending; None where none was found
    orbits: IntArray | None
    #: whether the search was complete: nothing is better than `orbits`, or there is no set at all
    complete: bool


class Watch(NamedTuple):
    """What a solve tells while it works. Called from the solver's threads, one call at a time."""

    #: orbits of a better set
    solution: Callable[[IntArray], None]
    #: a new upper bound on the model's objective
    bound: Callable[[float], None]


def solve(
    model: Model,
    *,
    jobs: int = 1,
    seed: int = 0,
    work: float = math.inf,
    over: Callable[[], bool] | None = None,
    watch: Watch | None = None,
    every: bool = False,
) -> Answer:
    """Maximise the model on `jobs` threads until it is done, `over` says so, or `work` is spent.

    `every`: tell `watch` all sets that a model without an objective allows, on one thread whatever `jobs` says.

    `work` is in the solver's deterministic unit, near a second of one core: with one job and no `over` the same model
    and seed give the same answer on every machine.
    """
    cp = cp_sat()
    solver = cp.CpSolver()
    parameters = solver.parameters
    parameters.num_workers = 1 if every else jobs
    parameters.enumerate_all_solutions = every
    parameters.random_seed = seed % (2**31 - 1)
    # The symmetries that keep the class are broken by constraints; looking for them again took time and gained nothing.
    parameters.symmetry_level = 0
    if math.isfinite(work):
        parameters.max_deterministic_time = work

    class Callback(cp.CpSolverSolutionCallback):  # type: ignore[misc, name-defined]
        def on_solution_callback(self) -> None:
            if watch is not None:
                watch.solution(model.orbits_of([self.boolean_value(v) for v in model.variables]))

    if watch is not None:
        solver.best_bound_callback = watch.bound
    result: list[Any] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            result.append(solver.solve(model.program, Callback()))
        except BaseException as error:  # raised again where the caller is
            failure.append(error)

    # In a thread of its own, so that Ctrl-C reaches this one.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_POLL if over is not None else None)
            if over is not None and over():
                solver.stop_search()
    except BaseException:
        solver.stop_search()
        thread.join()
        raise
    if failure:
        raise failure[0]
    status = result[0]
    if status == cp.MODEL_INVALID:
        raise ExactError(f"the solver refuses the model: {model.program.validate()}")
    if status == cp.INFEASIBLE:
        return Answer(None, True)
    if status == cp.UNKNOWN:  # its bound means nothing then: 0 where it was stopped before it had one
        return Answer(None, False)
    return Answer(model.orbits_of(solver.boolean_values(model.variables)), status == cp.OPTIMAL)
