"""No isosceles triangle with area: three equally spaced points on a line are allowed."""

from collections.abc import Sequence

from patternboost_problems import isosceles

from patternboost.problem import Point, Problem, rule, width


@rule
def complete(n, chosen, out):  # type: ignore[no-untyped-def]
    """What the strict problem forbids, less the points in line with the two."""
    count = isosceles.complete(n, chosen, out)
    w = width(n)
    ar, ac = chosen[0] // w, chosen[0] % w
    dr, dc = chosen[1] // w - ar, chosen[1] % w - ac
    kept = 0
    for t in range(count):
        if (out[t] // w - ar) * dc != (out[t] % w - ac) * dr:
            out[kept] = out[t]
            kept += 1
    return kept


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """Two equal distances from one point, the two not opposite to each other."""
    for apex in points:
        by_distance: dict[int, list[Point]] = {}
        for other in points:
            if other == apex:
                continue
            dr, dc = other[0] - apex[0], other[1] - apex[1]
            for earlier in by_distance.setdefault(dr * dr + dc * dc, []):
                if (earlier[0] - apex[0], earlier[1] - apex[1]) != (-dr, -dc):
                    return [earlier, apex, other]
            by_distance[dr * dr + dc * dc].append(other)
    return None


PROBLEM = Problem(
    name="isosceles-flat",
    title="no three points form an isosceles triangle; flat ones allowed",
    definition="Points of the n x n grid (or of an m x n board), no three of which form an isosceles triangle of "
    "positive area; three equally spaced points on a line are allowed.",
    k=3,
    complete=complete,
    violation=violation,
    translations=True,
    boards=True,
    sources=("OEIS A271907 (squares)", "OEIS A271914 (boards)"),
)
