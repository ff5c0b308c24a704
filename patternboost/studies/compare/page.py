"""A comparison as text, picture and page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from patternboost.report import page
from patternboost.report.images import png
from patternboost.report.progress import seconds_text
from patternboost.report.tables import render
from patternboost.studies.compare.arm_run import ArmRun
from patternboost.studies.compare.figures import (
    curves,
    hit_rates,
    holm,
    median_time,
    of_arm,
    target_of,
    too_easy,
    verdict,
)
from patternboost.studies.compare.plan import Plan

_MOMENTS = 300


def rows(plan: Plan, outcomes: Sequence[ArmRun]) -> list[tuple[str, ...]]:
    """A line per arm: runs, best scores (best, median, all), and the time to the target."""
    target = target_of(outcomes, plan.target, plan.control)
    lines: list[tuple[str, ...]] = [
        ("arm", "runs", "best", "median", "all best scores", f"median time to {target}", "reached it")
    ]
    for arm in plan.arms:
        runs = of_arm(outcomes, arm)
        if not runs:
            lines.append((arm, "0", "-", "-", "-", "-", "-"))
            continue
        scores = [o.best for o in sorted(runs, key=lambda o: -o.best_merit)]
        time = median_time(runs, target)
        reached = sum(o.time_to(target) is not None for o in runs)
        lines.append(
            (
                arm,
                str(len(runs)),
                str(scores[0] or "-"),
                f"{np.median([s for s in scores if s] or [0]):g}",
                " ".join(str(s or "-") for s in scores),
                seconds_text(time) if time is not None else f"over {60 * plan.minutes:.0f} s",
                f"{reached} of {len(runs)}",
            )
        )
    return lines


def verdicts(plan: Plan, outcomes: Sequence[ArmRun]) -> list[str]:
    """A sentence per arm against the control."""
    control = of_arm(outcomes, plan.control)
    others = [of_arm(outcomes, arm) for arm in plan.arms if arm != plan.control]
    if not control:
        return [f"no run of the control ({plan.control}): nothing to hold the arms against"]
    found = [str(v) for v in holm([verdict(runs, control) for runs in others if runs])]
    if too_easy(outcomes, 60 * plan.minutes):
        found.append(
            f"every run came to {outcomes[0].best} within half of its time: at n = {plan.n} scores tell no arms apart, "
            "only times do; a larger n is harder"
        )
    return found


def text(plan: Plan, outcomes: Sequence[ArmRun]) -> str:
    """What the command prints."""
    head, *body = rows(plan, outcomes)
    listed = render([dict(zip(head, line, strict=True)) for line in body], head, "text")
    return "\n".join([*listed.splitlines(), *verdicts(plan, outcomes)])


def picture(plan: Plan, outcomes: Sequence[ArmRun]) -> bytes:
    """Best score so far against time: the median of every arm's runs, and their range, as a PNG."""
    seconds = np.linspace(0, 60 * plan.minutes, _MOMENTS)

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        lowest = []
        for arm in plan.arms:
            runs = of_arm(outcomes, arm)
            if runs:
                scores = curves(runs, seconds)
                (line,) = axes.step(seconds, np.median(scores, axis=0), where="post", label=f"{arm} ({len(runs)})")
                band = (scores.min(axis=0), scores.max(axis=0))
                axes.fill_between(seconds, *band, step="post", alpha=0.15, color=line.get_color())
                lowest.append(scores[:, len(seconds) // 20 :].min())
        if lowest:
            axes.set_ylim(bottom=max(0, min(lowest) - 1))
        axes.set(xlabel="seconds", ylabel="best score so far", title=f"{plan.problem} n={plan.n}")
        axes.legend()

    return png(draw, 8, 4.5)


def comparison_html(plan: Plan, outcomes: Sequence[ArmRun]) -> str:
    """The page."""
    head, *body = rows(plan, outcomes)
    seeds = f"{'with' if plan.seed_from else 'without'} constructions of smaller sizes"
    rates = [[str(score), *(f"{share:.0%}" for share in shares)] for score, shares in hit_rates(outcomes, plan.arms)]
    return page.render(
        "comparison",
        title=f"{plan.problem} n={plan.n}: {', '.join(plan.arms)}",
        protocol=f"{plan.minutes:g} minutes a run on {plan.jobs} workers, {plan.seeds} seeds, symmetry "
        f"{plan.symmetry}, {seeds}{' '.join(['', *plan.options])}.",
        verdicts=verdicts(plan, outcomes),
        control=plan.control,
        head=head,
        rows=body,
        picture=picture(plan, outcomes),
        rate_head=["score", *plan.arms],
        rates=rates,
    )
