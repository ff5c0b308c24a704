"""Every knob of a search: default, bounds and meaning in one table; written to settings.toml in the run's folder."""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from patternboost._version import __version__
from patternboost.problem.errors import ProblemError, likely
from patternboost.problem.sizes import BoardSize, size_of
from patternboost.store.files import FileError, read_text

if TYPE_CHECKING:  # numba and numpy, which commands that only print help need not wait for
    from patternboost.problem import Problem

#: what a run learns with
TRANSFORMERS = ("gpt", "every-size", "graph", "vit")
MODELS = (*TRANSFORMERS, "bigram", "unigram", "none")
#: how samples teach the model, and what they are worth
ALIGNMENTS = ("none", "preference", "policy")
REWARDS = ("samples", "search")
#: whether a model works while the cores search
BESIDE = ("auto", "yes", "no")
#: how constructions are written for it, and in which numbers it is sampled
TOKENS = ("orbits", "bits", "merged")
PRECISIONS = ("auto", "fp32", "bf16")
#: where it does, and what fans the local searches out
DEVICES = ("auto", "cpu", "cuda")
BACKENDS = ("threading", "loky", "dask", "ray")
#: where figures may be sent to, besides; no setting: it changes nothing of a run
TRACKERS = ("tensorboard", "wandb")
#: what improves the starts of local search
IMPROVERS = ("tabu", "greedy", "solver", "both")
#: more workers than any one machine has
MAX_JOBS = 1024


def default_jobs() -> int:
    """The cores this process may use: affinity, cgroup quota and SLURM_CPUS_PER_TASK respected."""
    import joblib  # late: most commands fan nothing out

    cores = int(joblib.cpu_count())
    slurm = os.environ.get("SLURM_CPUS_PER_TASK", "")
    return min(cores, int(slurm)) if slurm.isdecimal() and int(slurm) else cores


def _whole(default: int, help: str, least: int = 0, most: int = 2**63 - 1) -> Any:
    return field(default=default, metadata={"help": help, "least": least, "most": most})


def _real(default: float, help: str, least: float = 0.0, most: float = 2.0**31) -> Any:
    return field(default=default, metadata={"help": help, "least": least, "most": most})


def _share(default: float, help: str) -> Any:
    return _real(default, help, 0.0, 1.0)


def _choice(default: str, help: str, choices: Sequence[str]) -> Any:
    return field(default=default, metadata={"help": help, "choices": choices})


