"""The page of a research lesson: the scores beside the lecture's, and as histograms of scores in and out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from patternboost.report.images import png
from patternboost.report.page import render
from patternboost.studies.lecture.experiments import Experiment
from patternboost.studies.lecture.research import ArmResult, Figures

#: what the results list, by attribute
LISTS = {
    "scores_in": "in",
    "free": "out, drawn freely",
    "masked": "out, under the legality mask",
    "improved": "local search from the samples",
    "from_nothing": "local search from nothing, as many steps",
}


def pooled(results: Sequence[ArmResult], arm: str, what: str) -> list[int]:
    """The scores of one arm, all seeds together."""
    return [s for r in results if r.arm.name == arm for s in getattr(r, what)]


def figure_rows(experiment: Experiment, results: Sequence[ArmResult]) -> list[tuple[str, str]]:
    """(what, figures) for every arm and every list of scores, all seeds together."""
    rows = []
    for arm in experiment.arms:
        for what, label in LISTS.items():
            scores = pooled(results, arm.name, what)
            if scores:
                rows.append((f"{arm.name}, {label}", str(Figures.of(scores))))
    return rows


def histograms(experiment: Experiment, results: Sequence[ArmResult]) -> bytes:
    """Scores in and out, a row for each list and a colour for each arm, as a PNG."""
    shown = [what for what in LISTS if any(getattr(r, what) for r in results)]

    def draw(figure: Any) -> None:
        axes = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
        for axis, what in zip(axes, shown, strict=True):
            for arm in experiment.arms:
                scores = np.array(pooled(results, arm.name, what))
                if not len(scores):  # its turn comes later
                    continue
                scores = np.maximum(scores, -1)  # wrong formats in a bar of their own, left of 0
                bins = np.arange(-1, scores.max() + 2) - 0.5
                axis.hist(scores, bins, density=True, alpha=0.6, label=arm.name)
            axis.set_title(f"{LISTS[what]}, n = {experiment.n}", loc="left", fontsize=9)
            axis.set_ylabel("share")
            if len(experiment.arms) > 1:
                axis.legend()
        axes[-1].set_xlabel("points (-1: wrong format)")

    return png(draw, 7, 2.1 * len(shown))


def research_html(experiment: Experiment, results: Sequence[ArmResult]) -> str:
    """The page."""
    models = [
        (r.arm.name, r.seed, f"{r.examples:,}", f"{r.steps:,}", f"{r.parameters:,}", f"{r.held_out_loss:.3f}",
         f"{r.seconds:.0f}", f"{r.new:.0%}")
        for r in results
    ]  # fmt: skip
    return render(
        "research",
        title=experiment.name,
        definition=experiment.definition,
        lecture=experiment.lecture,
        scores=figure_rows(experiment, results),
        histograms=histograms(experiment, results),
        head=("arm", "seed", "constructions", "steps", "parameters", "held-out loss", "s", "new"),
        models=models,
    )
