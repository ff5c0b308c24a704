"""`report`, `records` and `problems`: what there is to look at."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--control", type=click.Path(path_type=Path), help="A run of the same without a model, to compare with.")
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
def report(run: Path, control: Path | None, show: bool) -> int:
    """Write RUN's report.html anew and say where it is."""
    from patternboost.report.findings import gather
    from patternboost.report.html import write_report
    from patternboost.run import Run

    opened = Run.read(run)
    write_report(gather(opened, control))
    page = opened.folder / "report.html"
    print(page)
    if show:
        click.launch(str(page))
    return 0


@click.command()
@click.argument("problem", required=False)
@click.option("--format", "kind", type=click.Choice(["text", "json", "csv", "markdown"]), default="text")
def records(problem: str | None, kind: str) -> int:
    """Our best constructions beside the best known scores."""
    from patternboost.record_table import record_rows, render

    print(render(record_rows(problem), kind), end="")
    return 0


@click.command()
@click.option("--format", "kind", type=click.Choice(["text", "json"]), default="text")
def problems(kind: str) -> int:
    """The problems that can be searched."""
    from patternboost.registry import find_problem, problem_names

    found = [find_problem(name) for name in problem_names()]
    if kind == "json":
        rows = [{"name": p.name, "title": p.title, "definition": p.definition, "sources": p.sources} for p in found]
        print(json.dumps(rows, indent=1))
    else:
        for p in found:
            print(f"{p.name:20} {p.title}")
    return 0
