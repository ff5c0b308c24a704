"""What changes from generation to generation: everything that a checkpoint holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from patternboost.loop.allocator import Improvers, Ledger
from patternboost.loop.context import Context
from patternboost.loop.handed import Handed, handed_from_json
from patternboost.loop.origins import Origin
from patternboost.loop.pool import Entry, Pool
from patternboost.loop.proposers import PROPOSERS
from patternboost.loop.seeding import valid_placements
from patternboost.loop.smaller_sizes import learned_sizes
from patternboost.loop.starts import expected_steps
from patternboost.loop.temperature import Temperature
from patternboost.problem import ProblemError
from patternboost.problem.base import NOTHING
from patternboost.problem.ground import size_to_json
from patternboost.problem.symmetry import align, canonical_key, class_orbits
from patternboost.store.construction import Construction
from patternboost.store.files import FileError
from patternboost.store.settings import SettingsError

if TYPE_CHECKING:
    from patternboost.model.generator import Generator
    from patternboost.model.tokens import Example


@dataclass
class State:
    """A search between two generations."""

    generation: int
    #: the best construction so far, verified
    best: Construction | None
    pool: Pool
    #: constructions of other runs, mostly of other sizes
    seeds: list[Construction]
    #: the shares of the symmetry classes that paid at other sizes; empty: not known
    known: dict[str, float]
    #: what every proposer brought in every symmetry class, and the improvers: who gets which share
    ledger: Ledger
    improvers: Improvers
    temperature: Temperature
    #: steps that a generation is good for
    work: float
    #: seconds that training took beyond its share, under a time budget: it waits until they are made up for
    owed: float = 0.0
    model: Generator | None = None
    #: of a model that works beside the search
    handed: Handed | None = None
    #: a sample that the model drew in the last generation, for those who look on; no part of a checkpoint
    sample: Example | None = field(default=None, compare=False)

    @property
    def best_merit(self) -> int:
        """The merit of the best so far; `NOTHING`: nothing yet."""
        return NOTHING if self.best is None else self.best.merit

    @property
    def best_score(self) -> int:
        """The best score so far; 0: nothing yet."""
        return 0 if self.best is None else self.best.score

    def to_files(self, folder: Path) -> dict[str, Any]:
        """Write pool and model into a folder; returns the rest, JSON-ready."""
        self.pool.save(folder / "pool.npz")
        if self.model is not None:
            self.model.save(folder)
        return {
            "generation": self.generation,
            "work": self.work,
            "owed": self.owed,
            "temperature": self.temperature.value,
            "best": _points(self.best),
            "best_found": {} if self.best is None else dict(self.best.found),
            "known": self.known,
            "ledger": self.ledger.to_json(),
            "improvers": self.improvers.to_json(),
            "handed": None if self.handed is None else self.handed.to_json(),
            "seeds": [{"n": size_to_json(c.n), "points": _points(c)} for c in self.seeds],
        }


def _points(construction: Construction | None) -> list[list[int]] | None:
    return None if construction is None else [list(p) for p in construction.points]


def new_state(context: Context, seeds: list[Construction], known: dict[str, float] | None = None) -> State:
    """A search that begins; seeds of the run's own size are pool members from the start."""
    s = context.settings
    # Where the clock does not decide: `starts` walks of a middling class.
    work = s.starts * float(np.median([expected_steps(context, c) for c in context.classes]))
    state = State(
        0,
        None,
        Pool(s.pool, s.pool_floor, s.top),
        seeds,
        known or {},
        Ledger(context.classes, (p.origin for p in PROPOSERS)),
        Improvers(),
        Temperature(s.temperature, s.novelty),
        work,
    )
    state.model = _make_model(context, seeds)
    return state


def own_seeds(context: Context, state: State) -> list[Entry]:
    """The seeds of the run's own size, and those of smaller ones that are valid here as they are, as pool members."""
    instance, entries = context.instance, []
    by_orbits = sorted(context.classes, key=lambda name: class_orbits(instance, name).count)
    own = [instance.to_elements(c.points) for c in state.seeds if c.n == instance.n]
    for elements in (*own, *valid_placements(instance, state.seeds)):
        aligned = ((name, align(instance, elements, name)) for name in by_orbits)
        symmetry, turned = next(((name, found) for name, found in aligned if found is not None), ("", None))
        if turned is not None and len(turned):
            merit = Construction.of(instance, instance.to_points(turned)).merit
            if merit == NOTHING:  # what counts at another size need not count here
                continue
            entries.append(Entry(canonical_key(instance, turned), turned, symmetry, -1, Origin.SEED, merit))
    return entries


def from_files(context: Context, folder: Path, saved: dict[str, Any]) -> State:
    """Take up a checkpoint: `saved` is what `to_files` returned. Raises FileError where it is damaged."""
    instance = context.instance
    try:
        seeds = [Construction.of(instance.problem.at(s["n"]), s["points"]) for s in saved["seeds"]]
        known = {str(name): float(share) for name, share in saved["known"].items()}
        state = new_state(context, seeds, known)
        state.generation = int(saved["generation"])
        state.work, state.owed = float(saved["work"]), float(saved["owed"])
        state.temperature.value = float(saved["temperature"])
        # The best as of the checkpoint, not a later one of the folder: the same generation must end the same.
        state.best = Construction.of(instance, saved["best"], saved["best_found"]) if saved["best"] else None
        state.handed = handed_from_json(context, saved.get("handed"))
        state.ledger.take(saved["ledger"])
        state.improvers.take(saved["improvers"])
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, ProblemError) as error:
        raise FileError(f"{folder}/state.json is damaged: {error}") from error
    try:
        state.pool.load(folder / "pool.npz")
    except FileError as error:
        raise FileError(f"checkpoint {folder} is damaged ({error}): without it the one before counts") from error
    try:
        if state.model is not None:
            state.model.load(folder)
    except FileError:
        raise
    except Exception as error:  # whatever damaged bytes make numpy, zipfile, safetensors or torch raise
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise FileError(f"checkpoint {folder} is damaged ({first}): without it the one before counts") from error
    return state


def import_model(model: str) -> None:
    """Import what a model needs, seconds of torch above all. Raises SettingsError where torch is missing."""
    if model == "none":
        return
    if find_spec("torch") is None:
        raise SettingsError(f"--model {model} needs torch: pip install torch, or use --model none")
    import patternboost.model.making  # noqa: F401


def _make_model(context: Context, seeds: list[Construction]) -> Generator | None:
    """The untrained generator that the settings ask for."""
    if context.settings.model == "none":
        return None
    from patternboost.model.making import make_generator  # late: only runs with a model need torch

    sizes = sorted({*learned_sizes(context.instance.n, seeds, context.settings.model), context.instance.n})
    return make_generator(context.settings, context.instance, sizes)
