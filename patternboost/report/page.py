"""Pages from templates: self-contained, with everything escaped that is not marked as safe."""

from __future__ import annotations

import base64
import json
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


@cache
def asset(name: str) -> Markup:
    """A file of this room, trusted: the pages' style or a script."""
    return Markup((files("patternboost.report") / name).read_text(encoding="utf-8"))


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("patternboost.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals["asset"] = asset
    found.filters["base64"] = lambda content: base64.b64encode(content).decode()
    return found


def render(template: str, **values: Any) -> str:
    """The page that a template of this room (its name without .html.j2) makes of values."""
    return _environment().get_template(f"{template}.html.j2").render(**values)


def html_table(head: list[str], rows: list[list[str]]) -> str:
    """A table as a fragment of HTML, for notebooks."""
    macros: Any = _environment().get_template("macros.html.j2").module
    return str(macros.table(head, rows, (), "listing"))


def embedded(data: Any) -> Markup:
    """Data as JSON inside a page: no text in it can end the element or begin a comment."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    text = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return Markup(f'<script type="application/json" id="data">{text}</script>\n')
