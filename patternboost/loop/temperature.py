"""The sampling temperature: it rises while the model repeats what it has learned, and falls back when it does not."""

from __future__ import annotations

#: one generation's change, and how far the temperature may go above where it began
_STEP = 1.1
_MOST = 2.0


class Temperature:
    """Holds the share of new samples near a goal.

    With a small pool a model ends up reciting it (in a first experiment 81 of 128 samples were copies). A higher
    temperature costs quality, so it comes down again as soon as novelty allows.
    """

    def __init__(self, start: float, goal: float) -> None:
        self.start = start
        self.goal = goal
        self.value = start

    def note(self, new: int, drawn: int) -> None:
        """Of `drawn` well-formed samples `new` were neither copies of each other nor of pool members."""
        if not self.goal or not drawn:
            return
        warmer = new < self.goal * drawn
        self.value *= _STEP if warmer else 1 / _STEP
        self.value = min(max(self.value, self.start), _MOST * self.start)
