"""What changes from generation to generation: everything that a checkpoint holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from patternboost.loop.allocator import Allocator
from patternboost.loop.context import Context
from patternboost.loop.origins import Origin
from patternboost.loop.pool import Entry, Pool
from patternboost.loop.proposers import PROPOSERS
from patternboost.loop.starts import expected_steps
from patternboost.loop.temperature import Temperature
from patternboost.problem import ProblemError
from patternboost.problem.symmetry import align, canonical_key
from patternboost.store.construction import Construction
from patternboost.store.files import FileError

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
    #: constructions of other runs, of sizes up to this one
    seeds: list[Construction]
    #: who gets which share: symmetry classes, proposers (by origin), improvers
    classes: Allocator
    proposers: Allocator
    improvers: Allocator
    temperature: Temperature
    #: steps that a generation is good for
    work: float
    model: Generator | None = None
    #: a sample that the model drew in the last generation, for those who look on; no part of a checkpoint
    sample: Example | None = field(default=None, compare=False)

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
            "temperature": self.temperature.value,
            "best": _points(self.best),
            "best_found": {} if self.best is None else dict(self.best.found),
            "classes": self.classes.to_json(),
            "proposers": self.proposers.to_json(),
            "improvers": self.improvers.to_json(),
            "seeds": [{"n": c.n, "points": _points(c)} for c in self.seeds],
        }


def _points(construction: Construction | None) -> list[list[int]] | None:
    return None if construction is None else [list(p) for p in construction.points]


def new_state(context: Context, seeds: list[Construction]) -> State:
    """A search that begins; seeds of the run's own size are pool members from the start."""
    s = context.settings
    # Where the clock does not decide: `starts` walks of a middling class.
    work = s.starts * float(np.median([expected_steps(context, c) for c in context.classes]))
    state = State(
        0,
        None,
        Pool(s.pool, s.pool_floor, s.top),
        seeds,
        Allocator(context.classes),
        Allocator([Origin.RANDOM, *(p.origin for p in PROPOSERS if p.share(context) is None)]),
        Allocator(["tabu", "solver"]),
        Temperature(s.temperature, s.novelty),
        work,
    )
    state.model = _make_model(context, seeds)
    return state


def own_seeds(context: Context, state: State) -> list[Entry]:
    """The seeds of the run's own size, as pool members."""
    instance, entries = context.instance, []
    for seed in (c for c in state.seeds if c.n == instance.n):
        symmetry = seed.symmetry if seed.symmetry in context.classes else "none"
        elements = align(instance, instance.to_elements(seed.points), symmetry)
        if symmetry in context.classes and elements is not None:
            entries.append(Entry(canonical_key(instance, elements), elements, symmetry, -1, Origin.SEED))
    return entries


def from_files(context: Context, folder: Path, saved: dict[str, Any]) -> State:
    """Take up a checkpoint: `saved` is what `to_files` returned. Raises FileError where it is damaged."""
    instance = context.instance
    try:
        state = new_state(context, [Construction.of(instance.problem.at(s["n"]), s["points"]) for s in saved["seeds"]])
        state.generation = int(saved["generation"])
        state.work = float(saved["work"])
        state.temperature.value = float(saved["temperature"])
        # The best as of the checkpoint, not a later one of the folder: the same generation must end the same.
        state.best = Construction.of(instance, saved["best"], saved["best_found"]) if saved["best"] else None
        for allocator, name in (
            (state.classes, "classes"),
            (state.proposers, "proposers"),
            (state.improvers, "improvers"),
        ):
            allocator.take(saved[name])
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, ProblemError) as error:
        raise FileError(f"{folder}/state.json is damaged: {error}") from error
    try:
        state.pool.load(folder / "pool.npz")
        if state.model is not None:
            state.model.load(folder)
    except FileError:
        raise
    except Exception as error:  # whatever damaged bytes make numpy, zipfile, safetensors or torch raise
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise FileError(f"checkpoint {folder} is damaged ({first}): without it the one before counts") from error
    return state


def _make_model(context: Context, seeds: list[Construction]) -> Generator | None:
    """The untrained generator that the settings ask for."""
    if context.settings.model == "none":
        return None
    from patternboost.model.making import make_generator  # late: only runs with a model need torch

    sizes = sorted({c.n for c in seeds} | {context.instance.n})
    return make_generator(context.settings, context.instance, sizes)
