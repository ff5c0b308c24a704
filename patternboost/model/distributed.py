"""One model on several GPUs or machines: training by DistributedDataParallel, sampling split across processes.

torchrun starts the same command everywhere. The first process runs the search; the others `serve` it: they learn of
each training and each sampling from it, do their share, and write nothing.
"""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Any

import torch
from torch.nn.parallel import DistributedDataParallel

from patternboost.model.corpus import Corpus, PoolCorpus
from patternboost.model.network_generator import Built, NetworkGenerator
from patternboost.model.request import DrawRequest, FitRequest
from patternboost.model.team import Team
from patternboost.model.tokens import Example
from patternboost.model.training import TrainLog
from patternboost.problem import Instance
from patternboost.problem.ground import IntArray
from patternboost.search.memory import Building
from patternboost.search.tasks import prepare
from patternboost.store.settings import Settings


class TeamGenerator(NetworkGenerator):
    """The transformer of a team, in any of its processes."""

    def __init__(self, team: Team, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.apart = False  # the processes take every step together
        self.team = team

    def fit(self, request: FitRequest) -> TrainLog:
        """The first process: tell the others, and train with them."""
        built, corpus = self.ensure_model(request)
        moments = bool(built.optimizer.state)
        self.team.tell(
            {
                "do": "fit",
                "examples": [[e.n, e.symmetry, e.elements.tolist(), e.level] for e in request.examples],
                "seed": request.seed,
                "seconds": request.seconds,
                "context": built.model.settings.context,
                "precision": self.precision,
                "tokens": self.vocabulary.settings(),
                "moments": moments,
            }
        )
        return self.train_together(built, corpus, moments, request)

    def train_together(self, built: Built, corpus: Corpus, moments: bool, request: FitRequest) -> TrainLog:
        """All processes: start from the first one's weights and, where it has any, its optimiser's moments."""
        wrapped = DistributedDataParallel(built.model)
        if moments:
            self._share_moments(built)
        return self.train(wrapped, built, corpus, request, self.team)

    def _share_moments(self, built: Built) -> None:
        for parameter in built.model.parameters():
            state = built.optimizer.state[parameter]
            if not state:
                zeros = torch.zeros((), device=parameter.device)
                state |= {"step": zeros, "exp_avg": parameter * 0, "exp_avg_sq": parameter * 0}
            with torch.no_grad():
                self.team.broadcast([state["step"], state["exp_avg"], state["exp_avg_sq"]])

    def sample_sequences(self, request: DrawRequest) -> list[IntArray]:
        """The first process: tell the others, and put all shares together."""
        r = request
        wanted = [r.n, r.symmetry, r.count, r.seed, r.table is not None, r.temperature, r.level]
        self.team.tell({"do": "sample", "what": wanted})
        return self.sample_together(request)

    def sample_together(self, request: DrawRequest) -> list[IntArray]:
        """All processes: a share of the samples each, from a seed of their own."""
        mine = len(range(self.team.rank, request.count, self.team.size))
        own_seed = request.seed ^ (self.team.rank << 48)
        return self.team.gather(super().sample_sequences(replace(request, count=mine, seed=own_seed)))

    def close(self) -> None:
        """The first process: the search is over."""
        self.team.tell({"do": "stop"})
        self.team.part()


def serve(generator: TeamGenerator, settings: Settings, instance: Instance) -> None:
    """Any but the first process: do what it says until it says stop. Ctrl-C is the first one's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        told = generator.team.tell()
        if told["do"] == "stop":
            generator.team.part()
            return
        if told["do"] == "fit":
            _fit(generator, told)
        else:
            n, symmetry, count, seed, masked, temperature, level = told["what"]
            table = (
                prepare(instance, symmetry, Building(settings.memory_bytes, settings.jobs)).table if masked else None
            )
            generator.sample_together(
                DrawRequest(n, symmetry, count, seed, table, temperature=temperature, level=level)
            )


def _fit(generator: TeamGenerator, told: dict[str, Any]) -> None:
    generator.precision = told["precision"]
    generator.vocabulary.restore(told["tokens"])
    built = generator.built
    if built is None or built.model.settings.context != told["context"]:
        built = generator.build(told["context"])
    examples = [Example(n, symmetry, torch.tensor(e).numpy(), level) for n, symmetry, e, level in told["examples"]]
    request = FitRequest(examples, told["seed"], seconds=told["seconds"])
    corpus = PoolCorpus(generator.vocabulary, examples, generator.device)
    generator.train_together(built, corpus, told["moments"], request)
