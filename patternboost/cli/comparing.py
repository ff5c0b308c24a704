"""`compare`: arms of a search at equal wall time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from patternboost.cli.options import SIZE, classes_for, problem_names_for, seeds_for
from patternboost.cli.searching import ctrl_c_ends_at_once
from patternboost.store.settings import parse_assignments


@click.command()
@click.argument("problem", shell_complete=problem_names_for)
@click.argument("n", type=SIZE)
@click.option("--minutes", type=float, default=1.0, show_default=True, help="Wall time of every run.")
@click.option("--seeds", type=click.IntRange(min=1), default=5, show_default=True, help="Runs of every arm.")
@click.option(
    "--arms",
    default="gpt,none",
    show_default=True,
    help="Some of gpt, every-size, graph, vit, gpt-policy, gpt-preference, gpt-ask-above, none, bigram, unigram, "
    "greedy, exact; with seeds: seeded, unseeded, seeded-unigram, unseeded-unigram, unseeded-none, made-seeds; "
    "without-PROPOSER.",
)
@click.option("--jobs", type=click.IntRange(min=1), help="Workers of every run.  [default: all cores, shared by runs]")
@click.option(
    "--at-once", type=click.IntRange(min=1), default=1, show_default=True, help="Runs side by side, each a process."
)
@click.option("--symmetry", default="auto", show_default=True, metavar="CLASS", shell_complete=classes_for)
@click.option(
    "--target", type=click.IntRange(min=1), metavar="SCORE", help="Time to it.  [default: the control's best]"
)
@click.option(
    "--seed-from",
    multiple=True,
    metavar="PATH|archive",
    shell_complete=seeds_for,
    help="Constructions of smaller sizes for all runs alike, as `search` takes them.",
)
@click.option("--set", "assignments", multiple=True, metavar="NAME=VALUE", help="Any setting of the searches.")
@click.option(
    "--run-dir", "--out", type=click.Path(path_type=Path), help="The folder.  [default: runs/compare-PROBLEM-N]"
)
@click.option("--quiet", is_flag=True, help="No progress.")
def compare(problem: str, n: int, arms: str, target: int | None, assignments: tuple[str, ...], **options: Any) -> int:
    """Compare arms of the search for PROBLEM at size N: with the model, without, and others.

    Every run gets the same wall time and workers; arms take turns, so that whatever else the machine does hits all
    alike. Prints best scores, time to a target and a verdict against the control (none, or unseeded), and writes
    a page. All of it takes minutes x seeds x arms; 10 to 20 minutes a run tell something at n = 64. On a machine of
    many cores --at-once makes several runs side by side. Stopped at any moment, the same command continues; with more
    --seeds or --arms it goes further.

    \b
    patternboost compare isosceles 32 --minutes 2 --seeds 10
    patternboost compare isosceles 64 --minutes 15 --seeds 10 --arms gpt,none,bigram,greedy
    patternboost compare isosceles 64 --minutes 10 --seeds 10 --seed-from archive --arms seeded,unseeded
    patternboost compare isosceles 64 --minutes 10 --seeds 10 --arms gpt,without-elite
    patternboost compare isosceles 64 --minutes 10 --seeds 10 --jobs 1 --at-once 16
    """
    with ctrl_c_ends_at_once():
        from patternboost.studies.compare.comparison import compare as run_compare

    names = [arm.strip() for arm in arms.split(",")]
    result = run_compare(problem, n, arms=names, target=target or 0, **(options | parse_assignments(assignments)))
    print(result)
    print(result.folder / "index.html")
    return 130 if result.interrupted else 0
