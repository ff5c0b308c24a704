"""No right isosceles triangle among the chosen points of the n x n grid, in any position."""

from collections.abc import Sequence

from patternboost.problem import Point, Problem, rule


@rule
def complete(n, chosen, out):  # type: ignore[no-untyped-def]
    """The right angle at either point, on either side, or at the third."""
    ar, ac = chosen[0] // n, chosen[0] % n
    br, bc = chosen[1] // n, chosen[1] % n
    dr, dc = br - ar, bc - ac
    count = 0
    for sign in (1, -1):
        tr, tc = -sign * dc, sign * dr  # the difference turned by a quarter
        for r, c in ((ar + tr, ac + tc), (br + tr, bc + tc)):
            if 0 <= r < n and 0 <= c < n:
                out[count] = r * n + c
                count += 1
        if (dr + dc) % 2 == 0:
            r, c = ar + (dr + tr) // 2, ac + (dc + tc) // 2
            if 0 <= r < n and 0 <= c < n:
                out[count] = r * n + c
                count += 1
    return count


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """Two legs from one point, equally long and at a right angle."""
    present = set(points)
    for apex in points:
        for end in points:
            third = (apex[0] - (end[1] - apex[1]), apex[1] + (end[0] - apex[0]))
            if end != apex and third in present:
                return [apex, end, third]
    return None


PROBLEM = Problem(
    name="no-right-isosceles",
    title="no three points form a right isosceles triangle",
    definition="Points of the n x n grid, no three of which form an isosceles triangle with a right angle, tilted ones "
    "included.",
    k=3,
    complete=complete,
    violation=violation,
    translations=True,
    sources=("OEIS A271906",),
)
