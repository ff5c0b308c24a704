"""How many optima there are: `prove --all` finds every one up to symmetry, counts them and keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from patternboost.exact.attempt import Attempt
from patternboost.exact.graphs import graphs
from patternboost.exact.optima import images, optima
from patternboost.exact.windows import Window
from patternboost.problem import Instance
from patternboost.problem.ground import IntArray
from patternboost.search.progress import Progress
from patternboost.store.archive import Archive
from patternboost.store.certified import certified
from patternboost.store.construction import Construction
from patternboost.store.proofs import Count

#: what proves an upper bound where all graphs are grown
GROWING = "all graphs, grown vertex by vertex"


@dataclass(frozen=True)
class Optima:
    """The optima within a symmetry class, verified, one for each up to symmetry."""

    instance: Instance
    symmetry: str
    score: int
    constructions: tuple[Construction, ...]
    #: how many there are with all their images; None where the symmetries are too many to be listed
    in_all: int | None
    #: whether these are all; not where time ran out
    complete: bool

    def __str__(self) -> str:
        count = len(self.constructions)
        least = "" if self.complete else "at least "
        with_images = "" if self.in_all is None else f", {self.in_all} in all"
        return f"{least}{count} optim{'um' if count == 1 else 'a'} up to symmetry{with_images}"

    def keep(self, archive: Archive, folder: Path) -> None:
        """In the archive, with their number if it is known, and in a folder as certificates."""
        archive.add(self.constructions)
        for construction in self.constructions:
            construction.save(folder / f"{construction.name}-{construction.sha256[:12]}.json")
        if self.complete:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            n, count = self.instance.n, len(self.constructions)
            archive.add_count(Count(self.instance.name, n, self.symmetry, self.score, count, self.in_all, now))


def prove_by_growing(attempt: Attempt) -> None:
    """The optimum of graphs: all of them are grown, with fewer edges wherever there is none."""
    while not attempt.decided:
        found: list[IntArray] = []
        attempt.report(attempt)
        if not graphs(attempt.instance, attempt.upper, attempt.stop, found.append):
            return
        if found:
            attempt.found(found[0], "all graphs")
        else:
            attempt.bounded(attempt.upper - 1)


def count_optima(attempt: Attempt, parts: list[Window], progress: Progress, deadline: float) -> Optima:
    """All optima, once an attempt has proved the optimum; `parts` bounds parts of the board.

    They are not all where the attempt was told to stop: by Ctrl-C, or at `deadline`, a moment of time.monotonic().
    """
    instance, symmetry, score = attempt.instance, attempt.symmetry, attempt.lower

    def tell(count: int) -> None:
        progress.status(f"{instance}: {count} optima of {score} so far, up to symmetry", deadline)

    found, complete = optima(instance, symmetry, score, parts=parts, over=attempt.stop, tell=tell, seed=attempt.seed)
    constructions = tuple(certified(instance, elements, attempt.seed, symmetry, "all optima") for elements in found)
    each = [images(instance, elements) for elements in found]
    in_all = None if None in each else sum(count for count in each if count is not None)
    return Optima(instance, symmetry, score, constructions, in_all, complete)
