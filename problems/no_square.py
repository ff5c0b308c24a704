"""No four chosen points of the n x n grid are the corners of a square, tilted squares included."""

from collections.abc import Sequence

from patternboost.problem import Point, Problem, rule


@rule
def complete(n, chosen, out):  # type: ignore[no-untyped-def]
    """The fourth corner, where the three make two equal sides at a right angle."""
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        r, c = chosen[i] // n, chosen[i] % n
        ar, ac = chosen[j] // n - r, chosen[j] % n - c
        br, bc = chosen[k] // n - r, chosen[k] % n - c
        if (br == -ac and bc == ar) or (br == ac and bc == -ar):
            row, column = r + ar + br, c + ac + bc
            if 0 <= row < n and 0 <= column < n:
                out[0] = row * n + column
                return 1
            return 0
    return 0


def violation(points: Sequence[Point]) -> Sequence[Point] | None:
    """A side, turned by a quarter at both ends."""
    present = set(points)
    for a in points:
        for b in points:
            dr, dc = b[0] - a[0], b[1] - a[1]
            corners = [a, b, (b[0] - dc, b[1] + dr), (a[0] - dc, a[1] + dr)]
            if a != b and present.issuperset(corners):
                return corners
    return None


PROBLEM = Problem(
    name="no-square",
    title="no four points form a square of any orientation",
    definition="Points of the n x n grid, no four of which are the corners of a square, tilted squares included.",
    k=4,
    complete=complete,
    violation=violation,
    translations=True,
    sources=("OEIS A240443",),
)
