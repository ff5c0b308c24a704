"""No four chosen points of the n x n grid are the corners of a parallelogram; flat ones do not count."""

from collections.abc import Sequence
from itertools import combinations

from patternboost.problem import Point, Problem, rule


@rule
def complete(n, chosen, out):  # type: ignore[no-untyped-def]
    """The three points that make the triangle a parallelogram."""
    r, c = chosen[0] // n, chosen[0] % n
    ar, ac = chosen[1] // n - r, chosen[1] % n - c
    br, bc = chosen[2] // n - r, chosen[2] % n - c
    if ar * bc == ac * br:
        return 0
    count = 0
    for row, column in ((r + ar + br, c + ac + bc), (r + ar - br, c + ac - bc), (r + br - ar, c + bc - ac)):
        if 0 <= row < n and 0 <= column < n:
            out[count] = row * n + column
            count += 1
    return count


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """Two pairs of points with the same midpoint, not all on one line."""
    diagonals: dict[Point, list[tuple[Point, Point]]] = {}
    for a, b in combinations(sorted(set(points)), 2):
        for c, d in diagonals.setdefault((a[0] + b[0], a[1] + b[1]), []):
            if (b[0] - a[0]) * (d[1] - c[1]) != (b[1] - a[1]) * (d[0] - c[0]):
                return [a, b, c, d]
        diagonals[(a[0] + b[0], a[1] + b[1])].append((a, b))
    return None


PROBLEM = Problem(
    name="no-parallelogram",
    title="no four points form a parallelogram",
    definition="Points of the n x n grid, no four of which are the corners of a parallelogram of positive area.",
    k=4,
    complete=complete,
    violation=violation,
    translations=True,
    sources=("Folklore: at most 2 n - 1 points, and a row with a column reaches it",),
    # In every row the distances from its first point are different from those of all other rows.
    upper_bound=lambda n: 2 * n - 1,
)
