"""The verb `prove`: the exact optimum of a problem, or the bounds reached, kept in the archive.

An optimum within a symmetry class is approached from both sides. From below: the archive's best and a short local
search. From above: the solver, with the bounds that smaller boards put on windows of the board; those are proved first,
in the same way, where the archive does not have them.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from patternboost.exact.attempt import Attempt
from patternboost.exact.constraints import require_room
from patternboost.exact.constraints_of_four import require_points
from patternboost.exact.counting import GROWING, Optima, count_optima, prove_by_growing
from patternboost.exact.graphs import is_of_graphs, require_canonical
from patternboost.exact.solver import ExactError, solver_version
from patternboost.exact.strips import has_strips, strips, tiled
from patternboost.exact.windows import Window, has_windows, windows
from patternboost.problem import Instance
from patternboost.problem.registry import problem as find_instance
from patternboost.problem.symmetry import align, class_orbits
from patternboost.search.memory import Building, Interrupted
from patternboost.search.progress import Progress
from patternboost.search.stop import Stop, ctrl_c
from patternboost.search.tasks import prepare
from patternboost.store.archive import Archive, open_archive
from patternboost.store.certified import certified
from patternboost.store.construction import Construction
from patternboost.store.files import write_json
from patternboost.store.proofs import Proof, Status, bounds
from patternboost.store.settings import MAX_JOBS, default_jobs

#: seconds of the first try, which needs no smaller boards; of a local search before a proof, at most; and its walks
_FIRST, _LOCAL, _WALKS = 5.0, 10.0, 400
#: a smaller board gets at most this share of the time, and at most so many seconds
_SMALLER_SHARE, _SMALLER_SECONDS = 0.05, 60.0
#: and a strip of the board at most this share
_STRIP_SHARE = 0.25
#: constructions of the archive that are tried for one of the class
_ARCHIVED = 200
#: seconds between two records of bounds that improved
_RECORD_EVERY = 60.0


@dataclass(frozen=True)
class ProofResult:
    """What a proof came to."""

    #: status and bounds, as they were archived
    proof: Proof
    #: a construction of `proof.lower` points, verified; None where there is none
    best: Construction | None
    #: its certificate
    certificate: Path | None
    #: whether Ctrl-C ended it
    interrupted: bool = False
    #: with `every`: all optima, where the optimum is proved
    optima: Optima | None = None

    @property
    def missed(self) -> bool:
        """Whether the target was neither reached nor proved impossible in time."""
        return bool(self.proof.target) and self.proof.lower < self.proof.target <= self.proof.upper

    def _repr_svg_(self) -> str | None:
        return None if self.best is None else self.best._repr_svg_()


def prove(
    problem: str | Instance,
    n: int | None = None,
    *,
    symmetry: str = "none",
    minutes: float | None = None,
    jobs: int | None = None,
    target: int | str | None = None,
    every: bool = False,
    seed: int = 0,
    run_dir: str | Path | None = None,
    progress: Progress | None = None,
) -> ProofResult:
    """Prove the optimum of a problem within a symmetry class; `api.prove` is this with progress shown.

    With a `target` (a score, or a multiple of n such as "2n") the question is only whether so many points can be. With
    `every` all optima are found and counted, one for each up to symmetry.
    Without `minutes` it goes on until it is answered. Raises ValueError (one line) for what cannot be.
    """
    if isinstance(problem, Instance):
        instance = problem
    elif n is None:
        raise ExactError("n is missing: prove(problem, n)")
    else:
        instance = find_instance(problem, n)
    require_points(instance)
    if symmetry == "auto":
        raise ExactError("a proof is about one symmetry class: use one of " + ", ".join(instance.classes))
    instance.require_class(symmetry)
    if minutes is not None and not 0 < minutes < math.inf:
        raise ExactError(f"--minutes {minutes:g}: a budget must be more than 0")
    workers = jobs if jobs is not None else default_jobs()
    if not 1 <= workers <= MAX_JOBS:
        raise ExactError(f"--jobs {workers}: must be from 1 to {MAX_JOBS}")
    goal = _target(target, instance)
    if every:
        if goal:
            raise ExactError("--all is about the optimum: leave out --target")
        require_canonical(instance)
    require_room(class_orbits(instance, symmetry).count, f"{instance} within class {symmetry!r}")
    solver_version()  # says at once where the solver is missing
    folder = Path(run_dir) if run_dir else Path("runs") / f"proof-{instance.name}-{instance.n}-{symmetry}"
    stop = Stop(time.monotonic() + 60 * minutes if minutes else math.inf)
    with open_archive() as archive, ctrl_c(stop), progress or Progress() as told:
        return _Prover(instance, archive, told, stop, workers, seed).run(symmetry, goal, folder, every)


def _target(target: int | str | None, instance: Instance) -> int:
    """The score asked for, 0 for none. Raises ExactError."""
    if target is None:
        return 0
    text = str(target).strip()
    factor = text[:-1] if text.endswith("n") else text
    if not (factor or "1").isdecimal() or len(factor) > 9:
        raise ExactError(f"--target {text[:40]}: a score, or a multiple of n such as 2n")
    score = int(factor or 1) * (instance.n if text.endswith("n") else 1)
    if score < 1:
        raise ExactError(f"--target {text}: a score to reach is at least 1")
    return score


class _Prover:
    """A proof in progress, with those of the smaller boards that it needs."""

    def __init__(
        self, instance: Instance, archive: Archive, progress: Progress, stop: Stop, jobs: int, seed: int
    ) -> None:
        self.instance, self.archive, self.progress, self.stop = instance, archive, progress, stop
        self.jobs, self.seed = jobs, seed
        self.solver = solver_version()
        self.known = {(n, c): b for (_, n, c), b in bounds(archive.proofs(instance.name)).items()}
        self._saved: Construction | None = None
        self._recorded = 0.0

    def run(self, symmetry: str, target: int, folder: Path, every: bool) -> ProofResult:
        """Prove, then say what came of it in the archive and in the folder."""
        began = time.monotonic()
        attempt = self._attempt(self.instance, symmetry, target, self.stop, lambda a: self._report(a, began, folder))
        try:
            if every and attempt.symmetry == "none" and is_of_graphs(self.instance):
                self.solver = GROWING
                prove_by_growing(attempt)
            else:
                self._work(attempt)
        except Interrupted:
            pass  # it was time to stop before the orbit table was built
        finally:  # whatever ends it, what is known is kept
            self._report(attempt, began, folder)
            proof = self._proof(attempt, began)
            self._record(proof)
            write_json(folder / "proof.json", dataclasses.asdict(proof))
        optima = None
        if every and attempt.decided:
            optima = count_optima(attempt, self._windows(attempt), self.progress, self.stop.deadline)
            optima.keep(self.archive, folder / "optima")
        saved = self._saved
        certificate = None if saved is None else folder / f"{saved.name}.json"
        return ProofResult(proof, saved, certificate, self.stop.asked, optima)

    def _attempt(
        self,
        instance: Instance,
        symmetry: str,
        target: int,
        stop: Callable[[], bool],
        report: Callable[[Attempt], None],
    ) -> Attempt:
        """An attempt that begins with what the archive knows."""
        attempt = Attempt(instance, symmetry, target, stop, report, self.jobs, self.seed)
        for name in ("none", symmetry):  # no class holds more than all constructions
            if (instance.n, name) in self.known:
                attempt.upper = min(attempt.upper, self.known[instance.n, name][1])
        for construction in self.archive.best(instance, _ARCHIVED):
            elements = align(instance, instance.to_elements(construction.points), symmetry)
            if elements is not None:
                attempt.found(elements, "archive")
                break
        return attempt

    # -- the work ------------------------------------------------------------------------------------------------------

    def _left(self) -> float:
        return self.stop.deadline - time.monotonic()

    def _windows(self, attempt: Attempt) -> list[Window]:
        """What is known of smaller boards, on the board of an attempt."""
        upper = {key: upper for key, (_, upper) in self.known.items() if key[0] < attempt.instance.n}
        return list(windows(attempt.instance, attempt.symmetry, upper))

    def _work(self, attempt: Attempt) -> None:
        if attempt.decided:
            return
        if attempt.target:
            return self._reach(attempt)
        attempt.local(min(_LOCAL, 0.1 * self._left()), _WALKS)
        if not attempt.decided and not self.stop():
            attempt.exact(min(_FIRST, self._left()), self._windows(attempt))
        if not attempt.decided and has_windows(self.instance):
            for name in dict.fromkeys(["none", attempt.symmetry]):
                self._smaller(name)
        if not attempt.decided and not self.stop():
            parts = self._windows(attempt)
            attempt.exact(self._left(), parts + self._strips(attempt, parts))

    def _reach(self, attempt: Attempt) -> None:
        """Local search and solver on the way to a target: side by side, or with one job turn and turn about."""
        parts = self._windows(attempt)
        if self.jobs > 1:
            return attempt.exact(self._left(), parts, beside=True)
        seconds = _FIRST
        while not attempt.decided and not self.stop():
            attempt.local(min(seconds, self._left()), 2**62)
            if not attempt.decided and not self.stop():
                attempt.exact(min(seconds, self._left()), parts)
            seconds *= 2

    def _strips(self, attempt: Attempt, parts: list[Window]) -> list[Window]:
        """Bounds on strips of the board, where the class has them; they bound the board itself at once."""
        table = prepare(attempt.instance, attempt.symmetry, Building(jobs=self.jobs, stopped=self.stop)).table
        if not has_strips(table):
            return []
        upper: dict[int, int] = {}

        def tell(height: int, bound: int) -> None:
            upper[height] = bound
            attempt.bounded(tiled(upper, self.instance.n))
            self.progress.say(f"{attempt.instance}: any {height} rows hold at most {bound}")

        def over() -> bool:
            self._show(attempt)
            return self.stop() or attempt.decided

        return strips(table, parts, _STRIP_SHARE * self._left(), over, tell, self.jobs, self.seed)

    def _smaller(self, symmetry: str) -> None:
        """Prove the optima of smaller boards within a class, from the smallest on, until one takes too long."""
        for k in range(2, self.instance.n):
            lower, upper = self.known.get((k, symmetry), (0, -1))
            small = self.instance.problem.at(k)
            if lower == upper or symmetry not in small.classes:
                continue
            if self.stop():
                return
            began = time.monotonic()
            end = began + min(_SMALLER_SECONDS, _SMALLER_SHARE * self._left())
            stop = Stop(end)
            attempt = self._attempt(small, symmetry, 0, lambda s=stop: s() or self.stop(), self._show)  # type: ignore[misc]
            if not attempt.decided:
                attempt.local(0.1 * (end - began), _WALKS // 10)
            if not attempt.decided:
                attempt.exact(end - time.monotonic(), self._windows(attempt))
            self._keep(attempt)
            self._record(self._proof(attempt, began))
            if not attempt.decided:
                return

    # -- what is known, told and kept ----------------------------------------------------------------------------------

    def _show(self, attempt: Attempt) -> None:
        """Tell where an attempt stands."""
        within = "" if attempt.symmetry == "none" else f" {attempt.symmetry}"
        text = f"{attempt.instance}{within}: best {attempt.lower}, bound {attempt.upper}"
        self.progress.status(text, self.stop.deadline)

    def _report(self, attempt: Attempt, began: float, folder: Path) -> None:
        """Tell where the main attempt stands; keep a new best at once and better bounds now and then."""
        self._show(attempt)
        if attempt.lower > (0 if self._saved is None else self._saved.score):
            self._saved = self._keep(attempt)
            self._saved.save(folder / f"{self._saved.name}.json")
        known = self.known.get((attempt.instance.n, attempt.symmetry))
        due = time.monotonic() - max(self._recorded, began) >= _RECORD_EVERY
        if due and known != (attempt.lower, attempt.upper):
            self._record(self._proof(attempt, began))

    def _keep(self, attempt: Attempt) -> Construction:
        """The best of an attempt as a construction, verified by the problem's definition and archived."""
        construction = certified(attempt.instance, attempt.best, self.seed, attempt.symmetry, attempt.origin)
        self.archive.add([construction])
        return construction

    def _proof(self, attempt: Attempt, began: float) -> Proof:
        status: Status = "bounds"
        if attempt.lower == attempt.upper:
            status = "optimal"
        elif attempt.target and attempt.decided:
            status = "feasible" if attempt.lower >= attempt.target else "infeasible"
        return Proof(
            attempt.instance.name,
            attempt.instance.n,
            attempt.symmetry,
            status,
            attempt.lower,
            attempt.upper,
            attempt.target,
            self.solver if attempt.upper < attempt.instance.upper_bound else "the problem's own bound",
            round(time.monotonic() - began, 3),
            datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def _record(self, proof: Proof) -> None:
        self.archive.add_proof(proof)
        key = (proof.n, proof.symmetry)
        lower, upper = self.known.get(key, (proof.lower, proof.upper))
        self.known[key] = max(lower, proof.lower), min(upper, proof.upper)
        self._recorded = time.monotonic()
