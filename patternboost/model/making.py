"""From settings to a generator."""

from __future__ import annotations

from collections.abc import Sequence

from patternboost.model.bigram import BigramGenerator
from patternboost.model.distributed import TeamGenerator, serve
from patternboost.model.generator import Generator
from patternboost.model.levels import LEVELS
from patternboost.model.network_generator import NetworkGenerator
from patternboost.model.next_token import SampleSettings
from patternboost.model.precision import pick_device
from patternboost.model.team import called_by_torchrun, join
from patternboost.model.tokens import TOKENISATIONS, Vocabulary, classes_at
from patternboost.model.training import TrainSettings
from patternboost.problem import Instance
from patternboost.store.settings import TRANSFORMERS, Settings


def make_generator(settings: Settings, instance: Instance, sizes: Sequence[int]) -> Generator:
    """The generator that the settings ask for, untrained, for constructions of the given sizes."""
    vocabulary = _vocabulary(settings, instance, sizes)
    sampling = SampleSettings(temperature=settings.temperature, top_p=settings.top_p)
    if settings.model in ("bigram", "unigram"):
        return BigramGenerator(vocabulary, sampling, unigram=settings.model == "unigram")
    device = pick_device(settings.device)
    arguments = (
        vocabulary,
        {"layers": settings.layers, "heads": settings.heads, "width": settings.width},
        TrainSettings(settings.train_steps, settings.batch, settings.learning_rate, settings.weight_decay),
        sampling,
        device,
        settings.seed,
        settings.precision,
        settings.jobs,
        settings.model,
    )
    if called_by_torchrun():
        team = join(device)
        heard = team.tell({"sizes": list(sizes)})
        if team.rank:  # only the first process knows which seeds there are
            vocabulary = _vocabulary(settings, instance, heard["sizes"])
        return TeamGenerator(team, vocabulary, *arguments[1:])
    return NetworkGenerator(*arguments)


def _vocabulary(settings: Settings, instance: Instance, sizes: Sequence[int]) -> Vocabulary:
    problem = instance.problem
    levels = LEVELS if settings.ask_above and settings.model in TRANSFORMERS else 1
    return TOKENISATIONS[settings.tokens](problem, tuple(sizes), classes_at(problem, sizes), levels)


def serve_team(settings: Settings, instance: Instance) -> None:
    """What every process but the first does, from the start of a run to its end."""
    generator = make_generator(settings, instance, [instance.n])
    if isinstance(generator, TeamGenerator):
        serve(generator, settings, instance)
