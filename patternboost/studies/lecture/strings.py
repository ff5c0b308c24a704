"""The lecture's data sets: strings that follow a rule, how to make them, and how to tell whether one follows it.

Positions are 1-based, as in the lecture (A. Z. Wagner, "Transformers and Makemore", 2023).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from patternboost.problem.registry import problem
from patternboost.search.masks import sequential_fill
from patternboost.search.tables import Table, build_table

Rng = np.random.Generator

#: FIBONACCI terms of a line, and what the first two are below
TERMS, BELOW = 7, 1000


@dataclass(frozen=True)
class Strings:
    """A data set of strings."""

    name: str
    #: what they are, in a sentence
    definition: str
    #: what the lecture reports
    lecture: str
    #: the symbols
    alphabet: str
    #: how many the lecture learns from
    count: int
    make: Callable[[Rng], str]
    #: whether a string (of the alphabet) is one of the data set's
    obeys: Callable[[str], bool]
    #: shares that are reported besides: name -> (right, of how many) for one string
    parts: Mapping[str, Callable[[str], tuple[int, int]]]


def _bits(rng: Rng, shortest: int, longest: int) -> list[str]:
    return list("".join(map(str, rng.integers(0, 2, rng.integers(shortest, longest + 1)))))


def _copied(shortest: int, longest: int, pairs: Callable[[int], list[tuple[int, int]]]) -> Callable[[Rng], str]:
    """Random 0/1 strings in which the first place of every pair (of a string so long) is a copy of the second."""

    def make(rng: Rng) -> str:
        string = _bits(rng, shortest, longest)
        for a, b in pairs(len(string)):
            string[a - 1] = string[b - 1]
        return "".join(string)

    return make


def _equal(shortest: int, longest: int, pairs: Callable[[int], list[tuple[int, int]]]) -> Callable[[str], bool]:
    def obeys(string: str) -> bool:
        if not shortest <= len(string) <= longest or set(string) - set("01"):
            return False
        return all(string[a - 1] == string[b - 1] for a, b in pairs(len(string)))

    return obeys


def _rule_alone(pairs: Callable[[int], list[tuple[int, int]]]) -> Callable[[str], tuple[int, int]]:
    """Whether the places are equal, whatever the string's length (if it has the places), of one string."""

    def right(string: str) -> tuple[int, int]:
        places = pairs(len(string))
        there = all(0 < a <= len(string) and 0 < b <= len(string) for a, b in places)
        return int(there and all(string[a - 1] == string[b - 1] for a, b in places)), 1

    return right


def _with_equal_places(
    name: str,
    definition: str,
    lecture: str,
    count: int,
    lengths: tuple[int, int],
    pairs: Callable[[int], list[tuple[int, int]]],
) -> Strings:
    make, obeys = _copied(*lengths, pairs), _equal(*lengths, pairs)
    alone = {"obey the rule alone, whatever the length": _rule_alone(pairs)}
    return Strings(name, definition, lecture, "01", count, make, obeys, alone)


#: the five rules: which places of a string of length n are equal
RULES: dict[int, tuple[str, Callable[[int], list[tuple[int, int]]]]] = {
    1: ("s[18] = s[47]", lambda n: [(18, 47)]),
    2: ("s[18] = s[n - 20]", lambda n: [(18, n - 20)]),
    3: ("the last two are equal", lambda n: [(n - 1, n)]),
    4: ("s[18] = s[39], s[31] = s[44], s[4] = s[28]", lambda n: [(18, 39), (31, 44), (4, 28)]),
    5: ("s[18] = s[39], s[31] = s[44], s[4] = s[-28]", lambda n: [(18, 39), (31, 44), (4, n - 27)]),
}
_RATES = {1: 99, 2: 54, 3: 90, 4: 99, 5: 51}


def _one_two(rng: Rng) -> str:
    string = _bits(rng, 10, 15)
    string[int(rng.integers(len(string)))] = "2"
    return "".join(string)


def _zero_or_two_twos(rng: Rng) -> str:
    string = _bits(rng, 30, 40)
    if rng.random() < 0.5:
        for place in rng.choice(len(string), 2, replace=False):
            string[place] = "2"
    return "".join(string)


def _fibonacci(rng: Rng) -> str:
    terms = [int(x) for x in rng.integers(0, BELOW, 2)]
    while len(terms) < TERMS:
        terms.append(terms[-2] + terms[-1])
    return ",".join(map(str, terms))


def _numbers(string: str, count: int) -> list[int] | None:
    """The terms of a line as it is written: `count` numbers without leading zeros; None where it is no such line."""
    terms = string.split(",")
    if len(terms) != count or not all(t.isascii() and t.isdigit() and str(int(t)) == t for t in terms):
        return None
    return [int(t) for t in terms]


def _right_sums(string: str) -> tuple[int, int]:
    """Terms from the third on that are the sum of the two before, of those there should be."""
    terms = _numbers(string, TERMS)
    if terms is None:
        return 0, TERMS - 2
    return sum(terms[i] == terms[i - 2] + terms[i - 1] for i in range(2, TERMS)), TERMS - 2


