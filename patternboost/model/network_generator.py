"""A transformer of any architecture as a generator: made, trained, sampled from and checkpointed."""

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

from patternboost.model.alignment import AlignLog, AlignRequest, AlignSettings, align
from patternboost.model.attention import AttentionMap, attention_map
from patternboost.model.corpus import Corpus, FreshCorpus, Kind, PoolCorpus, columns_of
from patternboost.model.decoding import Decoder, decoder_of
from patternboost.model.device_sampling import DeviceSampling, bodies_of, split
from patternboost.model.generator import Generator, check_vocabulary
from patternboost.model.gpt import GPT, Shape, context_for
from patternboost.model.late_import import LateImport
from patternboost.model.networks import make_network
from patternboost.model.next_token import SampleSettings
from patternboost.model.precision import DTYPES, one_torch_thread, pick_precision
from patternboost.model.request import DrawRequest, FitRequest
from patternboost.model.sampling import Samples, decoded, sample
from patternboost.model.steps import CapturedSteps
from patternboost.model.team import ALONE, Team
from patternboost.model.tokens import END, Example, Vocabulary
from patternboost.model.training import (
    TrainLog,
    TrainSettings,
    captured_steps,
    held_out_loss,
    is_finite,
    make_optimizer,
    train,
)
from patternboost.problem import IntArray
from patternboost.store.files import FileError, atomic_write, read_json, write_json


@dataclass(frozen=True)
class Built:
    """A model with its optimiser, and what a GPU keeps ready to train and sample it."""

    model: GPT
    optimizer: torch.optim.AdamW
    steps: CapturedSteps | None = None
    sampling: DeviceSampling | None = None


#: torch's compiler, which every optimiser imports when it is first used
_COMPILER = LateImport("torch._dynamo")


