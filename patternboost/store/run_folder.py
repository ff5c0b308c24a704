"""One run's folder: settings, log, checkpoints, best constructions. Killed at any instant, it can be taken up again.

    settings.toml    log.jsonl    checkpoint/000012/    best/    report.html

A checkpoint is a folder written beside its final name and renamed; the newest whole one counts. The order of writes at
the end of a generation is archive, best, log, checkpoint: whatever a crash leaves half done, the same generation does
again, with the same result.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from filelock import BaseFileLock, FileLock, Timeout

from patternboost.problem import Problem
from patternboost.store import settings as settings_module
from patternboost.store.construction import Construction, load
from patternboost.store.files import (
    FileError,
    append_line,
    json_value,
    read_json,
    read_lines,
    reason,
    sync_folder,
    write_json,
    write_text,
)
from patternboost.store.log_line import is_log_line
from patternboost.store.settings import Settings
from patternboost.store.trust import problem_of_folder

_KEEP = 2
#: one who only looks whether a run is running holds its lock for a moment: wait so many seconds, look so often
_LOCK_SECONDS, _LOCK_POLL = 0.1, 0.02


class RunFolder:
    """A run's folder, open for writing by this process alone."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings
        self._lock: BaseFileLock | None = None

    @classmethod
    def create(cls, folder: str | Path, settings: Settings) -> Self:
        """Make a new run. Raises FileError where the folder cannot be made or already holds a run."""
        folder = Path(folder)
        if (folder / "settings.toml").exists():
            raise FileError(f"{folder} already holds a run: `patternboost resume {folder}` continues it")
        run = cls(folder, settings)
        try:
            (folder / "checkpoint").mkdir(parents=True, exist_ok=True)
            (folder / "best").mkdir(exist_ok=True)
            run._take_lock()
            write_text(folder / "settings.toml", settings_module.to_toml(settings))
        except OSError as error:
            raise FileError(f"run folder {folder} cannot be written: {reason(error)}") from error
        return run

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Open a run to continue it. Raises FileError where there is none, or another process works on it."""
        run = cls.read(folder)
        try:
            run._take_lock()
        except OSError as error:
            raise FileError(f"run folder {folder} cannot be written: {reason(error)}") from error
        return run

    @classmethod
    def read(cls, folder: str | Path) -> Self:
        """Open a run to look at it."""
        folder = Path(folder)
        if not (folder / "settings.toml").is_file():
            raise FileError(f"{folder} is no run: a run's folder holds settings.toml")
        return cls(folder, settings_module.from_toml(folder / "settings.toml"))

    def __repr__(self) -> str:
        return f"<run {self.folder}: {self.settings.problem} n={self.settings.n}>"

    def _take_lock(self) -> None:
        lock = FileLock(self.folder / ".lock", timeout=_LOCK_SECONDS, poll_interval=_LOCK_POLL)
        try:
            lock.acquire()
        except Timeout as error:
            raise FileError(f"{self.folder}: another process works on this run") from error
        self._lock = lock

    def running(self) -> bool:
        """Whether a process works on the run at this moment."""
        path = self.folder / ".lock"
        if not path.exists():  # a folder that was copied
            return False
        try:
            with FileLock(path, timeout=0):
                return False
        except Timeout:
            return True
        except (OSError, NotImplementedError):  # not ours to write, or on a file system without locks
            return False

    def change(self, settings: Settings) -> None:
        """Go on with other settings."""
        self.settings = settings
        write_text(self.folder / "settings.toml", settings_module.to_toml(settings))

    def abandon(self) -> None:
        """Undo `create` where the run never began, so that the folder's name is free again."""
        for name in ("settings.toml", "log.jsonl", ".lock"):
            (self.folder / name).unlink(missing_ok=True)
        for folder in (self.folder / "checkpoint", self.folder / "best", self.folder):
            with contextlib.suppress(OSError):
                folder.rmdir()

    def close(self) -> None:
        """Let others work on the run."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    # -- log ---------------------------------------------------------------------------------------------------------

    def log(self, entry: dict[str, Any]) -> None:
        """Append one line to log.jsonl, flushed to disk."""
        append_line(self.folder / "log.jsonl", json.dumps(entry))

    def read_log(self) -> list[dict[str, Any]]:
        """All whole and sound lines of the log."""
        entries = []
        for line in read_lines(self.folder / "log.jsonl"):
            try:
                entry = json_value(line)
            except ValueError:
                break  # a line cut short by a crash: it and what follows will be written again
            if is_log_line(entry):
                entries.append(entry)
        return entries

    def cut_log(self, generations: int) -> None:
        """Keep the lines of the first `generations` generations: later ones are about to be done again."""
        kept = [e for e in self.read_log() if e.get("generation", 0) < generations]
        write_text(self.folder / "log.jsonl", "".join(json.dumps(e) + "\n" for e in kept))

    # -- checkpoints -------------------------------------------------------------------------------------------------

    def checkpoint(self, generations: int, fill: Callable[[Path], dict[str, Any]]) -> None:
        """Write the checkpoint after `generations` generations: what `fill` puts into the folder, and returns."""
        parent = self.folder / "checkpoint"
        final = parent / f"{generations:06d}"
        temporary = parent / f".writing-{generations:06d}"
        shutil.rmtree(temporary, ignore_errors=True)
        if final.exists():
            return
        temporary.mkdir()
        try:
            write_json(temporary / "state.json", fill(temporary))
            for file in temporary.iterdir():
                with file.open("rb") as handle:
                    os.fsync(handle.fileno())
            sync_folder(temporary)
            temporary.rename(final)
            sync_folder(parent)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        self._prune()

    def newest_checkpoint(self) -> Path | None:
        """The folder of the newest checkpoint, to look at; unlike `latest` this changes nothing."""
        return next(iter(self._checkpoints()[::-1]), None)

    def _prune(self) -> None:
        """Remove all but the newest checkpoints, and what a crash left of such a removal."""
        for old in self._checkpoints()[:-_KEEP]:
            # Renamed first: a crash midway must not leave half a checkpoint under a whole one's name.
            old.rename(old.with_name(f".old-{old.name}"))
        for leftover in (self.folder / "checkpoint").glob(".old-*"):
            shutil.rmtree(leftover, ignore_errors=True)

    def _checkpoints(self) -> list[Path]:
        parent = self.folder / "checkpoint"
        return sorted(p for p in parent.iterdir() if p.name.isdigit()) if parent.is_dir() else []

    def latest(self) -> tuple[Path, dict[str, Any]] | None:
        """The newest checkpoint's folder and state, or None before the first one."""
        self._prune()
        checkpoints = self._checkpoints()
        if not checkpoints:
            return None
        state = read_json(checkpoints[-1] / "state.json")
        if not isinstance(state, dict):
            raise FileError(f"{checkpoints[-1]}: state.json is damaged")
        return checkpoints[-1], state

    # -- best --------------------------------------------------------------------------------------------------------

    def best_path(self, construction: Construction) -> Path:
        """Where a best construction's certificate is kept."""
        return self.folder / "best" / f"{construction.name}.json"

    def best(self, problem: Problem | None = None) -> Construction | None:
        """The best construction saved so far, or None; `problem` is the run's, where it is at hand.

        Raises ProblemError where its problem file would have to be run and was not named before, see `trust`.
        """
        paths = sorted((self.folder / "best").glob("*.json"))
        if not paths:
            return None
        own = problem or problem_of_folder(self.folder, self.settings.problem)
        found = [load(path, own) for path in paths]
        return max(found, key=lambda c: c.merit, default=None)
