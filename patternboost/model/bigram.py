"""The baselines: next token from the last one only, or from none, by counting."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from typing_extensions import override

from patternboost.model.alignment import AlignRequest, AlignSettings
from patternboost.model.attention import AttentionMap
from patternboost.model.corpus import Kind
from patternboost.model.decoding import Decoder, Stepper
from patternboost.model.generator import Generator, check_vocabulary
from patternboost.model.next_token import SampleSettings
from patternboost.model.request import DrawRequest, FitRequest
from patternboost.model.sampling import Samples, decoded, sample
from patternboost.model.tokens import Example, Vocabulary
from patternboost.model.training import TrainLog
from patternboost.problem.ground import IntArray
from patternboost.store.files import read_json, write_json

#: added to every count
_SMOOTHING = 0.01


def bigram_logits(sequences: Sequence[IntArray], prefix: int, count: int) -> Tensor:
    """Log-probabilities [V, V] of which token follows which, from the last of the prefix on, a little smoothed."""
    counts = np.full((count, count), _SMOOTHING, np.float32)
    for sequence in sequences:
        np.add.at(counts, (sequence[prefix - 1 : -1], sequence[prefix:]), 1.0)
    return torch.from_numpy(np.log(counts / counts.sum(axis=1, keepdims=True)))


class _BigramStepper(Stepper):
    """Next-token log-probabilities from the last token only."""

    def __init__(self, logits: Tensor, columns: Tensor) -> None:
        self._logits = logits
        self._columns = columns

    def start(self, prefix: tuple[int, ...], batch: int) -> Tensor:
        """The row of the prefix's last token."""
        return self._logits[prefix[-1], self._columns].repeat(batch, 1)

    def step(self, tokens: Tensor) -> Tensor:
        """The rows of the last tokens."""
        return self._logits[tokens][:, self._columns]

    def keep(self, rows: Tensor) -> None:
        """Nothing is remembered."""


class BigramDecoder(Decoder):
    """Log-probabilities [V, V] of which token follows which."""

    device = torch.device("cpu")

    def __init__(self, logits: Tensor) -> None:
        self._logits = logits

    @override
    def open(self, columns: IntArray, kind: Kind | None = None) -> Stepper:
        return _BigramStepper(self._logits, torch.from_numpy(columns))


class BigramGenerator(Generator):
    """Counts of which token follows which; as a unigram model, of how frequent they are, whatever came before."""

    apart = False

    def __init__(self, vocabulary: Vocabulary, sampling: SampleSettings, unigram: bool = False) -> None:
        self.vocabulary = vocabulary
        self.sampling = sampling
        self._unigram = unigram
        self._counted: Tensor | None = None  # log-probabilities [V, V], as a unigram model [1, V]
        self._longest = 0

    def prepare(self) -> None:
        """Nothing to do."""

    @property
    def ready(self) -> bool:
        """Counting needs nothing first."""
        return True

    def fit(self, request: FitRequest) -> TrainLog:
        """Count anew."""
        if self._counted is None:
            self.vocabulary.learn(request.examples, request.seed)
        sequences = [
            self.vocabulary.encode(example, move)
            for example in request.examples
            for move in range(len(self.vocabulary.view(example.n, example.symmetry).moves))
        ]
        self._longest = max(map(len, sequences))
        count = self.vocabulary.count
        if self._unigram:
            tokens = np.concatenate([sequence[2:] for sequence in sequences])
            seen = np.bincount(tokens, minlength=count) + _SMOOTHING
            self._counted = torch.from_numpy(np.log(seen / seen.sum()).astype(np.float32))[None]
        else:
            self._counted = bigram_logits(sequences, 2, count)
        request.report(1.0)
        return TrainLog(1, float("nan"), float("nan"), 0.0)

    def _logits(self) -> Tensor:
        """[V, V], one row for all as a unigram model."""
        if self._counted is None:
            raise ValueError("sample or expected before fit")
        return self._counted.expand(self.vocabulary.count, -1)

    def sample(self, request: DrawRequest) -> Samples:
        """Sample from the counts."""
        length = self._longest + self._longest // 4
        settings = dataclasses.replace(self.sampling, length=length)
        bodies = sample(BigramDecoder(self._logits()), self.vocabulary, request, settings)
        return decoded(bodies, self.vocabulary, request.n, request.symmetry)

    @override
    def expected(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        last = np.concatenate([self.vocabulary.encode(example)[1:-1] for example in examples])
        return self._logits()[torch.from_numpy(last)].exp().sum(dim=0).double().numpy()

    def save(self, folder: Path) -> None:
        """model.safetensors and model.json."""
        write_json(folder / "model.json", {"longest": self._longest, "tokens": self.vocabulary.settings()})
        if self._counted is not None:
            save_file({"logits": self._counted}, folder / "model.safetensors")

    def align(self, request: AlignRequest, settings: AlignSettings) -> None:
        """Counts are not aligned."""

    def attention(self, example: Example) -> AttentionMap | None:
        """Counts look at the last token only: there is nothing to show."""
        return None

    def close(self) -> None:
        """Nobody serves it."""

    def load(self, folder: Path) -> None:
        """Raises FileError where the checkpoint was made for other tokens."""
        saved: dict[str, Any] = read_json(folder / "model.json")
        check_vocabulary(folder, saved.get("tokens"), self.vocabulary)
        self._longest = int(saved["longest"])
        if (folder / "model.safetensors").exists():
            self._counted = load_file(folder / "model.safetensors")["logits"]
