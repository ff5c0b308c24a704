"""Sending a run's figures to an experiment tracker, for those who have one: TensorBoard or Weights & Biases.

Both are optional extras, imported on use. Figures reach TensorBoard by its own event writer rather than torch's, so
that nothing here needs torch.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol

from patternboost.loop.outputs import GenerationEvent
from patternboost.store.run_folder import RunFolder
from patternboost.store.settings import TRACKERS


class Tracker(Protocol):
    """Where figures go."""

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """Figures by name, at a generation."""

    def close(self) -> None:
        """Everything is sent."""


class TensorBoardTracker:
    """Event files in the run's folder: `tensorboard --logdir runs` shows all runs side by side."""

    def __init__(self, run: RunFolder) -> None:
        self._writer = _imported("tensorboard.summary", "tensorboard").Writer(str(run.folder / "tensorboard"))

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """One scalar per figure, on disk at once."""
        for name, value in figures.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        """Close the event file."""
        self._writer.close()


class WandbTracker:
    """A run of Weights & Biases, named after the run's folder; a resumed run goes on there too.

    WANDB_PROJECT (else `patternboost`), WANDB_MODE=offline and its other variables hold as usual.
    """

    def __init__(self, run: RunFolder) -> None:
        wandb: Any = _imported("wandb", "wandb")
        name = re.sub(r"[^\w.-]", "-", run.folder.resolve().name)
        try:
            self._run = wandb.init(
                project=os.environ.get("WANDB_PROJECT", "patternboost"),
                name=name,
                id=name,
                resume="allow",
                dir=str(run.folder),
                config=dataclasses.asdict(run.settings),
            )
        except Exception as error:  # no key, no network: wandb has a class of its own for each
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ValueError(f"--track wandb: {first} (WANDB_MODE=offline needs no account)") from error

    def log(self, step: int, figures: Mapping[str, float]) -> None:
        """All figures of a generation together."""
        self._run.log(dict(figures), step=step)

    def close(self) -> None:
        """Wait until everything is sent."""
        self._run.finish()


def _imported(module: str, extra: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise ValueError(f"--track {extra} needs {extra}: pip install 'patternboost[{extra}]'") from error


def make_tracker(kind: str, run: RunFolder) -> Tracker:
    """The tracker of a kind. Raises ValueError, in one line, for another kind or one that is not installed."""
    if kind not in TRACKERS:
        raise ValueError(f"--track {kind}: use one of {', '.join(TRACKERS)}")
    return TensorBoardTracker(run) if kind == "tensorboard" else WandbTracker(run)


def figures_of(entry: Mapping[str, Any]) -> dict[str, float]:
    """The figures of a generation's line in the log, by name."""
    after = entry["after"]
    walks = sum(after.values())
    figures = {
        "best": entry["best"],
        "new": entry["new"],
        "malformed": entry["malformed"],
        "pool/size": entry["pool"]["size"],
        "pool/median": entry["pool"]["median"],
        "score/after": sum(int(score) * count for score, count in after.items()) / walks if walks else None,
        "steps": entry["steps"],
    }
    figures |= {f"seconds/{name}": seconds for name, seconds in entry["phases"].items()}
    figures |= {f"score/from {origin}": of["mean"] for origin, of in entry["origins"].items()}
    if entry["train"]:
        figures |= {f"train/{name}": entry["train"][name] for name in ("loss", "held_out_loss", "counted_loss")}
    return {name: float(value) for name, value in figures.items() if value is not None}


class Tracking:
    """An observer of a search that passes every generation on to a tracker."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker

    def __call__(self, event: GenerationEvent) -> None:
        """Send a generation's figures."""
        self._tracker.log(event.entry["generation"], figures_of(event.entry))

    def close(self) -> None:
        """Send what is left."""
        self._tracker.close()
