"""No two chosen points of the n x n grid at one of some whole distances; the lecture's are 4 and 5."""

from collections.abc import Sequence

from patternboost.problem import Family, Point, Problem, ProblemError, rule

_LARGEST = 255


def _variant(suffix: str) -> Problem:
    words = suffix.split("-")
    distances = sorted({int(word) for word in words if word.isascii() and word.isdigit() and len(word) <= 3})
    if not distances or "-".join(map(str, distances)) != suffix or not 1 <= distances[0] <= distances[-1] <= _LARGEST:
        raise ProblemError(
            f"distance-{suffix[:40]}: the distances must be ascending whole numbers from 1 to {_LARGEST}: distance-4-5"
        )
    squares = frozenset(d * d for d in distances)
    steps = tuple(
        (r, c)
        for r in range(-distances[-1], distances[-1] + 1)
        for c in range(-distances[-1], distances[-1] + 1)
        if r * r + c * c in squares
    )

    @rule
    def complete(n, chosen, out):  # type: ignore[no-untyped-def]
        row, column = chosen[0] // n, chosen[0] % n
        count = 0
        for dr, dc in steps:
            r, c = row + dr, column + dc
            if 0 <= r < n and 0 <= c < n:
                out[count] = r * n + c
                count += 1
        return count

    def violation(points: Sequence[Point]) -> Sequence[Point] | None:
        for i, a in enumerate(points):
            for b in points[:i]:
                if any((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 == d**2 for d in distances):
                    return [b, a]
        return None

    spoken = " or ".join(map(str, distances))
    return Problem(
        name=f"distance-{suffix}",
        title=f"no two points at distance {spoken}",
        definition=f"Points of the n x n grid, no two of which are at distance {spoken}.",
        k=2,
        complete=complete,
        violation=violation,
        translations=True,
        sources=("A. Z. Wagner, Transformers and Makemore (lecture), 2023",),
    )


FAMILY = Family("distance", default="4-5", variant=_variant)
