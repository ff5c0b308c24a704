"""report.html: what a run found, in one self-contained file."""

from __future__ import annotations

from html import escape
from typing import Any

from patternboost.construction import Construction
from patternboost.files import write_text
from patternboost.records import compare
from patternboost.run import Run
from patternboost.settings import to_toml

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --page: #fbfaf7; --soft: #8a94a0; --bar: #2b6cb0; --old: #c9a227; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ea; --page: #16191d; --soft: #8a94a0; --bar: #63a4e8; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.board svg { width: 100%; max-width: 30rem; height: auto; }
.charts { display: flex; flex-wrap: wrap; gap: 1.5rem; } figure { margin: 0; flex: 1 1 20rem; }
figcaption, .soft { color: var(--soft); font-size: .85rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; display: block; overflow-x: auto; }
td, th { padding: .15rem .7rem; text-align: right; border-bottom: 1px solid #8a94a044; }
pre { overflow-x: auto; font-size: .8rem; }
"""


def histogram_svg(histogram: dict[int, int], colour: str) -> str:
    """Bars of a score histogram with the scores below."""
    if not histogram:
        return "<p class=soft>nothing yet</p>"
    low, high = min(histogram), max(histogram)
    most = max(histogram.values())
    step = 400 / (high - low + 1)
    parts = []
    for score, count in sorted(histogram.items()):
        height = 110 * count / most
        x = (score - low) * step
        parts.append(
            f'<rect x="{x + step * 0.08:.1f}" y="{120 - height:.1f}" width="{step * 0.84:.1f}" height="{height:.1f}" '
            f'fill="{colour}"><title>{score}: {count}</title></rect>'
        )
    for score in sorted({low, (low + high) // 2, high}):
        x = (score - low + 0.5) * step
        parts.append(
            f'<text x="{x:.1f}" y="136" text-anchor="middle" font-size="12" fill="currentColor">{score}</text>'
        )
    return f'<svg viewBox="0 0 400 140" role="img">{"".join(parts)}</svg>'


def progress_svg(log: list[dict[str, Any]]) -> str:
    """The best score against time, as steps."""
    points = [(entry["seconds"], entry["best"]) for entry in log]
    if not points:
        return "<p class=soft>nothing yet</p>"
    end = max(t for t, _ in points) or 1.0
    low, high = min(b for _, b in points), max(b for _, b in points)
    spread = max(1, high - low)
    path, last = "", None
    for t, b in points:
        x, y = 30 + 360 * t / end, 110 - 95 * (b - low) / spread
        path += f"M{x:.1f} {y:.1f}" if last is None else f"H{x:.1f}V{y:.1f}"
        last = y
    return (
        f'<svg viewBox="0 0 400 140" role="img"><path d="{path}" fill="none" stroke="var(--bar)" stroke-width="2"/>'
        f'<text x="26" y="19" font-size="12" text-anchor="end" fill="currentColor">{high}</text>'
        f'<text x="26" y="114" font-size="12" text-anchor="end" fill="currentColor">{low if low < high else ""}</text>'
        f'<text x="390" y="136" font-size="12" text-anchor="end" fill="currentColor">{end:.0f} s</text></svg>'
    )


def _merged(log: list[dict[str, Any]], name: str) -> dict[int, int]:
    total: dict[int, int] = {}
    for entry in log:
        for score, count in entry[name].items():
            total[int(score)] = total.get(int(score), 0) + count
    return total


def report_html(run: Run, best: Construction | None, log: list[dict[str, Any]]) -> str:
    """The page."""
    s = run.settings
    title = f"{s.problem} n={s.n}"
    if best is None:
        head = "<p>No construction yet.</p>"
    else:
        from patternboost.report.picture import svg

        faults = best.check()
        verdict = "verified" if not faults else f"INVALID: {escape(faults[0])}"
        head = (
            f"<p><strong>{best.score} points</strong>, {verdict}, {escape(compare(best.problem, s.n, best.score))}; "
            f"symmetry: {best.symmetry}.</p><div class=board>{svg(best)}</div>"
        )
    rows = "".join(
        f"<tr><td>{e['generation']}<td>{e['seconds']:.0f}<td>{e['best']}<td>{sum(e['after'].values())}"
        f"<td>{e['new']:.0%}<td>{e['malformed']}/{e['sampled']}<td>{escape(str(e['leader']))}"
        f"<td>{' '.join(f'{escape(k)} {v:.1f}' for k, v in e['phases'].items())}"
        for e in log[-200:]
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} - PatternBoost</title><style>{_STYLE}</style></head><body>
<h1>{escape(title)}</h1>
{head}
<h2>Best score against time</h2>{progress_svg(log)}
<h2>Scores, all generations</h2>
<div class=charts>
<figure>{histogram_svg(_merged(log, "before"), "var(--old)")}<figcaption>starts of local search (model samples,
shaken elites, seeds), after repair</figcaption></figure>
<figure>{histogram_svg(_merged(log, "after"), "var(--bar)")}<figcaption>after local search</figcaption></figure>
</div>
<h2>Generations</h2>
<table><tr><th>generation<th>seconds<th>best<th>walks<th>new<th>malformed<th>leading class<th>seconds per phase</tr>
{rows}</table>
<h2>Settings</h2><pre>{escape(to_toml(s))}</pre>
<p class=soft>Reproduce: <code>patternboost search {escape(s.problem)} {s.n} --seed {s.seed} ...</code> with these
settings. Every score was checked from the problem's definition by code that the search does not share.</p>
</body></html>
"""


def write_report(run: Run, best: Construction | None, log: list[dict[str, Any]]) -> None:
    """Write report.html, and the best construction's picture, into the run's folder."""
    write_text(run.folder / "report.html", report_html(run, best, log))
    if best is not None:
        from patternboost.report.picture import svg

        write_text(run.best_path(best).with_suffix(".svg"), svg(best))
