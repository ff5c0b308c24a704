"""The part of the contract that is about an objective: value, excess and change agree with `judge`, on random sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from patternboost.problem.base import Instance
from patternboost.problem.errors import ContractError
from patternboost.problem.ground import IntArray
from patternboost.problem.objective import Objective

#: sets per size, and the largest ground sets on which they are looked at
_SETS, MOST_ELEMENTS = 16, 100
#: values must be below this: the search compares them as floating point numbers
_LARGEST = 1 << 53


def moves_of(instance: Instance) -> list[IntArray]:
    """The symmetries that a problem says it has, those of its classes among them."""
    moves = list(instance.symmetries)
    if instance.problem.ground.symmetric_classes:
        moves += [g for maps in instance.classes.values() for g in maps]
    return moves


def check_objective(instance: Instance, objective: Objective, rng: np.random.Generator) -> None:
    """Raise ContractError where the compiled measures and the definition differ, or a symmetry changes the value."""
    moves = moves_of(instance)
    for number in range(_SETS):
        elements = _allowed(instance, rng, number / (_SETS - 1))
        points = [tuple(instance.points[e].tolist()) for e in elements]
        judged = _judged(instance, objective, points)
        if judged is not None and (type(judged) is not int or not 0 <= judged < _LARGEST):
            way = "add a constant, count in parts of `unit`, or return None where points do not count"
            raise ContractError(f"{instance}: judge({points}) gives {judged!r}: values are whole, 0 to 2^53 ({way})")
        _check_measures(instance, objective, rng.permutation(elements).astype(np.int64), judged)
        move = moves[int(rng.integers(len(moves)))]
        moved = [tuple(instance.points[e].tolist()) for e in move[elements]]
        if _judged(instance, objective, moved) != judged:
            raise ContractError(
                f"{instance}: a symmetry of the ground set changes the value of {points}: "
                'say symmetries="none", or name those that do not'
            )


def _allowed(instance: Instance, rng: np.random.Generator, share: float) -> IntArray:
    """A random set of elements without a forbidden one: about this share of all where nothing is forbidden."""
    order = rng.permutation(instance.size)[: round(share * instance.size)]
    if not instance.problem.rules:
        return np.sort(order)
    taken: list[int] = []
    for e in order.tolist():
        if instance.violation([tuple(instance.points[i].tolist()) for i in (*taken, e)]) is None:
            taken.append(e)
    return np.array(sorted(taken), np.int64)


def _judged(instance: Instance, objective: Objective, points: Sequence[tuple[int, ...]]) -> int | None:
    return _asked(instance, "judge", lambda: objective.judged(instance.n, points))


def _asked(instance: Instance, name: str, ask: Callable[[], int | None]) -> int | None:
    try:
        return ask()
    except Exception as error:  # whatever a user's function raises is reported as one line that names it
        raise ContractError(f"{instance}: {name} raised {type(error).__name__}: {error}") from error


def _check_measures(instance: Instance, objective: Objective, elements: IntArray, judged: int | None) -> None:
    """The compiled value, excess and change of a set beside what `judge` says."""
    n, count = instance.n, len(elements)
    # further entries, which are not to be read
    members = np.concatenate([elements, np.full(3, -1, np.int64)])
    points = _points(instance, elements)
    before = members.copy()
    value, excess, change = objective.value, objective.excess, objective.change
    if excess is not None:
        far = _asked(instance, "excess", lambda: int(excess(n, members, count)))
        if far is None or far < 0 or (far == 0) != (judged is not None):
            says = "no construction" if judged is None else f"the value {judged}"
            raise ContractError(f"{instance}: on {points} judge says {says}, but excess is {far}: 0 where a set counts")
    elif judged is None:
        raise ContractError(
            f"{instance}: judge says that {points} are no construction: give excess too, which leads there"
        )
    plain = getattr(value, "py_func", None)
    if plain is not None and type(_asked(instance, "value", lambda: plain(n, members, count))) is float:
        raise ContractError(f"{instance}: value is no whole number: use // instead of /")
    if judged is not None:
        found = count if value is None else _asked(instance, "value", lambda: int(value(n, members, count)))
        if found != judged:
            raise ContractError(f"{instance}: on {points} judge says {judged}, but value is {found}")
    if value is not None and change is not None and count:
        element = int(members[count - 1])
        whole = _asked(instance, "value", lambda: int(value(n, members, count)))
        part = _asked(instance, "value", lambda: int(value(n, members, count - 1)))
        added = _asked(instance, "change", lambda: int(change(n, members, count - 1, element)))
        if whole is not None and part is not None and added != whole - part:
            what = f"{points[-1]} adds {whole - part} to the value of {points[:-1]}"
            raise ContractError(f"{instance}: {what}, but change is {added}")
    if not np.array_equal(members, before):
        raise ContractError(f"{instance}: value, excess or change altered the members that it was given")


def _points(instance: Instance, elements: Sequence[int] | IntArray) -> list[tuple[int, ...]]:
    return [tuple(instance.points[e].tolist()) for e in elements]
