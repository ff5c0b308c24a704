"""Sizes of constructions: a whole number n, or the two sides of a board, written 6x9."""

from __future__ import annotations

import math
import re

from patternboost.problem.errors import ProblemError

#: a board's size is height * 2^16 + width: one whole number, which rules, files and tables can pass on
_SHIFT = 16


class BoardSize(int):
    """The size of a board that is no square: a whole number that reads as its sides, `6x9`.

    >>> size = BoardSize.of(6, 9)
    >>> f"n={size}", size.height, size.width
    ('n=6x9', 6, 9)
    """

    @classmethod
    def of(cls, height: int, width: int) -> BoardSize:
        """A board of so many rows and columns."""
        return cls(height << _SHIFT | width)

    @property
    def height(self) -> int:
        """Number of rows."""
        return int(self) >> _SHIFT

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self) & (1 << _SHIFT) - 1

    def __str__(self) -> str:
        return f"{self.height}x{self.width}"

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


def sides(n: int) -> tuple[int, int]:
    """Rows and columns of the board of size n."""
    return (int(n), int(n)) if n < 1 << _SHIFT else (int(n) >> _SHIFT, int(n) & (1 << _SHIFT) - 1)


def fits_in(small: int, large: int) -> bool:
    """Whether a board of one size lies in one of another; of whole numbers, whether the first is no larger."""
    return all(a <= b for a, b in zip(sides(small), sides(large), strict=True))


def scale(n: int) -> float:
    """A size as one length: n, and for a board the side of the square with as many cells."""
    height, width = sides(n)
    return math.sqrt(height * width)


def size_of(given: int | str) -> int:
    """A size from a whole number or from text, `16` or `6x9`. Raises ProblemError.

    >>> size_of("16"), size_of("6x9"), size_of("6x6")
    (16, 6x9, 6)
    """
    if not isinstance(given, str):
        return given
    if re.fullmatch(r"\s*-?\d{1,40}\s*", given):
        return int(given)
    found = re.fullmatch(r"\s*(\d{1,40})\s*[xX]\s*(\d{1,40})\s*", given)
    if found is None:
        raise ProblemError(f"size {given[:40]!r}: it is a whole number such as 16, or a board's sides such as 6x9")
    height, width = int(found[1]), int(found[2])
    if not 0 < min(height, width) <= max(height, width) < 1 << _SHIFT:
        raise ProblemError(f"size {given[:40]!r}: sides must be from 1 to {(1 << _SHIFT) - 1}")
    return height if height == width else BoardSize.of(height, width)


def size_from_code(code: int) -> int:
    """The size that a table keeps as one whole number."""
    return code if code < 1 << _SHIFT else BoardSize(code)


def size_to_json(n: int) -> int | str:
    """How files write a size: 16, or "6x9"."""
    return str(n) if isinstance(n, BoardSize) else int(n)
