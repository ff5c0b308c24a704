"""The pool: the verified constructions that a run learns from, distinct up to symmetry, best first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from patternboost.loop.origins import Origin
from patternboost.problem.base import NOTHING
from patternboost.problem.ground import IntArray
from patternboost.problem.symmetry import Orbits
from patternboost.store.files import FileError, atomic_write
from patternboost.store.npz import read_arrays

#: the arrays of a saved pool
_ARRAYS = ("elements", "sizes", "merits", "keys", "generation", "origin", "origins", "symmetry", "classes")


@dataclass(frozen=True)
class Entry:
    """One construction of the run's size."""

    #: canonical form as bytes, the pool's key
    key: bytes
    #: sorted element numbers, as found (not canonical: a union of orbits of `symmetry`)
    elements: IntArray
    #: the symmetry class whose orbits it is made of
    symmetry: str
    #: generation that found it (-1: a seed), and where its walk started from
    generation: int
    origin: Origin
    #: what it is ranked by: the number of points, or the value, negated where small ones are wanted
    merit: int

    @property
    def learned(self) -> bool:
        """Whether it was found in a region made from what the run had found."""
        return self.origin.learned


class Pool:
    """The best distinct constructions so far: at most `capacity`, and of more than `floor` only the top share.

    Those that were found outside learned regions have as many places for themselves: a model that learns from what its
    own regions hold narrows them until nothing new is in them (docs/LOG.md).
    """

    def __init__(self, capacity: int, floor: int, top: float) -> None:
        self.capacity = capacity
        self.floor = floor
        self.top = top
        self.entries: list[Entry] = []
        #: those found outside learned regions, best first: what a model may learn from
        self.unguided: list[Entry] = []
        self._keys: set[bytes] = set()
        #: whether members are made of the orbits of a class, by class and key
        self._made_of: dict[str, dict[bytes, bool]] = {}

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def keys(self) -> set[bytes]:
        """The canonical forms of all members."""
        return self._keys

    def __contains__(self, key: bytes) -> bool:
        return key in self._keys

    @property
    def threshold(self) -> int:
        """A new construction below this merit would not be kept."""
        return self.unguided[-1].merit if len(self.unguided) >= self.capacity else NOTHING

    @property
    def median(self) -> float:
        """The median merit; 0 of an empty pool."""
        merits = [e.merit for e in self.entries]
        return (merits[len(merits) // 2] + merits[(len(merits) - 1) // 2]) / 2 if merits else 0.0

    def made_of(self, orbits: Orbits, symmetry: str) -> list[Entry]:
        """Members that are unions of a class's orbits, best first: its own, and more symmetric ones."""
        known = self._made_of.setdefault(symmetry, {})
        for entry in self.entries:
            if entry.key not in known:
                known[entry.key] = entry.symmetry == symmetry or orbits.is_union(entry.elements)
        return [entry for entry in self.entries if known[entry.key]]

    def would_stay(self, new: Iterable[Entry]) -> list[Entry]:
        """The new entries that `merge` would keep, best first."""
        return self._ranked(new)[1]

    def merge(self, new: Iterable[Entry]) -> list[Entry]:
        """Add verified entries, keep the top; returns the new ones that stayed. Ties go to the earlier ones."""
        self.entries, stayed = self._ranked(new)
        self._index()
        return stayed

    def _ranked(self, new: Iterable[Entry]) -> tuple[list[Entry], list[Entry]]:
        """All entries as they would be with the new ones, best first; and those of the new ones that are among them."""
        fresh: dict[bytes, Entry] = {}
        for entry in new:
            if entry.key not in self._keys:
                fresh.setdefault(entry.key, entry)
        merged = sorted([*self.entries, *fresh.values()], key=lambda e: -e.merit)
        kept = {e.key for e in (*self._top(merged), *self._top([e for e in merged if not e.learned]))}
        entries = [e for e in merged if e.key in kept]
        return entries, [e for e in entries if e.key in fresh]

    def _index(self) -> None:
        """Take note of who is in."""
        self._keys = {e.key for e in self.entries}
        self.unguided = [e for e in self.entries if not e.learned]
        for symmetry, known in self._made_of.items():
            self._made_of[symmetry] = {key: made for key, made in known.items() if key in self._keys}

    def _top(self, ranked: list[Entry]) -> list[Entry]:
        return ranked[: min(self.capacity, max(self.floor, round(self.top * len(ranked))))]

    def save(self, path: Path) -> None:
        """Write as npz: plain arrays only."""
        sizes = np.array([len(e.elements) for e in self.entries], np.int64)
        origins = sorted({e.origin for e in self.entries})
        classes = sorted({e.symmetry for e in self.entries})
        arrays: dict[str, Any] = {
            "elements": np.concatenate([e.elements for e in self.entries] or [np.empty(0, np.int64)]).astype(np.uint16),
            "sizes": sizes,
            "merits": np.array([e.merit for e in self.entries], np.int64),
            "keys": np.frombuffer(b"".join(e.key for e in self.entries), "<u2"),
            "generation": np.array([e.generation for e in self.entries], np.int64),
            "origin": np.array([origins.index(e.origin) for e in self.entries], np.int64),
            "origins": np.array([str(o) for o in origins], "U32"),
            "symmetry": np.array([classes.index(e.symmetry) for e in self.entries], np.int64),
            "classes": np.array(classes, "U64"),
        }
        with atomic_write(path) as file:
            np.savez(file, allow_pickle=False, **arrays)

    def load(self, path: Path) -> None:
        """Replace the entries by a saved pool's. Raises FileError."""
        try:
            data = read_arrays(path, _ARRAYS)
            ends = np.cumsum(data["sizes"])
            elements = np.split(data["elements"].astype(np.int64), ends[:-1])
            keys = np.split(data["keys"], ends[:-1])
            self.entries = [
                Entry(
                    k.astype("<u2").tobytes(),
                    e,
                    str(data["classes"][c]),
                    int(g),
                    Origin(str(data["origins"][o])),
                    int(merit),
                )
                for k, e, c, g, o, merit in zip(
                    keys, elements, data["symmetry"], data["generation"], data["origin"], data["merits"]
                )
                if len(e)
            ]
        except FileError:
            raise
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise FileError(f"{path}: not a saved pool: {error!s:.200}") from error
        self._index()
