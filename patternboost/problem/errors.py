"""What a problem, or a file of one, can have wrong with it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ProblemError(ValueError):
    """A problem, or a size of it, that cannot be used; the message is one line that says why and what would do."""


class ContractError(ProblemError):
    """A problem that breaks the contract; the message is one line that says where."""


class RuleError(ValueError):
    """A rule that cannot be compiled; the message is one line that says why and where."""


def likely(word: str, choices: Iterable[str], otherwise: str = "") -> str:
    """What to say of a word that is none of the choices: the likeliest ones, else `otherwise`, else all of them.

    >>> likely("isoceles", ["isosceles", "no-square"])
    'did you mean isosceles?'
    >>> likely("circle", ["isosceles", "no-square"])
    'use one of isosceles, no-square'
    """
    names = list(choices)
    near = difflib.get_close_matches(word, names, 3, 0.6)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return otherwise or f"use one of {', '.join(names)}"
