"""Orbit tables: which orbits does a pair of chosen orbits forbid?

On the orbits of a symmetry class a hypergraph of forbidden 3-sets becomes a hypergraph with edges of one, two or three
orbits. For two orbits a < b the *row* of (a, b) lists, once each, every third orbit c such that some forbidden set
meets exactly a, b and c and no two of them are forbidden already. *Pairs* that are forbidden by themselves have their
own lists, and orbits that are forbidden by themselves are left out of the search. Rows are compiled once into one
contiguous array while they fit the memory budget; past it the rule is evaluated again each time (``compiled`` is
False). For forbidden sets of four and more elements there are no rows: see `patternboost.search.hypergraph`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit, typeof, types
from numpy.typing import NDArray

from patternboost.problem import RULE_TYPE, Instance, IntArray
from patternboost.problem.symmetry import Orbits, class_orbits
from patternboost.search.memory import Building

if TYPE_CHECKING:
    from patternboost.search.hypergraph import Conflicts

#: tables of more pairs than this are estimated from a sample before all their rows are counted
_SAMPLE_FROM = 4_000_000
_DEFAULT = Building()


class Rows(NamedTuple):
    """The arrays that kernels read. N orbits, m elements; every array C-contiguous."""

    n: int
    k: int
    #: orbit of every element, int32[m]; orbits' elements: members[start[i]:start[i + 1]], int64
    orbit_of: NDArray[np.int32]
    start: NDArray[np.int64]
    members: NDArray[np.int64]
    #: elements per orbit, int32[N]
    weight: NDArray[np.int32]
    #: 1 for orbits that are forbidden by themselves, uint8[N]
    bad: NDArray[np.uint8]
    #: orbits that form a forbidden pair with i: pair[pair_start[i]:pair_start[i + 1]], uint16, ascending
    pair_start: NDArray[np.int64]
    pair: NDArray[np.uint16]
    #: whether every symmetric image of a row is the same row, so that one element of the first orbit is enough
    transitive: bool
    compiled: bool
    #: compiled rows: the row of a < b is row[row_start[i]:row_start[i + 1]] with i = pair_index(N, a, b)
    row_start: NDArray[np.uint32]
    row: NDArray[np.uint16]


def bare_rows(instance_n: int, k: int, orbits: Orbits, transitive: bool) -> Rows:
    """Orbits of which no row is known yet."""
    empty = np.zeros(0, np.uint16)
    return Rows(
        instance_n,
        k,
        orbits.orbit_of,
        orbits.start,
        orbits.members,
        orbits.weights,
        np.zeros(orbits.count, np.uint8),
        np.zeros(orbits.count + 1, np.int64),
        empty,
        transitive,
        False,
        np.zeros(0, np.uint32),
        empty,
    )


#: rows of no orbits; and numba's type of all rows, so that kernels are compiled once, ahead of any problem
EMPTY_ROWS = bare_rows(0, 0, Orbits(np.zeros(0, np.int32), np.zeros(1, np.int64), np.zeros(0, np.int64)), False)
ROWS_TYPE = typeof(EMPTY_ROWS)


@dataclass(frozen=True)
class Table:
    """The orbits of a symmetry class with their rows: the space that local search works in."""

    instance: Instance
    symmetry: str
    orbits: Orbits
    rows: Rows
    #: what takes the place of rows for k >= 4, shared by all classes
    conflicts: Conflicts | None = None

    @property
    def nbytes(self) -> int:
        """Memory held by the rows, bytes; `conflicts` are shared by all classes."""
        return self.rows.row.nbytes + self.rows.row_start.nbytes


@njit(types.int64(types.int64, types.int64, types.int64), cache=True, nogil=True)
def pair_index(count: int, a: int, b: int) -> int:
    """Position of the pair a < b among all pairs of `count` orbits in lexicographic order."""
    return a * (2 * count - a - 1) // 2 + b - a - 1


@njit(types.boolean(ROWS_TYPE, types.int64, types.int64), cache=True, nogil=True)
def is_pair(rows: Rows, a: int, b: int) -> bool:
    """Whether orbits a and b are a forbidden pair (binary search)."""
    low, high = rows.pair_start[a], rows.pair_start[a + 1]
    while low < high:
        middle = (low + high) // 2
        if rows.pair[middle] < b:
            low = middle + 1
        else:
            high = middle
    return bool(low < rows.pair_start[a + 1] and rows.pair[low] == b)


@njit(
    types.int64(
        RULE_TYPE,
        ROWS_TYPE,
        types.int64,
        types.int64,
        types.int64[::1],
        types.int64[::1],
        types.int64[::1],
        types.uint16[::1],
        types.int64,
    ),
    cache=True,
    nogil=True,
)
def evaluate_row(complete, rows, a, b, chosen, out, stamp, target, at):  # type: ignore[no-untyped-def]
    """Write the row of orbits a != b to target[at:] by calling the rule; returns its length.

    `stamp` (int64[N + 1]) remembers which orbits were written for the current row; stamp[N] numbers the rows.
    Forbidden pairs have an empty row, and no row lists what is a forbidden pair with a or b: that is said already.
    """
    if rows.pair_start[a + 1] > rows.pair_start[a] and is_pair(rows, a, b):
        return 0
    total = len(rows.weight)
    stamp[total] += 1
    mark = stamp[total]
    stamp[a] = mark
    stamp[b] = mark
    for orbit in (a, b):
        for i in range(rows.pair_start[orbit], rows.pair_start[orbit + 1]):
            stamp[rows.pair[i]] = mark
    count = 0
    first_end = rows.start[a] + 1 if rows.transitive else rows.start[a + 1]
    for i in range(rows.start[a], first_end):
        chosen[0] = rows.members[i]
        for j in range(rows.start[b], rows.start[b + 1]):
            chosen[1] = rows.members[j]
            for t in range(complete(rows.n, chosen, out)):
                c = rows.orbit_of[out[t]]
                if stamp[c] != mark:
                    stamp[c] = mark
                    if rows.bad[c] == 0:
                        target[at + count] = c
                        count += 1
    return count


@njit(
    types.void(RULE_TYPE, ROWS_TYPE, types.uint8[:, ::1], types.uint8[::1]),
    cache=True,
    nogil=True,
)
def _find_pairs(complete, rows, pair_matrix, bad):  # type: ignore[no-untyped-def]
    """Mark forbidden pairs (a set with two elements in one orbit) and orbits forbidden by themselves."""
    chosen = np.zeros(2, np.int64)
    out = np.zeros(len(rows.orbit_of), np.int64)
    for a in range(len(rows.weight)):
        if rows.k == 2:
            for i in range(rows.start[a], rows.start[a + 1]):
                chosen[0] = rows.members[i]
                for t in range(complete(rows.n, chosen[:1], out)):
                    b = rows.orbit_of[out[t]]
                    if a == b:
                        bad[a] = 1
                    else:
                        pair_matrix[a, b] = pair_matrix[b, a] = 1
        else:
            for i in range(rows.start[a], rows.start[a + 1]):
                for j in range(i + 1, rows.start[a + 1]):
                    chosen[0], chosen[1] = rows.members[i], rows.members[j]
                    for t in range(complete(rows.n, chosen, out)):
                        b = rows.orbit_of[out[t]]
                        if a == b:
                            bad[a] = 1
                        else:
                            pair_matrix[a, b] = pair_matrix[b, a] = 1


@njit(
    types.int64(RULE_TYPE, ROWS_TYPE, types.int64, types.int64, types.uint32[::1], types.uint16[::1], types.boolean),
    cache=True,
    nogil=True,
)
def _compile_rows(complete, rows, first, last, lengths, target, fill):  # type: ignore[no-untyped-def]
    """Rows of all pairs a < b with first <= a < last: their lengths to `lengths`, or (fill) their entries to `target`.

    When filling, `lengths` holds where each row starts. Returns the number of entries.
    """
    count = len(rows.weight)
    chosen = np.zeros(2, np.int64)
    out = np.zeros(len(rows.orbit_of), np.int64)
    stamp = np.zeros(count + 1, np.int64)
    scratch = np.zeros(count, np.uint16)
    entries = 0
    for a in range(first, last):
        for b in range(a + 1, count):
            index = pair_index(count, a, b)
            if rows.bad[a] or rows.bad[b]:
                length = 0
            elif fill:
                length = evaluate_row(complete, rows, a, b, chosen, out, stamp, target, np.int64(lengths[index]))
            else:
                length = evaluate_row(complete, rows, a, b, chosen, out, stamp, scratch, 0)
            if not fill:
                lengths[index] = length
            entries += length
    return entries


def pair_chunks(count: int, parts: int) -> list[tuple[int, int]]:
    """Ranges of first orbits that hold about equally many pairs a < b."""
    ends = [round(count * (1 - (1 - (i + 1) / parts) ** 0.5)) for i in range(parts)]
    starts = [0, *ends[:-1]]
    return [(s, e) for s, e in zip(starts, ends, strict=True) if e > s]


def build_table(instance: Instance, symmetry: str, building: Building = _DEFAULT) -> Table:
    """The table of a symmetry class; rows are compiled while they fit the memory. Raises Interrupted."""
    orbits = class_orbits(instance, symmetry)
    count = orbits.count
    problem = instance.problem
    rows = bare_rows(instance.n, problem.k, orbits, symmetric(instance, symmetry))
    bad = rows.bad
    if not problem.by_rows:
        from patternboost.search.enumerate import shared_conflicts  # late: most problems need none of these kernels
        from patternboost.search.set_by_set import bad_orbits

        conflicts = shared_conflicts(instance, building)
        bad[:] = bad_orbits(conflicts, orbits)
        return Table(instance, symmetry, orbits, rows, conflicts)
    if problem.complete is None:  # a rule of two or three elements is the only one
        raise ValueError(f"{instance}: no rule")
    if problem.k == 2 or orbits.weights.max() > 1:
        matrix = np.zeros((count, count), np.uint8)
        _find_pairs(problem.complete, rows, matrix, bad)
        matrix[bad == 1] = 0
        matrix[:, bad == 1] = 0
        pair_start = np.zeros(count + 1, np.int64)
        np.cumsum(matrix.sum(axis=1, dtype=np.int64), out=pair_start[1:])
        rows = rows._replace(pair_start=pair_start, pair=np.nonzero(matrix)[1].astype(np.uint16))
    if problem.k == 3:
        rows = _with_compiled_rows(problem.complete, rows, building)
    return Table(instance, symmetry, orbits, rows)


def unusable_orbits(table: Table, region: IntArray | None) -> NDArray[np.uint8]:
    """1 for orbits that are forbidden by themselves, or outside the only orbits (int64) that may be used; uint8[N]."""
    unusable = table.rows.bad.copy()
    if region is not None:
        unusable[np.setdiff1d(np.arange(table.orbits.count), region)] = 1
    return unusable


def symmetric(instance: Instance, symmetry: str) -> bool:
    """Whether a class's maps are symmetries of the ground set: a row then needs one element of its first orbit.

    Near-symmetric classes are no groups acting on the whole ground set: their rows need every element.
    """
    maps = instance.classes[symmetry]
    return all(bool((instance.symmetries == image).all(axis=1).any()) for image in maps)


def _expected_entries(complete, rows: Rows, lengths: NDArray[np.uint32]) -> float:  # type: ignore[no-untyped-def]
    """The number of entries of all rows, estimated from the rows of a few first orbits; `lengths` is scratch."""
    count = len(rows.weight)
    entries = pairs = 0
    for a in np.linspace(0, count - 2, 24).astype(int):
        entries += int(_compile_rows(complete, rows, a, a + 1, lengths, np.zeros(0, np.uint16), False))
        pairs += count - 1 - int(a)
    return entries / pairs * count * (count - 1) / 2


def _with_compiled_rows(complete, rows: Rows, building: Building) -> Rows:  # type: ignore[no-untyped-def]
    """`rows` with all rows compiled, or unchanged where they would not fit the memory (or 32-bit offsets)."""
    memory, jobs = building.memory, building.jobs
    count = len(rows.weight)
    pairs = count * (count - 1) // 2
    if 4 * pairs > memory:
        return rows
    offsets = np.zeros(pairs + 1, np.uint32)
    lengths = offsets[1:]
    if pairs > _SAMPLE_FROM and 4 * pairs + 2 * _expected_entries(complete, rows, lengths) > 1.1 * memory:
        return rows  # far from fitting: spare the count
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        chunks = pair_chunks(count, 32 * jobs)

        def run(target: NDArray[np.uint16], where: NDArray[np.uint32], fill: bool) -> int:
            def part(first: int, last: int) -> int:
                building.check()
                return int(_compile_rows(complete, rows, first, last, where, target, fill))

            entries = 0
            for done, work in enumerate([pool.submit(part, s, e) for s, e in chunks], start=1):
                entries += work.result()
                building.report((done / len(chunks) + fill) / 2)
            return entries

        entries = run(np.zeros(0, np.uint16), lengths, False)
        if entries >= 2**32 or 4 * pairs + 2 * entries > memory:
            return rows
        np.cumsum(lengths, out=lengths, dtype=np.uint32)
        row = np.empty(entries, np.uint16)
        run(row, offsets[:-1], True)
    return rows._replace(compiled=True, row_start=offsets, row=row)
