"""Import: constructions of other people's files, verified, into the archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from patternboost.problem.ground import size_of
from patternboost.store.archive import Archive
from patternboost.store.construction import Construction
from patternboost.store.reading import read_file


@dataclass(frozen=True)
class Imported:
    """What became of one construction of an imported file."""

    file: Path
    #: what the file was taken for
    kind: str
    construction: Construction
    #: 'took', 'already there' or 'refused'
    verdict: str
    #: what is wrong with a refused one
    fault: str = ""


def import_file(
    path: str | Path,
    *,
    problem: str | None = None,
    n: int | str | None = None,
    from_one: bool = False,
    point: str | None = None,
) -> list[Imported]:
    """Verify the constructions in a file and put those that are valid into the archive.

    `problem` and `n` say what the file does not, `from_one` that its coordinates count from 1, `point` which character
    is a point on its boards. Raises FileError or ProblemError (one line) for a file that cannot be read.
    """
    kind, constructions = read_file(path, problem, None if n is None else size_of(n), from_one=from_one, point=point)
    found = []
    with Archive() as archive:
        for c in constructions:
            faults = c.check()
            verdict = "refused" if faults else "took" if archive.add([c]) else "already there"
            found.append(Imported(Path(path), kind, c, verdict, faults[0] if faults else ""))
    return found
