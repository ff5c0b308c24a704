"""The command line: thin calls of the Python functions of the same names.

Exit status: 0 done; 1 a construction is invalid, or a target was missed; 2 bad usage or unreadable input, in one line;
130 after Ctrl-C, with everything saved.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from patternboost import __version__
from patternboost.problem import ProblemError
from patternboost.settings import BACKENDS, DEVICES, MODELS

_CLASSES = (
    "auto, none, half-turn, mirror, diagonal, both-mirrors, both-diagonals, quarter-turn, full, near-quarter-turn, "
    "mirror+half, both-mirrors+half"
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="patternboost")
def cli() -> None:
    """Hunt for record constructions of extremal problems.

    \b
    patternboost search isosceles 16 --minutes 1     search and verify
    patternboost resume runs/isosceles-16-...        go on after Ctrl-C or a crash
    patternboost records isosceles                   ours beside the best known
    patternboost verify best.json                    check a certificate
    """


@cli.command()
@click.argument("problem")
@click.argument("n", type=int)
@click.option("--symmetry", default="auto", show_default=True, metavar="CLASS", help=f"One of: {_CLASSES}.")
@click.option("--minutes", type=float, help="Time budget in minutes.")
@click.option("--hours", type=float, help="Time budget in hours.")
@click.option("--generations", type=click.IntRange(min=1), help="Budget in generations; repeatable to the bit.")
@click.option("--target", type=int, metavar="SCORE", help="Stop at this score; exit status 1 if it was missed.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of all randomness.")
@click.option("--jobs", type=click.IntRange(min=1), help="Workers.  [default: the machine's cores]")
@click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True)
@click.option(
    "--seed-from",
    multiple=True,
    metavar="PATH|archive",
    help="Certificates, a folder of them, a run, or the word archive: the best of smaller sizes. Repeatable.",
)
@click.option(
    "--model",
    type=click.Choice(MODELS),
    default="gpt",
    show_default=True,
    help="none: local search alone, the control.",
)
@click.option("--backend", type=click.Choice(BACKENDS), default="threading", show_default=True)
@click.option("--run-dir", type=click.Path(path_type=Path), help="The run's folder.  [default: runs/PROBLEM-N-TIME]")
@click.option("--set", "options", multiple=True, metavar="NAME=VALUE", help="Any other setting; see settings.toml.")
@click.option("--quiet", is_flag=True, help="No progress, only the last line.")
def search(problem: str, n: int, **options: Any) -> int:
    """Search PROBLEM (a name, or the path of a problem file) at size N.

    Without a budget it searches for one minute. The last line on stdout names the best certificate.

    \b
    patternboost search isosceles 16 --target 28 --minutes 3
    patternboost search isosceles 64 --hours 8 --seed-from archive
    patternboost search no-three-in-line 20 --minutes 2 --model none
    patternboost search my_problem.py 12 --generations 20 --seed 1
    """
    with _ctrl_c_ends_at_once():
        from patternboost.api import search as run_search

    return _finish(run_search(problem, n, **options))


@cli.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--minutes", type=float, help="A new total time budget.")
@click.option("--generations", type=click.IntRange(min=1), help="A new total number of generations.")
@click.option("--quiet", is_flag=True, help="No progress, only the last line.")
def resume(run: Path, minutes: float | None, generations: int | None, quiet: bool) -> int:
    """Continue RUN, a run's folder, up to its budget or a new one."""
    with _ctrl_c_ends_at_once():
        from patternboost.api import resume as run_resume

    return _finish(run_resume(run, minutes=minutes, generations=generations, quiet=quiet))


@contextmanager
def _ctrl_c_ends_at_once() -> Iterator[None]:
    """While kernels are loaded or, the first time, compiled: numba would swallow a KeyboardInterrupt and break."""
    before = signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _finish(result: Any) -> int:
    from patternboost.records import compare

    if result.best is None:
        print(f"nothing found in time; `patternboost resume {result.folder}` goes on", file=sys.stderr)
        return 130 if result.interrupted else 1
    best = result.best
    if compare(best.problem, best.n, best.score) == "NEW RECORD":
        print(f"*** NEW RECORD: {best.instance} has {best.score} points ***", file=sys.stderr)
    if result.interrupted:
        print(f"stopped; everything is saved: `patternboost resume {result.folder}` goes on", file=sys.stderr)
    elif result.missed:
        print("the target was missed", file=sys.stderr)
    print(f"best {best.score} {best.problem} n={best.n} verified {result.certificate}")
    return 130 if result.interrupted else int(result.missed)


@cli.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
def report(run: Path, show: bool) -> int:
    """Write RUN's report.html anew and say where it is."""
    from patternboost.report.html import write_report
    from patternboost.run import Run

    opened = Run.read(run)
    write_report(opened, opened.best(), opened.read_log())
    page = opened.folder / "report.html"
    print(page)
    if show:
        click.launch(str(page))
    return 0


@cli.command()
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


@cli.command()
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
            print(_one_line(error), file=sys.stderr)
            status = 2
            continue
        if faults:
            status = max(status, 1)
            print(f"{file}: INVALID {construction.instance}: {'; '.join(faults)}")
        else:
            print(f"{file}: valid {construction.instance} {construction.score} points")
        if picture is not None:
            from patternboost.report.board import svg

            write_text(picture, svg(construction, construction.witness()))
    return status


@cli.command(name="import")
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
                print(_one_line(error), file=sys.stderr)
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


@cli.command()
@click.argument("problem", required=False)
@click.option("--format", "kind", type=click.Choice(["text", "json", "csv", "markdown"]), default="text")
def records(problem: str | None, kind: str) -> int:
    """Our best constructions beside the best known scores."""
    from patternboost.record_table import record_rows, render

    print(render(record_rows(problem), kind), end="")
    return 0


@cli.command()
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


def main() -> None:
    """Run the command line and turn every foreseen error into one line and exit status 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names need not be UTF-8
    try:
        status = cli.main(prog_name="patternboost", standalone_mode=False)
    except click.exceptions.Abort:
        status = 130
    except KeyboardInterrupt:
        status = 130
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        if context is not None and len(sys.argv) == 1:
            print(context.get_help(), file=sys.stderr)
        else:
            print(f"patternboost: {_words(error.format_message())}", file=sys.stderr)
        status = 2
    except MemoryError:
        print("patternboost: out of memory: a smaller memory_gib, batch or width needs less", file=sys.stderr)
        status = 2
    except (ValueError, OSError) as error:
        # ValueError: our own refusals (unknown problem, bad setting, damaged file); OSError: disk full, no permission
        print(f"patternboost: {_one_line(error)}", file=sys.stderr)
        status = 2
    sys.exit(status if isinstance(status, int) else 0)


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror.lower()}"
    return _words(str(error))


def _words(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    main()
