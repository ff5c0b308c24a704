"""One visit of a size: a search of its own, seeded by all that is at hand; and what a gain means for other sizes."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from patternboost.loop.outputs import Outputs
from patternboost.loop.seeding import embeddings
from patternboost.loop.session import Session
from patternboost.problem import Instance
from patternboost.search.progress import Progress
from patternboost.search.stop import Stop
from patternboost.store import library
from patternboost.store.archive import Archive, open_archive
from patternboost.store.construction import Construction
from patternboost.store.run_folder import RunFolder
from patternboost.store.settings import Settings

#: visits search where nobody says otherwise with what counting finds: no time goes into training a network
MODEL = "unigram"


def best_score(archive: Archive, instance: Instance) -> int:
    """The best score at hand."""
    return next((c.score for c in library.best(archive, instance)), 0)


def visit(instance: Instance, settings: Settings, folder: Path, stop: Stop) -> float:
    """Search in `folder` until `stop`, or the settings' minutes are over; returns the seconds it took.

    What it finds goes to the archive at once; the run's own folder is of no more use then and goes.
    """
    shutil.rmtree(folder, ignore_errors=True)  # what a killed visit left
    run = RunFolder.create(folder, settings)
    try:
        with open_archive() as archive, Session(instance, Outputs(run, archive, Progress()), stop) as session:
            session.run()
            return session.clock.seconds
    finally:
        run.close()
        shutil.rmtree(folder, ignore_errors=True)


def carried(archive: Archive, instance: Instance, from_sizes: Sequence[int]) -> Construction | None:
    """The best construction that another size gives this one as it is, where it beats the one at hand; archived.

    On a board the best of n - 1 is one of n, and the part of a larger one that lies on a smaller board is one there.
    """
    if instance.problem.by_value:
        return None
    best: Construction | None = None
    score = best_score(archive, instance)
    for n in from_sizes:
        for other in library.best(archive, instance.problem.at(n)):
            for elements in embeddings(instance, other):
                if len(elements) > score and instance.violation(instance.to_points(elements)) is None:
                    found = dict(other.found) | {"from_n": n}
                    best, score = Construction.of(instance, instance.to_points(elements), found), len(elements)
    if best is not None:
        archive.add([best])
    return best
