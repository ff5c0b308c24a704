"""report.html: what a run found, in one self-contained file that needs no network and no program of ours."""

from __future__ import annotations

import dataclasses
import shlex
from datetime import datetime
from typing import Any

from markupsafe import Markup

from patternboost._version import __version__
from patternboost.loop.origins import Origin
from patternboost.problem import Instance
from patternboost.report.data import learned, origin_label, origin_rows, report_data, thinned
from patternboost.report.findings import Findings
from patternboost.report.page import embedded, render
from patternboost.report.progress import time_text
from patternboost.report.standing import badge, verdict
from patternboost.store.construction import Construction
from patternboost.store.drawing.picture import drawing_of, svg_if_any
from patternboost.store.files import write_text
from patternboost.store.records import known_record
from patternboost.store.settings import Settings, to_toml

_RUNNING = ", while the run goes on: load the page again for what is new."
#: rows of the table of generations
_ROWS = 200
#: settings that have an option of their own
_OPTIONS = (
    "symmetry", "minutes", "generations", "target", "seed", "jobs", "device", "model", "improve", "backend",
)  # fmt: skip


def command_line(settings: Settings) -> str:
    """The command that repeats a search: every setting that is not the default."""
    defaults = Settings(settings.problem, settings.n)
    words = ["patternboost", "search", settings.problem, str(settings.n)]
    for field in dataclasses.fields(Settings):
        name, value = field.name, getattr(settings, field.name)
        if name in ("problem", "n") or (value == getattr(defaults, name) and name not in ("seed", "jobs")):
            continue
        if name == "seed_from":
            words += [word for source in value for word in ("--seed-from", source)]
            continue
        words += [f"--{name}", _text(value)] if name in _OPTIONS else ["--set", f"{name}={_text(value)}"]
    return shlex.join(words)


def _text(value: object) -> str:
    """A setting as it is typed."""
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def drawn(construction: Construction) -> Markup:
    """A construction's picture, or its points where it has none."""
    drawing = svg_if_any(construction)
    return Markup(drawing) if drawing else Markup("<pre>{}</pre>").format(list(construction.points))


def _of_best(findings: Findings, best: Construction) -> dict[str, str]:
    """What is told beside the best construction."""
    run, log = findings.run, findings.log
    facts = {"state": findings.state} if best.check() else {"symmetry": best.symmetry, "state": findings.state}
    if log:
        last = log[-1]
        facts["generations"] = str(last["generation"] + 1)
        facts["time"] = time_text(last["seconds"])
        facts["walks"] = f"{sum(sum(e['after'].values()) for e in log):,}"
        facts["leading class"] = str(last["leader"])
    facts["model"] = "none: local search alone" if run.settings.model == "none" else run.settings.model
    if findings.control is not None:
        facts["control"] = findings.control[0].name
    found = dict(best.found)
    if "origin" in found:
        found["origin"] = origin_label(str(found["origin"]))
    origin = [f"{name} {found[name]}" for name in ("generation", "class", "origin", "date") if name in found]
    if origin:
        facts["found"] = ", ".join(origin)
    if run.settings.model != "none":
        facts["the model's part"] = _part_of_model(log, str(best.found.get("origin")))
    facts["certificate"] = f"best/{best.name}.json"
    facts["sha256"] = best.sha256
    return facts


def _part_of_model(log: list[dict[str, Any]], origin: str) -> str:
    """Whether the best came of the model, and how many of the sets that were new did."""
    of_model = [name for name in Origin if name.of_model]
    new = {name: sum(int(e["origins"].get(name, {}).get("new", 0)) for e in log) for name in Origin}
    share = f"{sum(new[name] for name in of_model):,} of {sum(new.values()):,} new sets"
    return f"the best came of it; {share}" if origin in of_model else f"none in the best; {share}"


def _control_note(findings: Findings) -> Markup:
    if findings.control is not None:
        differs = findings.differs or "no setting but seed, budget and jobs"
        return Markup("Control: <code>{}</code>, which differs in: {}.").format(findings.control[0].name, differs)
    if findings.run.settings.model == "none":
        return Markup("This run has no model: it is a control itself.")
    return Markup(
        "No control yet: the same search with --model none beside this run, or "
        "<code>patternboost report RUN --control RUN2</code>, adds its curve."
    )


def _thumbnail(c: Construction) -> dict[str, Any]:
    generation = c.found.get("generation", -1)
    return {
        "drawing": drawn(c),
        "score": c.score,
        "symmetry": c.symmetry,
        "where": f"generation {generation}" if generation >= 0 else "before the first generation",
        "origin": origin_label(str(c.found.get("origin"))),
    }


def _generation(e: dict[str, Any]) -> list[str]:
    """A row of the table of generations."""
    phases = ", ".join(f"{k} {time_text(v)}" for k, v in e["phases"].items())
    walks, malformed = sum(e["after"].values()), f"{e['malformed']}/{e['sampled']}"
    row = (
        e["generation"],
        time_text(e["seconds"]),
        e["best"],
        walks,
        f"{e['new']:.0%}",
        malformed,
        e["leader"],
        phases,
    )
    return [str(cell) for cell in row]


def _unit(instance: Instance) -> str:
    """What a score counts."""
    own = instance.problem.objective
    if own is not None:
        return own.name if own.unit == 1 else f"{own.name}, in parts of {own.unit}"
    return "edges" if drawing_of(instance) == "graph" else "points"


def report_html(findings: Findings) -> str:
    """The page."""
    settings, instance, best, log = findings.run.settings, findings.instance, findings.best, findings.log
    known = known_record(instance.name, instance.n)
    control = findings.control[1] if findings.control is not None else None
    now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    foot = f"Written {now} by patternboost {__version__} in {findings.run.folder}"
    seen = findings.attention
    return render(
        "report",
        title=str(instance),
        definition=instance.problem.definition,
        best=best,
        state=findings.state,
        drawing="" if best is None else drawn(best),
        unit=_unit(instance),
        standing=[] if best is None else [verdict(best), badge(best)],
        of_best={} if best is None else _of_best(findings, best),
        control_note=_control_note(findings),
        losses=any((entry.get("train") or {}).get("loss") is not None for entry in log),
        learned=learned(log),
        gallery=[_thumbnail(c) for c in findings.gallery],
        attention=seen
        and f"What the transformer attends to while it writes one of its own samples ({seen['symmetry']}, generation "
        f"{seen['generation']}).",
        origin_head=("walks from", "walks", "time of all workers", "new sets", "best", "times"),
        origin_rows=origin_rows(log),
        head=("generation", "time", "best", "walks", "new", "malformed", "leading class", "phases"),
        generations=[_generation(e) for e in thinned(log, _ROWS)],
        left=(6, 7),
        exact="A budget in time ends as far as the machine got; a budget in --generations ends exactly the same."
        if settings.timed
        else "Ends exactly the same on a machine of the same kind, with any number of jobs.",
        command=command_line(settings),
        settings=to_toml(settings),
        foot=foot + (_RUNNING if findings.state == "running" else "."),
        data=embedded(report_data(log, control, known.value if known else None, seen)),
    )


def write_report(findings: Findings) -> None:
    """Write report.html, and the best construction's picture, into the run's folder."""
    run, best = findings.run, findings.best
    write_text(run.folder / "report.html", report_html(findings))
    drawing = svg_if_any(best) if best is not None else None
    if best is not None and drawing is not None:
        picture = run.best_path(best).with_suffix(".svg")
        if not picture.exists():
            write_text(picture, drawing)
