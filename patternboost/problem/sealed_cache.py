"""Compiled kernels on disk, sealed: a file that was cut short or garbled counts as not there, and is made anew.

numba unpickles what it finds and runs the machine code in it. Each file of ours therefore ends in the SHA-256 of what
is before it; unpickling stops before the seal, so that numba alone can read these files too. Where nothing can be
written kernels are compiled and not kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from numba import config
from numba.core import caching

_SEAL = hashlib.sha256().digest_size


def is_sound(path: str) -> bool:
    """Whether a file ends in its seal. Raises FileNotFoundError."""
    data = Path(path).read_bytes()
    return hashlib.sha256(data[:-_SEAL]).digest() == data[-_SEAL:]


class SealedCacheFile(caching.IndexDataCacheFile):  # type: ignore[misc]
    """numba's cache file of one function, with seals in our folder; elsewhere numba's own."""

    def __init__(self, cache_path: str, *given: Any, **named: Any) -> None:
        super().__init__(cache_path, *given, **named)  # type: ignore[no-untyped-call]
        self._ours = bool(config.CACHE_DIR) and str(cache_path).startswith(str(config.CACHE_DIR))  # type: ignore[attr-defined]

    def _load_index(self) -> dict[Any, str]:
        try:
            if self._ours and not is_sound(self._index_path):
                return {}
        except OSError:
            return {}
        found: dict[Any, str] = super()._load_index()  # type: ignore[no-untyped-call]
        return found

    def _load_data(self, name: str) -> Any:
        path = self._data_path(name)  # type: ignore[no-untyped-call]
        if self._ours and not is_sound(path):
            raise OSError(f"{path} is damaged")  # `load` takes it for one that is gone
        return super()._load_data(name)  # type: ignore[no-untyped-call]

    def save(self, key: Any, data: Any) -> None:
        """Keep a kernel, if it can be written."""
        try:
            super().save(key, data)  # type: ignore[no-untyped-call]
        except OSError:
            if not self._ours:
                raise

    @contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[Any]:
        if not self._ours:
            with super()._open_for_write(filepath) as file:
                yield file
            return
        content = BytesIO()
        yield content
        data = content.getvalue()
        with super()._open_for_write(filepath) as file:
            file.write(data + hashlib.sha256(data).digest())


def seal() -> None:
    """Have numba use sealed files from now on."""
    caching.IndexDataCacheFile = SealedCacheFile  # type: ignore[misc]
