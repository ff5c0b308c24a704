"""The largest permanent of a 0/1 matrix that avoids the pattern 312."""

from collections.abc import Sequence
from functools import cache
from itertools import combinations

import numpy as np

from patternboost.problem import Objective, Point, Problem, difference, matching_number, measure, rule


@rule
def complete(n, chosen, out):  # type: ignore[no-untyped-def]
    """The third one of rows r < s < t whose columns are, in this order, the largest, the least and the middle one."""
    first, second = min(chosen[0], chosen[1]), max(chosen[0], chosen[1])
    r, c, s, d = first // n, first % n, second // n, second % n
    count = 0
    if r == s or c == d:
        return 0
    for element in range(n * n):
        row, column = element // n, element % n
        as_three = c < d and row < r and column > d
        as_two = d < c and row > s and d < column < c
        as_one = d < c and r < row < s and column < d
        if as_three or as_two or as_one:
            out[count] = element
            count += 1
    return count


@difference
def change(n, members, count, element):  # type: ignore[no-untyped-def]
    """The permanent of the matrix without the row and the column of the element (-1: of the whole matrix).

    Row by row: `ways` has in how many ways the rows so far take a set of columns, the sets are listed in `now`.
    """
    columns = np.zeros(n, np.int64)
    for i in range(count):
        columns[members[i] // n] |= np.int64(1) << members[i] % n
    ways = np.zeros(1 << n, np.int64)
    now, later = np.empty(1 << n, np.int64), np.empty(1 << n, np.int64)
    now[0] = np.int64(1) << element % n if element >= 0 else np.int64(0)
    ways[now[0]] = size = 1
    for row in range(n):
        if element >= 0 and row == element // n:
            continue
        found = 0
        for i in range(size):
            free = columns[row] & ~now[i]
            while free:
                column = free & -free
                free ^= column
                taken = now[i] | column
                if ways[taken] == 0:
                    later[found] = taken
                    found += 1
                ways[taken] += ways[now[i]]
        now, later, size = later, now, found
    return ways[(1 << n) - 1]


@measure
def value(n, members, count):  # type: ignore[no-untyped-def]
    """The permanent."""
    return change(n, members, count, -1)


@measure
def excess(n, members, count):  # type: ignore[no-untyped-def]
    """The rows that have no one in a column of their own: the permanent is 0 where there are any."""
    beside = np.zeros((2 * n, 2 * n))
    for i in range(count):
        row, column = members[i] // n, n + members[i] % n
        beside[row, column] = beside[column, row] = 1.0
    return n - matching_number(beside)


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """Three ones from top to bottom, the first one rightmost and the second one leftmost."""
    for a, b, c in combinations(sorted(points), 3):
        if a[0] < b[0] < c[0] and b[1] < c[1] < a[1]:
            return [a, b, c]
    return None


def judge(n: int, points: Sequence[Point]) -> int | None:
    """The number of ways to choose a one in every row, no two of them in one column; None: there is no way."""
    rows = [frozenset(c for r, c in points if r == row) for row in range(n)]

    @cache
    def choices(row: int, left: frozenset[int]) -> int:
        return 1 if row == n else sum(choices(row + 1, left - {column}) for column in rows[row] & left)

    return choices(0, frozenset(range(n))) or None


PROBLEM = Problem(
    name="permanent-avoiding-312",
    title="the largest permanent of a 0/1 matrix without the pattern 312",
    definition="n x n matrices of zeros and ones with no three ones in rows r < s < t and columns a, b, c with "
    "b < c < a. The value is the permanent, which is not 0, to be made large; points are the places of the ones.",
    k=3,
    complete=complete,
    violation=violation,
    objective=Objective(judge, value, change=change, excess=excess, name="permanent"),
    symmetries=("antidiagonal",),
    sources=("OEIS A343844", "Brualdi and Cao, arXiv 2005.13129", "PatternBoost, arXiv 2411.00566"),
)
