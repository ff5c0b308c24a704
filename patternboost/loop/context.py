"""What does not change while a search goes on."""

from __future__ import annotations

from dataclasses import dataclass

from patternboost.loop.origins import ARMS
from patternboost.problem import Instance
from patternboost.problem.errors import likely
from patternboost.search.streams import Stream, stream_seed
from patternboost.store import library, proofs
from patternboost.store.archive import Archive
from patternboost.store.records import known_optimum
from patternboost.store.settings import Settings, SettingsError


@dataclass(frozen=True)
class Context:
    """Settings and instance, the symmetry classes that are searched, and what is known from before."""

    settings: Settings
    instance: Instance
    classes: tuple[str, ...]
    #: the merit that ends the search, and why it does, in words
    goal: int
    goal_is: str
    #: the best score at hand before the search: in the archive or the shipped table; 0: none
    ours: int = 0

    def seed(self, stream: Stream, *path: int) -> int:
        """The seed of one use of randomness."""
        return stream_seed(self.settings.seed, stream, *path)


def make_context(settings: Settings, instance: Instance, archive: Archive) -> Context:
    """The context of a search. Raises ProblemError for a symmetry class that the ground set does not have."""
    classes = tuple(instance.classes)
    if settings.symmetry != "auto":
        classes = (instance.require_class(settings.symmetry),)
    unknown = [name for name in settings.without.split(",") if settings.without and name not in ARMS]
    if unknown:
        raise SettingsError(f"without {unknown[0][:64]!r}: {likely(unknown[0], ARMS)}")
    ours = next((c.score for c in library.best(archive, instance)), 0)
    goal, goal_is = _goal(settings, instance, archive)
    return Context(settings, instance, classes, goal, goal_is, ours)


def _goal(settings: Settings, instance: Instance, archive: Archive) -> tuple[int, str]:
    """The user's target; else the least bound that is proved, if the settings stop there; as merits."""
    problem = instance.problem
    bound = problem.merit(instance.upper_bound)
    if settings.target:
        return min(bound, problem.merit(settings.target)), "its target"
    goals = [(bound, "a proved bound")]
    if settings.stop_at_optimum:
        record = known_optimum(instance.name, instance.n)
        if record is not None:
            goals.append((problem.merit(record.value), f"the proved optimum ({record.source})"))
        mine = [p for p in archive.proofs(instance.name) if p.n == instance.n]
        upper = proofs.bounds(mine).get((instance.name, instance.n, "none"))
        if upper is not None:
            goals.append((upper[1], "the optimum, proved here"))
    return min(goals)
