"""Score against n: ours, what was gained, and the best known values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patternboost.problem.ground import BoardSize
from patternboost.report.images import png
from patternboost.store.records import compare, is_gain, known_record


def score_curve(
    problem: str,
    before: Mapping[int, int],
    now: Mapping[int, int],
    minimises: bool = False,
    known_at: tuple[int, ...] = (),
) -> bytes:
    """A PNG: our scores `now`, those that are better than `before` (0: none), records, and the best known values.

    `known_at` names further sizes whose best known values are shown. Sizes of boards that are no squares are left out.
    """
    sizes = [n for n in sorted(now) if now[n] and not isinstance(n, BoardSize)]
    gained = [n for n in sizes if is_gain(before.get(n, 0), now[n], minimises)]
    records = [n for n in sizes if compare(problem, n, now[n]) == "NEW RECORD"]
    asked = sorted(n for n in {*now, *known_at} if not isinstance(n, BoardSize))
    known = {n: record.value for n in asked if (record := known_record(problem, n)) is not None}

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.plot(sizes, [now[n] for n in sizes], ".-", color="tab:blue", label="ours")
        for n in gained:
            if before.get(n, 0):
                axes.plot([n, n], [before[n], now[n]], color="tab:green")
        if gained:
            axes.plot(gained, [now[n] for n in gained], "^", color="tab:green", label=f"gained ({len(gained)})")
        if known:
            axes.plot(*zip(*known.items(), strict=True), "_", color="tab:red", markersize=12, label="best known")
        if records:
            scores = [now[n] for n in records]
            axes.plot(records, scores, "*", color="tab:orange", markersize=12, label=f"above it ({len(records)})")
        axes.set(xlabel="n", ylabel="score", title=f"{problem}: score against n")
        axes.grid(alpha=0.3)
        axes.legend()

    return png(draw, 9, 4.5)
