"""Everything a report shows of a run, gathered from its folder. Files are not trusted: what is drawn is checked."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patternboost.loop.pool import Entry, Pool
from patternboost.problem import Instance
from patternboost.report.data import LEVELS
from patternboost.report.run_table import state_of
from patternboost.store.construction import Construction
from patternboost.store.drawing.picture import drawing_of
from patternboost.store.files import FileError, read_json
from patternboost.store.run_folder import RunFolder
from patternboost.store.settings import from_toml
from patternboost.store.trust import problem_of_folder

#: constructions in the gallery
GALLERY = 12
#: most tokens of a sequence whose attention is shown, and most runs looked at for a control
MAX_TOKENS = 400
MAX_SIBLINGS = 1000


@dataclass(frozen=True)
class Findings:
    """A run as the report shows it."""

    run: RunFolder
    instance: Instance
    best: Construction | None
    log: list[dict[str, Any]]
    #: 'running', 'stopped' or 'finished'
    state: str
    #: best distinct constructions, best first; `found` says where each comes from
    gallery: list[Construction] = field(default_factory=list)
    #: the control's folder and log
    control: tuple[Path, list[dict[str, Any]]] | None = None
    #: settings of the control that differ, in words: `model none (here gpt)`
    differs: str = ""
    #: the attention of the model over one of its samples
    attention: dict[str, Any] | None = None


def gather(run: RunFolder, control: Path | None = None, problem: str | None = None) -> Findings:
    """What there is to show of a run; `control` is a run to compare with, else one beside it is looked for.

    `problem` is the problem file that the user names for it.

    Raises FileError or ProblemError, in one line, also for a control of another problem or size.
    """
    own = problem_of_folder(run.folder, run.settings.problem, problem)
    instance = own.at(run.settings.n)
    beside = control_log(run, control) if control is not None else find_control(run)
    return Findings(
        run,
        instance,
        run.best(own),
        run.read_log(),
        state_of(run),
        gallery(instance, saved_pool(run)),
        beside,
        differing(run, beside),
        read_attention(run, instance),
    )


def saved_pool(run: RunFolder) -> list[Entry]:
    """The best of the newest checkpoint's pool; nothing where there is none."""
    pool = Pool(run.settings.pool, run.settings.pool_floor, run.settings.top)
    folder = run.newest_checkpoint()
    if folder is not None:
        # While the run goes on a checkpoint may go away under us: then there is no gallery this time.
        with contextlib.suppress(FileError):
            pool.load(folder / "pool.npz")
    return pool.entries[:GALLERY]


def gallery(instance: Instance, entries: Sequence[Entry]) -> list[Construction]:
    """Pool entries as constructions, those that are valid."""
    made = []
    for entry in entries[:GALLERY]:
        if entry.elements.max(initial=0) < instance.size:
            found = {"generation": entry.generation, "class": entry.symmetry, "origin": str(entry.origin)}
            made.append(Construction.of(instance, instance.to_points(entry.elements), found))
    return [c for c in made if not c.check()]


def control_log(run: RunFolder, folder: Path) -> tuple[Path, list[dict[str, Any]]]:
    """The log of a run to compare with. Raises FileError where it is for something else."""
    other = RunFolder.read(folder)
    ours, theirs = run.settings, other.settings
    if (theirs.problem, theirs.n) != (ours.problem, ours.n):
        raise FileError(f"--control {folder}: is {theirs.problem} n={theirs.n}, not {ours.problem} n={ours.n}")
    return folder, other.read_log()


def find_control(run: RunFolder) -> tuple[Path, list[dict[str, Any]]] | None:
    """The newest run beside this one of the same problem, size and symmetry without a model, if this one has one."""
    if run.settings.model == "none":
        return None
    wanted = (run.settings.problem, run.settings.n, run.settings.symmetry, "none")
    siblings = sorted(run.folder.resolve().parent.glob("*/settings.toml"))[:MAX_SIBLINGS]
    for path in sorted(siblings, key=_modified, reverse=True):
        with contextlib.suppress(ValueError):  # a folder that is no sound run is no control
            s = from_toml(path)
            if (s.problem, s.n, s.symmetry, s.model) == wanted:
                log = RunFolder(path.parent, s).read_log()
                if log:
                    return path.parent, log
    return None


def differing(run: RunFolder, control: tuple[Path, list[dict[str, Any]]] | None) -> str:
    """The settings of a control that differ from the run's, seed and budget aside, in words."""
    if control is None:
        return ""
    ours, theirs = run.settings, from_toml(control[0] / "settings.toml")
    aside = ("seed", "minutes", "generations", "jobs", "target")
    names = [f.name for f in dataclasses.fields(ours) if f.name not in aside]
    pairs = [(name, getattr(theirs, name), getattr(ours, name)) for name in names]
    return ", ".join(f"{name} {_shown(there)} (here {_shown(here)})" for name, there, here in pairs if there != here)


def _shown(value: object) -> str:
    """A setting in words."""
    return (", ".join(map(str, value)) or "none") if isinstance(value, tuple) else str(value)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # removed in this moment
        return 0.0


def read_attention(run: RunFolder, instance: Instance) -> dict[str, Any] | None:
    """What `attention.json` in the run's folder holds, if it is there and as it should be."""
    path = run.folder / "attention.json"
    if not path.exists():
        return None
    try:
        data = read_json(path)
        return _checked_attention(data, instance)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None  # damaged: the page does without, the next generation writes it anew


def _checked_attention(data: Any, instance: Instance) -> dict[str, Any]:
    sizes = instance.points.max(axis=0) + 1
    cells = [[[int(x) for x in point] for point in orbit] for orbit in data["cells"]]
    weights = data["weights"]
    sound = (
        len(cells) < MAX_TOKENS
        and all(len(p) == len(sizes) and all(0 <= x < s for x, s in zip(p, sizes)) for orbit in cells for p in orbit)
        and 1 <= len(weights) <= 64
        and all(1 <= len(layer) <= 64 and len(layer) == len(weights[0]) for layer in weights)
        and all(
            [len(row) for row in head] == list(range(2, len(cells) + 3)) and set("".join(head)) <= set(LEVELS)
            for layer in weights
            for head in layer
        )
    )
    if not sound:
        raise KeyError("attention")
    return {
        "n": instance.n,
        "board": drawing_of(instance) == "board",
        "symmetry": str(data["symmetry"]),
        "generation": int(data["generation"]),
        "cells": cells,
        "weights": weights,
    }
