"""Named streams of randomness: every use of a run's seed has a name, so that no two draw the same numbers."""

from __future__ import annotations

import hashlib
from enum import IntEnum


class Stream(IntEnum):
    """What randomness is for. Numbers are part of what makes a run repeatable: never change or reuse one."""

    TRAIN = 1
    SAMPLE = 2
    PROPOSE = 3
    WALK = 4
    CLASSES = 5
    REPAIR_STARTS = 6
    REPAIR = 7
    GREEDY = 8
    PROOF = 9
    LADDER = 10
    ALIGN = 11
    SEEDS = 12


def stream_seed(seed: int, stream: Stream, *path: int) -> int:
    """A seed of 63 bits for one use, derived from a run's seed and a path of numbers (a generation, a class, a task).

    A hash of the whole path as text: paths of different length, and seeds of any size, cannot coincide as the words of
    numpy's SeedSequence could.
    """
    text = ".".join(map(str, (seed, int(stream), *path)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
