"""Which problem files may be run because a folder names them: those that the user has named, as they were then.

A problem file is a program. A run's folder may come from anywhere, so what it names is not run for that alone: the user
names it too (`--problem FILE`), or has named it on this machine before, and the file has not changed since.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from patternboost.problem import Problem, ProblemError
from patternboost.problem.registry import find_problem, is_path
from patternboost.store.archive import home
from patternboost.store.files import FileError, read_json, write_json


def _list() -> Path:
    return home() / "trusted.json"


def _known() -> dict[str, str]:
    try:
        saved = read_json(_list())
    except FileError:  # there is none yet, or it is damaged: then nothing is trusted
        return {}
    return {str(k): str(v) for k, v in saved.items()} if isinstance(saved, dict) else {}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def note_named(reference: object) -> None:
    """The user named a problem: if it is a file, folders may name it from now on, as it is now."""
    if not isinstance(reference, str) or not is_path(reference):
        return
    path = Path(reference).resolve()
    try:
        digest, known = _digest(path), _known()
        if known.get(str(path)) != digest:
            _list().parent.mkdir(parents=True, exist_ok=True)
            write_json(_list(), known | {str(path): digest})
    except (OSError, FileError):  # no home that can be written: the user names the file again next time
        return


def problem_of_folder(folder: Path, reference: str, named: str | None = None) -> Problem:
    """The problem that a folder's settings name; `named` is the file that the user names for it.

    Raises ProblemError where that would run a file that the user has not named.
    """
    if named is not None:
        note_named(named)
        return find_problem(named)
    if is_path(reference):
        path = Path(reference).resolve()
        if not path.is_file():
            raise ProblemError(f"{folder}: its problem file {reference} is not there; pass --problem FILE.py")
        if _known().get(str(path)) != _digest(path):
            raise ProblemError(
                f"{folder} names the problem file {reference}, which is new here or has changed; problem files are "
                f"programs: pass --problem {reference} if you trust it"
            )
    return find_problem(reference)
