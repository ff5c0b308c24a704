"""`lesson`: the lecture's experiments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from patternboost.cli.searching import ctrl_c_ends_at_once
from patternboost.store.settings import DEVICES


@click.command()
@click.argument("name", required=False)
@click.option("--list", "listing", is_flag=True, help="List the lessons.")
@click.option("--steps", type=int, default=0, help="Training steps.  [default: 15000; research lessons: 1500]")
@click.option("--batch", type=click.IntRange(min=1), help="Strings per step.  [default: 32; research lessons: 64]")
@click.option(
    "--size", default="small", show_default=True, help="tiny, small, medium or large (27k to 800k weights); strings."
)
@click.option("--weight-decay", type=float, default=0.1, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True, help="Repeat a research lesson.")
@click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True)
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Threads.")
@click.option("--count", type=click.IntRange(min=0), default=0, help="Training strings.  [default: the lecture's]")
@click.option("--samples", type=click.IntRange(min=1), default=1_000, show_default=True, help="Strings sampled.")
@click.option(
    "--until", type=click.FloatRange(0, 1), default=0.0, help="Strings: end early once this share of samples obeys."
)
@click.option("--out", type=click.Path(path_type=Path), help="The folder.  [default: runs/lesson-NAME-TIME]")
@click.option("--quiet", is_flag=True, help="No progress.")
def lesson(name: str | None, listing: bool, **options: Any) -> int:
    """Run one of the lecture's experiments and print its result beside the lecture's.

    Data, model, samples, figures and a page (index.html: loss curve, attention of every layer and head) go to a folder.
    Ctrl-C ends the training; what was learned by then is judged and written.

    \b
    patternboost lesson --list
    patternboost lesson equal-digits
    patternboost lesson fibonacci --size medium --steps 100000 --jobs 2
    patternboost lesson bigram
    patternboost lesson smaller-sizes --seeds 5
    """
    with ctrl_c_ends_at_once():
        from patternboost.studies.lecture.experiments import EXPERIMENTS
        from patternboost.studies.lecture.lesson import LESSONS
        from patternboost.studies.lecture.lesson import lesson as run_lesson
        from patternboost.studies.lecture.strings import STRINGS

    if listing:
        for known, data in LESSONS.items():
            about = f"{len(data)} data sets: {', '.join(data)}"
            if len(data) == 1:
                about = STRINGS[known].definition
            elif known in EXPERIMENTS:
                about = EXPERIMENTS[known].definition
            print(f"{known:20} {about}")
        return 0
    if name is None:
        raise click.UsageError("which lesson? `patternboost lesson --list` names them")
    options["batch"] = options["batch"] or 0
    result = run_lesson(name, **options)
    for what, ours, theirs, lecture in result.rows:
        beside = "" if theirs == "-" else f", bigram {theirs}"
        print(f"{what}: {ours}{beside}; lecture: {lecture}")
    print(f"lesson {name} {result.folder / ('result.json' if name == 'bigram' else 'index.html')}")
    return 130 if result.interrupted else 0
