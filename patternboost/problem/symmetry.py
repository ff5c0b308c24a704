"""Groups acting on a ground set: orbits of a symmetry class, canonical forms, the symmetry of a construction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from patternboost.problem.base import Instance
from patternboost.problem.ground import IntArray


@dataclass(frozen=True)
class Orbits:
    """A partition of the ground set into orbits of a symmetry class.

    Orbits are numbered by their smallest element, which is also their representative.
    """

    #: orbit of every element, int32, shape (size,)
    orbit_of: NDArray[np.int32]
    #: elements of orbit i are members[start[i]:start[i + 1]], ascending; int64
    start: IntArray
    members: IntArray

    @property
    def count(self) -> int:
        """Number of orbits."""
        return len(self.start) - 1

    @property
    def weights(self) -> NDArray[np.int32]:
        """Number of elements of each orbit, int32, shape (count,)."""
        return np.diff(self.start).astype(np.int32)

    @property
    def representatives(self) -> IntArray:
        """The smallest element of each orbit, int64, shape (count,)."""
        return self.members[self.start[:-1]]

    def expand(self, orbits: IntArray) -> IntArray:
        """The elements of a set of orbits, sorted."""
        parts = [self.members[self.start[i] : self.start[i + 1]] for i in orbits]
        return np.sort(np.concatenate(parts)) if parts else np.empty(0, np.int64)

    def project(self, elements: IntArray) -> IntArray:
        """Orbits of which at least half the elements are in `elements`, ascending."""
        hits = np.bincount(self.orbit_of[elements], minlength=self.count)
        return np.flatnonzero((hits > 0) & (2 * hits >= self.weights)).astype(np.int64)

    def is_union(self, elements: IntArray) -> bool:
        """Whether `elements` is exactly a union of orbits."""
        hits = np.bincount(self.orbit_of[elements], minlength=self.count)
        return bool(np.all((hits == 0) | (hits == self.weights)))


def orbits_of(size: int, generators: list[IntArray]) -> Orbits:
    """Orbits of {0 .. size - 1} under (partial) maps; -1 in a map means: no image, the element stays as it is."""
    label = np.arange(size, dtype=np.int64)
    changed = True
    while changed:  # spread the smallest label along every map until nothing moves
        before = label.copy()
        for image in generators:
            source = np.flatnonzero(image >= 0)
            target = image[source]
            low = np.minimum(label[source], label[target])
            np.minimum.at(label, source, low)
            np.minimum.at(label, target, low)
        changed = not np.array_equal(before, label)
    representatives, orbit_of = np.unique(label, return_inverse=True)
    members = np.argsort(orbit_of, kind="stable").astype(np.int64)
    start = np.zeros(len(representatives) + 1, np.int64)
    np.cumsum(np.bincount(orbit_of, minlength=len(representatives)), out=start[1:])
    return Orbits(orbit_of.astype(np.int32), start, members)


def holds(size: int, maps: list[IntArray], elements: IntArray) -> bool:
    """Whether a set is a union of orbits under (partial) maps of {0 .. size - 1}; cheaper than the orbits."""
    inside = np.zeros(size, bool)
    inside[elements] = True
    return all(bool((inside[image >= 0] == inside[image[image >= 0]]).all()) for image in maps)


@lru_cache(maxsize=64)
def class_orbits(instance: Instance, name: str) -> Orbits:
    """Orbits of a symmetry class of an instance."""
    return orbits_of(instance.size, instance.classes[instance.require_class(name)])


@lru_cache(maxsize=64)
def inner_board(instance: Instance, name: str) -> IntArray | None:
    """The inner board: orbits (int64, ascending) of which every map of a class moves every element.

    A class of partial maps acts on them alone: on a board of side n - 1 within one of side n, say.

    None for classes of total maps, where these would be all orbits.
    """
    maps = instance.classes[instance.require_class(name)]
    orbits = class_orbits(instance, name)
    left = np.zeros(orbits.count, bool)
    for image in maps:
        left[orbits.orbit_of[image < 0]] = True
    core = np.flatnonzero(~left).astype(np.int64)
    return core if 0 < len(core) < orbits.count else None


def kind(instance: Instance, name: str) -> tuple[str, tuple[bool, ...]]:
    """What stays of a symmetry class from size to size: its family, and of each map whether it fixes any element.

    On a grid the mirrors of `both-mirrors` go between cells where n is even and through cells where it is odd, so that
    at n = 55 it is of one kind with `both-mirrors+half` at n = 64.
    """
    own = np.arange(instance.size)
    return name.partition("+")[0], tuple(sorted(bool((image == own).any()) for image in instance.classes[name]))


def alike(instance: Instance, names: Iterable[str], other: Instance) -> dict[str, str | None]:
    """For classes of an instance those of `other` that are of the same kind.

    Where there is none, the one of the same name; None: that is not there, either.
    """
    kinds = {name: kind(other, name) for name in other.classes}
    found: dict[str, str | None] = {}
    for name in names:
        own = kind(instance, name)
        same = [each for each in kinds if kinds[each] == own]
        found[name] = same[0] if same and name not in same else name if name in kinds else None
    return found


def board_orbits(instance: Instance, name: str) -> IntArray:
    """The orbits of a class's inner board, int64, ascending; all where it has none."""
    inner = inner_board(instance, name)
    return np.arange(class_orbits(instance, name).count) if inner is None else inner


