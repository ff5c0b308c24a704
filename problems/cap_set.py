"""Cap sets: no three chosen vectors of F_3^n lie on a line, that is, add up to zero."""

from collections.abc import Sequence

from patternboost.problem import F3, Point, Problem, rule


@rule
def complete(n, chosen, out):  # type: ignore[no-untyped-def]
    """The one vector that adds up to zero with the two."""
    a, b = chosen[0], chosen[1]
    third, place = 0, 1
    for _ in range(n):
        third += (6 - a % 3 - b % 3) % 3 * place
        a, b, place = a // 3, b // 3, place * 3
    out[0] = third
    return 1


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """In every coordinate the three are all equal or all different."""
    present = set(points)
    for i, a in enumerate(points):
        for b in points[i + 1 :]:
            third = tuple(x if x == y else 3 - x - y for x, y in zip(a, b, strict=True))
            if a != b and third in present:
                return [a, b, third]
    return None


PROBLEM = Problem(
    name="cap-set",
    title="no three vectors of F_3^n on a line",
    definition="Vectors of n coordinates modulo 3, no three different ones of which lie on a line (add up to zero).",
    k=3,
    complete=complete,
    violation=violation,
    ground=F3,
    sources=(
        "OEIS A090245",
        "A. Potechin, Maximal caps in AG(6, 3), Des. Codes Cryptogr. 46 (2008)",
        "B. Romera-Paredes and others, Mathematical discoveries from program search (FunSearch), Nature 625 (2024)",
    ),
)
