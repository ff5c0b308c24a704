"""report.html: what a run found, in one self-contained file that needs no network and no program of ours."""

from __future__ import annotations

import dataclasses
import json
import shlex
from datetime import datetime
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from patternboost._version import __version__
from patternboost.report.data import origin_label, report_data, thinned
from patternboost.report.findings import Findings
from patternboost.report.progress import time_text
from patternboost.store.construction import Construction
from patternboost.store.drawing.picture import drawing_of, svg_if_any
from patternboost.store.files import write_text
from patternboost.store.records import compare, known_record
from patternboost.store.settings import Settings, to_toml

#: rows of the table of generations
_ROWS = 200
#: settings that have an option of their own
_OPTIONS = ("symmetry", "minutes", "generations", "target", "seed", "jobs", "device", "model", "improve", "backend")


@cache
def asset(name: str) -> str:
    """A file of this room: the page's style or script."""
    return (files("patternboost.report") / name).read_text(encoding="utf-8")


def page(title: str, body: str, scripts: str = "") -> str:
    """A whole page. Its policy lets it load nothing from anywhere."""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
script-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} - PatternBoost</title>
<style>
{asset("page.css")}</style></head><body>
{body}{scripts}</body></html>
"""


def embedded(data: Any) -> str:
    """Data as JSON inside a page: no text in it can end the element or begin a comment."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    text = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return f'<script type="application/json" id="data">{text}</script>\n'


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


def badge(best: Construction) -> str:
    """How a score stands beside the best known one, as a badge."""
    standing = compare(best.problem, best.n, best.score)
    kind = "record" if standing == "NEW RECORD" else "good" if standing in ("optimal", "equals best known") else ""
    known = known_record(best.problem, best.n)
    text = f"{standing} ({known.value})" if known and standing == "equals best known" else standing
    text = f"{standing}: {known.value} was the best known" if known and kind == "record" else text
    return f'<li class="{kind}">{escape(text)}</li>'


def verdict(best: Construction) -> str:
    """Whether a construction passes its verifier, as a badge."""
    faults = best.check()
    if faults:
        return f'<li class="bad">INVALID: {escape(faults[0])}</li>'
    return '<li class="good" title="checked from the definition, by code that the search does not share">verified</li>'


def _hero(findings: Findings) -> str:
    best, run, log = findings.best, findings.run, findings.log
    if best is None:
        return f'<div class="hero"><p>No construction yet. The run is {findings.state}.</p></div>'
    drawing = svg_if_any(best) or f"<pre>{escape(str(list(best.points)))}</pre>"
    facts = {"state": findings.state} if best.check() else {"symmetry": best.symmetry, "state": findings.state}
    if log:
        last = log[-1]
        facts["generations"] = str(last["generation"] + 1)
        facts["time"] = time_text(last["seconds"])
        facts["walks"] = f"{sum(sum(e['after'].values()) for e in log):,}"
        facts["leading class"] = str(last["leader"])
    model = run.settings.model
    facts["model"] = "none (this is a control)" if model == "none" else model
    if findings.control is not None:
        facts["control"] = findings.control[0].name
    origin = [f"{name} {best.found[name]}" for name in ("generation", "class", "origin", "date") if name in best.found]
    if origin:
        facts["found"] = ", ".join(origin)
    facts["certificate"] = f"best/{best.name}.json"
    facts["sha256"] = best.sha256
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts.items())
    return (
        f'<div class="hero"><div class="board">{drawing}</div><div><p class="score">{best.score} '
        f"<small>{'edges' if drawing_of(best.instance) == 'graph' else 'points'}</small></p>"
        f'<ul class="badges">{verdict(best)}{badge(best)}</ul><dl>{rows}</dl></div></div>'
    )


def _section(title: str, note: str, inside: str, kind: str = "") -> str:
    attribute = f' class="{kind}"' if kind else ""
    return f'<section{attribute}><h2>{title}</h2><p class="soft">{note}</p>{inside}</section>\n'


_HISTOGRAMS = """<div class="controls"><label class="slide">generation <input type="range" id="slider" min="0" step="1">
</label><output id="generation"></output><label>starts <select id="origin"></select></label>
<button id="play" type="button">Play</button></div>
<div class="columns"><figure id="before"><figcaption>Before local search: <output></output></figcaption>
<div class="plot"></div></figure><figure id="after"><figcaption>After local search: <output></output></figcaption>
<div class="plot"></div></figure></div>"""

_ATTENTION = """<div class="controls attention-controls"><label class="slide">step <input type="range" id="step" min="0"
step="1"></label><output id="step-text"></output><label>layer <select id="layer"></select></label>
<label>head <select id="head"></select></label></div>
<div class="attention"><figure><div id="attention-board"></div><figcaption>The stronger a disc, the more the model looks
at it while it chooses the cells with the red ring (one token is a whole orbit). <span id="prefix"></span></figcaption>
</figure><figure><div id="attention-matrix"></div><figcaption>All steps at once: a row is a token being written, a
column what it looks at (first the size and the class).</figcaption></figure></div>"""


