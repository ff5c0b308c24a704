"""The contract every problem keeps: rule and definition agree, symmetries preserve both. `patternboost check` runs it.

Everything is compared with the definition (`violation`) by brute force: exhaustively on the smallest sizes, on random
samples of larger ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from math import comb

import numpy as np

from patternboost.problem.base import Instance, Problem
from patternboost.problem.contract_of_values import MOST_ELEMENTS, check_objective, moves_of
from patternboost.problem.errors import ContractError
from patternboost.problem.objective import Forbidden
from patternboost.problem.registry import find_problem

#: choices of k - 1 elements per size (all where there are no more), and others that each is tried with
_CHOICES, _OTHERS = 120, 120
#: choices per size with which the rule is run as plain Python first, on ground sets of so many elements
_PLAIN, _PLAIN_ELEMENTS = 20, 90
#: largest sizes that are looked at: ground sets of so many elements, about
_ELEMENTS = (8, 30, 90, 400, 3000)


def sizes(problem: Problem) -> list[int]:
    """Sizes n that a check looks at, ascending: the smallest ones, then larger and larger."""
    ground = problem.ground
    least = ground.min_n
    chosen = set(range(least, least + 3))
    for most in _ELEMENTS:
        chosen.add(max(n for n in range(least, ground.max_n() + 1) if n == least or ground.size(n) <= most))
    return sorted(chosen)


def check(
    problem: Problem | str,
    report: Callable[[str], None] = lambda line: None,
    at: Sequence[int] | None = None,
) -> None:
    """Raise ContractError at the first thing that is wrong with a problem, its name or its file.

    `report` is told what is looked at, a line each. `at` says at which sizes; None: those of `sizes`.

    >>> check("no-square")
    """
    problem = problem if isinstance(problem, Problem) else find_problem(problem)
    for n in sizes(problem) if at is None else at:
        instance = problem.at(n)
        report(f"n = {n}: {instance.size} elements")
        rng = np.random.default_rng(n)
        for part in problem.rules:
            for tried, chosen in enumerate(_choices(instance, part.k, rng)):
                if tried < _PLAIN and instance.size <= _PLAIN_ELEMENTS:
                    _check_plainly(instance, part, chosen)
                _check_rule(instance, part, chosen, rng)
            _check_symmetries(instance, part, rng)
            if part.conflicts is not None:
                _check_conflicts(instance, part, rng)
        if problem.rules:
            _check_witness(instance, rng)
        if problem.objective is not None and instance.size <= MOST_ELEMENTS:
            check_objective(instance, problem.objective, rng)
    if problem.translations:
        _check_translations(problem)


def _choices(instance: Instance, k: int, rng: np.random.Generator) -> Iterator[Sequence[int]]:
    parts = k - 1
    if instance.size < parts:
        return
    if comb(instance.size, parts) <= _CHOICES:
        yield from combinations(range(instance.size), parts)
        return
    for _ in range(_CHOICES):
        yield [int(x) for x in rng.choice(instance.size, parts, replace=False)]


def _points(instance: Instance, elements: Sequence[int]) -> list[tuple[int, ...]]:
    return [tuple(instance.points[e].tolist()) for e in elements]


def _forbidden(instance: Instance, elements: Sequence[int]) -> bool:
    """Whether the elements hold a forbidden set, by the definition."""
    points = _points(instance, elements)
    try:
        return instance.violation(points) is not None
    except Exception as error:  # whatever a user's definition raises is reported as one line that names it
        raise ContractError(f"{instance}: violation({points}) raised {type(error).__name__}: {error}") from error


def _check_plainly(instance: Instance, part: Forbidden, chosen: Sequence[int]) -> None:
    """Run the rule as plain Python: it writes whole numbers, and no further than there is room.

    Compiled code would cut off fractions, and write past the end of its memory.
    """
    plain = getattr(part.complete, "py_func", part.complete)
    call = _call(instance, part, chosen)
    out = np.full(instance.size, None, object)
    try:
        try:
            count = plain(instance.n, np.array(chosen, np.int64), out)
        except TypeError:  # it calls another compiled rule, which takes whole numbers only
            out = np.zeros(instance.size, np.int64)
            count = plain(instance.n, np.array(chosen, np.int64), out)
    except Exception as error:  # see `_forbidden`
        raise ContractError(f"{call} raised {type(error).__name__}: {error}") from error
    for value in (count, *(x for x in out if x is not None)):
        if not isinstance(value, int | np.integer):
            raise ContractError(f"{call} gives {value!r}, which is no whole number: use // instead of /")


def _call(instance: Instance, part: Forbidden, chosen: Sequence[int]) -> str:
    return f"{instance}: {part.complete.__name__}({list(chosen)})"


def _completions(instance: Instance, part: Forbidden, chosen: Sequence[int]) -> list[int]:
    """What the rule says, its form checked."""
    given = np.array(chosen, np.int64)
    out = np.full(instance.size, -1, np.int64)
    call = _call(instance, part, chosen)
    try:
        count = part.complete(instance.n, given, out)
    except Exception as error:  # see `_forbidden`
        raise ContractError(f"{call} raised {type(error).__name__}: {error}") from error
    if given.tolist() != list(chosen):
        raise ContractError(f"{call} changed what it was given")
    if not 0 <= count <= instance.size:
        raise ContractError(f"{call} counts {count} elements of {instance.size}: each may be written once")
    got: list[int] = out[:count].tolist()
    outside = [e for e in got if not 0 <= e < instance.size]
    if outside:
        raise ContractError(f"{call} wrote {outside[0]}, which is no element (0 to {instance.size - 1})")
    if set(got) & set(chosen):
        raise ContractError(f"{call} wrote {(set(got) & set(chosen)).pop()}, which is among the chosen")
    if len(set(got)) < len(got):
        raise ContractError(f"{call} wrote {next(e for e in got if got.count(e) > 1)} twice")
    return got


def _by_rules(instance: Instance, elements: Sequence[int]) -> bool:
    """Whether some rule makes a forbidden set of some of the elements."""
    held = set(elements)
    return any(
        not held.isdisjoint(_completions(instance, part, chosen))
        for part in instance.problem.rules
        if part.k <= len(elements)
        for chosen in combinations(elements, part.k - 1)
    )


def _check_rule(instance: Instance, part: Forbidden, chosen: Sequence[int], rng: np.random.Generator) -> None:
    got = set(_completions(instance, part, chosen))
    if set(_completions(instance, part, list(chosen)[::-1])) != got:
        raise ContractError(f"{_call(instance, part, chosen)} depends on the order of the chosen elements")
    others: set[int] = set(range(instance.size))
    if instance.size > _OTHERS:
        some = sorted(got)
        others = set(rng.choice(instance.size, _OTHERS).tolist())
        others |= {some[i] for i in rng.permutation(len(some))[:_OTHERS]}
    several = len(instance.problem.rules) > 1  # then a smaller forbidden set may be among them
    for e in sorted(others - set(chosen)):
        forbidden = _forbidden(instance, [*chosen, e])
        if forbidden != (e in got) and not (several and forbidden and _by_rules(instance, [*chosen, e])):
            points = _points(instance, [*chosen, e])
            says = f"violation says {'forbidden' if forbidden else 'allowed'}, {part.complete.__name__} the opposite"
            raise ContractError(f"{instance}: rule and definition disagree (k = {part.k}) on {points}: {says}")


def _check_witness(instance: Instance, rng: np.random.Generator) -> None:
    """What `violation` returns is a forbidden set of k of the points it was given."""
    sizes_, plain = {part.k for part in instance.problem.rules}, instance.problem.plain
    for share in (0.2, 0.5):
        elements = rng.permutation(instance.size)[: min(60, max(*sizes_, 2, round(share * instance.size)))].tolist()
        if plain is not None:
            points = _points(instance, elements)
            says = plain(instance.n, points) if instance.problem.violation_takes_n else plain(points)
            if (says is None) == _forbidden(instance, elements):
                raise ContractError(f"{instance}: violation and plain disagree on {points}")
        if _forbidden(instance, elements):
            witness = instance.violation(_points(instance, elements)) or []
            k = len(set(witness))
            if k not in sizes_ or len(witness) != k or not set(witness) <= set(_points(instance, elements)):
                must = " or ".join(map(str, sorted(sizes_)))
                raise ContractError(f"{instance}: violation returned {witness}: it must be {must} of the given points")
            if instance.violation(witness) is None:
                raise ContractError(f"{instance}: violation returned {witness}, but allows these {k} points alone")


def _check_symmetries(instance: Instance, part: Forbidden, rng: np.random.Generator) -> None:
    """Moved by a symmetry, forbidden sets stay forbidden and allowed ones allowed."""
    moves = moves_of(instance)
    for chosen in list(_choices(instance, part.k, rng))[:20]:
        got = _completions(instance, part, chosen)
        for p in (moves[int(rng.integers(len(moves)))] for _ in range(6)):
            if sorted(p[got].tolist()) != sorted(_completions(instance, part, p[list(chosen)].tolist())):
                points = _points(instance, chosen)
                raise ContractError(
                    f"{instance}: a symmetry of the ground set does not preserve what {points} forbid: "
                    'say symmetries="none", or name those that do'
                )


def _check_conflicts(instance: Instance, part: Forbidden, rng: np.random.Generator) -> None:
    """The problem's own conflict update makes the counts that the rule makes, along a random walk of adds and drops."""
    update = part.conflicts
    if update is None:
        return
    members: list[int] = []
    counts = np.zeros(instance.size, np.int32)
    expected = np.zeros(instance.size, np.int32)
    for _ in range(24):
        element, sign = int(rng.integers(instance.size)), 1
        if element in members or len(members) == 12:
            element, sign = members.pop(0), -1
        update(instance.n, np.array(members, np.int64), element, sign, counts)
        for others in combinations(members, part.k - 2):
            expected[_completions(instance, part, [*others, element])] += sign
        if not np.array_equal(counts, expected):
            raise ContractError(f"{instance}: the conflict update and the rule make different counts")
        if sign > 0:
            members.append(element)


def _check_translations(problem: Problem) -> None:
    """Forbidden sets of a small board stay forbidden, and others allowed, anywhere on a larger one."""
    small, large = problem.at(5), problem.at(9)
    rng = np.random.default_rng(0)
    given = [(part, chosen) for part in problem.rules for chosen in _choices(small, part.k, rng)]
    for part, chosen in given:
        move = rng.integers(5, size=2)
        moved = (small.points[list(chosen)] + move).tolist()
        got = {tuple(p) for p in (small.points[_completions(small, part, chosen)] + move).tolist()}
        inside = {tuple(p) for p in (small.points + move).tolist()}
        there = large.points[_completions(large, part, large.to_elements([tuple(p) for p in moved]).tolist())].tolist()
        if {tuple(p) for p in there} & inside != got:
            raise ContractError(f"{problem.name}: says translations=True, but what {moved} forbid depends on the place")
