"""No midpoint: no chosen point of the n x n grid is the midpoint of two others."""

from collections.abc import Sequence

from patternboost.problem import Point, Problem, rule


@rule
def complete(n, chosen, out):  # type: ignore[no-untyped-def]
    """The reflection of either point in the other, and the point halfway."""
    ar, ac = chosen[0] // n, chosen[0] % n
    br, bc = chosen[1] // n, chosen[1] % n
    count = 0
    for r, c in ((2 * ar - br, 2 * ac - bc), (2 * br - ar, 2 * bc - ac)):
        if 0 <= r < n and 0 <= c < n:
            out[count] = r * n + c
            count += 1
    if (ar + br) % 2 == 0 and (ac + bc) % 2 == 0:
        out[count] = (ar + br) // 2 * n + (ac + bc) // 2
        count += 1
    return count


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """The reflection of one point in another is a third."""
    present = set(points)
    for a in points:
        for middle in points:
            third = (2 * middle[0] - a[0], 2 * middle[1] - a[1])
            if a != middle and third in present:
                return [a, middle, third]
    return None


PROBLEM = Problem(
    name="no-midpoint",
    title="no point is the midpoint of two others",
    definition="Points of the n x n grid, none of which is the midpoint of two others.",
    k=3,
    complete=complete,
    violation=violation,
    translations=True,
    sources=("OEIS A300131",),
)