class NetworkGenerator(Generator):
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
        network: str = "gpt",
    ) -> None:
        self.vocabulary = vocabulary
        self.training = training
        self.sampling = sampling
        self.device = device
        self.apart = device.type != "cpu"
        self._asked = precision
        #: 'fp32' or 'bf16', kept by checkpoints
        self.precision = pick_precision(precision, device, shape["width"])
        self._threads = threads
        self._shape = shape
        self._seed = seed
        self._network = network
        self.built: Built | None = None

    @property
    def model(self) -> GPT:
        """The model. Raises ValueError before the first `fit`."""
        if self.built is None:
            raise ValueError("there is no model before the first fit")
        return self.built.model

    def build(self, context: int) -> Built:
        """A new model for sequences of up to `context` tokens, and its optimiser."""
        _COMPILER.wait()
        settings = Shape(vocabulary=self.vocabulary.count, context=context, **self._shape)
        torch.manual_seed(self._seed)  # the weights' start; sampling and training have generators of their own
        model = make_network(self._network, settings, self.vocabulary).to(self.device)
        nn.init.constant_(model.norm.weight, 0.25)  # the logits begin near how frequent the tokens are
        optimizer = make_optimizer(model, self.training)
        steps = captured_steps(model, optimizer, self.precision, self.training.clip)
        sampling = None if steps is None else DeviceSampling(model, DTYPES[self.precision])
        self.built = Built(model, optimizer, steps, sampling)
        return self.built

    def prepare(self) -> None:
        """Import what training needs."""
        _COMPILER.begin()

    @property
    def ready(self) -> bool:
        """Whether that was imported."""
        return _COMPILER.done

    def fit(self, request: FitRequest) -> TrainLog:
        """Train; the first call settles tokens and the longest sequence (room for a quarter more).

        Weights that are no numbers any more are thrown away: the next call begins with a new model.
        """
        built, corpus = self.ensure_model(request)
        log = self.train(built.model, built, corpus, request)
        if is_finite(built.model):
            return log
        self.built = None
        return dataclasses.replace(log, diverged=True)

    def ensure_model(self, request: FitRequest) -> tuple[Built, Corpus]:
        """The examples on the device, and the model: made on the first call, and anew where one is too long for it."""
        if self.built is None:
            self.vocabulary.learn(request.examples, request.seed)
        corpus = PoolCorpus(self.vocabulary, request.examples, self.device)
        longest = max(int(corpus.lengths.max()), request.longest + 3)
        built = self.built
        if built is None or longest > built.model.settings.context:
            built = self.build(context_for(longest))
        built.model.set_logit_prior(corpus.counts(self.vocabulary.count))
        if request.fresh is None:
            return built, corpus
        like, length = request.examples[0], int(corpus.lengths.max())
        return built, FreshCorpus(self.vocabulary, like, request.fresh, length, self.device)

    def loss_of(self, examples: Sequence[Example]) -> float:
        """Mean loss per token of examples that were not learned from. Raises ValueError before the first `fit`."""
        corpus = PoolCorpus(self.vocabulary, examples, self.device)
        settings = dataclasses.replace(self.training, precision=self.precision)
        return held_out_loss(self.model, np.arange(len(examples)), corpus, settings)

    def train(
        self, model: nn.Module, built: Built, corpus: Corpus, request: FitRequest, team: Team = ALONE
    ) -> TrainLog:
        """Train the model, or its form for several processes."""
        training = dataclasses.replace(self.training, precision=self.precision, threads=self._threads)
        r = request
        return train(model, built.optimizer, corpus, training, r.seed, r.over, r.report, r.seconds, team, built.steps)

    def align(self, request: AlignRequest, settings: AlignSettings) -> AlignLog | None:
        """See `alignment.align`; None before the first fit."""
        if self.built is None:
            return None
        return align(self.built.model, self.vocabulary, request, settings)

    def decoder(self) -> Decoder:
        """The model as it is now, ready to be sampled from. Raises ValueError before the first `fit`."""
        self.model.eval()
        return decoder_of(self.model, self.device, DTYPES[self.precision])

    def sample(self, request: DrawRequest) -> Samples:
        """Sample with the key/value cache."""
        log = self.device_log(request)
        if log is None:
            return decoded(self.sample_sequences(request), self.vocabulary, request.n, request.symmetry)
        return Samples.of(self.vocabulary.decode_flat(request.n, request.symmetry, *split(log)))

    def device_log(self, request: DrawRequest) -> Tensor | None:
        """What a GPU drew; None where there is none, or it cannot serve the request by itself."""
        if self.built is None or self.built.sampling is None:
            return None
        return self.built.sampling.sample(self.vocabulary, request, self._settings())

    def sample_sequences(self, request: DrawRequest) -> list[IntArray]:
        """Samples as tokens."""
        log = self.device_log(request)
        if log is None:
            return sample(self.decoder(), self.vocabulary, request, self._settings(), self._threads)
        body, tokens, count = split(log)
        return bodies_of(body.cpu().numpy(), tokens.cpu().numpy(), count)

    def _settings(self) -> SampleSettings:
        length = self.model.settings.context - 2
        return dataclasses.replace(self.sampling, length=length)

    @torch.no_grad()
    @override
    def expected(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        self.model.eval()
        room = self.model.settings.context
        kind = Kind(examples[0].n, examples[0].symmetry)
        encoded = self.vocabulary.encoded(*kind, examples, self.device)
        short = np.flatnonzero(encoded.lengths <= room + 1)
        total = np.zeros(self.vocabulary.count)
        if not len(short):
            return total
        tokens = encoded.tokens(short, np.zeros(len(short), np.int64))
        columns, _ = columns_of(self.vocabulary, kind, self.device)
        with one_torch_thread():  # sums must not depend on how many cores there are
            logits = self.model(tokens[:, :-1], columns, kind)[:, PoolCorpus.prefix - 1 :, : len(columns)]
            begun = tokens[:, PoolCorpus.prefix - 1 : -1] != END  # beginnings: what is written so far has not ended
            chances = logits.float().softmax(dim=-1)[begun]
        total[columns.cpu().numpy()] = chances.sum(dim=0).double().cpu().numpy()
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
        settings |= {"model": self._network, "precision": self.precision, "tokens": self.vocabulary.settings()}
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
        if saved.get("model") != self._network:
            raise FileError(f"{folder}: the model was made with model = {saved.get('model')}, not {self._network}")
        if saved.get("precision") not in DTYPES or self._asked not in ("auto", saved["precision"]):
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
            state.setdefault(int(index), {})[key] = tensor
        built.optimizer.load_state_dict({**built.optimizer.state_dict(), "state": state})


def _write(path: Path, tensors: dict[str, Tensor]) -> None:
    """Atomically write tensors; a full disk raises OSError, which has words for it, and not an error of the format."""
    with atomic_write(path) as file:
        file.write(tensors_to_bytes(tensors))
