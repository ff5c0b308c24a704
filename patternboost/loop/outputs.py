"""Where a search puts what it finds: the run's folder, the archive, the terminal, and those who look on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from patternboost.loop.context import Context
from patternboost.loop.pool import Entry
from patternboost.problem import Instance
from patternboost.search.progress import Progress
from patternboost.store.archive import Archive, ArchiveUnavailable, warn
from patternboost.store.construction import Construction
from patternboost.store.run_folder import RunFolder

if TYPE_CHECKING:
    from patternboost.model.attention import AttentionMap
    from patternboost.model.tokens import Example


#: constructions that wait for the archive, at most
_MISSED = 10_000


@dataclass(frozen=True)
class GenerationEvent:
    """A finished generation, its checkpoint written, as those see it who look on."""

    run: RunFolder
    context: Context
    #: its line in the log
    entry: dict[str, Any]
    best: Construction | None
    #: the pool's members, best first
    members: Sequence[Entry]
    #: a sample of the model, and where the model looks while it writes it (None: nothing to show)
    sample: Example | None
    attention: Callable[[], AttentionMap | None]


#: told of every finished generation; must not change the search
Observer: TypeAlias = Callable[[GenerationEvent], None]


@dataclass
class Outputs:
    """Run folder, archive, progress and observers."""

    run: RunFolder
    archive: Archive
    progress: Progress
    observers: Sequence[Observer] = ()
    #: new bests since the last line of the log: seconds of the run, score
    bests: list[tuple[float, int]] = field(default_factory=list)
    #: what the archive could not take yet
    missed: list[Construction] = field(default_factory=list)

    def new_best(self, construction: Construction, seconds: float, ours: int) -> None:
        """Save a new best at once, so that nothing that comes later can lose it."""
        construction.save(self.run.best_path(construction))
        self.keep([construction])
        self.bests.append((seconds, construction.score))
        self.progress.best(construction, ours)

    def keep(self, constructions: Iterable[Construction]) -> None:
        """Archive verified constructions; those that it cannot take now are offered again with the next ones."""
        self._offer(lambda: self._take(constructions))

    def note_paid(self, instance: Instance, shares: Mapping[str, float]) -> None:
        """Note in the archive which symmetry classes paid."""
        self._offer(lambda: self.archive.note_paid(instance, shares))

    def _take(self, constructions: Iterable[Construction]) -> None:
        behind = len(self.missed)
        self.missed = [*self.missed, *constructions][-_MISSED:]
        self.archive.add(self.missed)
        self.missed = []
        if behind:
            warn("the archive has all that it had missed")

    def _offer(self, write: Callable[[], None]) -> None:
        """Write to the archive. A search does not end for its archive: its own folder has what matters."""
        first = not self.missed
        try:
            write()
        except ArchiveUnavailable as error:
            if first:
                warn(f"warning: {error}; {self.run.folder} has everything, the archive gets it later")
            self.archive.be_impatient()