def canonical_form(instance: Instance, elements: IntArray) -> IntArray:
    """One set, sorted, for all sets equivalent to it: the ground set's own choice, else the smallest image."""
    own = None
    if instance.problem.symmetries == "all":
        own = instance.problem.ground.canonical(instance.n, elements)
    if own is not None:
        return own
    images = np.sort(instance.symmetries[:, elements], axis=1)
    order = np.lexsort(images.T[::-1]) if len(elements) else np.zeros(1, np.int64)
    smallest: IntArray = images[order[0]]
    return smallest


def canonical_key(instance: Instance, elements: IntArray) -> bytes:
    """The canonical form as bytes (little-endian uint16 element numbers): equal for sets equal up to symmetry."""
    return canonical_form(instance, elements).astype("<u2").tobytes()


def symmetry_class(instance: Instance, elements: IntArray) -> str:
    """Name of the class with the fewest orbits that holds a set, turned by a listed symmetry where it must be.

    Classes of partial maps are no symmetries and are never named.
    """
    images = np.sort(instance.symmetries[:, elements], axis=1)
    fixed = (images == np.sort(elements)).all(axis=1)
    for name, subgroups in _named_subgroups(instance):
        if subgroups is not None:
            if (fixed @ subgroups == subgroups.sum(axis=0)).any():
                return name
        elif class_orbits(instance, name).is_union(elements):
            return name
    return "none"


@dataclass(frozen=True)
class _Listed:
    """The symmetries of an instance, told apart by where they take a few elements, so that products cost no more."""

    #: int64 (order, size), and the inverse of each
    maps: IntArray
    inverses: IntArray
    #: the few elements, int64
    base: IntArray
    #: number of each symmetry, by the bytes of the images of the base
    number: dict[bytes, int]

    @classmethod
    def of(cls, maps: IntArray) -> _Listed:
        size = maps.shape[1]
        base, apart = [], np.zeros(len(maps), np.int64)
        for element in range(size):
            if apart.max(initial=0) + 1 == len(maps):
                break
            finer = np.unique(apart * size + maps[:, element], return_inverse=True)[1]
            if finer.max() > apart.max():
                base.append(element)
                apart = finer
        inverses = np.empty_like(maps)
        np.put_along_axis(inverses, maps, np.arange(size)[None], axis=1)
        chosen = np.array(base, np.int64)
        return cls(maps, inverses, chosen, {row.tobytes(): i for i, row in enumerate(maps[:, chosen])})

    def find(self, image: IntArray) -> int | None:
        """The number of a (partial) map; None: it is not listed."""
        found = self.number.get(image[self.base].tobytes())
        return found if found is not None and np.array_equal(self.maps[found], image) else None

    def generated(self, generators: list[int]) -> set[int]:
        """The subgroup that some of them generate."""
        group, frontier = set(generators), generators
        while frontier:
            images = (self.maps[g][self.maps[e, self.base]] for e in frontier for g in generators)
            frontier = list({self.number[image.tobytes()] for image in images} - group)
            group.update(frontier)
        return group

    def conjugates(self, group: set[int]) -> set[tuple[int, ...]]:
        """The subgroups p g p^-1, ascending."""
        members = np.array(sorted(group))[:, None]
        turned = (self.maps[p][self.maps[members, back[self.base]]] for p, back in enumerate(self.inverses))
        return {tuple(sorted(self.number[image.tobytes()] for image in images)) for images in turned}


@lru_cache(maxsize=64)
def _named_subgroups(instance: Instance) -> list[tuple[str, NDArray[np.int64] | None]]:
    """The classes, those of fewest orbits first (of equally many: of the largest group), each with its conjugates.

    A column of the int64 array (order, conjugates) marks the listed symmetries of one conjugate. None stands for a
    class that only unlisted symmetries generate; such a class is named where its own orbits make up the set.
    """
    symmetries = _Listed.of(instance.symmetries)
    fixed = (symmetries.maps == np.arange(instance.size)).sum(axis=1)
    listed: dict[str, NDArray[np.int64]] = {}
    orders: dict[str, tuple[int, int]] = {}
    for name, generators in instance.classes.items():
        numbers = [number for number in map(symmetries.find, generators) if number is not None]
        if len(numbers) < len(generators):
            if instance.problem.ground.symmetric_classes:
                orders[name] = (class_orbits(instance, name).count, 0)
            continue
        if not generators:  # 'none'
            continue
        group = symmetries.generated(numbers)
        if any(group == set(np.flatnonzero(marks[:, 0]).tolist()) for marks in listed.values()):
            continue  # at small n some classes coincide: the first name counts
        first = tuple(sorted(group))
        conjugates = [first, *sorted(symmetries.conjugates(group) - {first})]
        marks = np.zeros((len(fixed), len(conjugates)), np.int64)
        for column, members in enumerate(conjugates):
            marks[list(members), column] = 1
        listed[name] = marks
        orbits = int(fixed[list(group)].sum()) // len(group)  # Burnside's lemma
        orders[name] = (orbits, -len(group))
    return [(name, listed.get(name)) for name in sorted(orders, key=lambda name: orders[name])]


def class_preserving(instance: Instance, orbits: Orbits) -> IntArray:
    """The symmetries that map orbits to orbits, shape (count, size): what augmentation may use within a class."""
    keep = []
    for permutation in instance.symmetries:
        image = orbits.orbit_of[permutation[orbits.members]]
        first = np.repeat(image[orbits.start[:-1]], orbits.weights)
        if np.array_equal(image, first):
            keep.append(permutation)
    return np.stack(keep)


def align(instance: Instance, elements: IntArray, name: str) -> IntArray | None:
    """An equivalent set that is a union of orbits of the class (a mirror turned the way the class has it), or None."""
    orbits = class_orbits(instance, name)
    for permutation in instance.symmetries:
        image = np.sort(permutation[elements])
        if orbits.is_union(image):
            return image
    return None