def _other(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class Settings:
    """A search. All can be set by `search --set NAME=VALUE`, and as keywords of `pb.search`."""

    problem: str = field(metadata={"help": "name of the problem, or path of its file"})
    n: int = field(metadata={"help": "size"})
    symmetry: str = _other("auto", "symmetry class, or auto: follow what pays")
    minutes: float = _real(0.0, "time budget; 0: none", most=2.0**63)
    generations: int = _whole(0, "budget in generations; 0: none")
    target: int = _whole(0, "stop at this score; 0: none")
    stop_at_optimum: bool = _other(True, "stop at a score that is proved to be the best possible")
    seed: int = _whole(0, "seed of all randomness")
    jobs: int = field(default_factory=default_jobs, metadata={"help": "workers", "least": 1, "most": MAX_JOBS})
    device: str = _choice("auto", "auto, cpu or cuda: where the model runs", DEVICES)
    model: str = _choice(
        "gpt", "gpt, every-size, graph or vit; bigram, unigram; or none: local search alone, the control", MODELS
    )
    improve: str = _choice("tabu", "tabu, greedy (repair and fill alone), solver (extra: exact), or both", IMPROVERS)
    backend: str = _choice("threading", "threading, loky, dask or ray", BACKENDS)
    seed_from: tuple[str, ...] = _other((), "where seeds come from")

    # the classical half
    starts: int = _whole(300, "local searches per generation (adapts under a time budget)", 1, 10**9)
    patience: int = _whole(10, "a walk ends after this many steps per orbit without a gain", 1, 10**9)
    region_patience: int = _whole(20, "the same for walks in regions, per orbit of the region", 1, 10**9)
    max_steps: int = _whole(200, "and after this many steps per orbit in all", 1, 10**9)
    tenure_min: int = _whole(1, "shortest tabu tenure: steps that a dropped orbit sits out", 1, 10**6)
    tenure_max: int = _whole(2, "longest tabu tenure", 1, 10**6)
    elites: float = _share(0.3, "most of the effort spent on walks from pool members")
    shake: float = _share(0.3, "share of a pool member's orbits dropped to make a start")
    repairs: int = _whole(16, "solver repairs per generation at half of the effort", 1, 10**9)
    repair_work: float = _real(2.0, "solver time per repair, deterministic unit (about 1 s)", 0.001)
    memory_gib: float = _real(2.0, "memory for tables, regions and forbidden sets together", 0.001, 2.0**20)

    # the pool
    pool: int = _whole(5000, "most constructions kept to learn from", 1, 10**8)
    pool_floor: int = _whole(1000, "keep at least this many before the top share applies", 1, 10**8)
    top: float = _share(0.5, "share of the pool kept per generation")

    # regions
    regions: float = _share(0.9, "most of the effort spent in regions")
    seed_regions: bool = _other(True, "regions from constructions of other sizes, where there are seeds")
    make_seeds: bool = _other(True, "without seeds, under a time budget: search smaller sizes first, as seeds")
    known_classes: bool = _other(True, "favour the symmetry classes that paid in earlier searches of sizes nearby")
    region_mass: float = _share(0.85, "share of its density that a region of the model, or a narrow counted one, holds")
    count_regions: bool = _other(True, "transformers: regions counted in the pool compete with the model's")

    without: str = _other("", "proposers left out, by their names in the log, with commas between")

    # the learned half
    model_share: float = _share(0.2, "most of the effort spent on walks from the model's samples")
    tokens: str = _choice("orbits", "orbits (one token each), bits (0/1 strings) or merged (learned tokens)", TOKENS)
    precision: str = _choice(
        "auto", "auto (bf16 where it is fast in hardware and the model is wide), fp32 or bf16", PRECISIONS
    )
    layers: int = _whole(4, "transformer layers", 1, 1000)
    heads: int = _whole(4, "attention heads", 1, 1000)
    width: int = _whole(64, "width of the transformer", 1, 2**16)
    train_steps: int = _whole(150, "training steps per generation (under a time budget its share of the clock)")
    batch: int = _whole(32, "training batch, sequences", 1, 2**20)
    learning_rate: float = _real(1e-3, "peak learning rate", 1e-9, 10.0)
    weight_decay: float = _real(0.1, "AdamW weight decay", 0.0, 100.0)
    beside: str = _choice(
        "auto", "yes: the model works while the cores search; no: in turn; auto: yes where it has a GPU", BESIDE
    )
    ask_above: bool = _other(False, "tell the model how good each example is, and ask for better than all of them")
    align: str = _choice("none", "none, preference or policy: learning from what samples are worth", ALIGNMENTS)
    align_steps: int = _whole(20, "steps of alignment per generation (under a time budget its share of the clock)")
    align_reward: str = _choice("samples", "samples as they are, or search: after local search", REWARDS)
    temperature: float = _real(1.0, "sampling temperature to begin with", 0.001, 1000.0)
    novelty: float = _share(0.5, "share of new samples that the temperature rises to keep; 0: it stays")
    top_p: float = _real(1.0, "nucleus sampling", 0.001, 1.0)
    mask: bool = _other(True, "sample only valid constructions")

    @property
    def memory_bytes(self) -> int:
        """`memory_gib` in bytes."""
        return int(self.memory_gib * 2**30)

    @property
    def timed(self) -> bool:
        """Whether generations adapt to the clock; with a budget in generations they never do."""
        return self.minutes > 0 and self.generations == 0


#: settings that are given by arguments of their own
_ARGUMENTS = ("problem", "n", "seed_from")


class SettingsError(ValueError):
    """A setting that cannot be; the message says what would do."""


def check(settings: Settings) -> Settings:
    """The settings, if they make sense. Raises SettingsError."""
    for f in dataclasses.fields(Settings):
        value, known = getattr(settings, f.name), f.metadata
        if "choices" in known and value not in known["choices"]:
            raise SettingsError(f"{f.name} {value!r:.64} is unknown: {likely(str(value), known['choices'])}")
        if "least" in known and not known["least"] <= value <= known["most"]:
            least, most = _bound(known["least"]), _bound(known["most"])
            bounds = f"at least {least}" if value < known["least"] else f"at most {most}"
            bounds = f"from {least} to {most}" if known["most"] <= MAX_JOBS else bounds
            raise SettingsError(f"{f.name} = {value} must be {bounds}")
    if settings.tenure_max < settings.tenure_min:
        raise SettingsError(f"tenure_max = {settings.tenure_max} is below tenure_min = {settings.tenure_min}")
    if settings.align != "none" and (settings.tokens != "orbits" or not settings.mask):
        raise SettingsError(f"align = {settings.align} needs tokens = orbits and mask = true")
    if settings.ask_above and settings.model == "vit":
        raise SettingsError("ask_above: model = vit reads boards, not sequences that begin with a level")
    if settings.model in TRANSFORMERS[1:] and settings.tokens != "orbits":
        raise SettingsError(f"model = {settings.model} knows orbits alone: use tokens = orbits, or model = gpt")
    if settings.width % settings.heads:
        raise SettingsError(f"width = {settings.width} must be a multiple of heads = {settings.heads}")
    return settings


def _bound(value: float) -> str:
    power = value.bit_length() if isinstance(value, int) else 0
    return f"2^{power}" if power > 31 else f"{value:g}"


def idle_settings(settings: Settings, problem: Problem) -> list[str]:
    """Settings other than the default that do nothing in this run, each with the reason."""
    defaults, found = Settings(settings.problem, settings.n), []

    def changed(*names: str) -> list[str]:
        return [name for name in names if getattr(settings, name) != getattr(defaults, name)]

    if not problem.by_rows:
        names = changed("region_mass", "count_regions") + ([] if settings.seed_from else changed("regions"))
        why = "values" if problem.by_value else f"forbidden sets of {problem.k}"
        found += [f"{name}: {why} have no regions but those of seeds" for name in names]
    if problem.by_value:
        names = changed("tenure_min", "tenure_max", "max_steps")
        found += [f"{name}: values are searched by annealing, not by tabu search" for name in names]
    if not settings.seed_from:
        found += [f"{name}: there are no seeds" for name in changed("seed_regions") if not settings.make_seeds]
    else:
        found += [f"{name}: there are seeds" for name in changed("make_seeds")]
    if settings.model == "none":
        names = changed(
            "region_mass", "count_regions", "model_share", "tokens", "layers", "heads", "width", "align", "ask_above",
            "beside",
        )  # fmt: skip
        found += [f"{name}: there is no model" for name in names]
    elif settings.model not in TRANSFORMERS:
        names = changed("count_regions", "layers", "heads", "align", "ask_above")
        found += [f"{name}: the model is {settings.model}" for name in names]
    return found


def parse_assignments(assignments: Sequence[str]) -> dict[str, Any]:
    """Values by name from NAME=VALUE texts. Raises SettingsError."""
    hints = get_type_hints(Settings)
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or not name or name in _ARGUMENTS:
            raise SettingsError(f"--set {assignment}: write NAME=VALUE; a run's settings.toml lists the names")
        try:
            require_setting(name)
        except SettingsError as error:
            raise SettingsError(f"--set {assignment}: write NAME=VALUE; {error}") from None
        values[name] = _parse(hints[name], name, text)
    return values


def assignments_of(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Values by name as the texts that `parse_assignments` takes, sorted."""

    def text(value: object) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    return tuple(f"{name}={text(value)}" for name, value in sorted(settings.items()))


def require_setting(name: str) -> None:
    """Raise SettingsError, with the likeliest name, where there is no such setting."""
    known = [f.name for f in dataclasses.fields(Settings)]
    if name not in known:
        hint = likely(name, known, "a run's settings.toml lists all")
        raise SettingsError(f"there is no setting {name[:64]!r}; {hint}")


def from_keywords(problem: str, n: int, given: Mapping[str, Any]) -> Settings:
    """Settings from Python keywords, types and bounds checked. Raises SettingsError."""
    hints = get_type_hints(Settings)
    values: dict[str, Any] = {}
    for name, value in given.items():
        require_setting(name)
        if value is None:
            continue
        kind = hints[name]
        if kind is float and type(value) is int:
            value = float(value)
        if name == "seed_from":
            value = tuple(str(s) for s in ([value] if isinstance(value, str | Path) else value))
        elif type(value) is not kind:
            raise SettingsError(f"{name} = {value!r} must be of type {kind.__name__}")
        values[name] = value
    return check(Settings(problem, n, **values))


def _parse(kind: type, name: str, text: str) -> Any:
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        return kind(text)
    except (ValueError, KeyError) as error:
        raise SettingsError(f"--set {name}={text}: the value must be of type {kind.__name__}") from error


def to_toml(settings: Settings) -> str:
    """The settings as TOML, each with its explanation."""
    lines = [
        "# Settings of this run; `patternboost resume` reads them.",
        f'version = "{__version__}"  # the version of patternboost that made it',
    ]
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
    return f'"{value}"' if isinstance(value, BoardSize) else repr(value)


def from_toml(path: Path) -> Settings:
    """Read settings.toml. Raises FileError, for those of another version too, in one line that names it."""
    try:
        data = tomllib.loads(read_text(path, 1 << 20))
    except RecursionError as error:
        raise FileError(f"{path}: nested too deeply for settings of ours") from error
    except ValueError as error:  # a TOMLDecodeError, or a number beyond reason
        raise FileError(f"{path}: not valid TOML: {str(error).splitlines()[0]}") from error
    version = str(data.pop("version", "0.1.0"))[:32]
    hints = get_type_hints(Settings)
    if version != __version__ and set(data) != set(hints):
        raise FileError(f"{path}: a run of patternboost {version}, which reads it; this is {__version__}")
    values: dict[str, Any] = {}
    for name, value in data.items():
        if name not in hints:
            raise FileError(f"{path}: unknown setting {name!r}")
        if name == "seed_from":
            if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
                raise FileError(f"{path}: seed_from must be a list of strings")
            value = tuple(value)
        elif hints[name] is float and type(value) is int:
            value = float(value)
        elif name == "n" and type(value) is str and not value.isdecimal():
            try:
                value = size_of(value)
            except ProblemError as error:
                raise FileError(f"{path}: n must be a size: {error}") from error
        elif type(value) is not hints[name]:
            raise FileError(f"{path}: {name} must be of type {hints[name].__name__}")
        values[name] = value
    try:
        settings = check(Settings(**values))
    except (SettingsError, TypeError) as error:  # TypeError: without problem or n
        raise FileError(f"{path}: {error}") from error
    missing = [name for name in hints if name not in values]
    if missing:  # a file cut short must not pass for a whole one with other settings
        raise FileError(f"{path}: {missing[0]} is missing; every setting must be there")
    return settings
