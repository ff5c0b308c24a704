"""Generators: what the loop asks of a model. `fit` on the pool, `sample` sets, `save` and `load` for checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from patternboost.model.alignment import AlignLog, AlignRequest, AlignSettings
from patternboost.model.attention import AttentionMap
from patternboost.model.request import DrawRequest, FitRequest
from patternboost.model.sampling import Samples
from patternboost.model.tokens import Example, Vocabulary
from patternboost.model.training import TrainLog
from patternboost.store.files import FileError


class Generator(Protocol):
    """A model of good constructions."""

    vocabulary: Vocabulary
    #: whether it computes on a device of its own
    apart: bool

    def prepare(self) -> None:
        """Begin, beside the search, what the first `fit` would otherwise wait for."""

    @property
    def ready(self) -> bool:
        """Whether `fit` begins at once."""

    def fit(self, request: FitRequest) -> TrainLog:
        """Learn from the pool."""

    def align(self, request: AlignRequest, settings: AlignSettings) -> AlignLog | None:
        """Learn from what samples are worth; None: this model cannot."""

    def sample(self, request: DrawRequest) -> Samples:
        """Draw constructions of a size and class; with a table only valid ones."""

    def expected(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        """How often the model expects each token to go on from the beginnings of `examples`, float64 [V], END too."""

    def attention(self, example: Example) -> AttentionMap | None:
        """Where the model looks while it writes a construction; None for a model that does not look."""

    def save(self, folder: Path) -> None:
        """Write everything that `load` needs into a folder."""

    def load(self, folder: Path) -> None:
        """Go on exactly where `save` was called. Raises FileError."""

    def close(self) -> None:
        """The search is over: let go of processes that serve it."""


def check_vocabulary(folder: Path, saved: Any, vocabulary: Vocabulary) -> None:
    """Take up what a checkpoint's vocabulary had learned. Raises FileError that names a setting that differs."""
    if not isinstance(saved, dict):
        raise FileError(f"{folder}/model.json is damaged: it does not say the model's vocabulary")
    try:
        vocabulary.restore(saved)
    except ValueError as error:
        raise FileError(f"{folder}/model.json is damaged: {error}") from error
    for name, value in vocabulary.settings().items():
        if saved.get(name) != value:
            raise FileError(f"{folder}: the model was made with {name} = {saved.get(name)}, not {value}")
