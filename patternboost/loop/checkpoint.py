"""A search's checkpoint: everything that a generation depends on, written and taken up again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from patternboost.loop.regions import Guides
from patternboost.store.construction import Construction
from patternboost.store.files import FileError

if TYPE_CHECKING:
    from patternboost.loop.session import Search


def write(search: Search) -> None:
    """Checkpoint the generation that begins now."""
    state = {
        "generation": search.generation,
        # Nothing of the clock where it does not matter, so that equal runs end in equal checkpoints.
        "seconds": search.seconds if search.settings.minutes else 0.0,
        "work": search.work,
        "temperature": search.thermostat.temperature,
        "best": [list(p) for p in search.best.points] if search.best else None,
        "bandit": search.bandit.history,
        "improver": search.improver.state,
        "guides": search.guides.state,
        "seeds": [{"n": c.n, "points": [list(p) for p in c.points]} for c in search.seeds],
    }

    def fill(folder: Path) -> None:
        search.pool.save(folder / "pool.npz")
        if search.generator is not None:
            search.generator.save(folder)

    search.run.checkpoint(search.generation, state, fill)


def restore(search: Search, folder: Path, state: dict[str, Any]) -> None:
    """Take up a checkpoint; the log is cut back to it. Raises FileError where it is damaged."""
    try:
        search.generation = int(state["generation"])
        search.earlier_seconds = float(state["seconds"])
        search.work = float(state["work"])
        search.thermostat.temperature = float(state["temperature"])
        search.bandit = search.new_bandit(state["bandit"])
        search.improver.restore(state["improver"])
        search.guides = Guides(state["guides"])
        search.seeds = [Construction.of(search.instance.problem.at(s["n"]), s["points"]) for s in state["seeds"]]
        # The best as of the checkpoint, not a later one of the folder: the same generation must end the same.
        search.best = Construction.of(search.instance, state["best"]) if state["best"] else None
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise FileError(f"{folder}/state.json is damaged: {error}") from error
    search.make_generator()
    try:
        search.pool.load(folder / "pool.npz")
        if search.generator is not None:
            search.generator.load(folder)
    except FileError:
        raise
    except Exception as error:  # whatever damaged bytes make numpy, zipfile, safetensors or torch raise
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise FileError(f"checkpoint {folder} is damaged ({first}): without it the one before counts") from error
    search.run.cut_log(search.generation)
