"""The best constructions at hand: those of the user's archive, and those that ship with the package.

What ships was found by this program from scratch and lies in problems/constructions/ as certificates, one for each
(problem, n), so that a new machine has it at once.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import as_file, files
from typing import Any

from patternboost.problem import Instance
from patternboost.problem.base import NOTHING
from patternboost.problem.ground import size_from_code, size_of
from patternboost.store.archive import Archive
from patternboost.store.construction import Construction, load

_NAME = re.compile(r"([a-z0-9-]+)-n(\d+(?:x\d+)?)-(\d+)\.json")


@cache
def _listed() -> dict[tuple[str, int], str]:
    """File names of what ships, by (problem, n); none of them is opened."""
    folder = files("patternboost_problems") / "constructions"
    names = [f.name for f in folder.iterdir()] if folder.is_dir() else []
    found = [(match, name) for name in sorted(names) if (match := _NAME.fullmatch(name))]
    return {(match[1], size_of(match[2])): name for match, name in found}


@cache
def shipped(instance: Instance) -> Construction | None:
    """The construction of an instance that ships with the package, or None."""
    name = _listed().get((instance.name, instance.n))
    if name is None:
        return None
    with as_file(files("patternboost_problems") / "constructions" / name) as path:
        return load(path, instance.problem)


def shipped_scores() -> dict[tuple[str, int], int]:
    """The scores of all constructions that ship with the package, by (problem, n), as their names say."""
    return {key: int(name.rsplit("-", 1)[1].removesuffix(".json")) for key, name in _listed().items()}


def best(archive: Archive, instance: Instance, limit: int = 1) -> list[Construction]:
    """The best constructions of an instance, highest score first; at equal scores the archive's first."""
    found = archive.best(instance, limit)
    ours = shipped(instance)
    if ours is not None and all(c.sha256 != ours.sha256 for c in found):
        found.append(ours)
    return sorted(found, key=lambda c: -c.merit)[:limit]


def sizes(archive: Archive, problem: str) -> list[int]:
    """Sizes n that have a construction, ascending."""
    return sorted({*map(size_from_code, archive.sizes(problem)), *(n for name, n in _listed() if name == problem)})


def summary(archive: Archive, problem: str | None = None) -> dict[tuple[str, int], dict[str, Any]]:
    """Best score, symmetry, date and origin by (problem, n); see `Archive.summary`.

    Scores are never negative, so that the sign of a merit says whether small ones are wanted.
    """
    from patternboost.problem.registry import problem as find_instance

    rows = {(row["problem"], size_from_code(row["n"])): row for row in archive.summary(problem)}
    for name, n in _listed():
        if problem not in (None, name):
            continue
        ours = shipped(find_instance(name, n))
        if ours is not None and ours.merit > rows.get((name, n), {"merit": NOTHING})["merit"]:
            found = dict(ours.found)
            rows[name, n] = {
                "problem": name, "n": n, "merit": ours.merit, "symmetry": ours.symmetry,
                "added": str(found.get("date", "")), "found": found,
            }  # fmt: skip
    return {key: row | {"score": abs(row["merit"])} for key, row in rows.items()}
