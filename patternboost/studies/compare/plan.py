"""What is compared, kept in the comparison's folder, so that it can be stopped at any moment and continued."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patternboost.problem import ProblemError
from patternboost.problem.errors import likely
from patternboost.problem.ground import size_of, size_to_json
from patternboost.store.files import FileError, read_json, write_json
from patternboost.studies.compare.arms import ARMS, SEEDED, control_of

FORMAT = "patternboost-comparison/1"


class ComparisonError(ValueError):
    """A comparison that cannot be; the message is one line that says what would do."""


@dataclass(frozen=True)
class Plan:
    """A comparison: every arm gets the same minutes, workers and seeds."""

    problem: str
    n: int
    minutes: float
    arms: tuple[str, ...]
    seeds: int
    jobs: int
    symmetry: str = "auto"
    #: a score; the time to it is compared besides. 0: the best score of the control
    target: int = 0
    #: where the constructions of smaller sizes come from that the runs begin with; kept in the folder's `seeds/`
    seed_from: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    #: runs side by side
    at_once: int = 1

    def check(self) -> Plan:
        """Itself. Raises ComparisonError."""
        unknown = [arm for arm in self.arms if arm not in ARMS]
        if unknown:
            raise ComparisonError(f"--arms {unknown[0]:.64}: {likely(unknown[0], ARMS)}")
        if len(self.arms) < 2 or len(set(self.arms)) < len(self.arms):
            raise ComparisonError(f"--arms {','.join(self.arms):.200}: a comparison needs two different arms or more")
        needy = [arm for arm in self.arms if arm in SEEDED and not self.seed_from]
        if needy:
            raise ComparisonError(f"--arms {needy[0]}: needs --seed-from archive, or a folder of certificates")
        if not self.minutes > 0:
            raise ComparisonError(f"--minutes {self.minutes:g}: must be more than 0")
        return self

    @property
    def control(self) -> str:
        """The arm that the others are held against."""
        return control_of(self.arms)

    def to_json(self) -> dict[str, Any]:
        """What `plan_of` reads."""
        return dataclasses.asdict(self) | {"n": size_to_json(self.n)}

    def runs(self) -> list[tuple[str, int]]:
        """(arm, seed) in the order in which they run: seed by seed, so that a part of it is a fair part."""
        return [(arm, seed) for seed in range(1, self.seeds + 1) for arm in self.arms]


def take_up(folder: Path, plan: Plan) -> Plan:
    """Keep the plan in its folder, or continue the one that is there with more seeds or more arms.

    Raises ComparisonError where it compares something else.
    """
    path = folder / "comparison.json"
    if path.exists():
        before = read_plan(folder)
        for field in dataclasses.fields(Plan):
            if field.name in ("arms", "seeds", "target"):
                continue
            old, new = getattr(before, field.name), getattr(plan, field.name)
            if old != new:
                raise ComparisonError(
                    f"{folder} compares with {field.name} = {old!r}, not {new!r}: continue it as it was, or name "
                    "another folder with --run-dir"
                )
        arms = tuple(dict.fromkeys((*before.arms, *plan.arms)))
        plan = dataclasses.replace(plan, arms=arms, seeds=max(before.seeds, plan.seeds))
    folder.mkdir(parents=True, exist_ok=True)
    write_json(path, {"format": FORMAT} | plan.to_json())
    return plan


def read_plan(folder: Path) -> Plan:
    """The plan of a comparison's folder. Raises FileError."""
    path = folder / "comparison.json"
    saved = read_json(path)
    if not isinstance(saved, dict) or saved.get("format") != FORMAT:
        raise FileError(f"{path} is no comparison ({FORMAT})")
    return plan_of({k: v for k, v in saved.items() if k != "format"}, path)


def plan_of(saved: Mapping[str, Any], path: Path) -> Plan:
    """The plan that a file holds. Raises FileError where it is damaged, ComparisonError."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in saved.items()}
    try:
        plan = Plan(**(values | {"n": size_of(values["n"])}))
        sound = all(type(getattr(plan, k)) in (int, float) for k in ("minutes", "seeds", "jobs", "target", "at_once"))
        sound = sound and isinstance(plan.n, int)
        sound = sound and all(
            isinstance(x, str) for x in (plan.problem, plan.symmetry, *plan.arms, *plan.options, *plan.seed_from)
        )
    except (TypeError, KeyError, ProblemError) as error:
        raise FileError(f"{path} is damaged: {error!s:.200}") from error
    if not sound:
        raise FileError(f"{path} is damaged: its values are of wrong types")
    return plan.check()
