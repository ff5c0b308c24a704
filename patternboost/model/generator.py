"""Generators: what the loop asks of a model. `fit` on the pool, `sample` sets, `save` and `load` for checkpoints."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from patternboost.files import FileError, read_json, write_json
from patternboost.ground import IntArray
from patternboost.model.attention import Looked, look
from patternboost.model.gpt import GPT, GPTSettings
from patternboost.model.sampling import GPTStepper, SampleSettings, sample
from patternboost.model.tokens import Example, Vocabulary
from patternboost.model.training import TrainLog, TrainSettings, make_optimizer, train
from patternboost.problem import Instance
from patternboost.search.tables import Table
from patternboost.settings import Settings


@dataclass(frozen=True)
class Samples:
    """What a generator drew: well-formed sets of elements, and how many samples had a wrong format."""

    sets: list[IntArray]
    malformed: int


class Generator(Protocol):
    """A model of good constructions."""

    def fit(
        self,
        examples: Sequence[Example],
        seed: int,
        over: Callable[[], bool],
        report: Callable[[float], None],
        seconds: float | None = None,
    ) -> TrainLog:
        """Learn from the pool: the configured steps, or for so many seconds; sooner where `over()` says so."""

    def sample(
        self, n: int, symmetry: str, count: int, seed: int, table: Table | None, over: Callable[[], bool]
    ) -> Samples:
        """Draw constructions of a size and class; with a table only valid ones."""

    def attention(self, example: Example) -> Looked | None:
        """Where the model looks while it writes a construction; None for a model that does not look."""

    def save(self, folder: Path) -> None:
        """Write everything that `load` needs into a folder."""

    def load(self, folder: Path) -> None:
        """Go on exactly where `save` was called. Raises FileError."""


def pick_device(name: str) -> torch.device:
    """'auto' takes a GPU where there is one. Raises ValueError for cuda without one."""
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device cuda: this machine has no GPU that torch can use; use --device auto or cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def _decoded(bodies: Sequence[IntArray], vocabulary: Vocabulary, n: int, symmetry: str) -> Samples:
    sets = [vocabulary.decode(n, symmetry, body) for body in bodies]
    good = [s for s in sets if s is not None and len(s)]
    return Samples(good, len(bodies) - len(good))


class GPTGenerator:
    """The transformer with its optimiser, both kept over generations."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        shape: dict[str, int],
        training: TrainSettings,
        sampling: SampleSettings,
        device: torch.device,
        seed: int,
    ) -> None:
        self.vocabulary = vocabulary
        self.training = training
        self.sampling = sampling
        self.device = device
        self._shape = shape
        self._seed = seed
        self._model: GPT | None = None
        self._optimizer: torch.optim.AdamW | None = None

    def _build(self, context: int) -> None:
        settings = GPTSettings(vocabulary=self.vocabulary.count, context=context, **self._shape)
        torch.manual_seed(self._seed)  # the weights' start; sampling and training have generators of their own
        self._model = GPT(settings).to(self.device)
        self._optimizer = make_optimizer(self._model, self.training)

    def fit(
        self,
        examples: Sequence[Example],
        seed: int,
        over: Callable[[], bool],
        report: Callable[[float], None],
        seconds: float | None = None,
    ) -> TrainLog:
        """Train; the first call settles the longest sequence, with room for constructions a quarter larger."""
        longest = max(len(self.vocabulary.encode(e)) for e in examples)
        if self._model is None or longest > self._model.settings.context:
            self._build(longest + max(8, longest // 4))
        assert self._model is not None
        assert self._optimizer is not None
        model, optimizer = self._model, self._optimizer
        return train(model, optimizer, self.vocabulary, examples, self.training, seed, over, report, seconds)

    def sample(
        self, n: int, symmetry: str, count: int, seed: int, table: Table | None, over: Callable[[], bool]
    ) -> Samples:
        """Sample with the key/value cache."""
        if self._model is None:
            raise ValueError("sample before fit")
        self._model.eval()
        noise = torch.Generator(device=self.device).manual_seed(seed)
        settings = dataclasses.replace(self.sampling, length=self._model.settings.context - 2)
        stepper = GPTStepper(self._model)
        bodies = sample(stepper, self.vocabulary, n, symmetry, count, settings, noise, table, over)
        return _decoded(bodies, self.vocabulary, n, symmetry)

    def attention(self, example: Example) -> Looked | None:
        """Where the model looks while it writes a construction; None before training, or if that is too long."""
        return None if self._model is None else look(self._model, self.vocabulary, example)

    def save(self, folder: Path) -> None:
        """model.safetensors, optimizer.safetensors, model.json."""
        if self._model is None or self._optimizer is None:
            write_json(folder / "model.json", {"context": None})
            return
        settings = dataclasses.asdict(self._model.settings) | {"tokens": self.vocabulary.settings()}
        write_json(folder / "model.json", settings)
        save_file({k: v.contiguous() for k, v in self._model.state_dict().items()}, folder / "model.safetensors")
        moments: dict[str, Tensor] = {}
        for index, state in self._optimizer.state_dict()["state"].items():
            moments |= {f"{index}.{key}": torch.as_tensor(value).contiguous() for key, value in state.items()}
        save_file(moments, folder / "optimizer.safetensors")

    def load(self, folder: Path) -> None:
        """Raises FileError that names the setting where the checkpoint was made with other settings."""
        saved: dict[str, Any] = read_json(folder / "model.json")
        if saved.get("context", 0) is None:  # saved before the first training
            return
        if "context" not in saved:
            raise FileError(f"{folder}/model.json is damaged: it does not say the model's context")
        self._build(int(saved["context"]))
        assert self._model is not None
        assert self._optimizer is not None
        ours = {"tokens": self.vocabulary.settings()} | dataclasses.asdict(self._model.settings)
        for name, value in ours.items():
            if saved.get(name) != value:
                raise FileError(f"{folder}: the model was made with {name} = {saved.get(name)}, not {value}")
        self._model.load_state_dict(load_file(folder / "model.safetensors", device=str(self.device)))
        moments = load_file(folder / "optimizer.safetensors", device=str(self.device))
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in moments.items():
            index, key = name.split(".", 1)
            # AdamW keeps its step counts on the CPU
            state.setdefault(int(index), {})[key] = tensor.cpu() if key == "step" else tensor
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": state})


class _BigramStepper:
    """Next-token log-probabilities from the last token only."""

    def __init__(self, logits: Tensor) -> None:
        self._logits = logits

    def start(self, prefix: tuple[int, ...], batch: int) -> Tensor:
        """The row of the prefix's last token."""
        return self._logits[prefix[-1]].expand(batch, -1)

    def step(self, tokens: Tensor) -> Tensor:
        """The rows of the last tokens."""
        return self._logits[tokens]

    def keep(self, rows: Tensor) -> None:
        """Nothing is remembered."""


class BigramGenerator:
    """The baseline: counts of which token follows which, with a little smoothing."""

    SMOOTHING = 0.01

    def __init__(self, vocabulary: Vocabulary, sampling: SampleSettings) -> None:
        self.vocabulary = vocabulary
        self.sampling = sampling
        self._logits: Tensor | None = None
        self._longest = 0

    def fit(
        self,
        examples: Sequence[Example],
        seed: int,
        over: Callable[[], bool],
        report: Callable[[float], None],
        seconds: float | None = None,
    ) -> TrainLog:
        """Count anew."""
        counts = np.full((self.vocabulary.count, self.vocabulary.count), self.SMOOTHING, np.float32)
        self._longest = 0
        for example in examples:
            for move in range(len(self.vocabulary.view(example.n, example.symmetry).moves)):
                sequence = self.vocabulary.encode(example, move)
                np.add.at(counts, (sequence[1:-1], sequence[2:]), 1.0)
                self._longest = max(self._longest, len(sequence))
        self._logits = torch.from_numpy(np.log(counts / counts.sum(axis=1, keepdims=True)))
        report(1.0)
        return TrainLog(1, float("nan"), float("nan"), 0.0)

    def sample(
        self, n: int, symmetry: str, count: int, seed: int, table: Table | None, over: Callable[[], bool]
    ) -> Samples:
        """Sample from the counts."""
        if self._logits is None:
            raise ValueError("sample before fit")
        noise = torch.Generator().manual_seed(seed)
        settings = dataclasses.replace(self.sampling, length=self._longest + self._longest // 4)
        bodies = sample(_BigramStepper(self._logits), self.vocabulary, n, symmetry, count, settings, noise, table, over)
        return _decoded(bodies, self.vocabulary, n, symmetry)

    def attention(self, example: Example) -> Looked | None:
        """Counts look at the last token only: there is nothing to show."""
        return None

    def save(self, folder: Path) -> None:
        """model.safetensors and model.json."""
        write_json(folder / "model.json", {"longest": self._longest, "tokens": self.vocabulary.settings()})
        if self._logits is not None:
            save_file({"logits": self._logits}, folder / "model.safetensors")

    def load(self, folder: Path) -> None:
        """Raises FileError where the checkpoint was made for other tokens."""
        saved: dict[str, Any] = read_json(folder / "model.json")
        if saved.get("tokens") != self.vocabulary.settings():
            raise FileError(f"{folder}: the model was made for tokens {saved.get('tokens')}")
        self._longest = int(saved["longest"])
        if (folder / "model.safetensors").exists():
            self._logits = load_file(folder / "model.safetensors")["logits"]


def make_generator(settings: Settings, instance: Instance, sizes: Sequence[int]) -> Generator:
    """The generator that the settings ask for, untrained, for constructions of the given sizes."""
    torch.set_num_threads(settings.jobs)
    vocabulary = Vocabulary(instance.problem, tuple(sizes), tuple(instance.classes))
    sampling = SampleSettings(temperature=settings.temperature, top_p=settings.top_p)
    if settings.model == "bigram":
        return BigramGenerator(vocabulary, sampling)
    shape = {"layers": settings.layers, "heads": settings.heads, "width": settings.width}
    training = TrainSettings(settings.train_steps, settings.batch, settings.learning_rate, settings.weight_decay)
    return GPTGenerator(vocabulary, shape, training, sampling, pick_device(settings.device), settings.seed)
