"""One lesson: make the strings, train the loop's own transformer on them, sample, and say what share obeys the rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch

from patternboost.model.bigram import BigramDecoder, bigram_logits
from patternboost.model.decoding import Decoder, decoder_of
from patternboost.model.gpt import GPT, Shape, context_for
from patternboost.model.next_token import SampleSettings
from patternboost.model.precision import DTYPES, pick_precision
from patternboost.model.sampling import sample_tokens
from patternboost.model.training import TrainLog, TrainSettings, make_optimizer, train
from patternboost.problem.ground import IntArray
from patternboost.studies.lecture.characters import START, Characters, StringCorpus
from patternboost.studies.lecture.strings import Strings

#: layers, heads and width by name; parameters are about 12 layers width^2
SIZES = {"tiny": (2, 2, 32), "small": (4, 4, 64), "medium": (4, 6, 96), "large": (4, 4, 128)}
#: looks at the held-out loss in all, and at the share of samples that obeys the rule
_LOOKS, _RATED = 100, 20
#: samples of such a look, at most
_SAMPLED = 250


@dataclass(frozen=True)
class LessonSettings:
    """The knobs of a lesson."""

    steps: int = 15_000
    size: str = "small"
    weight_decay: float = 0.1
    seed: int = 0
    #: training strings (0: as many as the lecture), strings sampled
    count: int = 0
    samples: int = 1_000
    batch: int = 32
    #: as in the lecture's program; at 1e-3 rules between distant places are not found (docs/lecture.md)
    learning_rate: float = 5e-4
    threads: int = 1
    #: training ends once this share of samples obeys the rule, as far as looks on the way show (0: never early)
    until: float = 0.0


@dataclass(frozen=True)
class Score:
    """How samples did."""

    #: sampled strings, None for a wrong format
    samples: list[str | None]
    #: share that obeys the rule, share of a wrong format
    obeys: float
    malformed: float
    #: other shares by name
    parts: dict[str, float]


@dataclass(frozen=True)
class Learned:
    """What a lesson came to."""

    strings: Strings
    settings: LessonSettings
    data: list[str]
    model: GPT
    characters: Characters
    log: TrainLog
    #: step, and the share of samples that obeyed the rule then
    rates: list[tuple[int, float]]
    transformer: Score
    bigram: Score

    def summary(self) -> dict[str, object]:
        """The figures, for result.json."""
        shares = {
            who: {"obeys": s.obeys, "malformed": s.malformed} | s.parts
            for who, s in (("transformer", self.transformer), ("bigram", self.bigram))
        }
        return {
            "lesson": self.strings.name,
            "lecture": self.strings.lecture,
            "settings": asdict(self.settings) | {"count": len(self.data)},
            "parameters": self.model.parameter_count(),
            "steps": self.log.steps,
            "loss": self.log.loss,
            "held_out_loss": self.log.held_out_loss,
            "seconds": round(self.log.seconds, 1),
            "curve": [list(look) for look in self.log.curve],
            "rates": [list(look) for look in self.rates],
        } | shares


def score(strings: Strings, characters: Characters, bodies: Sequence[IntArray]) -> Score:
    """Judge sampled bodies."""
    samples = [characters.decode(body) for body in bodies]
    formed = [s for s in samples if s is not None]
    parts = {}
    for name, count in strings.parts.items():
        pairs = [count(s) for s in formed]
        parts[name] = sum(right for right, _ in pairs) / max(1, sum(of for _, of in pairs))
    obeying = sum(strings.obeys(s) for s in formed)
    return Score(samples, obeying / max(1, len(samples)), 1 - len(formed) / max(1, len(samples)), parts)


def learn(
    strings: Strings,
    settings: LessonSettings,
    device: torch.device,
    over: Callable[[], bool] = lambda: False,
    report: Callable[[float], None] = lambda share: None,
) -> Learned:
    """Do the lesson; `over()` ends the training early, and what was learned by then is judged.

    Judged are the weights that did best in the looks on the way, the later ones of equals, by samples that no look saw.
    (The lecture's program keeps those of least held-out loss; with few strings that is before the rule is learned.)
    """
    rng = np.random.default_rng(settings.seed)
    data = [strings.make(rng) for _ in range(settings.count or strings.count)]
    characters = Characters(strings.alphabet)
    corpus = StringCorpus(characters, data, device)
    longest = int(corpus.lengths.max())
    layers, heads, width = SIZES[settings.size]
    torch.manual_seed(settings.seed)
    shape = Shape(characters.count, context_for(longest), layers, heads, width)
    model = GPT(shape).to(device)
    precision = pick_precision("auto", device, width)
    training = TrainSettings(
        settings.steps,
        settings.batch,
        settings.learning_rate,
        settings.weight_decay,
        eval_every=max(1, settings.steps // _LOOKS),
        patience=settings.steps,  # a lesson is as long as it is said to be
        precision=precision,
        threads=settings.threads,
    )
    dtype = DTYPES[precision]
    rates: list[tuple[int, float]] = []
    done = 0
    kept: dict[str, torch.Tensor] = {}

    def judged(made_by: Decoder, count: int, seed: int) -> Score:
        bodies = sample_tokens(
            made_by,
            (START,),
            np.arange(characters.count),
            count,
            SampleSettings(length=shape.context - 1),
            seed,
            threads=settings.threads,
        )
        return score(strings, characters, bodies)

    def transformer(count: int, seed: int) -> Score:
        model.eval()
        return judged(decoder_of(model, device, dtype), count, seed)

    def look(share: float) -> None:
        nonlocal done
        done += 1
        if done % max(1, settings.steps // _RATED) == 0:
            rate = transformer(min(_SAMPLED, settings.samples), settings.seed + 2).obeys
            if rate >= max((earlier for _, earlier in rates), default=0.0):
                kept.update({name: value.clone() for name, value in model.state_dict().items()})
            rates.append((done, rate))
            model.train()
        report(share)

    def enough() -> bool:
        return bool(settings.until and rates and rates[-1][1] >= settings.until)

    log = train(
        model,
        make_optimizer(model, training),
        corpus,
        training,
        settings.seed,
        lambda: over() or enough(),
        look,
    )
    if kept:
        model.load_state_dict(kept)
    sequences = [characters.encode(s) for s in data]
    baseline = BigramDecoder(bigram_logits(sequences, corpus.prefix, characters.count))
    ours = transformer(settings.samples, settings.seed + 1)
    theirs = judged(baseline, settings.samples, settings.seed + 1)
    return Learned(strings, settings, data, model, characters, log, rates, ours, theirs)
