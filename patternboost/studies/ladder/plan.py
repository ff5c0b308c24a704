"""What a ladder climbs, kept in its folder, so that it can be stopped at any moment and continued."""

from __future__ import annotations

import dataclasses
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patternboost.store.files import FileError, read_json, write_json

FORMAT = "patternboost-ladder/1"
#: the file that makes a folder a ladder's
PLAN = "ladder.json"


class LadderError(ValueError):
    """A ladder that cannot be; the message is one line that says what would do."""


@dataclass(frozen=True)
class Plan:
    """A ladder: the sizes from `least` to `most`, or every so many-th of them, and its budget."""

    problem: str
    least: int
    most: int
    #: wall time of all its parts together, on `jobs` workers
    minutes: float
    jobs: int
    seed: int = 0
    #: this machine's share of the sizes: part 1 of 1 has all
    part: int = 1
    parts: int = 1
    symmetry: str = "auto"
    #: further settings of the searches, as `--set` takes them
    options: tuple[str, ...] = ()

    def check(self) -> Plan:
        """Itself. Raises LadderError."""
        if self.least > self.most:
            raise LadderError(f"sizes {self.least}-{self.most}: the smaller one comes first")
        if not self.minutes > 0:
            raise LadderError(f"--minutes {self.minutes:g}: a budget must be more than 0")
        if not 1 <= self.part <= self.parts:
            raise LadderError(f"--part {self.part}/{self.parts}: the parts of {self.parts} are 1 to {self.parts}")
        if not self.sizes:
            raise LadderError(f"--part {self.part}/{self.parts}: there are fewer sizes than parts")
        return self

    @property
    def sizes(self) -> list[int]:
        """The sizes of this part; neighbours go to different parts, so that every part has small and large ones."""
        return list(range(self.least, self.most + 1))[self.part - 1 :: self.parts]


def read_sizes(text: str) -> tuple[int, int]:
    """The sizes of `20-100`, or of one number. Raises LadderError."""
    match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", text.strip())
    if match is None:
        raise LadderError(f"sizes {text[:40]!r}: write the smallest and the largest, like 20-100")
    return int(match[1]), int(match[2] or match[1])


def read_part(text: str | None) -> tuple[int, int]:
    """Part and parts of `3/16`; `array` takes them from the task array that SLURM started. Raises LadderError."""
    if text is None:
        return 1, 1
    if text == "array":
        try:
            index, least, count = (int(os.environ[f"SLURM_ARRAY_TASK_{name}"]) for name in ("ID", "MIN", "COUNT"))
        except (KeyError, ValueError):
            raise LadderError("--part array: this is no task of a SLURM array; write --part 3/16") from None
        return index - least + 1, count
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip())
    if match is None:
        raise LadderError(f"--part {text[:40]!r}: write the part and the number of parts, like 3/16, or array")
    return int(match[1]), int(match[2])


def read_plan(folder: Path) -> Plan:
    """The plan of a ladder's folder. Raises FileError."""
    saved = read_json(folder / PLAN)
    try:
        if saved.pop("format") != FORMAT:
            raise ValueError
        saved.pop("before")
        return Plan(**saved | {"options": tuple(saved["options"])})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FileError(f"{folder / PLAN} is damaged: a ladder cannot be continued without it") from error


def read_before(folder: Path) -> dict[int, int]:
    """The best score of every size when the ladder began (0: none). Raises FileError."""
    try:
        return {int(n): int(score) for n, score in read_json(folder / PLAN)["before"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FileError(f"{folder / PLAN} is damaged: a ladder cannot be continued without it") from error


def take_up(folder: Path, plan: Plan, before: dict[int, int]) -> Plan:
    """Keep the plan in its folder, or continue the one that is there with more time or other workers.

    Raises LadderError where it climbs something else, or with other settings.
    """
    path = folder / PLAN
    if path.exists():
        there = read_plan(folder)
        same = dataclasses.replace(there, minutes=plan.minutes, jobs=plan.jobs)
        if same != plan:
            raise LadderError(
                f"--run-dir {folder}: holds a ladder of {there.problem} {there.least}-{there.most}, part {there.part} "
                f"of {there.parts}, with other settings; name another folder"
            )
        before = read_before(folder)
    fields: dict[str, Any] = {"format": FORMAT} | dataclasses.asdict(plan) | {"before": before}
    write_json(path, fields)
    return plan
