"""`prove`: exact optima, as far as they go."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from patternboost.cli.options import CLASSES, SIZE, classes_for, problem_names_for
from patternboost.cli.searching import ctrl_c_ends_at_once


@click.command()
@click.argument("problem", shell_complete=problem_names_for)
@click.argument("n", type=SIZE)
@click.option(
    "--symmetry",
    default="none",
    show_default=True,
    metavar="CLASS",
    help=f"On the n x n grid one of: {', '.join(CLASSES[1:])}. Other ground sets: docs/reference.md.",
    shell_complete=classes_for,
)
@click.option("--minutes", type=float, help="Time budget in minutes.  [default: until it is proved]")
@click.option("--jobs", type=click.IntRange(min=1), help="Solver threads.  [default: the machine's cores]")
@click.option("--target", metavar="SCORE|2n", help="Ask only whether so many points can be.")
@click.option("--all", "every", is_flag=True, help="Find and count every optimum, one for each up to symmetry.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of all randomness.")
@click.option(
    "--run-dir",
    type=click.Path(path_type=Path),
    help="Where certificate and proof.json go.  [default: runs/proof-PROBLEM-N-CLASS]",
)
@click.option("--quiet", is_flag=True, help="No progress, only the last line.")
def prove(problem: str, n: int, **options: Any) -> int:
    """Prove the optimum of PROBLEM at size N, or say between which bounds it lies.

    With a symmetry class: the optimum among the constructions of that class. Ctrl-C says what is known by then; it is
    kept in the archive, and the next proof begins there.

    \b
    patternboost prove isosceles 8
    patternboost prove isosceles 16 --symmetry both-mirrors
    patternboost prove no-three-in-line 40 --symmetry quarter-turn --target 2n
    patternboost prove no-three-in-line 8 --all
    """
    with ctrl_c_ends_at_once():
        from patternboost.api import prove as run_proof

    result = run_proof(problem, n, **options)
    proof = result.proof
    if result.interrupted:
        print("stopped; what is known is in the archive, and the next proof begins there", file=sys.stderr)
    elif result.missed:
        print("the target was neither reached nor proved impossible in time", file=sys.stderr)
    if result.optima is not None:
        print(result.optima)
    where = f"{proof.problem} n={proof.n}" + ("" if proof.symmetry == "none" else f" within {proof.symmetry}")
    tail = "" if result.certificate is None else f" {result.certificate}"
    if proof.status == "optimal":
        print(f"optimum {proof.lower} {where} proved{tail}")
    elif proof.status == "infeasible":
        print(f"at most {proof.upper} {where} proved{tail}")
    elif proof.status == "feasible":
        print(f"found {proof.lower} {where} verified{tail}")
    else:
        print(f"between {proof.lower} and {proof.upper} {where}{tail}")
    if result.interrupted:
        return 130
    return int(result.missed)
