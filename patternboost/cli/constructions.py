"""`export`, `verify` and `import`: constructions out of the program and into it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from patternboost.cli.errors import one_line
from patternboost.cli.options import SIZE, problem_names_for
from patternboost.problem import ProblemError

if TYPE_CHECKING:
    from patternboost.store.construction import Construction


@click.command()
@click.argument("what", metavar="RUN|PROBLEM|FILE", shell_complete=problem_names_for)
@click.argument("n", type=SIZE, required=False)
@click.option(
    "--format",
    "kind",
    help="json csv txt npz svg png tikz bits python rle graph6 dimacs checker.  "
    "[default: as the file's name ends, else json]",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file to write; - or nothing: stdout.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--problem", metavar="FILE.py", help="The problem of a certificate, where it is one of your own.")
def export(what: str, n: int | None, kind: str | None, output: Path | None, force: bool, problem: str | None) -> int:
    """Write the best construction of a run, of PROBLEM N in the archive, or of a certificate.

    \b
    patternboost export runs/isosceles-16-... --format svg -o board.svg
    patternboost export isosceles 16 --format tikz -o board.tex
    patternboost export isosceles 16 -o points.csv
    patternboost export best/isosceles-n16-28.json -o board.png
    patternboost export isosceles 64 --format checker -o check.py
    """
    from patternboost.api import export as run_export
    from patternboost.problem.errors import likely
    from patternboost.store.exporting import BY_ENDING, FORMATS

    wanted = None if output is None or str(output) == "-" else output
    if kind is None:
        kind = BY_ENDING.get(wanted.suffix.lower(), "json") if wanted is not None else "json"
    if kind not in FORMATS:
        raise click.UsageError(f"--format {kind}: {likely(kind, FORMATS)}")
    if wanted is not None and wanted.is_file() and not force:
        raise click.UsageError(f"-o {wanted}: is there already; --force replaces it")
    written = run_export(what, n, format=kind, output=wanted, problem=problem)
    if isinstance(written, bytes):
        sys.stdout.buffer.write(written)
    else:
        print(written)
    return 0


_from_one = click.option("--from-one", is_flag=True, help="The file's coordinates count from 1.")
_point = click.option("--point", metavar="CHARACTER", help="The character of a point on the file's boards.")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--picture",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw the (last) set, a forbidden set in it marked: FILE.svg, .png, .tikz or .tex.",
)
@click.option(
    "--problem",
    metavar="NAME|FILE.py",
    help="The problem, where a file does not say, or a problem file of your own.",
    shell_complete=problem_names_for,
)
@click.option("--n", type=SIZE, help="The size, where a file does not say.")
@_from_one
@_point
def verify(
    files: Sequence[Path], picture: Path | None, problem: str | None, n: int | None, from_one: bool, point: str | None
) -> int:
    """Check constructions from the definition alone; nothing is archived.

    A file may be a certificate or anything that `import` reads. Exit status 1 if a construction is invalid (a forbidden
    set, or a score, symmetry or hash that is not true), 2 if a file cannot be read.

    \b
    patternboost verify runs/*/best/*.json
    patternboost verify doubtful.json --picture why.svg
    patternboost verify board.txt --problem isosceles
    patternboost verify rooks-n12-12.json --problem rooks.py
    """
    from patternboost.store.drawing.picture import BY_SUFFIX
    from patternboost.store.files import FileError
    from patternboost.store.reading import read_file

    if picture is not None and picture.suffix.lower() not in BY_SUFFIX:
        raise click.UsageError(f"--picture {picture}: its name must end in {', '.join(BY_SUFFIX)}")
    status = 0
    for file in files:
        try:
            _, found = read_file(file, problem, n, from_one=from_one, point=point)
        except (FileError, ProblemError) as error:
            print(one_line(error), file=sys.stderr)
            status = 2
            continue
        for construction in found:
            faults = construction.check()
            if faults:
                status = max(status, 1)
                print(f"{file}: INVALID {construction.instance}: {'; '.join(faults)}{_sibling(construction)}")
            else:
                print(
                    f"{file}: valid {construction.instance} {construction.instance.problem.counted(construction.score)}"
                )
            if picture is not None:
                _draw(construction, picture)
    return status


def _sibling(construction: Construction) -> str:
    """A hint where a set that is not valid is one of a problem with a name like this one's; else nothing."""
    from patternboost.problem.registry import find_problem, problem_names
    from patternboost.store.construction import Construction as Set

    name, ground = construction.problem, construction.instance.problem.ground
    for other in problem_names():
        if other != name and (other.startswith(f"{name}-") or name.startswith(f"{other}-")):
            problem = find_problem(other)
            if type(problem.ground) is type(ground):
                there = Set.of(problem.at(construction.n), construction.points)
                if not there.check():
                    return f"; it is valid for {other}: {problem.title}"
    return ""


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
@click.option("--n", type=SIZE, help="The size, where a file does not say.")
@_from_one
@_point
def import_(files: Sequence[Path], problem: str | None, n: int | None, from_one: bool, point: str | None) -> int:
    """Verify constructions and put them into the archive.

    A file may be a certificate, a JSON object or list with points, points one a line, a Python list, boards of any two
    characters, a report that holds these, 0/1 strings (boards row by row, or upper triangles of graphs), RLE, graph6,
    sparse6, DIMACS, or npz; which it is is told from what is in it. Exit status 1 if a construction was refused, 2 if
    a file could not be read.

    \b
    patternboost import runs/*/best/*.json
    patternboost import points.csv --problem isosceles --n 16
    patternboost import generated.txt --problem isosceles
    """
    from patternboost.store.files import FileError
    from patternboost.store.importing import import_file

    counts = {"took": 0, "already there": 0, "refused": 0, "unreadable": 0}
    for file in files:
        try:
            imported = import_file(file, problem=problem, n=n, from_one=from_one, point=point)
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
