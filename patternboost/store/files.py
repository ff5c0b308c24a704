"""Reading files that nobody vouches for, and writing so that nothing is lost when the power goes."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

#: largest text file that is read, bytes
MAX_BYTES = 32 << 20


class FileError(ValueError):
    """A file that cannot be read or written; the message is one line that says what is wrong."""


def reason(error: OSError) -> str:
    """The system's words for an error, in one line."""
    return (error.strerror or str(error)).lower()


def read_text(path: Path, limit: int = MAX_BYTES) -> str:
    """The text of a regular file of at most `limit` bytes. Raises FileError."""
    try:
        # Non-blocking, so that a named pipe is refused instead of waited for.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise FileError(f"{path}: not a regular file")
            data = file.read(limit + 1)
    except OSError as error:
        raise FileError(f"{path}: cannot be read: {reason(error)}") from error
    if len(data) > limit:
        raise FileError(f"{path}: larger than {limit >> 20} MiB, refused")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileError(f"{path}: not UTF-8 text") from error


def read_json(path: Path, limit: int = MAX_BYTES) -> Any:
    """The JSON value in a file. Raises FileError, also for nesting and numbers beyond reason."""
    try:
        return json_value(read_text(path, limit), parse_constant=_refuse_constant)
    except FileError:
        raise
    except ValueError as error:
        raise FileError(f"{path}: not valid JSON: {str(error).splitlines()[0]}") from error


def json_value(text: str | bytes, **options: Any) -> Any:
    """The JSON value of a text, `options` as for `json.loads`. Raises ValueError, also for nesting beyond reason."""
    try:
        return json.loads(text, **options)
    except RecursionError as error:
        raise ValueError("nested too deeply for JSON of ours") from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not allowed")


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Write a file under a temporary name beside it, flush it to disk, then rename it into place.

    A link stays: what it leads to is written. A device or a pipe is written to, never replaced.
    """
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        with path.open("wb") as device:
            yield device
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:  # of the file that is meant, not of its temporary name
        raise OSError(error.errno, error.strerror, str(path)) from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries, so that a rename in it survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def write_text(path: Path, text: str) -> None:
    """Atomically write a text file."""
    with atomic_write(path) as file:
        file.write(text.encode("utf-8"))


def append_line(path: Path, line: str) -> None:
    """Append a line, flushed to disk; what a crash left of a line before it ends there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        if file.tell() and os.pread(file.fileno(), 1, file.tell() - 1) != b"\n":
            file.write(b"\n")
        file.write((line + "\n").encode())
        file.flush()
        os.fsync(file.fileno())


def read_lines(path: Path) -> list[str]:
    """The lines of a file of lines; none where there is no file. Raises FileError."""
    return read_text(path, 1 << 30).splitlines() if path.exists() else []


def write_json(path: Path, value: Any) -> None:
    """Atomically write a JSON file."""
    write_text(path, json.dumps(value, indent=1) + "\n")
