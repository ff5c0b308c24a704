"""The transformer as a generator: made, trained, sampled from and checkpointed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from safetensors.torch import save as tensors_to_bytes
from torch import Tensor, nn
from typing_extensions import override

from patternboost.model.attention import AttentionMap, attention_map
from patternboost.model.decoding import Decoder, FastDecoder, TorchDecoder, fast_decoding
from patternboost.model.generator import Generator, check_vocabulary
from patternboost.model.gpt import GPT, GPTSettings
from patternboost.model.precision import DTYPES, one_torch_thread, pick_precision
from patternboost.model.request import DrawRequest, FitRequest
from patternboost.model.sampling import Samples, SampleSettings, decoded, sample
from patternboost.model.team import ALONE, Team
from patternboost.model.tokens import Example, Vocabulary
from patternboost.model.training import PoolCorpus, TrainLog, TrainSettings, collate, columns_of, make_optimizer, train
from patternboost.problem import IntArray
from patternboost.store.files import FileError, atomic_write, read_json, write_json


@dataclass(frozen=True)
class Built:
    """A model with its optimiser."""

    model: GPT
    optimizer: torch.optim.AdamW


class GPTGenerator(Generator):
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
        self.built: Built | None = None

    @property
    def model(self) -> GPT:
        """The model. Raises ValueError before the first `fit`."""
        if self.built is None:
            raise ValueError("there is no model before the first fit")
        return self.built.model

    def build(self, context: int) -> Built:
        """A new model for sequences of up to `context` tokens, and its optimiser."""
        settings = GPTSettings(vocabulary=self.vocabulary.count, context=context, **self._shape)
        torch.manual_seed(self._seed)  # the weights' start; sampling and training have generators of their own
        model = GPT(settings).to(self.device)
        nn.init.constant_(model.norm.weight, 0.25)  # the logits begin near how frequent the tokens are
        self.built = Built(model, make_optimizer(model, self.training))
        return self.built

    def fit(self, request: FitRequest) -> TrainLog:
        """Train; the first call settles tokens, precision and the longest sequence (room for a quarter more).

        Weights that are no numbers any more are thrown away: the next call begins with a new model.
        """
        built = self.ensure_model(request)
        log = self.train(built.model, built.optimizer, request)
        if all(bool(torch.isfinite(p).all()) for p in built.model.parameters()):
            return log
        self.built = None
        return dataclasses.replace(log, diverged=True)

    def ensure_model(self, request: FitRequest) -> Built:
        """The model, made on the first call, and anew where an example is longer than it can take."""
        if self.built is None:
            self.vocabulary.learn(request.examples, request.seed)
            self.precision = pick_precision(self.precision, self.device, self._shape["width"])
        sequences = [self.vocabulary.encode(e) for e in request.examples]
        longest = max(map(len, sequences))
        built = self.built
        if built is None or longest > built.model.settings.context:
            built = self.build(longest + max(8, longest // 4))
        tokens = np.concatenate([sequence[PoolCorpus.prefix :] for sequence in sequences])
        counts = np.bincount(tokens, minlength=self.vocabulary.count)
        built.model.set_logit_prior(torch.from_numpy(counts).float().to(self.device))
        return built

    def train(
        self, model: nn.Module, optimizer: torch.optim.AdamW, request: FitRequest, team: Team = ALONE
    ) -> TrainLog:
        """Train the model, or its form for several processes."""
        corpus = PoolCorpus(self.vocabulary, request.examples)
        training = dataclasses.replace(self.training, precision=self.precision, threads=self._threads)
        r = request
        return train(model, optimizer, corpus, training, r.seed, r.over, r.report, r.seconds, team)

    def decoder(self) -> Decoder:
        """The model as it is now, ready to be sampled from. Raises ValueError before the first `fit`."""
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
        length = self.model.settings.context - 2
        settings = dataclasses.replace(self.sampling, length=length)
        return sample(decoder, self.vocabulary, request, settings, self._threads)

    @torch.no_grad()
    @override
    def expected(self, examples: Sequence[Example]) -> NDArray[np.float64]:
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
        return None if self.built is None else attention_map(self.model, self.vocabulary, example)

    def save(self, folder: Path) -> None:
        """model.safetensors, optimizer.safetensors, model.json."""
        if self.built is None:
            write_json(folder / "model.json", {"context": None})
            return
        settings = dataclasses.asdict(self.model.settings)
        settings |= {"precision": self.precision, "tokens": self.vocabulary.settings()}
        write_json(folder / "model.json", settings)
        weights = {k: v.contiguous() for k, v in self.model.state_dict().items()}
        _write(folder / "model.safetensors", weights)
        moments: dict[str, Tensor] = {}
        for index, state in self.built.optimizer.state_dict()["state"].items():
            moments |= {f"{index}.{key}": torch.as_tensor(value).contiguous() for key, value in state.items()}
        _write(folder / "optimizer.safetensors", moments)

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
        built = self.build(int(saved["context"]))
        for name, value in dataclasses.asdict(built.model.settings).items():
            if saved.get(name) != value:
                raise FileError(f"{folder}: the model was made with {name} = {saved.get(name)}, not {value}")
        built.model.load_state_dict(load_file(folder / "model.safetensors", device=str(self.device)))
        moments = load_file(folder / "optimizer.safetensors", device=str(self.device))
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in moments.items():
            index, key = name.split(".", 1)
            # AdamW keeps its step counts on the CPU
            state.setdefault(int(index), {})[key] = tensor.cpu() if key == "step" else tensor
        built.optimizer.load_state_dict({**built.optimizer.state_dict(), "state": state})


def _write(path: Path, tensors: dict[str, Tensor]) -> None:
    """Atomically write tensors; a full disk raises OSError, which has words for it, and not an error of the format."""
    with atomic_write(path) as file:
        file.write(tensors_to_bytes(tensors))
