"""Seeding: constructions of smaller sizes as training examples and, embedded, as starts of local search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from patternboost.problem import Instance, IntArray
from patternboost.store import library
from patternboost.store.archive import Archive
from patternboost.store.construction import Construction, load
from patternboost.store.files import FileError

#: constructions taken per size from the archive, and files taken from one folder
PER_SIZE = 200
MAX_FILES = 10_000


def collect(instance: Instance, sources: Sequence[str], archive: Archive) -> list[Construction]:
    """Valid constructions of sizes up to the instance's, from certificates, folders of them, runs, or two words.

    "archive" stands for the archive and the shipped table, smaller sizes only; "best" for those of this size too.
    Raises FileError for a source that is none of these, or a construction that does not pass the verifier.
    """
    found: dict[str, Construction] = {}
    for source in sources:
        if source in ("archive", "best"):
            read = _at_hand(instance, archive, instance.n - (source == "archive"))
        else:
            read = _from_path(instance, Path(source))
        usable = [c for c in read if c.problem == instance.name and c.n <= instance.n]
        if read and not usable:
            raise FileError(f"--seed-from {source}: holds nothing for {instance.name} of size {instance.n} or smaller")
        for construction in usable:
            faults = construction.check()
            if faults:
                raise FileError(f"--seed-from {source}: {construction.name} is not valid: {faults[0]}")
            found.setdefault(construction.sha256, construction)
    return sorted(found.values(), key=lambda c: (c.n, -c.score, c.sha256))


def _at_hand(instance: Instance, archive: Archive, largest: int) -> list[Construction]:
    sizes = [n for n in library.sizes(archive, instance.name) if n <= largest]
    return [c for n in sizes for c in library.best(archive, instance.problem.at(n), PER_SIZE)]


def _from_path(instance: Instance, path: Path) -> list[Construction]:
    if path.is_file():
        return [load(path, instance.problem)]
    if not path.is_dir():
        raise FileError(
            f"--seed-from {path}: no such file or folder (the word archive means your archive, smaller sizes; best: "
            "this size too)"
        )
    folder = path / "best" if (path / "settings.toml").exists() else path
    files = sorted(folder.rglob("*.json"))[:MAX_FILES]
    if not files:
        raise FileError(f"--seed-from {path}: holds no certificates (*.json)")
    return [load(file, instance.problem) for file in files]


def embeddings(instance: Instance, construction: Construction) -> list[IntArray]:
    """A smaller construction placed in the instance: as the ground set embeds it (first), and in its other placements.

    Sets of elements at the instance's size; not unions of orbits and not maximal: starts for repair and search.
    """
    small, large = construction.n, instance.n
    elements = construction.instance.to_elements(construction.points)
    kept = instance.problem.ground.embed(small, large)[elements]
    if small == large:
        return [np.sort(kept)]
    others = instance.problem.ground.placements(small, large)
    return [np.sort(kept), *(np.sort(place[elements]) for place in others)]
