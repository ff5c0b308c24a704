"""`export`, `verify` and `import`: constructions out of the program and into it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from patternboost.cli.errors import one_line
from patternboost.cli.options import problem_names_for
from patternboost.problem import ProblemError

if TYPE_CHECKING:
    from patternboost.store.construction import Construction


@click.command()
@click.argument("what", metavar="RUN|PROBLEM", shell_complete=problem_names_for)
@click.argument("n", type=int, required=False)
@click.option("--format", "kind", default="json", show_default=True, help="json csv txt npz svg png tikz bits python")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file to write; - or nothing: stdout.")
def export(what: str, n: int | None, kind: str, output: Path | None) -> int:
    """Write the best construction of a run, or of PROBLEM N in the archive.

    \b
    patternboost export runs/isosceles-16-... --format svg -o board.svg
    patternboost export isosceles 16 --format tikz -o board.tex
    patternboost export isosceles 16 --format csv
    """
    from patternboost.api import export as run_export
    from patternboost.store.exporting import FORMATS

    if kind not in FORMATS:
        raise click.UsageError(f"--format {kind}: use one of {' '.join(FORMATS)}")
    wanted = None if output is None or str(output) == "-" else output
    written = run_export(what, n, format=kind, output=wanted)
    if isinstance(written, bytes):
        sys.stdout.buffer.write(written)
    else:
        print(written)
    return 0


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--picture",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw the (last) set, a forbidden set in it marked: FILE.svg, .png, .tikz or .tex.",
)
@click.option("--problem", metavar="FILE.py", help="A problem file of your own that the certificates are about.")
def verify(files: Sequence[Path], picture: Path | None, problem: str | None) -> int:
    """Check certificates from the definition alone.

    Exit status 1 if one is invalid (a forbidden set, or a score, symmetry or hash that is not true), 2 if one cannot
    be read.

    \b
    patternboost verify runs/*/best/*.json
    patternboost verify doubtful.json --picture why.svg
    patternboost verify rooks-n12-12.json --problem rooks.py
    """
    from patternboost.problem.registry import find_problem
    from patternboost.store.construction import load
    from patternboost.store.drawing.picture import BY_SUFFIX
    from patternboost.store.files import FileError

    if picture is not None and picture.suffix.lower() not in BY_SUFFIX:
        raise click.UsageError(f"--picture {picture}: its name must end in {', '.join(BY_SUFFIX)}")
    own = find_problem(problem) if problem else None
    status = 0
    for file in files:
        try:
            construction = load(file, own)
            faults = construction.check()
        except (FileError, ProblemError) as error:
            print(one_line(error), file=sys.stderr)
            status = 2
            continue
        if faults:
            status = max(status, 1)
            print(f"{file}: INVALID {construction.instance}: {'; '.join(faults)}")
        else:
            print(f"{file}: valid {construction.instance} {construction.score} points")
        if picture is not None:
            _draw(construction, picture)
    return status


def _draw(construction: Construction, picture: Path) -> None:
    """Write the picture, the forbidden set marked; say so where there is nothing that could be drawn."""
    from patternboost.store.drawing.picture import picture_bytes
    from patternboost.store.files import atomic_write

    try:
        content = picture_bytes(construction, picture.suffix, construction.witness())
    except ValueError as error:  # a point off the board
        print(f"no picture: {one_line(error)}", file=sys.stderr)
        return
    with atomic_write(picture) as file:
        file.write(content)


@click.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--problem", metavar="NAME", help="The problem, where a file does not say.", shell_complete=problem_names_for
)
@click.option("--n", type=int, help="The size, where a file does not say.")
def import_(files: Sequence[Path], problem: str | None, n: int | None) -> int:
    """Verify constructions and put them into the archive.

    A file may be a certificate, csv, boards of . and #, 0/1 strings (one a line, row by row), a Python or JSON list
    of points, or npz; which it is is told from what is in it. Exit status 1 if a construction was refused, 2 if a file
    could not be read.

    \b
    patternboost import runs/*/best/*.json
    patternboost import points.csv --problem isosceles --n 16
    patternboost import generated.txt --problem isosceles
    """
    from patternboost.api import import_file
    from patternboost.store.files import FileError

    counts = {"took": 0, "already there": 0, "refused": 0, "unreadable": 0}
    for file in files:
        try:
            imported = import_file(file, problem=problem, n=n)
        except (FileError, ProblemError) as error:
            print(one_line(error), file=sys.stderr)
            counts["unreadable"] += 1
            continue
        for one in imported:
            c = one.construction
            what = f"{c.instance}: {one.fault}" if one.fault else c.name
            counts[one.verdict] += 1
            print(f"{file} ({one.kind}): {one.verdict}: {what}")
    if sum(counts.values()) > 1:
        print(", ".join(f"{verb} {count}" for verb, count in counts.items() if count))
    return 2 if counts["unreadable"] else int(counts["refused"] > 0)
