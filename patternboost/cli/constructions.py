"""`export`, `verify` and `import`: constructions out of the program and into it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from patternboost.cli.errors import one_line
from patternboost.problem import ProblemError


@click.command()
@click.argument("what")
@click.argument("n", type=int, required=False)
@click.option("--format", "kind", default="json", show_default=True, help="json csv txt npz svg png tikz bits python")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file to write; - or nothing: stdout.")
def export(what: str, n: int | None, kind: str, output: Path | None) -> int:
    """Export the best construction of a run, or of PROBLEM N in the archive.

    \b
    patternboost export runs/isosceles-16-... --format svg -o board.svg
    patternboost export isosceles 16 --format tikz -o board.tex
    """
    from patternboost.archive import Archive
    from patternboost.export import FORMATS, export_bytes, export_file
    from patternboost.registry import problem
    from patternboost.run import Run

    if kind not in FORMATS:
        raise click.UsageError(f"--format {kind}: use one of {' '.join(FORMATS)}")
    if n is None:
        best = Run.read(Path(what)).best()
        where = what
    else:
        instance = problem(what, n)
        with Archive() as archive:
            best = next(iter(archive.best(instance)), None)
        where = f"the archive for {instance}"
    if best is None:
        raise click.UsageError(f"nothing to export: there is no construction in {where}")
    if output is None or str(output) == "-":
        sys.stdout.buffer.write(export_bytes(best, kind))
    else:
        export_file(best, kind, output)
        print(output)
    return 0


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--picture", type=click.Path(path_type=Path), help="Draw the (last) set, forbidden points marked, as SVG."
)
@click.option("--problem", metavar="FILE.py", help="A problem file of your own that the certificates are about.")
def verify(files: Sequence[Path], picture: Path | None, problem: str | None) -> int:
    """Check certificates from the definition alone; exit status 1 if one is invalid, 2 if one cannot be read."""
    from patternboost.construction import load
    from patternboost.files import FileError, write_text
    from patternboost.registry import find_problem

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
            from patternboost.report.picture import svg

            write_text(picture, svg(construction, construction.witness()))
    return status


@click.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--problem", help="The problem, where a file does not say.")
@click.option("--n", type=int, help="The size, where a file does not say.")
def import_(files: Sequence[Path], problem: str | None, n: int | None) -> int:
    """Verify constructions and put them into the archive: certificates, csv, boards, 0/1 strings, lists, npz."""
    from patternboost.archive import Archive
    from patternboost.files import FileError
    from patternboost.importing import read_constructions

    status = 0
    with Archive() as archive:
        for file in files:
            try:
                constructions = read_constructions(file, problem, n)
            except (FileError, ProblemError) as error:
                print(one_line(error), file=sys.stderr)
                status = 2
                continue
            for construction in constructions:
                faults = construction.check()
                if faults:
                    status = max(status, 1)
                    print(f"{file}: refused {construction.instance}: {faults[0]}")
                else:
                    new = archive.add([construction])
                    print(f"{file}: {'took' if new else 'already there'}: {construction.name}")
    return status
