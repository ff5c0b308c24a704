"""A ladder's page and its closing table: score against n, what was gained, a picture per size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from patternboost.problem import Problem
from patternboost.report import page
from patternboost.report.html import drawn
from patternboost.report.progress import time_text
from patternboost.report.score_curve import score_curve
from patternboost.report.standing import badge, verdict
from patternboost.report.tables import render
from patternboost.store import library
from patternboost.store.archive import open_archive
from patternboost.store.files import write_text
from patternboost.store.records import compare, is_gain, known_record
from patternboost.studies.ladder.choosing import Visit
from patternboost.studies.ladder.plan import Plan

_HEAD = ("n", "before", "now", "gained", "best known", "standing")


def _row(problem: str, n: int, before: int, now: int, gain: bool) -> list[str]:
    known = known_record(problem, n)
    gained = "" if not gain else f"{now - before:+}" if before else "new"
    return [
        str(n),
        str(before or "-"),
        str(now or "-"),
        gained,
        str(known.value) if known else "-",
        compare(problem, n, now) if now else "-",
    ]


def text(plan: Plan, before: Mapping[int, int], now: Mapping[int, int], minimises: bool) -> str:
    """What the command prints: the sizes that gained."""
    gained = [n for n in sorted(now) if is_gain(before[n], now[n], minimises)]
    rows = [_row(plan.problem, n, before[n], now[n], True) for n in gained]
    if not rows:
        return f"no size from {plan.least} to {plan.most} gained"
    return "\n".join(render([dict(zip(_HEAD, row, strict=True)) for row in rows], _HEAD, "text").splitlines())


def html(
    plan: Plan, problem: Problem, before: Mapping[int, int], now: Mapping[int, int], visits: Sequence[Visit]
) -> str:
    """The page."""
    cards, rows = [], []
    with open_archive() as archive:
        for n in sorted(now):
            spent = [v for v in visits if v.n == n]
            seconds = time_text(sum(v.seconds for v in spent)) if spent else "-"
            gain = is_gain(before[n], now[n], problem.minimises)
            rows.append([*_row(plan.problem, n, before[n], now[n], gain), str(len(spent)), seconds])
            for construction in library.best(archive, problem.at(n)):
                facts = {"symmetry": construction.symmetry, "sha256": construction.sha256[:16]}
                if gain:
                    facts = {"gained": f"{before[n] or 'nothing'} to {now[n]}"} | facts
                cards.append(
                    {
                        "n": n, "score": construction.score, "drawing": drawn(construction),
                        "standing": [verdict(construction), badge(construction)], "facts": facts,
                    }
                )  # fmt: skip
    part = f", part {plan.part} of {plan.parts}" if plan.parts > 1 else ""
    return page.render(
        "ladder",
        title=f"{problem.name}, n = {plan.least} to {plan.most}{part}",
        note=problem.definition,
        protocol=f"{len(visits)} searches of {time_text(sum(v.seconds for v in visits))} in all, of "
        f"{time_text(60 * plan.minutes)} on {plan.jobs} workers; symmetry {plan.symmetry}"
        f"{' '.join(['', *plan.options])}.",
        gained=sum(is_gain(before[n], now[n], problem.minimises) for n in now),
        picture=score_curve(plan.problem, before, now, problem.minimises),
        head=[*_HEAD, "searches", "time"],
        rows=rows,
        cards=cards,
    )


def write(
    folder: Path,
    plan: Plan,
    problem: Problem,
    before: Mapping[int, int],
    now: Mapping[int, int],
    visits: Sequence[Visit],
) -> None:
    """Write the page to the ladder's folder."""
    write_text(folder / "index.html", html(plan, problem, before, now, visits))