def _is_fibonacci(string: str) -> bool:
    terms = _numbers(string, TERMS)
    return terms is not None and max(terms[:2]) < BELOW and _right_sums(string) == (TERMS - 2, TERMS - 2)


def twisted(x1: int, x2: int) -> str:
    """A twisted line: sums with digits exchanged, doubled, reversed, or cut off.

    >>> twisted(521, 142), twisted(248, 602), twisted(855, 244)
    ('521,142,663,679,13', '248,602,750,32551,33301', '855,244,1099,41551,')
    """
    x3 = str(x1 + x2).translate(str.maketrans("78", "87"))
    x4 = str(x2 + int(x3) + 171)[::-1].replace("5", "55")
    x5 = str(int(x3) + int(x4)).split("4")[0]
    return f"{x1},{x2},{x3},{x4},{x5}"


def _obeys_twist(string: str) -> bool:
    first = _numbers(",".join(string.split(",")[:2]), 2)
    return first is not None and max(first) < BELOW and string == twisted(*first)


def _right_twists(string: str) -> tuple[int, int]:
    terms = string.split(",")
    first = _numbers(",".join(terms[:2]), 2)
    if first is None:
        return 0, 3
    return sum(a == b for a, b in zip(terms[2:], twisted(*first).split(",")[2:], strict=False)), 3


#: side of the board of `distance-4-or-5`, and its squared distances
SIDE, FORBIDDEN = 8, (16, 25)


def _allowed(string: str | list[str], place: int) -> bool:
    """Whether a 1 may stand at a (0-based) place, as far as the 1s before it go."""
    r, c = divmod(place, SIDE)
    ones = (divmod(i, SIDE) for i in range(place) if string[i] == "1")
    return all((r - a) ** 2 + (c - b) ** 2 not in FORBIDDEN for a, b in ones)


@lru_cache(maxsize=1)
def _distance_table() -> Table:
    return build_table(problem("distance-4-5", SIDE), "none")


def _distances(rng: Rng) -> str:
    """The lecture's generator, on the problem of that name: a 1 with probability 1/2 wherever it is allowed."""
    chosen = sequential_fill(_distance_table(), rng, 0.5)
    return "".join("1" if place in chosen else "0" for place in range(SIDE * SIDE))


def _keeps_distances(string: str) -> bool:
    if len(string) != SIDE * SIDE or set(string) - set("01"):
        return False
    return all(_allowed(string, place) for place, digit in enumerate(string) if digit == "1")


def _all() -> list[Strings]:
    equal = _with_equal_places(
        "equal-digits",
        "Random 0/1 strings of length 30 to 40 with s[13] = s[22].",
        "after 15,000 steps 99.7 % of 1,000 generated strings obey the rule",
        1_000,
        (30, 40),
        lambda n: [(13, 22)],
    )
    rules = [
        _with_equal_places(
            f"five-rules-{i}",
            f"Random 0/1 strings of length 50 to 200; {text}.",
            f"after 15,000 steps {_RATES[i]} %, after 150,000 above 99 %",
            100_000,
            (50, 200),
            pairs,
        )
        for i, (text, pairs) in RULES.items()
    ]
    return [
        equal,
        *rules,
        Strings(
            "one-two",
            "Random 0/1 strings of length 10 to 15 in which one random digit is a 2.",
            "heatmap: every place looks for an earlier 2",
            "012",
            1_000,
            _one_two,
            lambda s: 10 <= len(s) <= 15 and s.count("2") == 1,
            {},
        ),
        Strings(
            "zero-or-two-twos",
            "Random 0/1 strings of length 30 to 40; with probability 1/2 two random digits are 2.",
            "heatmap",
            "012",
            1_000,
            _zero_or_two_twos,
            lambda s: 30 <= len(s) <= 40 and s.count("2") in (0, 2),
            {},
        ),
        Strings(
            "fibonacci",
            f"The first {TERMS} terms of sequences in which each is the sum of the two before; x1, x2 below {BELOW}.",
            "27k parameters, one hour: looks vaguely like addition; 400k parameters, one day: every term right",
            "0123456789,",
            100_000,
            _fibonacci,
            _is_fibonacci,
            {"right terms": _right_sums},
        ),
        Strings(
            "fibonacci-twisted",
            "x3 = x1 + x2 with 7s and 8s exchanged; x4 = x2 + x3 + 171, backwards, every 5 doubled; x5 = x3 + x4 up to "
            "its first 4.",
            "learned completely overnight",
            "0123456789,",
            100_000,
            lambda rng: twisted(*(int(x) for x in rng.integers(0, BELOW, 2))),
            _obeys_twist,
            {"right terms": _right_twists},
        ),
        Strings(
            "distance-4-or-5",
            "An 8 x 8 board, row by row, no two 1s at distance 4 or 5; a 1 with probability 1/2 where it is allowed.",
            "heatmap: the board's geometry appears though the model was never told of it",
            "01",
            100_000,
            _distances,
            _keeps_distances,
            {},
        ),
    ]


#: by name
STRINGS = {strings.name: strings for strings in _all()}
