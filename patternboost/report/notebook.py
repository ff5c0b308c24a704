"""How a run shows itself in a notebook: its best construction, the main figures, the curve of its best score."""

from __future__ import annotations

from html import escape

from patternboost.problem import ProblemError
from patternboost.report.data import best_curve, thinned
from patternboost.report.progress import time_text
from patternboost.report.run_table import state_of
from patternboost.store.drawing.picture import svg_if_any
from patternboost.store.records import compare
from patternboost.store.run_folder import RunFolder


def run_html(run: RunFolder) -> str:
    """A fragment of HTML without scripts; notebooks that do not trust it show it all the same."""
    log, best, unknown = run.read_log(), None, {}
    try:
        best = run.best()
    except ProblemError as error:  # its problem file was not named here: the rest of the run can be shown
        unknown = {"best": str(error)}
    facts = unknown | {"state": state_of(run), "folder": str(run.folder)}
    if log:
        facts |= {"generations": str(log[-1]["generation"] + 1), "time": time_text(log[-1]["seconds"])}
    picture = ""
    if best is not None:
        faults = best.check()
        verdict = f"INVALID: {faults[0]}" if faults else f"verified, {compare(best.problem, best.n, best.score)}"
        symmetry = {} if faults else {"symmetry": best.symmetry}
        facts = {"best": f"{best.score} ({verdict})"} | symmetry | facts
        picture = f'<div style="width:20rem">{svg_if_any(best) or ""}</div>'
    rows = "".join(
        f'<tr><td style="text-align:left">{name}</td><td style="text-align:left">{escape(text)}</td></tr>'
        for name, text in facts.items()
    )
    title = escape(f"{run.settings.problem} n={run.settings.n}")
    curve = _curve([(t, float(s)) for t, s in best_curve(log)])
    return (
        f'<div style="display:flex;gap:1.5rem;flex-wrap:wrap">{picture}'
        f"<div><b>{title}</b><table>{rows}</table>{curve}</div></div>"
    )


def _curve(points: list[tuple[float, float]]) -> str:
    """Best score against time as a small line of steps."""
    if len(points) < 2:
        return ""
    (start, low), (end, high) = points[0], points[-1]
    path = ""
    for t, score in thinned(points, 300):
        x, y = 300 * (t - start) / (end - start or 1), 52 - 44 * (score - low) / (high - low or 1)
        path += f"H{x:.1f}V{y:.1f}" if path else f"M{x:.1f} {y:.1f}"
    return (
        '<svg viewBox="-2 0 304 72" style="width:20rem;display:block"><title>best score against time</title>'
        f'<path d="{path}" fill="none" stroke="#3b82c4" stroke-width="2"/>'
        f'<text x="0" y="68" font-size="11" fill="currentColor">{low:.0f} to {high:.0f}</text>'
        f'<text x="300" y="68" font-size="11" text-anchor="end" fill="currentColor">{time_text(end)}</text></svg>'
    )
