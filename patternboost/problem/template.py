"""NAME: what is asked for, in a sentence.

Replace the example (no three points that form a right angle along rows and columns) by your own rule. Then

    patternboost check FILE       does the rule agree with the definition?
    patternboost search FILE 12   search
"""

from collections.abc import Sequence

from patternboost.problem import Point, Problem, rule

# Other ground sets: `from patternboost.problem import TORUS` (or CUBE, F3, EDGES), and `ground=TORUS` below.
# On the n x n grid element e is the cell in row e // n and column e % n.


@rule  # compiled by numba: exact integers (// instead of /), plain loops, no Python objects
def complete(n, chosen, out):  # type: ignore[no-untyped-def]
    """Write to `out` every element that makes the k - 1 chosen ones a forbidden set, each once; return how many."""
    ar, ac = chosen[0] // n, chosen[0] % n
    br, bc = chosen[1] // n, chosen[1] % n
    count = 0
    if ar != br and ac != bc:  # the two other corners of the rectangle
        out[0], out[1] = ar * n + bc, br * n + ac
        count = 2
    for i in range(n):
        if ar == br and i != ar:  # two in a row: all that is above or below either
            out[count], out[count + 1] = i * n + ac, i * n + bc
            count += 2
        if ac == bc and i != ac:  # two in a column
            out[count], out[count + 1] = ar * n + i, br * n + i
            count += 2
    return count


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """Return one forbidden set among the points, or None.

    Every result is judged by this function alone. Write it from the definition, in plain Python, another way than
    `complete`, and rather slow than clever.
    """
    for corner in points:
        beside = [p for p in points if p != corner and p[0] == corner[0]]
        above = [p for p in points if p != corner and p[1] == corner[1]]
        if beside and above:
            return [beside[0], corner, above[0]]
    return None


PROBLEM = Problem(
    name="NAME",
    title="no three points form a right angle along rows and columns",
    # goes into every certificate: say what counts and what does not
    definition="Points of the n x n grid, none of which has another one in its row and another one in its column.",
    k=3,  # elements of a forbidden set: 2 to 6; several sizes: forbidden=(Forbidden(3, ...), Forbidden(4, ...))
    complete=complete,
    violation=violation,
    sources=(),  # where the problem comes from
    # translations=True: forbidden sets may be moved about the grid. The random greedy fill is faster for it.
    translations=True,
    # What counts is the number of points. For another value, large or small, give two more functions:
    # objective=Objective(judge, value), with
    #     @measure
    #     def value(n, members, count): compiled as `complete` is; the chosen elements are members[:count], in no order
    #     def judge(points): the same value from the definition, in plain Python; None where points do not count at all
    # and minimise=True, excess=..., name="edges" as needed; k, complete and violation may then be left out
    # symmetries="none" where a turned or mirrored set is forbidden no more, or has another value
    # docs/howto.md, "What can be expressed", has all that there is
    # a bound that is proved lets the search stop there
    # upper_bound=lambda n: 2 * n - 2 if n > 1 else 1,
)
