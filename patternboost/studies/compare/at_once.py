"""Runs of a comparison: one after the other in this process, or several at once, each in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from patternboost.search.stop import Stop, ctrl_c
from patternboost.studies.compare.arm_run import run
from patternboost.studies.compare.plan import ComparisonError, Plan, read_plan

#: seconds between two looks at the processes, and until one that was asked to end is ended
_LOOK, _PATIENCE = 0.2, 30.0
#: exit status of a run that was asked to stop and is saved
_STOPPED = 130


@dataclass(frozen=True)
class _Running:
    """A run in a process of its own."""

    arm: str
    seed: int
    process: subprocess.Popen[str]


@dataclass(frozen=True)
class Runs:
    """The runs of a comparison that are left (arm and seed), and who hears of them.

    `begun` is called with the place of a run in `left`, `ended` whenever one has come to its end. `stop` is asked where
    a run was.
    """

    plan: Plan
    folder: Path
    left: Sequence[tuple[str, int]]
    stop: Stop
    begun: Callable[[int], None]
    ended: Callable[[], None]

    def do(self) -> None:
        """Do them, `plan.at_once` at a time, until `stop` is asked. Raises ComparisonError, and what a run raises."""
        if self.plan.at_once > 1:
            self._side_by_side()
        else:
            self._in_turn()

    def _in_turn(self) -> None:
        for index, (arm, seed) in enumerate(self.left):
            self.begun(index)
            if self.stop() or not run(self.plan, self.folder, arm, seed, self.stop):
                self.stop.asked = True
                return
            self.ended()

    def _side_by_side(self) -> None:
        running: list[_Running] = []
        index, asked = 0, False
        try:
            while running or (index < len(self.left) and not self.stop()):
                while index < len(self.left) and len(running) < self.plan.at_once and not self.stop():
                    self.begun(index)
                    running.append(_start(self.folder, *self.left[index]))
                    index += 1
                if self.stop() and not asked:
                    asked = True
                    for one in running:
                        one.process.send_signal(signal.SIGINT)
                time.sleep(_LOOK)
                for one in [one for one in running if one.process.poll() is not None]:
                    running.remove(one)
                    if _came_to_its_end(one, self.stop):
                        self.ended()
        finally:
            _end(running)


def _start(folder: Path, arm: str, seed: int) -> _Running:
    """Begin a run. Ctrl-C in the terminal does not reach it: it is asked to stop once, by this process."""
    command = [sys.executable, "-m", "patternboost.studies.compare.at_once", str(folder), arm, str(seed)]
    nothing = subprocess.DEVNULL
    process = subprocess.Popen(
        command, stdin=nothing, stdout=nothing, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    return _Running(arm, seed, process)


def _came_to_its_end(one: _Running, stop: Stop) -> bool:
    """Whether a run whose process has ended did all it had to; `stop` is asked where it was asked to stop."""
    assert one.process.stderr is not None
    with one.process.stderr as said:
        lines = said.read().strip().splitlines()
    if one.process.returncode == 0:
        return True
    if one.process.returncode == _STOPPED or stop():
        stop.asked = True
        return False
    raise ComparisonError(f"{one.arm}, seed {one.seed}: {lines[-1] if lines else 'it ended without a word'}")


def _end(running: Sequence[_Running]) -> None:
    """Ask processes to end, and end those that do not."""
    for one in running:
        one.process.terminate()
    for one in running:
        try:
            one.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            one.process.kill()
            one.process.wait()
        if one.process.stderr is not None:
            one.process.stderr.close()


def _stop_without_parent(parent: int) -> None:
    """Ask this process to stop once the comparison is gone that began it: nobody would know of it."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> int:
    """One run, FOLDER ARM SEED, of the comparison in a folder; the exit status."""
    folder, arm, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    threading.Thread(target=_stop_without_parent, args=(os.getppid(),), daemon=True).start()
    stop = Stop()
    with ctrl_c(stop):
        try:
            return 0 if run(read_plan(folder), folder, arm, seed, stop) else _STOPPED
        except (ValueError, OSError, MemoryError) as error:
            print(str(error) or type(error).__name__, file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main())
