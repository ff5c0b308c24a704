"""Seeding: constructions of other sizes as training examples, as regions and, embedded or cut, as starts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from patternboost.loop.smaller_sizes import LEARNED, best_of_sizes, nearest_sizes
from patternboost.problem import Instance, IntArray
from patternboost.problem.ground import fits_in, scale
from patternboost.store import library
from patternboost.store.archive import Archive
from patternboost.store.construction import Construction, load
from patternboost.store.files import FileError

#: larger sizes are neighbours up to this factor
_LARGER = 1.5
#: words that stand for the constructions at hand
WORDS = ("archive", "best", "neighbours")
#: constructions taken from the archive: of the own size, of each that a model learns from, and of each other one, where
#: only the best count (each is verified, which takes milliseconds)
OWN_SIZE, PER_SIZE, PER_FAR_SIZE = 300, 8, 4
#: of so many of the nearest smaller sizes the best constructions, so many in all, are tried as they are
_CARRIED, _TRIED = 3, 4
#: files taken from one folder
MAX_FILES = 10_000


def collect(instance: Instance, sources: Sequence[str], archive: Archive) -> list[Construction]:
    """Valid constructions from certificates, folders of them, runs, or three words.

    "archive" stands for the archive and the shipped table, smaller sizes only; "best" for those of this size too, and
    "neighbours" for larger ones as well, up to half as large again; elsewhere larger sizes are left out. Raises
    FileError for a source that is none of these, or a construction that does not pass the verifier.
    """
    found: dict[str, Construction] = {}
    for source in sources:
        read = _at_hand(instance, archive, source) if source in WORDS else _from_path(instance, Path(source))
        usable = [c for c in read if c.problem == instance.name and _is_usable(c.n, instance.n, source)]
        if read and not usable:
            raise FileError(f"--seed-from {source}: holds nothing for {instance.name} of size {instance.n} or smaller")
        for construction in usable:
            faults = construction.check()
            if faults:
                raise FileError(f"--seed-from {source}: {construction.name} is not valid: {faults[0]}")
            found.setdefault(construction.sha256, construction)
    return sorted(found.values(), key=lambda c: (c.n, -c.merit, c.sha256))


def _is_usable(n: int, own: int, source: str) -> bool:
    """Whether a construction of size n is a seed at size `own`."""
    if n == own:
        return source != "archive"
    return fits_in(n, own) or (source == "neighbours" and fits_in(own, n) and scale(n) <= _LARGER * scale(own))


def _at_hand(instance: Instance, archive: Archive, source: str) -> list[Construction]:
    sizes = [n for n in library.sizes(archive, instance.name) if _is_usable(n, instance.n, source)]
    near = nearest_sizes(instance.n, sizes)[:LEARNED]
    limits = {n: PER_SIZE if n in near else PER_FAR_SIZE for n in sizes} | {instance.n: OWN_SIZE}
    return [c for n in sizes for c in library.best(archive, instance.problem.at(n), limits[n])]


def _from_path(instance: Instance, path: Path) -> list[Construction]:
    if path.is_file():
        return [load(path, instance.problem)]
    if not path.is_dir():
        raise FileError(
            f"--seed-from {path}: no such file or folder (the word archive means your archive, smaller sizes; best: "
            "this size too; neighbours: larger ones as well)"
        )
    folder = path / "best" if (path / "settings.toml").exists() else path
    files = sorted(folder.rglob("*.json"))[:MAX_FILES]
    if not files:
        raise FileError(f"--seed-from {path}: holds no certificates (*.json)")
    return [load(file, instance.problem) for file in files]


def embeddings(instance: Instance, construction: Construction) -> list[IntArray]:
    """A construction of another size in the instance: as the ground set embeds it (first), and in its other placements.

    A larger one is cut: what no place of this size would go to falls away. Sets of elements at the instance's size; not
    unions of orbits and not maximal: starts for repair and search.
    """
    ground, small, large = instance.problem.ground, *sorted((construction.n, instance.n))
    elements = construction.instance.to_elements(construction.points)
    if small == large:
        return [elements]
    ways = [ground.embed(small, large), *ground.placements(small, large)]
    if construction.n == small:
        return [np.sort(way[elements]) for way in ways]
    return [np.flatnonzero(np.isin(way, elements)).astype(np.int64) for way in ways]


def valid_placements(instance: Instance, seeds: Sequence[Construction]) -> list[IntArray]:
    """The best constructions of the nearest smaller sizes as they are, wherever the definition accepts them here.

    On a board the best of n - 1 points is one of n, so that no search has to find it again.
    """
    smaller = [c for c in seeds if c.n != instance.n and fits_in(c.n, instance.n)]
    nearest = list(best_of_sizes(instance.n, smaller).values())[:_CARRIED]
    best = sorted(chain.from_iterable(nearest), key=lambda c: -c.merit)[:_TRIED]
    placed = chain.from_iterable(embeddings(instance, c) for c in best)
    return [s for s in placed if instance.violation(instance.to_points(s)) is None]
