"""`search` and `resume`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from patternboost.cli.options import CLASSES, SIZE, classes_for, folders_for, problem_names_for, seeds_for
from patternboost.store.settings import BACKENDS, DEVICES, IMPROVERS, MODELS, TRACKERS, parse_assignments
from patternboost.studies.ladder.plan import PLAN

if TYPE_CHECKING:
    from patternboost.api import Result
    from patternboost.studies.ladder.ladder import Climb

_track = click.option("--track", type=click.Choice(TRACKERS), help="Send the figures of every generation there too.")


@click.command()
@click.argument("problem", shell_complete=problem_names_for)
@click.argument("n", type=SIZE)
@click.option(
    "--symmetry",
    default="auto",
    show_default=True,
    metavar="CLASS",
    help=f"On the n x n grid one of: {', '.join(CLASSES)}. Other ground sets: docs/reference.md.",
    shell_complete=classes_for,
)
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
    metavar="PATH|archive|best|neighbours",
    shell_complete=seeds_for,
    help="Certificates, a folder of them, a run, or a word: archive (the best of smaller sizes), best (this size's "
    "too), neighbours (larger ones as well). Repeatable.",
)
@click.option(
    "--model",
    type=click.Choice(MODELS),
    default="gpt",
    show_default=True,
    help="none: local search alone, the control.",
)
@click.option(
    "--improve",
    type=click.Choice(IMPROVERS),
    default="tabu",
    show_default=True,
    help="solver: exact repairs (extra: exact); both: the share of either follows what pays.",
)
@click.option("--backend", type=click.Choice(BACKENDS), default="threading", show_default=True)
@click.option("--run-dir", type=click.Path(path_type=Path), help="The run's folder.  [default: runs/PROBLEM-N-TIME]")
@click.option("--set", "assignments", multiple=True, metavar="NAME=VALUE", help="Any other setting; see settings.toml.")
@_track
@click.option("--quiet", is_flag=True, help="No progress, only the last line.")
def search(problem: str, n: int, assignments: tuple[str, ...], **options: Any) -> int:
    """Search PROBLEM at size N.

    PROBLEM is a name (see `patternboost problems`) or the path of a problem file. Without a budget it searches for
    one minute. The last line on stdout names the best certificate.

    \b
    patternboost search isosceles 16 --target 28 --minutes 3
    patternboost search isosceles 64 --hours 8 --seed-from archive
    patternboost search no-three-in-line 20 --minutes 2 --model none
    patternboost search my_problem.py 12 --generations 20 --seed 1
    """
    with ctrl_c_ends_at_once():
        from patternboost.api import search as run_search

    given = parse_assignments(assignments)
    return _finish(run_search(problem, n, **(options | given)), options["quiet"])


@click.command()
@click.argument("run", type=click.Path(path_type=Path), shell_complete=folders_for)
@click.option("--minutes", type=float, help="A new total time budget.")
@click.option("--generations", type=click.IntRange(min=1), help="A new total number of generations.")
@_track
@click.option("--problem", metavar="FILE.py", help="The run's problem file, where it is not known here.")
@click.option("--quiet", is_flag=True, help="No progress, only the last line.")
def resume(
    run: Path, minutes: float | None, generations: int | None, track: str | None, problem: str | None, quiet: bool
) -> int:
    """Continue RUN, the folder of a run or of a ladder.

    Up to its budget, or to a new one.

    \b
    patternboost resume runs/isosceles-64-...                 after Ctrl-C, a crash or a power cut
    patternboost resume runs/isosceles-64-... --minutes 960   16 hours in all
    """
    if (run / PLAN).exists():
        with ctrl_c_ends_at_once():
            from patternboost.studies.ladder.ladder import resume_ladder

        return finish_ladder(resume_ladder(run, minutes=minutes, quiet=quiet, problem=problem))
    with ctrl_c_ends_at_once():
        from patternboost.api import resume as run_resume

    result = run_resume(run, minutes=minutes, generations=generations, quiet=quiet, track=track, problem=problem)
    return _finish(result, quiet)


@contextmanager
def ctrl_c_ends_at_once() -> Iterator[None]:
    """While kernels are loaded or, the first time, compiled: numba would swallow a KeyboardInterrupt and break.

    Also for what has nothing to save. The prompt gets a line of its own.
    """

    def leave(*_: object) -> None:
        os.write(2, b"\n")
        os._exit(130)

    before = signal.signal(signal.SIGINT, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def finish_ladder(result: Climb) -> int:
    """Print what a ladder came to; returns the exit status."""
    print(result)
    if result.interrupted:
        print(f"stopped; everything is saved: `patternboost resume {result.folder}` goes on", file=sys.stderr)
    print(result.folder / "index.html")
    return 130 if result.interrupted else 0


def _finish(result: Result, quiet: bool) -> int:
    from patternboost.api import follows

    if follows():
        return 0  # the first process says what came of it
    if result.idle and not quiet:
        print(f"nothing was left to do: {result.idle}", file=sys.stderr)
    if result.best is None:
        more = f"`patternboost resume {result.folder} --minutes M` (or --generations, in all) goes on"
        print(f"nothing found in time; {more}", file=sys.stderr)
        return 130 if result.interrupted else 1
    best = result.best
    if best.found.get("origin") == "seed":
        print(f"the best, {best.score}, came from a seed: the search found nothing better", file=sys.stderr)
    if result.interrupted:
        print(f"stopped; everything is saved: `patternboost resume {result.folder}` goes on", file=sys.stderr)
    elif result.missed:
        print("the target was missed", file=sys.stderr)
    print(f"best {best.score} {best.problem} n={best.n} verified {result.certificate}")
    return 130 if result.interrupted else int(result.missed)
