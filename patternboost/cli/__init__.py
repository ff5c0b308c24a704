"""The command line: thin calls of the Python functions of the same names.

Exit status: 0 done; 1 a construction is invalid, or a target was missed; 2 bad usage or unreadable input, in one line;
130 after Ctrl-C, with everything saved.
"""

from __future__ import annotations

import io
import sys

import click

from patternboost._version import __version__
from patternboost.cli import climbing, comparing, constructions, lessons, proving, runs, searching, tables
from patternboost.cli.errors import one_line, place_of_fault, words
from patternboost.cli.streams import forgiving_stderr, open_all


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="patternboost")
def cli() -> None:
    """Hunt for record constructions of extremal problems.

    \b
    patternboost search isosceles 16 --minutes 1     search and verify
    patternboost ladder isosceles 20-40 --minutes 20 many sizes, each seeded by its neighbours
    patternboost resume runs/isosceles-16-...        go on after Ctrl-C or a crash
    patternboost runs                                what runs, what is done
    patternboost watch runs/isosceles-16-...         follow one that runs elsewhere
    patternboost report runs/isosceles-16-... --open look at what it found
    patternboost records isosceles                   ours beside the best known
    patternboost verify best.json                    check a certificate
    patternboost new-problem my-problem              a problem of your own

    Every command has its own --help, with examples. Exit status: 0 done; 1 a construction is invalid, or a target was
    missed; 2 bad usage or unreadable input, in one line; 130 after Ctrl-C, with everything saved.
    """


for _room in (searching, climbing, comparing, proving, lessons, runs, constructions, tables):
    for _command in list(vars(_room).values()):
        if isinstance(_command, click.Command):
            cli.add_command(_command)


def main() -> None:
    """Run the command line and turn every foreseen error into one line and exit status 2."""
    open_all()
    with forgiving_stderr():
        status = _status()
    sys.exit(status)


def _status() -> int:
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
            print(f"patternboost: {words(error.format_message())}", file=sys.stderr)
        status = 2
    except MemoryError:
        print("patternboost: out of memory: a smaller memory_gib, batch or width needs less", file=sys.stderr)
        status = 2
    except OSError as error:  # disk full, no permission
        print(f"patternboost: {one_line(error)}", file=sys.stderr)
        status = 2
    except ValueError as error:  # our own refusals: unknown problem, bad setting, damaged file
        print(f"patternboost: {one_line(error)}{place_of_fault(error)}", file=sys.stderr)
        status = 2
    return status if isinstance(status, int) else 0
