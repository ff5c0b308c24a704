"""Every foreseen error as one line."""

from __future__ import annotations

import traceback
from pathlib import Path


def one_line(error: Exception) -> str:
    """What the error says, in one line."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror.lower()}"
    return words(str(error))


def place_of_fault(error: Exception) -> str:
    """Where in the program an error arose that nobody raised on purpose, in brackets; nothing for a refusal of ours."""
    at = traceback.extract_tb(error.__traceback__)[-1:]
    if not at or not at[0].line or at[0].line.lstrip().startswith("raise"):
        return ""
    return f" (a fault of the program, {Path(at[0].filename).name} line {at[0].lineno}: please report it)"


def words(text: str) -> str:
    """The text without its line breaks."""
    return " ".join(text.split())
