"""`ladder`: many sizes in one budget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from patternboost.cli.options import problem_names_for
from patternboost.cli.searching import ctrl_c_ends_at_once, finish_ladder
from patternboost.store.settings import parse_assignments


@click.command()
@click.argument("problem", shell_complete=problem_names_for)
@click.argument("sizes", metavar="A-B")
@click.option("--minutes", type=float, help="Wall time in all.  [default: 60]")
@click.option("--hours", type=float, help="The same in hours; the first reached counts.")
@click.option("--jobs", type=click.IntRange(min=1), help="Sizes that are searched at once.  [default: the cores]")
@click.option(
    "--part", metavar="I/K", help="Only every K-th size, from the I-th on; array: as the SLURM array task says."
)
@click.option("--symmetry", default="auto", show_default=True, metavar="CLASS", help="Symmetry class, or auto.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of all randomness.")
@click.option("--set", "assignments", multiple=True, metavar="NAME=VALUE", help="Any setting of the searches.")
@click.option(
    "--run-dir", type=click.Path(path_type=Path), help="The ladder's folder.  [default: runs/ladder-PROBLEM-A-B]"
)
@click.option("--quiet", is_flag=True, help="No progress.")
def ladder(problem: str, sizes: str, assignments: tuple[str, ...], **options: Any) -> int:
    """Search PROBLEM at all sizes from A to B, each seeded by its neighbours.

    Constructions go up and down: what is valid at another size counts there too, and the best of all sizes say where to
    look. First every size is searched once, then those where a gain is likely. Finds go to the archive at once; the
    page shows score against n. Stopped at any moment, the same command continues; with more --hours it goes further.

    \b
    patternboost ladder isosceles 20-40 --minutes 20
    patternboost ladder isosceles 20-100 --hours 8
    patternboost ladder isosceles 20-100 --hours 8 --part 3/16      # on the third of sixteen machines
    """
    with ctrl_c_ends_at_once():
        from patternboost.studies.ladder.ladder import ladder as climb

    return finish_ladder(climb(problem, sizes, **(options | parse_assignments(assignments))))
