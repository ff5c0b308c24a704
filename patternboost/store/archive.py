"""The archive: every construction worth keeping, and every proof, in one SQLite file shared by all of a user's runs.

A construction is kept once up to symmetry: rows are unique on (problem, n, canonical form). Write-ahead logging and one
transaction per call make several searches at once safe, and a killed one harmless.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import astuple
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from patternboost.problem import Instance
from patternboost.problem.symmetry import canonical_key
from patternboost.store.construction import Construction
from patternboost.store.files import FileError
from patternboost.store.proofs import SCHEMA as PROOFS_SCHEMA
from patternboost.store.proofs import Count, Proof

_SCHEMA = """
create table if not exists constructions (
    problem text not null,
    n integer not null,
    canonical blob not null,
    score integer not null,  -- as a merit: negated where small scores are wanted
    points text not null,
    symmetry text not null,
    added text not null,
    found text not null,
    primary key (problem, n, canonical)
) without rowid;
create index if not exists by_score on constructions (problem, n, score desc);
create table if not exists paid (
    problem text not null,
    n integer not null,
    symmetry text not null,
    share real not null,
    primary key (problem, n, symmetry)
) without rowid;
"""

#: seconds a search waits for another one's write to end
_BUSY_SECONDS = 60


def home() -> Path:
    """The user's data folder; the environment variable PATTERNBOOST_HOME overrides the platform's choice."""
    override = os.environ.get("PATTERNBOOST_HOME")
    return Path(override) if override else Path(platformdirs.user_data_dir("patternboost", appauthor=False))


class ArchiveUnavailable(FileError):
    """The archive cannot be used now: no place for it, no permission, a full disk, a lock that others hold."""


class Archive:
    """An open archive. Raises ArchiveUnavailable, or FileError where its file is damaged."""

    def __init__(self, path: Path | None = None, *, instead: bool = False) -> None:
        """The archive at `path`; `instead` opens what can be read of it, or nothing, in its place: it keeps nothing."""
        self.path = path if path is not None else home() / "archive.sqlite"
        #: whether another archive stands in for the one at `path`, for now
        self.stands_in = instead
        self._patience: float = _BUSY_SECONDS
        if instead:
            self._db = self._readable()
            return
        self._db = self._connected()

    def _connected(self) -> sqlite3.Connection:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self.path, timeout=self._patience, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise ArchiveUnavailable(f"archive {self.path} cannot be opened: {error}") from error
        with self._errors():
            with suppress(sqlite3.OperationalError):  # some network file systems know no write-ahead log
                db.execute("pragma journal_mode = wal")
            # In WAL mode NORMAL may lose the last commits in a power cut (never corrupt); FULL loses nothing.
            db.execute("pragma synchronous = full")
            db.executescript(_SCHEMA + PROOFS_SCHEMA)
        return db

    def _readable(self) -> sqlite3.Connection:
        """The file as it lies there, if it can be read; else an empty archive in memory."""
        with suppress(sqlite3.Error, OSError):
            db = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
            for table in ("constructions", "paid", "proofs"):
                db.execute(f"select count(*) from {table}").fetchone()
            return db
        db = sqlite3.connect(":memory:", isolation_level=None)
        db.executescript(_SCHEMA + PROOFS_SCHEMA)
        return db

    def _require_writable(self) -> None:
        """Open the archive itself where another stands in for it. Raises ArchiveUnavailable."""
        if self.stands_in:
            db = self._connected()
            self._db.close()
            self._db, self.stands_in = db, False

    def be_impatient(self) -> None:
        """Wait a second for others' locks from now on, no longer."""
        self._patience = 1.0
        with self._errors():
            self._db.execute("pragma busy_timeout = 1000")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All that is done within, or nothing of it."""
        self._db.execute("begin immediate")
        try:
            yield
            self._db.execute("commit")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise ArchiveUnavailable(f"archive {self.path}: {error}") from error
        except sqlite3.Error as error:
            raise FileError(f"archive {self.path}: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, constructions: Iterable[Construction]) -> int:
        """Verify constructions and keep those that are new up to symmetry, all or none; returns how many were new.

        Raises ValueError for an invalid one.
        """
        found = list(constructions)
        if not found:
            return 0
        self._require_writable()
        rows = [_row(c) for c in found]
        with self._errors():
            before = self._db.total_changes
            with self._transaction():
                self._db.executemany(
                    "insert into constructions values (?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing", rows
                )
            return self._db.total_changes - before

    def best(self, instance: Instance, limit: int = 1) -> list[Construction]:
        """The best constructions of an instance, highest score first, then by canonical form."""
        with self._errors():
            rows = self._db.execute(
                "select points, found from constructions where problem = ? and n = ?"
                " order by score desc, canonical limit ?",
                (instance.name, instance.n, limit),
            ).fetchall()
        return [Construction.of(instance, json.loads(points), json.loads(found)) for points, found in rows]

    def sizes(self, problem: str) -> list[int]:
        """Sizes n that have a construction, ascending."""
        with self._errors():
            rows = self._db.execute("select distinct n from constructions where problem = ? order by n", (problem,))
            return [int(n) for (n,) in rows]

    def summary(self, problem: str | None = None) -> list[dict[str, Any]]:
        """Best merit and count of every (problem, n), sorted, with the best one's symmetry, date and origin."""
        query = (
            "select problem, n, max(score) as merit, count(*) as constructions, symmetry, added, found"
            " from constructions"
            + (" where problem = ?" if problem else "")
            + " group by problem, n order by problem, n"
        )
        with self._errors():
            rows = self._db.execute(query, (problem,) if problem else ()).fetchall()
        names = ("problem", "n", "merit", "constructions", "symmetry", "added")
        return [dict(zip(names, row)) | {"found": json.loads(row[-1])} for row in rows]

    def note_paid(self, instance: Instance, shares: Mapping[str, float]) -> None:
        """Keep which symmetry classes paid in the latest search of an instance, for searches at sizes next to it."""
        rows = [(instance.name, instance.n, symmetry, share) for symmetry, share in shares.items()]
        self._require_writable()
        with self._errors(), self._transaction():
            self._db.execute("delete from paid where problem = ? and n = ?", (instance.name, instance.n))
            self._db.executemany("insert into paid values (?, ?, ?, ?)", rows)

    def paid(self, problem: str) -> dict[int, dict[str, float]]:
        """What `note_paid` kept, by size."""
        found: dict[int, dict[str, float]] = {}
        with self._errors():
            rows = self._db.execute("select n, symmetry, share from paid where problem = ?", (problem,))
            for n, symmetry, share in rows:
                found.setdefault(int(n), {})[str(symmetry)] = float(share)
        return found

    def add_proof(self, proof: Proof) -> None:
        """Keep what an attempt at a proof came to, at once and for good."""
        self._require_writable()
        with self._errors():
            self._db.execute("insert into proofs values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", astuple(proof))

    def proofs(self, problem: str | None = None) -> list[Proof]:
        """All proofs (of one problem), in the order they were added."""
        query = "select * from proofs" + (" where problem = ?" if problem else "") + " order by rowid"
        with self._errors():
            return [Proof(*row) for row in self._db.execute(query, (problem,) if problem else ())]

    def add_count(self, count: Count) -> None:
        """Keep how many optima there are, at once and for good."""
        self._require_writable()
        with self._errors():
            self._db.execute("insert or replace into counts values (?, ?, ?, ?, ?, ?, ?)", astuple(count))

    def counts(self, problem: str | None = None) -> list[Count]:
        """How many optima there are, where they were counted."""
        query = "select * from counts" + (" where problem = ?" if problem else "") + " order by problem, n, symmetry"
        with self._errors():
            if not self._db.execute("select 1 from sqlite_master where name = 'counts'").fetchone():
                return []  # an archive of an earlier version that can only be read
            return [Count(*row) for row in self._db.execute(query, (problem,) if problem else ())]


@cache
def warn(line: str) -> None:
    """Once, on standard error."""
    print(line, file=sys.stderr, flush=True)


def open_archive() -> Archive:
    """The user's archive; where it cannot be used now, what can be read of it, after a warning.

    Raises FileError where its file is damaged.
    """
    try:
        return Archive()
    except ArchiveUnavailable as error:
        warn(f"warning: {error}; going on without it (PATTERNBOOST_HOME names a folder that can be written)")
        return Archive(instead=True)


def _row(construction: Construction) -> tuple[Any, ...]:
    faults = construction.check()
    if faults:
        raise ValueError(f"not archived: {faults[0]}")
    elements = construction.instance.to_elements(construction.points)
    return (
        construction.problem,
        construction.n,
        canonical_key(construction.instance, elements),
        construction.merit,
        json.dumps([list(p) for p in construction.points], separators=(",", ":")),
        construction.symmetry,
        datetime.now(UTC).isoformat(timespec="seconds"),
        json.dumps(_plain(construction.found), sort_keys=True),
    )


def _plain(found: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.item() if isinstance(value, np.generic) else value for key, value in found.items()}