def _sections(findings: Findings) -> str:
    log = findings.log
    parts = []
    if log:
        parts.append(_section("Best score against time", _control_note(findings), '<figure id="scores"></figure>'))
        note = "How many constructions have which score; the dashed line is the best so far."
        parts.append(_section("Scores before and after local search", note, _HISTOGRAMS))
        shares = _section("Valid, new, improved", "Shares per generation.", '<figure id="shares"></figure>')
        phases = _section("Time per phase", "Per generation.", '<figure id="phases"></figure>')
        parts.append(f'<div class="columns">{shares}{phases}</div>')
    if any((entry.get("train") or {}).get("loss") is not None for entry in log):
        note = "Cross-entropy per token against the generation; held-out sets are drawn anew in every generation."
        parts.append(_section("Loss", note, '<figure id="loss"></figure>'))
    if findings.gallery:
        note = "The best constructions of the pool, no two of them equal up to symmetry."
        inside = "".join(_thumbnail(c) for c in findings.gallery)
        parts.append(_section("Gallery", note, f'<div class="gallery">{inside}</div>', "long"))
    if findings.attention is not None:
        a = findings.attention
        note = f"What the transformer looks at while it writes one of its own samples ({escape(a['symmetry'])}, "
        parts.append(_section("Attention", note + f"generation {a['generation']}).", _ATTENTION))
    return "".join(parts)


def _control_note(findings: Findings) -> str:
    if findings.control is not None:
        name, differs = escape(findings.control[0].name), escape(findings.differs or "no setting but the seed")
        return f"Control: <code>{name}</code>, which differs in: {differs}."
    if findings.run.settings.model == "none":
        return "This run has no model: it is a control itself."
    return (
        "No control yet: the same search with --model none beside this run, or "
        "<code>patternboost report RUN --control RUN2</code>, adds its curve."
    )


def _thumbnail(c: Construction) -> str:
    drawing = svg_if_any(c) or ""
    generation = c.found.get("generation", -1)
    where = f"generation {generation}" if generation >= 0 else "seed"
    caption = (
        f"<b>{c.score}</b>, {escape(c.symmetry)}<br>{where}, from {escape(origin_label(str(c.found.get('origin'))))}"
    )
    return f'<figure><div class="board">{drawing}</div><figcaption>{caption}</figcaption></figure>'


def _table(log: list[dict[str, Any]]) -> str:
    if not log:
        return ""
    rows = "".join(
        f"<tr><td>{e['generation']}<td>{time_text(e['seconds'])}<td>{e['best']}<td>{sum(e['after'].values())}"
        f"<td>{e['new']:.0%}<td>{e['malformed']}/{e['sampled']}<td class=left>{escape(str(e['leader']))}"
        f"<td class=left>{', '.join(f'{escape(k)} {time_text(v)}' for k, v in e['phases'].items())}"
        for e in thinned(log, _ROWS)
    )
    return (
        '<section class="long"><details><summary>All generations</summary><div class="scroll"><table><tr>'
        "<th>generation<th>time<th>best<th>walks<th>new<th>malformed<th class=left>leading class<th class=left>phases"
        f"</tr>{rows}</table></div></details></section>\n"
    )


def _settings(settings: Settings) -> str:
    exact = (
        "Ends exactly the same on a machine of the same kind, with any number of jobs."
        if not settings.timed
        else "A budget in time ends as far as the machine got; a budget in --generations ends exactly the same."
    )
    return (
        f'<section class="long"><h2>The command that repeats it</h2><p class="soft">{exact}</p>'
        f'<pre class="command" id="command">{escape(command_line(settings))}</pre>'
        '<div class="controls"><button id="copy" type="button">Copy</button></div>'
        f"<details><summary>All settings</summary><pre>{escape(to_toml(settings))}</pre></details></section>\n"
    )


def report_html(findings: Findings) -> str:
    """The page."""
    settings, instance = findings.run.settings, findings.instance
    title = str(instance)
    known = known_record(instance.name, instance.n)
    control = findings.control[1] if findings.control is not None else None
    data = report_data(findings.log, control, known.value if known else None, findings.attention)
    now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    foot = f"Written {now} by patternboost {__version__} in {escape(str(findings.run.folder))}"
    foot += ", while the run goes on: load the page again for what is new." if findings.state == "running" else "."
    body = f"""<h1>{escape(title)}</h1>
<p class="soft definition">{escape(instance.problem.definition)}</p>
{_hero(findings)}
{_sections(findings)}{_table(findings.log)}{_settings(settings)}<p class="soft">{foot}</p>
"""
    scripts = f"{embedded(data)}<script>\n{asset('charts.js')}{asset('page.js')}</script>\n"
    return page(title, body, scripts)


def write_report(findings: Findings) -> None:
    """Write report.html, and the best construction's picture, into the run's folder."""
    run, best = findings.run, findings.best
    write_text(run.folder / "report.html", report_html(findings))
    drawing = svg_if_any(best) if best is not None else None
    if best is not None and drawing is not None:
        picture = run.best_path(best).with_suffix(".svg")
        if not picture.exists():
            write_text(picture, drawing)
