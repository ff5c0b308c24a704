"""`records`, `problems`, `check` and `new-problem`: what is known, and what is yours."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from patternboost.cli.options import SIZE, listing_format, problem_names_for


@click.command()
@click.argument("problem", required=False, shell_complete=problem_names_for)
@listing_format
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write a page with a picture per n.")
def records(problem: str | None, kind: str, html: Path | None) -> int:
    """Our best constructions beside the best known.

    With who found them and when. Ours are those of the archive and those that ship with the program.

    \b
    patternboost records
    patternboost records isosceles --format markdown
    patternboost records isosceles --html records.html
    """
    from patternboost.report.record_table import COLUMNS, record_rows
    from patternboost.report.tables import render

    rows = record_rows(problem)
    if html is None:
        print(render(rows, COLUMNS, kind), end="")
    else:
        from patternboost.problem.registry import find_problem, is_path
        from patternboost.report.records_page import write_records_page

        write_records_page(html, rows, find_problem(problem) if problem is not None and is_path(problem) else None)
        print(html)
    return 0


@click.command()
@listing_format
def problems(kind: str) -> int:
    """List the problems that can be searched.

    A file of your own (.py) is a problem too: see docs/howto.md.

    \b
    patternboost problems
    patternboost problems --format json
    """
    from patternboost.problem.registry import find_problem, problem_names
    from patternboost.report.tables import render

    found = [find_problem(name) for name in problem_names()]
    if kind == "text":
        for p in found:
            print(f"{p.name:24} {p.title}")
        return 0
    rows: list[dict[str, Any]] = [
        {"name": p.name, "title": p.title, "definition": p.definition, "sources": "; ".join(p.sources)} for p in found
    ]
    if kind == "json":
        rows = [row | {"sources": list(p.sources)} for row, p in zip(rows, found)]
    print(render(rows, ("name", "title", "definition", "sources"), kind), end="")
    return 0


@click.command()
@click.argument("problem", shell_complete=problem_names_for)
@click.argument("n", type=SIZE, required=False)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="What a single call of the rule may take.",
)
def check(problem: str, n: int | None, seconds: float) -> int:
    """Does the rule of PROBLEM, a name or a file, agree with its definition?

    Compares what `complete` forbids with what `violation` says: on all choices of the smallest sizes and on random ones
    of larger sizes, and at size N if that is given; also whether the ground set's symmetries preserve it. The rule runs
    in a process of its own, so that one that never ends or crashes is told as well. Ends at the first thing that is
    wrong, with one line that names it and exit status 2.

    \b
    patternboost check my_problem.py
    patternboost check my_problem.py 64
    patternboost check no-three-in-line
    """
    from patternboost.problem import contract
    from patternboost.problem.registry import find_problem
    from patternboost.search.contract_apart import check_apart

    found = find_problem(problem)
    extra = [] if n is None else [found.at(n).n]
    check_apart(problem, extra, lambda line: print(line, file=sys.stderr), seconds)
    sizes = ", ".join(map(str, sorted({*contract.sizes(found), *extra})))
    print(f"ok {found.name}: rule, definition and symmetries agree at n = {sizes}")
    return 0


@click.command("new-problem")
@click.argument("name")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False, exists=True), default=".", show_default=True)
def new_problem(name: str, folder: Path) -> int:
    """Write a problem file called NAME, commented and working, to make your own from.

    \b
    patternboost new-problem my-problem
    patternboost check my_problem.py
    patternboost search my_problem.py 12
    """
    from patternboost.store.new_problem import new_problem as write_problem

    path = write_problem(name, folder)
    print(f"wrote {path}; next: patternboost check {path}, then patternboost search {path} 12", file=sys.stderr)
    print(path)
    return 0
