"""What a model that works beside the search hands over from one generation to the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from patternboost.loop.context import Context

if TYPE_CHECKING:
    from patternboost.model.tokens import Example


@dataclass(frozen=True)
class Handed:
    """Samples, and what is known of the training that they come from."""

    #: by symmetry class
    samples: dict[str, list[Example]]
    #: what the log says of training and sampling (`Statistics.learned`)
    learned: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """For a checkpoint."""
        samples = {name: [e.elements.tolist() for e in drawn] for name, drawn in self.samples.items()}
        return {"samples": samples, "learned": self.learned}


def handed_from_json(context: Context, saved: dict[str, Any] | None) -> Handed | None:
    """None for None. Raises ValueError, TypeError or KeyError where it is damaged."""
    if saved is None:
        return None
    from patternboost.model.tokens import Example  # late: only runs with a model need torch

    size, samples = context.instance.size, {}
    for name, drawn in saved["samples"].items():
        sets = [np.array(elements, np.int64) for elements in drawn]
        if name not in context.classes or any(s.ndim != 1 or (s < 0).any() or (s >= size).any() for s in sets):
            raise ValueError(f"samples of {name!r:.64}")
        samples[name] = [Example(context.instance.n, name, s) for s in sets]
    return Handed(samples, dict(saved["learned"]))
