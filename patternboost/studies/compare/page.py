"""A comparison as text, picture and page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from patternboost.report.html import page
from patternboost.report.images import image, png
from patternboost.studies.compare.arms import ArmRun
from patternboost.studies.compare.figures import curves, hit_rates, median_time, of_arm, target_of, verdict
from patternboost.studies.compare.plan import CONTROL, Plan

_MOMENTS = 300


def rows(plan: Plan, outcomes: Sequence[ArmRun]) -> list[tuple[str, ...]]:
    """A line per arm: runs, best scores (best, median, all), and the time to the target."""
    target = target_of(outcomes, plan.target)
    lines: list[tuple[str, ...]] = [
        ("arm", "runs", "best", "median", "all best scores", f"median time to {target}", "reached it")
    ]
    for arm in plan.arms:
        runs = of_arm(outcomes, arm)
        if not runs:
            lines.append((arm, "0", "-", "-", "-", "-", "-"))
            continue
        scores = sorted((o.best for o in runs), reverse=True)
        time = median_time(runs, target)
        reached = sum(o.time_to(target) is not None for o in runs)
        lines.append(
            (
                arm,
                str(len(runs)),
                str(scores[0]),
                f"{np.median(scores):g}",
                " ".join(map(str, scores)),
                f"{time:.0f} s" if time is not None else f"over {60 * plan.minutes:.0f} s",
                f"{reached} of {len(runs)}",
            )
        )
    return lines


def verdicts(plan: Plan, outcomes: Sequence[ArmRun]) -> list[str]:
    """A sentence per arm against the control."""
    control = of_arm(outcomes, CONTROL)
    others = [of_arm(outcomes, arm) for arm in plan.arms if arm != CONTROL]
    if not control:
        return [f"no run of the control ({CONTROL}): nothing to hold the arms against"]
    return [str(verdict(runs, control)) for runs in others if runs]


def text(plan: Plan, outcomes: Sequence[ArmRun]) -> str:
    """What the command prints."""
    table = rows(plan, outcomes)
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in table]
    return "\n".join([*lines, *verdicts(plan, outcomes)])


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
    title = f"{plan.problem} n={plan.n}: {', '.join(plan.arms)}"
    seeds = f"{'with' if plan.seed_from else 'without'} constructions of smaller sizes"
    head, *body = rows(plan, outcomes)
    table = "<table><tr>" + "".join(f"<th>{escape(c)}" for c in head) + "</tr>"
    table += "".join("<tr>" + "".join(f"<td>{escape(c)}" for c in line) + "</tr>" for line in body) + "</table>"
    rates = "<table><tr><th>score<th>" + "<th>".join(map(escape, plan.arms)) + "</tr>"
    for score, shares in hit_rates(outcomes, plan.arms):
        rates += f"<tr><td>{score}<td>" + "<td>".join(f"{share:.0%}" for share in shares) + "</tr>"
    said = "".join(f"<p><b>{escape(sentence)}</b></p>" for sentence in verdicts(plan, outcomes))
    return page(
        title,
        f"<h1>{escape(title)}</h1><p>{plan.minutes:g} minutes a run on {plan.jobs} workers, {plan.seeds} seeds, "
        f"symmetry {escape(plan.symmetry)}, {seeds}"
        f"{escape(' '.join(['', *plan.options]))}.</p>{said}{table}"
        "<p class=soft>Runs are ranked by their best score, among equal ones by how soon it was reached. A pair is a "
        f"run of the arm and a run of the control ({CONTROL}); p is that of a two-sided permutation test.</p>"
        f"<h2>Best score so far: median and range</h2>{image(picture(plan, outcomes))}"
        f"<h2>Share of the runs that reached a score</h2>{rates}</table>",
    )
