"""Generators: what the loop asks of a model. `fit` on the pool, `sample` sets, `save` and `load` for checkpoints."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from patternboost.model.attention import AttentionMap, attention_map
from patternboost.model.bigram import check_vocabulary
from patternboost.model.decoding import Decoder, FastDecoder, TorchDecoder, fast_decoding
from patternboost.model.gpt import GPT, GPTSettings
from patternboost.model.precision import DTYPES, one_torch_thread, pick_precision
from patternboost.model.request import DrawRequest, FitRequest
from patternboost.model.sampling import Samples, SampleSettings, decoded, sample
from patternboost.model.team import ALONE, Team
from patternboost.model.tokens import Example, Vocabulary
from patternboost.model.training import PoolCorpus, TrainLog, TrainSettings, collate, columns_of, make_optimizer, train
from patternboost.problem.ground import IntArray
from patternboost.store.files import FileError, read_json, write_json


class Generator(Protocol):
    """A model of good constructions."""

    vocabulary: Vocabulary

    def fit(self, request: FitRequest) -> TrainLog:
        """Learn from the pool."""

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


def pick_device(name: str) -> torch.device:
    """'auto' takes a GPU where there is one. Raises ValueError for cuda without one."""
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device cuda: this machine has no GPU that torch can use; use --device auto or cpu")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


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
        precision: str = "auto",
        threads: int = 1,
    ) -> None:
        self.vocabulary = vocabulary
        self.training = training
        self.sampling = sampling
        self.device = device
        #: 'fp32' or 'bf16': settled when the model is built, kept by checkpoints
        self.precision = precision
        self._threads = threads
        self._shape = shape
        self._seed = seed
        self.model: GPT | None = None
        self.optimizer: torch.optim.AdamW | None = None

    def build(self, context: int) -> None:
        """A new model for sequences of up to `context` tokens, and its optimiser."""
        settings = GPTSettings(vocabulary=self.vocabulary.count, context=context, **self._shape)
        torch.manual_seed(self._seed)  # the weights' start; sampling and training have generators of their own
        self.model = GPT(settings).to(self.device)
        nn.init.constant_(self.model.norm.weight, 0.25)  # the logits begin near how frequent the tokens are
        self.optimizer = make_optimizer(self.model, self.training)

    def fit(self, request: FitRequest) -> TrainLog:
        """Train; the first call settles tokens, precision and the longest sequence (room for a quarter more)."""
        return self.train(self.ensure_model(request), request)

    def ensure_model(self, request: FitRequest) -> GPT:
        """The model, made on the first call, and anew where an example is longer than it can take."""
        if self.model is None:
            self.vocabulary.learn(request.examples, request.seed)
            self.precision = pick_precision(self.precision, self.device, self._shape["width"])
        sequences = [self.vocabulary.encode(e) for e in request.examples]
        longest = max(map(len, sequences))
        if self.model is None or longest > self.model.settings.context:
            self.build(longest + max(8, longest // 4))
        assert self.model is not None
        tokens = np.concatenate([sequence[PoolCorpus.prefix :] for sequence in sequences])
        counts = np.bincount(tokens, minlength=self.vocabulary.count)
        self.model.set_logit_prior(torch.from_numpy(counts).float().to(self.device))
        return self.model

    def train(self, model: nn.Module, request: FitRequest, team: Team = ALONE) -> TrainLog:
        """Train the model, or its form for several processes."""
        assert self.optimizer is not None
        corpus = PoolCorpus(self.vocabulary, request.examples)
        training = dataclasses.replace(self.training, precision=self.precision, threads=self._threads)
        r = request
        return train(model, self.optimizer, corpus, training, r.seed, r.over, r.report, r.seconds, team)

    def decoder(self) -> Decoder:
        """The model as it is now, ready to be sampled from. Raises ValueError before the first `fit`."""
        if self.model is None:
            raise ValueError("sample before fit")
        self.model.eval()
        dtype = DTYPES[self.precision]
        if fast_decoding(self.model.settings, self.device):
            return FastDecoder(self.model, dtype)
        return TorchDecoder(self.model, dtype)

    def sample(self, request: DrawRequest) -> Samples:
        """Sample with the key/value cache."""
        return decoded(self.sample_sequences(request), self.vocabulary, request.n, request.symmetry)

    def sample_sequences(self, request: DrawRequest) -> list[IntArray]:
        """Samples as tokens."""
        decoder = self.decoder()
        assert self.model is not None
        length = self.model.settings.context - 2
        settings = dataclasses.replace(self.sampling, length=length)
        return sample(decoder, self.vocabulary, request, settings, self._threads)

    @torch.no_grad()
    def expected(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        """See `Generator`."""
        if self.model is None:
            raise ValueError("expected before fit")
        self.model.eval()
        room = self.model.settings.context
        inputs, targets = collate([self.vocabulary.encode(e)[: room + 1] for e in examples], PoolCorpus.prefix)
        columns = columns_of(self.vocabulary, examples)
        with one_torch_thread():  # sums must not depend on how many cores there are
            logits = self.model(inputs.to(self.device), torch.from_numpy(columns).to(self.device))
            chances = logits.softmax(dim=-1)[(targets >= 0).to(self.device)]
        total = np.zeros(self.vocabulary.count)
        total[columns] = chances.sum(dim=0).double().cpu().numpy()
        return total

    def attention(self, example: Example) -> AttentionMap | None:
        """Where the model looks while it writes a construction; None before training, or if that is too long."""
        return None if self.model is None else attention_map(self.model, self.vocabulary, example)

    def save(self, folder: Path) -> None:
        """model.safetensors, optimizer.safetensors, model.json."""
        if self.model is None or self.optimizer is None:
            write_json(folder / "model.json", {"context": None})
            return
        settings = dataclasses.asdict(self.model.settings)
        settings |= {"precision": self.precision, "tokens": self.vocabulary.settings()}
        write_json(folder / "model.json", settings)
        save_file({k: v.contiguous() for k, v in self.model.state_dict().items()}, folder / "model.safetensors")
        moments: dict[str, Tensor] = {}
        for index, state in self.optimizer.state_dict()["state"].items():
            moments |= {f"{index}.{key}": torch.as_tensor(value).contiguous() for key, value in state.items()}
        save_file(moments, folder / "optimizer.safetensors")

    def close(self) -> None:
        """Nobody serves it."""

    def load(self, folder: Path) -> None:
        """Raises FileError that names the setting where the checkpoint was made with other settings."""
        saved: dict[str, Any] = read_json(folder / "model.json")
        if saved.get("context", 0) is None:  # saved before the first training
            return
        if "context" not in saved:
            raise FileError(f"{folder}/model.json is damaged: it does not say the model's context")
        check_vocabulary(folder, saved.get("tokens"), self.vocabulary)
        if saved.get("precision") not in DTYPES or self.precision not in ("auto", saved["precision"]):
            raise FileError(f"{folder}: the model was made with precision = {saved.get('precision')}")
        self.precision = saved["precision"]
        self.build(int(saved["context"]))
        assert self.model is not None
        assert self.optimizer is not None
        for name, value in dataclasses.asdict(self.model.settings).items():
            if saved.get(name) != value:
                raise FileError(f"{folder}: the model was made with {name} = {saved.get(name)}, not {value}")
        self.model.load_state_dict(load_file(folder / "model.safetensors", device=str(self.device)))
        moments = load_file(folder / "optimizer.safetensors", device=str(self.device))
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in moments.items():
            index, key = name.split(".", 1)
            # AdamW keeps its step counts on the CPU
            state.setdefault(int(index), {})[key] = tensor.cpu() if key == "step" else tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})
