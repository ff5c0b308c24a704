"""What several commands share: options, and what the shell may complete."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from patternboost.report.tables import FORMATS

#: what --symmetry takes on the n x n grid; other ground sets have classes of their own
CLASSES = (
    "auto",
    "none",
    "half-turn",
    "mirror",
    "diagonal",
    "both-mirrors",
    "both-diagonals",
    "quarter-turn",
    "full",
    "near-quarter-turn",
    "mirror+half",
    "both-mirrors+half",
    "both-mirrors+one-half",
)


class SizeType(click.ParamType):  # type: ignore[type-arg]
    """A size: a whole number, or the two sides of a board as in 6x9."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The size, see `problem.sizes`."""
        from patternboost.problem import ProblemError
        from patternboost.problem.ground import size_of

        try:
            return size_of(value if isinstance(value, int) else str(value))
        except ProblemError as error:
            self.fail(str(error), param, ctx)


#: what stands for n on the command line
SIZE = SizeType()

#: `--format` of the commands that list something
listing_format = click.option("--format", "kind", type=click.Choice(FORMATS), default="text", show_default=True)


def problem_names_for(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Problems whose name begins as typed; where none does, files: a problem may be one."""
    from patternboost.problem.registry import problem_names

    names = [CompletionItem(name) for name in problem_names() if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="file")]


def classes_for(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Symmetry classes of any ground set that begin as typed: what is typed before is not known here."""
    from patternboost.problem.ground import CUBE, EDGES, F3, TORUS

    others = (name for ground, n in ((TORUS, 6), (CUBE, 4), (F3, 4), (EDGES, 12)) for name in ground.classes(n))
    names = dict.fromkeys((*CLASSES, *others))
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def seeds_for(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The word archive, or files and folders."""
    if incomplete and "archive".startswith(incomplete):
        return [CompletionItem("archive")]
    return [CompletionItem(incomplete, type="file")]


def folders_for(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Folders, for runs."""
    return [CompletionItem(incomplete, type="dir")]
