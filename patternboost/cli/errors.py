"""Every foreseen error as one line."""

from __future__ import annotations


def one_line(error: Exception) -> str:
    """What the error says, in one line."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror.lower()}"
    return words(str(error))


def words(text: str) -> str:
    """The text without its line breaks."""
    return " ".join(text.split())
