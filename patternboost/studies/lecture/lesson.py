"""The verb `lesson`: run a lesson by name and write everything it made to a folder."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from patternboost.model.bigram import BigramDecoder, bigram_logits
from patternboost.model.next_token import SampleSettings
from patternboost.model.precision import pick_device
from patternboost.model.sampling import sample_tokens
from patternboost.model.tokens import Example
from patternboost.problem.errors import likely
from patternboost.report.progress import make_progress
from patternboost.search.progress import Progress
from patternboost.search.stop import Stop, ctrl_c
from patternboost.store.files import atomic_write, write_json, write_text
from patternboost.studies.lecture.attempts import smaller_sizes
from patternboost.studies.lecture.characters import START, Characters
from patternboost.studies.lecture.experiments import EXPERIMENTS, Experiment
from patternboost.studies.lecture.learning import SIZES, Learned, LessonSettings, learn, score
from patternboost.studies.lecture.page import drawn, lesson_html, rates
from patternboost.studies.lecture.research import ResearchSettings, run_arm
from patternboost.studies.lecture.research_page import figure_rows, histograms, research_html
from patternboost.studies.lecture.strings import RULES, STRINGS

#: lessons by name: the data sets they are about
LESSONS = {name: [name] for name in STRINGS}
LESSONS["five-rules"] = [f"five-rules-{i}" for i in RULES]
LESSONS["bigram"] = list(STRINGS)
LESSONS |= {name: [] for name in EXPERIMENTS}
#: strings that the bigram lesson counts in each data set
_COUNTED = 5_000


class LessonError(ValueError):
    """A lesson that cannot be; the message says what would do."""


@dataclasses.dataclass(frozen=True)
class LessonResult:
    """What a lesson came to: `rows` of (what, transformer, bigram, lecture), and the folder with everything."""

    rows: list[tuple[str, str, str, str]]
    folder: Path
    interrupted: bool = False


def lesson(
    name: str,
    *,
    steps: int = 0,
    size: str = "small",
    weight_decay: float = 0.1,
    seed: int = 0,
    seeds: int = 1,
    device: str = "auto",
    jobs: int = 1,
    count: int = 0,
    samples: int = 1_000,
    batch: int = 0,
    until: float = 0.0,
    out: str | Path | None = None,
    quiet: bool = False,
) -> LessonResult:
    """Run one of the lecture's experiments; see `patternboost lesson --help`. Raises ValueError (one line).

    0 stands for the lesson's own number of steps, of strings and in a batch. `seeds` repeats a research lesson.
    """
    if name not in LESSONS:
        raise LessonError(f"lesson {name!r} is unknown: {likely(name, LESSONS)}")
    if size not in SIZES:
        raise LessonError(f"--size {size}: use one of {', '.join(SIZES)}")
    numbers = {"steps": steps, "samples": samples, "count": count, "jobs": jobs, "batch": batch, "seeds": seeds}
    for option, value in numbers.items():
        least = 0 if option in ("steps", "count", "batch") else 1
        if not least <= value < 2**31:
            raise LessonError(f"--{option} {value}: must be from {least} to 2^31")
    folder = Path(out) if out else Path("runs") / f"lesson-{name}-{datetime.now():%Y%m%d-%H%M%S}"
    folder.mkdir(parents=True, exist_ok=True)
    where = pick_device(device)
    if name in EXPERIMENTS:
        given = {"steps": steps, "count": count, "batch": batch}
        research = ResearchSettings(
            weight_decay=weight_decay, seed=seed, samples=samples, threads=jobs, **{k: v for k, v in given.items() if v}
        )
        return _research(EXPERIMENTS[name], research, seeds, where, folder, quiet)
    settings = LessonSettings(
        steps or 15_000, size, weight_decay, seed, count, samples, batch or 32, threads=jobs, until=until
    )
    if name == "bigram":
        return _bigram(settings, folder)
    stop, lessons, pictures = Stop(), [], []
    with ctrl_c(stop), make_progress(quiet) as progress:
        for data in LESSONS[name]:
            if stop():
                break
            learned = learn(STRINGS[data], settings, where, stop, _reporter(progress, data))
            lessons.append(learned)
            pictures.append(drawn(learned))
            _write(learned, pictures[-1], folder if len(LESSONS[name]) == 1 else folder / data)
            write_text(folder / "index.html", lesson_html(name, lessons, pictures))
    rows = [
        (f"{x.strings.name}: {what}", ours, theirs, x.strings.lecture)
        for x in lessons
        for what, ours, theirs in rates(x)
    ]
    return LessonResult(rows, folder, stop.asked)


def _research(
    experiment: Experiment,
    settings: ResearchSettings,
    seeds: int,
    device: torch.device,
    folder: Path,
    quiet: bool,
) -> LessonResult:
    """Every arm with every seed; what is there is written after each."""
    stop, results = Stop(), []
    with ctrl_c(stop), make_progress(quiet) as progress:
        smaller: list[Example] = []
        if any(arm.smaller for arm in experiment.arms):
            progress.say(f"{experiment.name}: the best constructions of sizes 4 to {experiment.n - 1} ...")
            smaller = smaller_sizes(experiment.problem, experiment.n, settings.smaller, settings.seed, stop)
        for seed in range(settings.seed, settings.seed + seeds):
            seconds = None
            for arm in experiment.arms:
                if stop():
                    break
                report = _reporter(progress, f"{experiment.name}, {arm.name}, seed {seed}")
                results.append(run_arm(experiment, arm, settings, seed, smaller, device, stop, report, seconds))
                if experiment.timed and seconds is None:
                    seconds = results[-1].seconds
                figures = [dataclasses.asdict(r) for r in results]
                write_json(folder / "result.json", {"settings": dataclasses.asdict(settings), "results": figures})
                write_text(folder / "index.html", research_html(experiment, results))
                with atomic_write(folder / "histograms.png") as file:
                    file.write(histograms(experiment, results))
    rows = [
        (f"{experiment.name}: {what}", figures, "-", experiment.lecture)
        for what, figures in figure_rows(experiment, results)
    ]
    return LessonResult(rows, folder, stop.asked)


def _reporter(progress: Progress, name: str) -> Callable[[float], None]:
    """Tells how far a training is and what is left."""
    began = time.monotonic()

    def report(share: float) -> None:
        now = time.monotonic()
        progress.frame(name, now + (now - began) * (1 / share - 1) if share > 0 else None)
        progress.at(share)

    progress.phase("training", 1.0)
    return report


def _write(learned: Learned, pictures: dict[str, bytes], folder: Path) -> None:
    """Data, model, samples, figures and pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "data.txt", "\n".join(learned.data) + "\n")
    written = [s if s is not None else "(wrong format)" for s in learned.transformer.samples]
    write_text(folder / "samples.txt", "\n".join(written) + "\n")
    save_file({k: v.contiguous().cpu() for k, v in learned.model.state_dict().items()}, folder / "model.safetensors")
    write_json(
        folder / "model.json", dataclasses.asdict(learned.model.settings) | {"alphabet": learned.strings.alphabet}
    )
    for name, picture in pictures.items():
        with atomic_write(folder / name) as file:
            file.write(picture)
    write_json(folder / "result.json", learned.summary())


def _bigram(settings: LessonSettings, folder: Path) -> LessonResult:
    """The baseline on every data set."""
    rows, figures = [], {}
    for name in LESSONS["bigram"]:
        strings = STRINGS[name]
        rng = np.random.default_rng(settings.seed)
        data = [strings.make(rng) for _ in range(settings.count or min(strings.count, _COUNTED))]
        characters = Characters(strings.alphabet)
        sequences = [characters.encode(s) for s in data]
        decoder = BigramDecoder(bigram_logits(sequences, 1, characters.count))
        longest = SampleSettings(length=max(map(len, sequences)) * 5 // 4)
        columns = np.arange(characters.count)
        bodies = sample_tokens(decoder, (START,), columns, settings.samples, longest, settings.seed + 1)
        result = score(strings, characters, bodies)
        figures[name] = {"obeys": result.obeys, "malformed": result.malformed} | result.parts
        rows.append((f"{name}: obey the rule", "-", f"{result.obeys:.1%}", strings.lecture))
    write_json(folder / "result.json", figures)
    return LessonResult(rows, folder)
