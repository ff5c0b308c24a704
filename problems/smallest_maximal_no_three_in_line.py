"""The fewest points of the n x n grid, no three in line, to which no further point can be added."""

from patternboost_problems.no_three_in_line import complete, plain, violation

from patternboost.problem import Problem

PROBLEM = Problem(
    name="smallest-maximal-no-three-in-line",
    title="fewest points, no three in line, to which none can be added",
    definition="Points of the n x n grid, no three of which lie on a straight line, such that every further point of "
    "the grid would be on a line with two of them. The value is the number of points, to be made small.",
    k=3,
    complete=complete,
    violation=violation,
    plain=plain,
    smallest_maximal=True,
    sources=("OEIS A277433", "M. Gardner, Scientific American, October 1976"),
)
