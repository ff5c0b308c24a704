"""Every knob of a search, with its default and its meaning; written to settings.toml in the run's folder."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

from patternboost.store.files import FileError, read_text

#: what a run learns with
MODELS = ("gpt", "bigram", "unigram", "none")
#: how constructions are written for it, and in which numbers it is sampled
TOKENS = ("orbits", "bits", "merged")
PRECISIONS = ("auto", "fp32", "bf16")
#: where it does, and what fans the local searches out
DEVICES = ("auto", "cpu", "cuda")
BACKENDS = ("threading", "loky", "dask", "ray")
#: where figures may be sent to, besides; no setting: it changes nothing of a run
TRACKERS = ("tensorboard", "wandb")
#: what improves the starts of local search
IMPROVERS = ("tabu", "solver", "both")
#: more workers than any one machine has
MAX_JOBS = 1024


@dataclass(frozen=True)
class Settings:
    """A search. `explain` tells each field; all can be set by `search --set NAME=VALUE`."""

    problem: str = field(metadata={"help": "name of the problem, or path of its file"})
    n: int = field(metadata={"help": "size"})
    symmetry: str = field(default="auto", metadata={"help": "symmetry class, or auto: follow what pays"})
    minutes: float = field(default=0.0, metadata={"help": "time budget; 0: none"})
    generations: int = field(default=0, metadata={"help": "budget in generations; 0: none"})
    target: int = field(default=0, metadata={"help": "stop at this score; 0: none"})
    seed: int = field(default=0, metadata={"help": "seed of all randomness"})
    jobs: int = field(default_factory=lambda: len(os.sched_getaffinity(0)), metadata={"help": "workers"})
    device: str = field(default="auto", metadata={"help": "auto, cpu or cuda: where the model runs"})
    model: str = field(
        default="gpt", metadata={"help": "gpt, bigram, unigram, or none: local search alone, the control"}
    )
    improve: str = field(default="tabu", metadata={"help": "tabu, solver (extra: exact) or both: follow what pays"})
    backend: str = field(default="threading", metadata={"help": "threading, loky, dask or ray"})
    seed_from: tuple[str, ...] = field(default=(), metadata={"help": "where seeds come from"})

    # the classical half
    starts: int = field(default=300, metadata={"help": "local searches per generation (adapts under a time budget)"})
    patience: int = field(default=10, metadata={"help": "a walk ends after this many steps per orbit without a gain"})
    max_steps: int = field(default=200, metadata={"help": "and after this many steps per orbit in all"})
    tenure_min: int = field(default=1, metadata={"help": "shortest tabu tenure: steps that a dropped orbit sits out"})
    tenure_max: int = field(default=2, metadata={"help": "longest tabu tenure"})
    elites: float = field(default=0.3, metadata={"help": "share of non-model starts that are pool members"})
    shake: float = field(default=0.3, metadata={"help": "share of a pool member's orbits dropped to make a start"})
    repairs: int = field(default=16, metadata={"help": "solver repairs per generation at half of the effort"})
    repair_work: float = field(default=2.0, metadata={"help": "solver time per repair, deterministic unit (about 1 s)"})
    memory_gib: float = field(default=2.0, metadata={"help": "memory for orbit tables"})

    # the pool
    pool: int = field(default=5000, metadata={"help": "most constructions kept to learn from"})
    pool_floor: int = field(default=1000, metadata={"help": "keep at least this many before the top share applies"})
    top: float = field(default=0.5, metadata={"help": "share of the pool kept per generation"})

    # the learned half
    model_share: float = field(
        default=0.2, metadata={"help": "share of the walks on the whole board that start from the model's samples"}
    )
    focus: float = field(
        default=0.8, metadata={"help": "most of the effort spent in areas that good sets have in common"}
    )
    focus_mass: float = field(default=0.85, metadata={"help": "share of its samples' cells that an area holds"})
    counting: bool = field(
        default=True, metadata={"help": "gpt: some areas are counted in the pool, as many as pay beside the model's"}
    )
    tokens: str = field(
        default="orbits", metadata={"help": "orbits (one token each), bits (0/1 strings) or merged (learned tokens)"}
    )
    precision: str = field(default="auto", metadata={"help": "auto (measured), fp32 or bf16"})
    layers: int = field(default=4, metadata={"help": "transformer layers"})
    heads: int = field(default=4, metadata={"help": "attention heads"})
    width: int = field(default=64, metadata={"help": "width of the transformer"})
    train_steps: int = field(
        default=150, metadata={"help": "training steps per generation (under a time budget its share of the clock)"}
    )
    batch: int = field(default=32, metadata={"help": "training batch, sequences"})
    learning_rate: float = field(default=1e-3, metadata={"help": "peak learning rate"})
    weight_decay: float = field(default=0.1, metadata={"help": "AdamW weight decay"})
    temperature: float = field(default=1.0, metadata={"help": "sampling temperature to begin with"})
    novelty: float = field(
        default=0.5, metadata={"help": "share of new samples that the temperature rises to keep; 0: it stays"}
    )
    top_p: float = field(default=1.0, metadata={"help": "nucleus sampling"})
    mask: bool = field(default=True, metadata={"help": "sample only valid constructions"})

    @property
    def memory_bytes(self) -> int:
        """`memory_gib` in bytes."""
        return int(self.memory_gib * 2**30)

    @property
    def timed(self) -> bool:
        """Whether generations adapt to the clock; with a budget in generations they never do."""
        return self.minutes > 0 and self.generations == 0


class SettingsError(ValueError):
    """A setting that cannot be; the message says what would do."""


_POSITIVE = (
    "jobs",
    "starts",
    "patience",
    "max_steps",
    "tenure_min",
    "pool",
    "pool_floor",
    "layers",
    "heads",
    "batch",
    "repairs",
)
_CHOICES = (
    ("model", MODELS),
    ("device", DEVICES),
    ("backend", BACKENDS),
    ("tokens", TOKENS),
    ("precision", PRECISIONS),
    ("improve", IMPROVERS),
)
_SHARES = ("elites", "shake", "top", "model_share", "focus", "focus_mass", "top_p", "novelty")


def check(settings: Settings) -> Settings:
    """The settings, if they make sense. Raises SettingsError."""
    for name in _POSITIVE:
        if getattr(settings, name) < 1:
            raise SettingsError(f"{name} = {getattr(settings, name)} must be at least 1")
    for name in _SHARES:
        if not 0 <= getattr(settings, name) <= 1:
            raise SettingsError(f"{name} = {getattr(settings, name)} must be from 0 to 1")
    for name in ("minutes", "generations", "target", "seed", "train_steps", "weight_decay"):
        if not 0 <= getattr(settings, name) < 2**63:
            raise SettingsError(f"{name} = {getattr(settings, name)} must be from 0 to 2^63")
    for name in ("temperature", "learning_rate", "memory_gib", "repair_work"):
        if not 0 < getattr(settings, name) < 2**31:
            raise SettingsError(f"{name} = {getattr(settings, name)} must be positive, and below 2^31")
    for name, known in _CHOICES:
        if getattr(settings, name) not in known:
            raise SettingsError(f"{name} {getattr(settings, name)!r} is unknown: use one of {', '.join(known)}")
    if settings.jobs > MAX_JOBS:
        raise SettingsError(f"jobs = {settings.jobs} must be at most {MAX_JOBS}")
    if settings.tenure_max < settings.tenure_min:
        raise SettingsError(f"tenure_max = {settings.tenure_max} is below tenure_min = {settings.tenure_min}")
    if settings.width < 1 or settings.width % settings.heads:
        raise SettingsError(f"width = {settings.width} must be a multiple of heads = {settings.heads}")
    return settings


def override(settings: Settings, assignments: list[str]) -> Settings:
    """Settings with NAME=VALUE assignments applied. Raises SettingsError."""
    hints = get_type_hints(Settings)
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or name not in hints or name in ("problem", "n", "seed_from"):
            known = ", ".join(
                f.name for f in dataclasses.fields(Settings) if f.name not in ("problem", "n", "seed_from")
            )
            raise SettingsError(f"--set {assignment}: write NAME=VALUE with one of: {known}")
        values[name] = _parse(hints[name], name, text)
    return dataclasses.replace(settings, **values)


def _parse(kind: type, name: str, text: str) -> Any:
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        return kind(text)
    except (ValueError, KeyError) as error:
        raise SettingsError(f"--set {name}={text}: the value must be of type {kind.__name__}") from error


def to_toml(settings: Settings) -> str:
    """The settings as TOML, each with its explanation."""
    lines = ["# Settings of this run; `patternboost resume` reads them."]
    for f in dataclasses.fields(Settings):
        lines.append(f"{f.name} = {_toml_value(getattr(settings, f.name))}  # {f.metadata['help']}")
    return "\n".join(lines) + "\n"


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml_value(v) for v in value) + "]"
    return repr(value)


def from_toml(path: Path) -> Settings:
    """Read settings.toml. Raises FileError."""
    try:
        data = tomllib.loads(read_text(path, 1 << 20))
    except tomllib.TOMLDecodeError as error:
        raise FileError(f"{path}: not valid TOML: {error}") from error
    hints = get_type_hints(Settings)
    for name in data:
        if name not in hints:
            raise FileError(f"{path}: unknown setting {name!r}")
    values: dict[str, Any] = {}
    for f in dataclasses.fields(Settings):
        if f.name not in data:
            continue
        value = data[f.name]
        if f.name == "seed_from":
            if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
                raise FileError(f"{path}: seed_from must be a list of strings")
            value = tuple(value)
        elif hints[f.name] is float and type(value) is int:
            value = float(value)
        elif type(value) is not hints[f.name]:
            raise FileError(f"{path}: {f.name} must be of type {hints[f.name].__name__}")
        values[f.name] = value
    try:
        settings = check(Settings(**values))
    except (SettingsError, TypeError) as error:
        raise FileError(f"{path}: {error}") from error
    missing = [f.name for f in dataclasses.fields(Settings) if f.name not in values]
    if missing:  # a file cut short must not pass for a whole one with other settings
        raise FileError(f"{path}: {missing[0]} is missing; every setting must be there")
    return settings
