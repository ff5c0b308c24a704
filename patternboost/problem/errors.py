"""What a problem, or a file of one, can have wrong with it."""

from __future__ import annotations


class ProblemError(ValueError):
    """A problem, or a size of it, that cannot be used; the message is one line that says why and what would do."""


class ContractError(ProblemError):
    """A problem that breaks the contract; the message is one line that says where."""


class RuleError(ValueError):
    """A rule that cannot be compiled; the message is one line that says why and where."""
