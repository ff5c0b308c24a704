"""`report`, `runs` and `watch`: runs as one looks at them."""

from __future__ import annotations

from pathlib import Path

import click

from patternboost.cli.options import folders_for, listing_format
from patternboost.cli.searching import ctrl_c_ends_at_once

_FOLDER = click.Path(path_type=Path)


@click.command()
@click.argument("run", type=_FOLDER, shell_complete=folders_for)
@click.option("--control", type=_FOLDER, metavar="RUN2", help="A run of the same problem and size to compare with.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE", help="The curves too, as .pdf, .png or .svg.")
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@click.option("--problem", metavar="FILE.py", help="The run's problem file, where it is not known here.")
def report(run: Path, control: Path | None, plot: Path | None, show: bool, problem: str | None) -> int:
    """Write RUN's report.html anew.

    A search writes it after every generation by itself; this is for another control, or a plot for a paper. Without
    --control the newest run beside it of the same problem, size and symmetry with --model none is the control.

    \b
    patternboost report runs/isosceles-64-... --open
    patternboost report runs/isosceles-64-... --control runs/isosceles-64-control
    patternboost report runs/isosceles-64-... --plot score.pdf
    """
    from patternboost.api import report as write_report

    page = write_report(run, control=control, plot=plot, problem=problem)
    if plot is not None:
        print(plot)
    print(page)
    if show:
        click.launch(str(page.resolve()))
    return 0


@click.command()
@click.argument("folder", type=_FOLDER, default="runs", shell_complete=folders_for)
@listing_format
def runs(folder: Path, kind: str) -> int:
    """List runs: running, stopped or finished.

    FOLDER holds the runs (default: runs). A stopped run goes on with `patternboost resume`, a running one can be
    followed with `patternboost watch`.

    \b
    patternboost runs
    patternboost runs /scratch/runs --format csv
    """
    from patternboost.report.progress import time_text
    from patternboost.report.run_table import COLUMNS, run_rows
    from patternboost.report.tables import render

    rows = run_rows(folder)
    if kind != "text":
        print(render(rows, COLUMNS, kind), end="")
    elif not rows:
        print(f"no runs in {folder}")
    else:
        columns = ["time" if name == "seconds" else name for name in COLUMNS]
        print(render([row | {"time": time_text(row["seconds"])} for row in rows], columns, kind), end="")
    return 0


@click.command()
@click.argument("run", type=_FOLDER, shell_complete=folders_for)
def watch(run: Path) -> int:
    """Follow RUN, which runs elsewhere.

    A line for every generation, until it ends. Ctrl-C ends the watching only; the run goes on. It may run on
    another machine that shares the folder, where file locks are shared too.

    \b
    patternboost watch runs/isosceles-64-...
    """
    with ctrl_c_ends_at_once():
        from patternboost.report.watching import watch as watch_run
        from patternboost.store.run_folder import RunFolder

        watch_run(RunFolder.read(run))
    return 0
