"""The most ones in a 0/1 matrix that avoids the pattern 312."""

from patternboost_problems.permanent_avoiding_312 import complete, violation

from patternboost.problem import Problem

PROBLEM = Problem(
    name="ones-avoiding-312",
    title="the most ones in a 0/1 matrix without the pattern 312",
    definition="n x n matrices of zeros and ones with no three ones in rows r < s < t and columns a, b, c with "
    "b < c < a; points are the places of the ones.",
    k=3,
    complete=complete,
    violation=violation,
    symmetries=("antidiagonal",),
    # Every pattern of a permutation of three has the same bound: Füredi and Hajnal, Discrete Mathematics 103, 1992.
    upper_bound=lambda n: 4 * (n - 1) if n > 1 else 1,
    sources=("Füredi and Hajnal, Discrete Mathematics 103, 1992",),
)
